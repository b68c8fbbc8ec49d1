// RUN: spillway-opt %s --train-apply-plan="policy=keep-all keep-layout=false" | FileCheck %s
// RUN: spillway-opt %s --train-apply-plan="policy=keep-all" | FileCheck %s --check-prefix=LAYOUT
// RUN: not spillway-opt %s --train-apply-plan="device-budget-bytes=512" 2>&1 | FileCheck %s --check-prefix=BUDGET
// RUN: not spillway-opt %s --train-apply-plan="plan-file=%t.none" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not spillway-opt %s --train-apply-plan="plan-file=%S/Inputs/other-problem.json" 2>&1 | FileCheck %s --check-prefix=OTHER

// BUDGET: error: there is no plan:
// NONE: error: cannot read the plan '{{.*}}.none': No such file or directory
// OTHER: error: {{.*}}.json: problem: expected {{.*}} (the plan is for another problem)

// CHECK-LABEL: offload.step @sgd_plan of @sgd (
// CHECK-SAME: %x: !offload.stash<tensor<4x8xf32>, host> feed "x"
// CHECK-NEXT: %w: tensor<8x8xf32> hold "w"
// CHECK-NEXT: %lr: !offload.stash<tensor<f32>, host> feed "lr")
// LAYOUT-LABEL: offload.step @sgd_plan
// LAYOUT: attributes {offload.addresses = array<i64: 0, 0, 256>}
train.step @sgd(input %x "x" : tensor<4x8xf32>, param %w "w" : tensor<8x8xf32>, hyper %lr "lr" : tensor<f32>)
    attributes {frozen} {
  // CHECK-DAG: offload.load.start %x
  // CHECK: %[[Y:.*]] = train.matmul %{{.*}}, %w {id = 0 : i64}
  // LAYOUT: train.matmul {{.*}} {id = 0 : i64, offload.addresses = array<i64: {{[0-9]+}}>, offload.time = array<i64: {{.*}}>}
  %y = train.matmul %x, %w {id = 0 : i64} : tensor<4x8xf32>, tensor<8x8xf32> to tensor<4x8xf32>
  // CHECK: %[[L:.*]] = train.reduce mean %[[Y]] [0, 1] {id = 1 : i64}
  // CHECK-NEXT: %[[S:.*]] = offload.store.start %[[L]] : tensor<1x1xf32> to <!offload.stash<tensor<1x1xf32>, host>>
  // CHECK: offload.free %[[Y]]
  %l = train.reduce mean %y [0, 1] {id = 1 : i64} : tensor<4x8xf32> to tensor<1x1xf32>
  %loss = train.reshape %l : tensor<1x1xf32> to tensor<f32>
  %g = train.fill 0.03125 {id = 2 : i64} : tensor<4x8xf32>
  // CHECK: train.matmul {{.*}} {id = 3 : i64, transpose_a = true}
  %dw = train.matmul %x, %g {id = 3 : i64, transpose_a = true} : tensor<4x8xf32>, tensor<4x8xf32> to tensor<8x8xf32>
  // CHECK: %[[W1:.*]] = train.sgd {{.*}} {id = 4 : i64, {{.*}}offload.in_place = array<i64: 1, 0>
  %w1 = train.sgd lr %lr on %w, %dw {id = 4 : i64, momentum = 0.0 : f64, weight_decay = 0.0 : f64}
      : tensor<f32>, tensor<8x8xf32>, tensor<8x8xf32> to tensor<8x8xf32>
  // CHECK: %[[OUT:.*]] = offload.await %[[S]]
  // CHECK-NEXT: offload.return outputs(%[[OUT]] : !offload.stash<tensor<1x1xf32>, host>) carry(%[[W1]] : tensor<8x8xf32>)
  train.return loss %loss : tensor<f32> update (%w : tensor<8x8xf32>) to (%w1 : tensor<8x8xf32>)
}
