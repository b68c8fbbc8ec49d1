// An operator that runs again while its first result is there makes it anew in the same place.

// RUN: spillwayc %s --target=cpu-emulated --policy=keep-all --emit=plan -o %t.json
// RUN: sed 's|^\["run",1,|["run",0,"compute",[]],\n&|' %t.json > %t.again.json
// RUN: spillway-opt %s --train-apply-plan="plan-file=%t.again.json" | FileCheck %s

// CHECK: %[[Y:.*]] = train.matmul {{.*}} {id = 0 : i64, offload.addresses = array<i64: [[AT:[0-9]+]]>
// CHECK: offload.free %[[Y]]
// CHECK-NEXT: %[[AGAIN:.*]] = train.matmul {{.*}} {offload.addresses = array<i64: [[AT]]>, {{.*}}recompute_of = 0
// CHECK-NEXT: train.reduce mean %[[AGAIN]]
train.step @sgd(input %x "x" : tensor<4x8xf32>, param %w "w" : tensor<8x8xf32>, hyper %lr "lr" : tensor<f32>)
    attributes {frozen} {
  %y = train.matmul %x, %w {id = 0 : i64} : tensor<4x8xf32>, tensor<8x8xf32> to tensor<4x8xf32>
  %l = train.reduce mean %y [0, 1] {id = 1 : i64} : tensor<4x8xf32> to tensor<1x1xf32>
  %loss = train.reshape %l : tensor<1x1xf32> to tensor<f32>
  %g = train.fill 0.03125 {id = 2 : i64} : tensor<4x8xf32>
  %dw = train.matmul %x, %g {id = 3 : i64, transpose_a = true} : tensor<4x8xf32>, tensor<4x8xf32> to tensor<8x8xf32>
  %w1 = train.sgd lr %lr on %w, %dw {id = 4 : i64, momentum = 0.0 : f64, weight_decay = 0.0 : f64}
      : tensor<f32>, tensor<8x8xf32>, tensor<8x8xf32> to tensor<8x8xf32>
  train.return loss %loss : tensor<f32> update (%w : tensor<8x8xf32>) to (%w1 : tensor<8x8xf32>)
}
