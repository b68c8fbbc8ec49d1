// RUN: spillway-opt %s --convert-offload-to-sched | FileCheck %s

train.step @s(input %x "x" : tensor<64xf32>, param %w "w" : tensor<64xf32>) attributes {frozen} {
  %a = train.binary add %x, %w {id = 0 : i64} : tensor<64xf32>, tensor<64xf32>
  %b = train.unary exp %a {id = 1 : i64} : tensor<64xf32>
  train.return outputs ["b"] (%b : tensor<64xf32>)
}

// CHECK-LABEL: sched.program @plan_program of @s
// CHECK-NEXT: tiers [#sched.tier<"device" capacity 4096 arena 768>, #sched.tier<"host" capacity 4096 arena 768>]
// CHECK: streams [#sched.stream<"compute">, #sched.stream<"host">, #sched.stream<"h2d" over "h2d">, #sched.stream<"d2h" over "d2h">]
// CHECK: prologue {
// CHECK-NEXT: sched.bind "w"[0] bytes(256) at device[0]
// CHECK-DAG: sched.buffer "w" parameter at device[0] bytes(256) from 0 to 6
// CHECK-DAG: sched.buffer "x" input at host[0] bytes(256) from 0 to 1
// CHECK-DAG: sched.buffer "binary.0" activation at device[512] bytes(256) from 2 to 3
// CHECK: } body {
offload.step @plan of @s (%x: !offload.stash<tensor<64xf32>, host> feed "x", %w: tensor<64xf32> hold "w")
    tiers [#sched.tier<"device" capacity 4096>, #sched.tier<"host" capacity 4096>]
    links [#sched.link<"h2d" from "host" to "device" rate 1.0e+9 latency 0>,
           #sched.link<"d2h" from "device" to "host" rate 1.0e+9 latency 0>]
    attributes {offload.addresses = array<i64: 0, 0>} {
  // CHECK-NEXT: sched.feed "x" -> host[0] on "host"
  // CHECK-NEXT: sched.copy host[0] -> device[256] bytes(256) on "h2d" {duration_ns = 7 : i64, start_ns = 3 : i64}
  %t = offload.load.start %x {offload.addresses = array<i64: 256>, offload.time = array<i64: 3, 7>} : <tensor<64xf32>, host> to <tensor<64xf32>>
  %v = offload.await %t : <tensor<64xf32>>
  // CHECK-NEXT: sched.launch @binary 0 (device[256], device[0]) -> (device[512]) on "compute"
  %a = train.binary add %v, %w {id = 0 : i64, offload.addresses = array<i64: 512>} : tensor<64xf32>, tensor<64xf32>
  // Half of it moves.
  // CHECK-NEXT: sched.copy device[640] -> host[640] bytes(128) on "d2h"
  %h = train.slice %a [32] : tensor<64xf32> to tensor<32xf32>
  %p = offload.store.start %h at 128 {offload.addresses = array<i64: 512>} : tensor<32xf32> to <!offload.stash<tensor<64xf32>, host>>
  %s = offload.await %p : <!offload.stash<tensor<64xf32>, host>>
  // CHECK-NEXT: sched.launch @binary 0 recompute (device[256], device[0]) -> (device[256]) on "compute"
  %a1 = train.binary add %v, %w {recompute_of = 0 : i64, offload.in_place = array<i64: 0, 0>} : tensor<64xf32>, tensor<64xf32>
  offload.free %s : !offload.stash<tensor<64xf32>, host>
  // CHECK: sched.launch @unary 1
  %b = train.unary exp %a1 {id = 1 : i64, offload.in_place = array<i64: 0, 0>} : tensor<64xf32>
  // CHECK-NEXT: sched.fetch "b" from device[256] on "host"
  offload.return outputs (%b : tensor<64xf32>) carry (%w : tensor<64xf32>)
}
