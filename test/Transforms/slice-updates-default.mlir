// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-slice-updates))' | FileCheck %s

// By default the size of a slice follows from what the step updates, each step for itself:
// 4 GiB are cut into 512 slices of 8 MiB, 16 MiB into the smallest, of 4 MiB.

// CHECK-LABEL: train.step @large
// CHECK: train.slice %w [0, 0] : tensor<16384x65536xf32> to tensor<32x65536xf32>
train.step @large(param %w "w" : tensor<16384x65536xf32>, input %g "g" : tensor<16384x65536xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<16384x65536xf32>, tensor<16384x65536xf32> to tensor<16384x65536xf32>
  train.return update (%w : tensor<16384x65536xf32>) to (%w1 : tensor<16384x65536xf32>)
}

// CHECK-LABEL: train.step @small
// CHECK: train.slice %w [0, 0] : tensor<4096x1024xf32> to tensor<1024x1024xf32>
train.step @small(param %w "w" : tensor<4096x1024xf32>, input %g "g" : tensor<4096x1024xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4096x1024xf32>, tensor<4096x1024xf32> to tensor<4096x1024xf32>
  train.return update (%w : tensor<4096x1024xf32>) to (%w1 : tensor<4096x1024xf32>)
}
