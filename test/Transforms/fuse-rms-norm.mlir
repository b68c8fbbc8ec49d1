// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-fuse-rms-norm))' | FileCheck %s

// CHECK-LABEL: @rsqrt
// CHECK: %[[Y:.*]], %{{.*}} = train.rms_norm %x, %gamma eps {{1.0+e-06|9.9999.*E-7}}
// CHECK-NEXT: train.return outputs ["y"](%[[Y]]
train.step @rsqrt(input %x "x" : tensor<2x8x4xf32>, param %gamma "gamma" : tensor<4xf32>) {
  %s = train.unary square %x : tensor<2x8x4xf32>
  %v = train.reduce mean %s [2] : tensor<2x8x4xf32> to tensor<2x8x1xf32>
  %e = train.unary add_scalar %v {a = 1.0e-6 : f64} : tensor<2x8x1xf32>
  %r = train.unary rsqrt %e : tensor<2x8x1xf32>
  %n = train.binary mul %x, %r : tensor<2x8x4xf32>, tensor<2x8x1xf32>
  %y = train.binary mul %gamma, %n : tensor<4xf32>, tensor<2x8x4xf32>
  train.return outputs ["y"] (%y : tensor<2x8x4xf32>)
}

// -----

// A scale that is computed (1 + w), a division by the root.
// CHECK-LABEL: @division
// CHECK: %[[G:.*]] = train.unary add_scalar %w
// CHECK: train.rms_norm %x, %[[G]]
train.step @division(input %x "x" : tensor<8x4xf32>, param %w "w" : tensor<4xf32>) {
  %s = train.binary mul %x, %x : tensor<8x4xf32>, tensor<8x4xf32>
  %v = train.reduce mean %s [1] : tensor<8x4xf32> to tensor<8x1xf32>
  %e = train.unary add_scalar %v {a = 1.0e-6 : f64} : tensor<8x1xf32>
  %r = train.unary sqrt %e : tensor<8x1xf32>
  %n = train.binary div %x, %r : tensor<8x4xf32>, tensor<8x1xf32>
  %g = train.unary add_scalar %w {a = 1.0 : f64} : tensor<4xf32>
  %y = train.binary mul %n, %g : tensor<8x4xf32>, tensor<4xf32>
  train.return outputs ["y"] (%y : tensor<8x4xf32>)
}

// -----

// Near miss: a sum, not a mean.
// CHECK-LABEL: @sum
// CHECK-NOT: train.rms_norm
train.step @sum(input %x "x" : tensor<8x4xf32>, param %gamma "gamma" : tensor<4xf32>) {
  %s = train.unary square %x : tensor<8x4xf32>
  %v = train.reduce sum %s [1] : tensor<8x4xf32> to tensor<8x1xf32>
  %e = train.unary add_scalar %v {a = 1.0e-6 : f64} : tensor<8x1xf32>
  %r = train.unary rsqrt %e : tensor<8x1xf32>
  %n = train.binary mul %x, %r : tensor<8x4xf32>, tensor<8x1xf32>
  %y = train.binary mul %gamma, %n : tensor<4xf32>, tensor<8x4xf32>
  train.return outputs ["y"] (%y : tensor<8x4xf32>)
}

// -----

// Near miss: a scale a row, not a column.
// CHECK-LABEL: @row_scale
// CHECK-NOT: train.rms_norm
train.step @row_scale(input %x "x" : tensor<4x4xf32>, param %gamma "gamma" : tensor<4x1xf32>) {
  %s = train.unary square %x : tensor<4x4xf32>
  %v = train.reduce mean %s [1] : tensor<4x4xf32> to tensor<4x1xf32>
  %e = train.unary add_scalar %v {a = 1.0e-6 : f64} : tensor<4x1xf32>
  %r = train.unary rsqrt %e : tensor<4x1xf32>
  %n = train.binary mul %x, %r : tensor<4x4xf32>, tensor<4x1xf32>
  %y = train.binary mul %n, %gamma : tensor<4x4xf32>, tensor<4x1xf32>
  train.return outputs ["y"] (%y : tensor<4x4xf32>)
}
