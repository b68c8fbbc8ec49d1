// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-fuse-layer-norm))' | FileCheck %s

// The spelling of torch's exporter: pow, sqrt, div.
// CHECK-LABEL: @decomposed
// CHECK: %[[Y:.*]], %{{.*}}, %{{.*}} = train.layer_norm %x, %gamma, %beta eps 1.000000e-05
// CHECK-NEXT: train.return outputs ["y"](%[[Y]]
train.step @decomposed(input %x "x" : tensor<2x8x4xf32>, param %gamma "gamma" : tensor<4xf32>, param %beta "beta" : tensor<4xf32>) {
  %m = train.reduce mean %x [2] : tensor<2x8x4xf32> to tensor<2x8x1xf32>
  %d = train.binary sub %x, %m : tensor<2x8x4xf32>, tensor<2x8x1xf32>
  %s = train.unary square %d : tensor<2x8x4xf32>
  %v = train.reduce mean %s [2] : tensor<2x8x4xf32> to tensor<2x8x1xf32>
  %e = train.unary add_scalar %v {a = 1.0e-5 : f64} : tensor<2x8x1xf32>
  %r = train.unary sqrt %e : tensor<2x8x1xf32>
  %n = train.binary div %d, %r : tensor<2x8x4xf32>, tensor<2x8x1xf32>
  %g = train.binary mul %n, %gamma : tensor<2x8x4xf32>, tensor<4xf32>
  %y = train.binary add %g, %beta : tensor<2x8x4xf32>, tensor<4xf32>
  train.return outputs ["y"] (%y : tensor<2x8x4xf32>)
}

// -----

// Factors and terms swapped, a reciprocal root, the deviation computed twice,
// the square as a product, gamma with leading dimensions of 1.
// CHECK-LABEL: @swapped
// CHECK: %[[G:.*]] = train.reshape %gamma : tensor<1x1x4xf32> to tensor<4xf32>
// CHECK: train.layer_norm %x, %[[G]], %beta
// CHECK-NOT: train.binary
train.step @swapped(input %x "x" : tensor<2x8x4xf32>, param %gamma "gamma" : tensor<1x1x4xf32>, param %beta "beta" : tensor<4xf32>) {
  %m = train.reduce mean %x [2] : tensor<2x8x4xf32> to tensor<2x8x1xf32>
  %d = train.binary sub %x, %m : tensor<2x8x4xf32>, tensor<2x8x1xf32>
  %d2 = train.binary sub %x, %m : tensor<2x8x4xf32>, tensor<2x8x1xf32>
  %s = train.binary mul %d, %d : tensor<2x8x4xf32>, tensor<2x8x4xf32>
  %v = train.reduce mean %s [2] : tensor<2x8x4xf32> to tensor<2x8x1xf32>
  %e = train.unary add_scalar %v {a = 1.0e-5 : f64} : tensor<2x8x1xf32>
  %q = train.unary sqrt %e : tensor<2x8x1xf32>
  %r = train.unary reciprocal %q : tensor<2x8x1xf32>
  %n = train.binary mul %r, %d2 : tensor<2x8x1xf32>, tensor<2x8x4xf32>
  %g = train.binary mul %gamma, %n : tensor<1x1x4xf32>, tensor<2x8x4xf32>
  %y = train.binary add %beta, %g : tensor<4xf32>, tensor<2x8x4xf32>
  train.return outputs ["y"] (%y : tensor<2x8x4xf32>)
}

// -----

// Near miss: the mean of another tensor.
// CHECK-LABEL: @other_mean
// CHECK-NOT: train.layer_norm
train.step @other_mean(input %x "x" : tensor<8x4xf32>, input %z "z" : tensor<8x4xf32>, param %gamma "gamma" : tensor<4xf32>, param %beta "beta" : tensor<4xf32>) {
  %m = train.reduce mean %z [1] : tensor<8x4xf32> to tensor<8x1xf32>
  %d = train.binary sub %x, %m : tensor<8x4xf32>, tensor<8x1xf32>
  %s = train.unary square %d : tensor<8x4xf32>
  %v = train.reduce mean %s [1] : tensor<8x4xf32> to tensor<8x1xf32>
  %e = train.unary add_scalar %v {a = 1.0e-5 : f64} : tensor<8x1xf32>
  %r = train.unary sqrt %e : tensor<8x1xf32>
  %n = train.binary div %d, %r : tensor<8x4xf32>, tensor<8x1xf32>
  %g = train.binary mul %n, %gamma : tensor<8x4xf32>, tensor<4xf32>
  %y = train.binary add %g, %beta : tensor<8x4xf32>, tensor<4xf32>
  train.return outputs ["y"] (%y : tensor<8x4xf32>)
}

// -----

// Near miss: normalized over the first dimension.
// CHECK-LABEL: @first_dimension
// CHECK-NOT: train.layer_norm
train.step @first_dimension(input %x "x" : tensor<4x4xf32>, param %gamma "gamma" : tensor<4xf32>, param %beta "beta" : tensor<4xf32>) {
  %m = train.reduce mean %x [0] : tensor<4x4xf32> to tensor<1x4xf32>
  %d = train.binary sub %x, %m : tensor<4x4xf32>, tensor<1x4xf32>
  %s = train.unary square %d : tensor<4x4xf32>
  %v = train.reduce mean %s [0] : tensor<4x4xf32> to tensor<1x4xf32>
  %e = train.unary add_scalar %v {a = 1.0e-5 : f64} : tensor<1x4xf32>
  %r = train.unary sqrt %e : tensor<1x4xf32>
  %n = train.binary div %d, %r : tensor<4x4xf32>, tensor<1x4xf32>
  %g = train.binary mul %n, %gamma : tensor<4x4xf32>, tensor<4xf32>
  %y = train.binary add %g, %beta : tensor<4x4xf32>, tensor<4xf32>
  train.return outputs ["y"] (%y : tensor<4x4xf32>)
}
