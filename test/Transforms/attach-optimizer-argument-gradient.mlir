// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=sgd}))' | FileCheck %s

// The gradient of each parameter is the other: neither may be replaced before it is read,
// so both are copied first.

// CHECK-LABEL: train.step @product
// CHECK: %[[V:.*]] = train.reshape %v : tensor<4xf32> to tensor<2x2xf32>
// CHECK: %[[C0:.*]] = train.copy %[[V]] : tensor<2x2xf32>
// CHECK: %[[C1:.*]] = train.copy %{{.*}} : tensor<4xf32>
// CHECK: train.sgd lr %lr on %w, %[[C0]]
// CHECK: train.sgd lr %lr on %v, %[[C1]]
train.step @product(param %w "w" : tensor<2x2xf32>, param %v "v" : tensor<4xf32>) {
  %0 = train.reshape %v : tensor<4xf32> to tensor<2x2xf32>
  %1 = train.reshape %w : tensor<2x2xf32> to tensor<4xf32>
  train.return outputs ["grad:w", "grad:v"] (%0, %1 : tensor<2x2xf32>, tensor<4xf32>)
}
