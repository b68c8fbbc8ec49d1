// RUN: spillway-opt %s --offload-assign-offsets | FileCheck %s

train.step @relu(input %x "x" : tensor<64xf32>, param %w "w" : tensor<64xf32>) attributes {frozen} {
  %a = train.unary relu %x {id = 0 : i64} : tensor<64xf32>
  %b = train.unary exp %a {id = 1 : i64} : tensor<64xf32>
  %c = train.unary exp %b {id = 2 : i64} : tensor<64xf32>
  train.return outputs ["c"] (%c : tensor<64xf32>)
}

// A freed buffer's bytes are used again; addresses that are there stay; what
// takes over a buffer begins none; the parameter is in the same place when it
// comes back.
// CHECK-LABEL: offload.step @plan of @relu
// CHECK: attributes {offload.addresses = array<i64: 0, 512, 256>}
offload.step @plan of @relu (%x: !offload.stash<tensor<64xf32>, host> feed "x",
                             %w: tensor<64xf32> hold "w",
                             %h: !offload.stash<tensor<64xf32>, host> hold "w")
    tiers [#sched.tier<"device" capacity 768>, #sched.tier<"host" capacity 512>]
    links [#sched.link<"h2d" from "host" to "device" rate 1.0e+9 latency 0>]
    attributes {offload.addresses = array<i64: -1, 512, -1>} {
  offload.free %w : tensor<64xf32>
  // CHECK: offload.load.start %x {offload.addresses = array<i64: [[X:[0-9]+]]>}
  %t = offload.load.start %x : <tensor<64xf32>, host> to <tensor<64xf32>>
  %v = offload.await %t : <tensor<64xf32>>
  // CHECK: train.unary relu {{.*}}id = 0 : i64, offload.addresses = array<i64: [[A:[0-9]+]]>
  %a = train.unary relu %v {id = 0 : i64} : tensor<64xf32>
  offload.free %v : tensor<64xf32>
  // CHECK: train.unary exp {{.*}} {id = 1 : i64, offload.in_place = array<i64: 0, 0>}
  %b = train.unary exp %a {id = 1 : i64, offload.in_place = array<i64: 0, 0>} : tensor<64xf32>
  // CHECK: train.unary exp {{.*}} {id = 2 : i64, offload.addresses = array<i64: [[X]]>}
  %c = train.unary exp %b {id = 2 : i64} : tensor<64xf32>
  // CHECK: offload.load.start %w_0 {offload.addresses = array<i64: 512>}
  %u = offload.load.start %h : <tensor<64xf32>, host> to <tensor<64xf32>>
  %w1 = offload.await %u : <tensor<64xf32>>
  offload.return outputs (%c : tensor<64xf32>)
      carry (%w1, %h : tensor<64xf32>, !offload.stash<tensor<64xf32>, host>)
}
