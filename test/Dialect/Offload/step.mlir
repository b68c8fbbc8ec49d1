// RUN: spillway-opt %s | spillway-opt | FileCheck %s
// RUN: spillway-opt %s --mlir-print-op-generic | spillway-opt | FileCheck %s

train.step @sgd(input %x "x" : tensor<4x8xf32>, param %w "w" : tensor<8x8xf32>,
                state %b "b" : tensor<8x8xf32>) {
  train.return
}

// CHECK-LABEL: offload.step @plan of @sgd (
// CHECK-SAME: %x: !offload.stash<tensor<4x8xf32>, host> feed "x"
// CHECK-NEXT: %w: tensor<8x8xf32> hold "w",
// CHECK-NEXT: %b: !offload.stash<tensor<8x8xf32>, host> hold "b",
// CHECK-NEXT: %b_0: tensor<4x8xf32> hold "b"[128])
// CHECK-NEXT: tiers [#sched.tier<"device" capacity 8192>, #sched.tier<"host" capacity 8192>]
// CHECK-NEXT: links []
offload.step @plan of @sgd (%x: !offload.stash<tensor<4x8xf32>, host> feed "x",
                            %w: tensor<8x8xf32> hold "w",
                            %b: !offload.stash<tensor<8x8xf32>, host> hold "b",
                            %b1: tensor<4x8xf32> hold "b"[128])
    tiers [#sched.tier<"device" capacity 8192>, #sched.tier<"host" capacity 8192>]
    links [] {
  // CHECK-NEXT: %[[T:.*]] = offload.load.start %b at 128 : <tensor<8x8xf32>, host> to <tensor<4x8xf32>>
  %t = offload.load.start %b at 128 : !offload.stash<tensor<8x8xf32>, host> to !offload.transfer<tensor<4x8xf32>>
  // CHECK-NEXT: offload.await %[[T]] : <tensor<4x8xf32>>
  %p = offload.await %t : !offload.transfer<tensor<4x8xf32>>
  // CHECK: offload.store.start %w : tensor<8x8xf32> to <!offload.stash<tensor<8x8xf32>, host>>
  %u = offload.store.start %w : tensor<8x8xf32> to !offload.transfer<!offload.stash<tensor<8x8xf32>, host>>
  %s = offload.await %u : !offload.transfer<!offload.stash<tensor<8x8xf32>, host>>
  // CHECK: offload.store.start %{{.*}} into %b at 128 : tensor<4x8xf32>, !offload.stash<tensor<8x8xf32>, host> to
  %v = offload.store.start %p into %b at 128 : tensor<4x8xf32>, !offload.stash<tensor<8x8xf32>, host> to !offload.transfer<!offload.stash<tensor<8x8xf32>, host>>
  %c = offload.await %v : !offload.transfer<!offload.stash<tensor<8x8xf32>, host>>
  // CHECK: train.unary {{.*}} {offload.in_place = array<i64: 0, 0>, recompute_of = 3 : i64}
  %r = train.unary relu %p {recompute_of = 3 : i64, offload.in_place = array<i64: 0, 0>} : tensor<4x8xf32>
  // CHECK: offload.free %{{.*}} : !offload.stash<tensor<8x8xf32>, host>
  offload.free %s : !offload.stash<tensor<8x8xf32>, host>
  // CHECK: offload.return outputs(%w : tensor<8x8xf32>) carry(%w, %{{.*}}, %b_0 : tensor<8x8xf32>, !offload.stash<tensor<8x8xf32>, host>, tensor<4x8xf32>)
  offload.return outputs (%w : tensor<8x8xf32>) carry (%w, %c, %b1 : tensor<8x8xf32>, !offload.stash<tensor<8x8xf32>, host>, tensor<4x8xf32>)
}
