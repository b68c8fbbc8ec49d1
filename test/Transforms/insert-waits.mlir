// RUN: spillway-opt %s --sched-insert-waits | FileCheck %s

train.step @s(input %x "x" : tensor<64xf32>) attributes {frozen} {
  %a = train.unary relu %x {id = 0 : i64} : tensor<64xf32>
  %b = train.unary exp %a {id = 1 : i64} : tensor<64xf32>
  train.return outputs ["b"] (%b : tensor<64xf32>)
}

// CHECK-LABEL: sched.program @plan
sched.program @plan of @s
    tiers [#sched.tier<"device" capacity 4096 arena 768>, #sched.tier<"host" capacity 4096 arena 512>]
    links [#sched.link<"h2d" from "host" to "device" rate 1.0e+9 latency 0>,
           #sched.link<"d2h" from "device" to "host" rate 1.0e+9 latency 0>]
    streams [#sched.stream<"compute">, #sched.stream<"host">, #sched.stream<"h2d" over "h2d">,
             #sched.stream<"d2h" over "d2h">]
prologue {} body {
  // The next sample may come once the copy of the last has left; the fetch of the
  // step before, on the same stream, is behind that: no wait.
  // CHECK: sched.feed "x" -> host[0] on "host" signal 0
  sched.feed "x" -> host[0] on "host"
  // Not before the last step has read x, which the feed is behind, too.
  // CHECK-NEXT: sched.copy host[0] -> device[0] bytes(256) on "h2d" wait [0] signal 1
  sched.copy host[0] -> device[0] bytes(256) on "h2d"
  // CHECK-NEXT: sched.launch @unary 0 (device[0]) -> (device[256]) on "compute" wait [1]{{$}}
  sched.launch @unary 0 (device[0]) -> (device[256]) on "compute"
  // Waits that are there are replaced: the stream orders it behind the launch.
  // CHECK-NEXT: sched.launch @unary 1 (device[256]) -> (device[512]) on "compute" signal 3
  sched.launch @unary 1 (device[256]) -> (device[512]) on "compute" wait [7]
  // CHECK-NEXT: sched.copy device[512] -> host[256] bytes(256) on "d2h" wait [3] signal 4
  sched.copy device[512] -> host[256] bytes(256) on "d2h" signal 7
  // CHECK-NEXT: sched.fetch "b" from host[256] on "host" wait [4]{{$}}
  sched.fetch "b" from host[256] on "host"
}

// Without the host in between, the copy of the next step has to wait for the
// launch of this one: a wait for what stands later in the body.
// CHECK-LABEL: sched.program @across
sched.program @across of @s
    tiers [#sched.tier<"device" capacity 4096 arena 768>, #sched.tier<"host" capacity 4096 arena 512>]
    links [#sched.link<"h2d" from "host" to "device" rate 1.0e+9 latency 0>]
    streams [#sched.stream<"compute">, #sched.stream<"h2d" over "h2d">]
prologue {} body {
  // CHECK: sched.copy host[0] -> device[0] bytes(128) on "h2d" wait [2]{{$}}
  sched.copy host[0] -> device[0] bytes(128) on "h2d"
  // The stream has waited already.
  // CHECK-NEXT: sched.copy host[128] -> device[128] bytes(128) on "h2d" signal 1
  sched.copy host[128] -> device[128] bytes(128) on "h2d"
  // The second copy is behind the first.
  // CHECK-NEXT: sched.launch @unary 0 (device[0]) -> (device[256]) on "compute" wait [1] signal 2
  sched.launch @unary 0 (device[0]) -> (device[256]) on "compute"
}
