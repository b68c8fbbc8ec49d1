// RUN: spillway-opt --allow-unregistered-dialect %s | spillway-opt --allow-unregistered-dialect | FileCheck %s
// RUN: spillway-opt --allow-unregistered-dialect %s --mlir-print-op-generic | spillway-opt --allow-unregistered-dialect | FileCheck %s

train.step @mlp(input %x "x" : tensor<4x8xf32>) {
  train.return
}

// CHECK-LABEL: sched.program @mlp_plan of @mlp
// CHECK-NEXT: tiers [#sched.tier<"device" capacity 8192 arena 4096>, #sched.tier<"host" capacity 8192>]
// CHECK-NEXT: links [#sched.link<"h2d" from "host" to "device" rate 1.000000e+10 latency 1000>, #sched.link<"d2h" from "device" to "host" rate 1.000000e+10 latency 1000 group 1>]
// CHECK-NEXT: streams [#sched.stream<"compute">, #sched.stream<"host">, #sched.stream<"h2d" over "h2d">, #sched.stream<"d2h" over "d2h">]
sched.program @mlp_plan of @mlp
    tiers [#sched.tier<"device" capacity 8192 arena 4096>, #sched.tier<"host" capacity 8192 arena 0>]
    links [#sched.link<"h2d" from "host" to "device" rate 1.0e+10 latency 1000>,
           #sched.link<"d2h" from "device" to "host" rate 1.0e+10 latency 1000 group 1>]
    streams [#sched.stream<"compute">, #sched.stream<"host">, #sched.stream<"h2d" over "h2d">,
             #sched.stream<"d2h" over "d2h">]
// CHECK-NEXT: prologue {
prologue {
  // CHECK: sched.bind "w"[128] bytes(1024) at device[0]
  sched.bind "w" [128] bytes(1024) at device[0]
  // CHECK: sched.buffer "w" parameter at device[0] bytes(1024) from 0 to 3
  sched.buffer "w" parameter at device[0] bytes(1024) from 0 to 3
// CHECK: } body {
} body {
  // CHECK: sched.launch @matmul 12 (device[0], device[1024]) -> (device[2048]) workspace device[3072] on "compute" wait [3] signal 4
  sched.launch @matmul 12 (device[0], device[1024]) -> (device[2048]) workspace device[3072] on "compute" wait [3] signal 4
  // CHECK: sched.launch @unary 13 recompute (device[0]) -> (device[0]) on "compute" {duration_ns = 7 : i64, start_ns = 5 : i64}
  sched.launch @unary 13 recompute (device[0]) -> (device[0]) on "compute" {start_ns = 5 : i64, duration_ns = 7 : i64}
  // CHECK: sched.launch @fill 14 () -> (device[0]) on "compute" signal 3
  sched.launch @fill 14 () -> (device[0]) on "compute" signal 3
}

// CHECK: #sched.address<device[4096]>
"test.attributes"() {address = #sched.address<device[4096]>} : () -> ()
