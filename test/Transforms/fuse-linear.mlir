// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-fuse-linear))' | FileCheck %s

// CHECK-LABEL: @through_reshape
// CHECK: %[[P:.*]] = train.matmul %x, %w bias %b {transpose_b = true}
// CHECK-NEXT: %[[Y:.*]] = train.reshape %[[P]] : tensor<16x8xf32> to tensor<2x8x8xf32>
// CHECK-NEXT: train.return outputs ["y"](%[[Y]]
train.step @through_reshape(input %x "x" : tensor<16x4xf32>, param %w "w" : tensor<8x4xf32>, param %b "b" : tensor<8xf32>) {
  %p = train.matmul %x, %w {transpose_b = true} : tensor<16x4xf32>, tensor<8x4xf32> to tensor<16x8xf32>
  %r = train.reshape %p : tensor<16x8xf32> to tensor<2x8x8xf32>
  %y = train.binary add %b, %r : tensor<8xf32>, tensor<2x8x8xf32>
  train.return outputs ["y"] (%y : tensor<2x8x8xf32>)
}

// -----

// Near miss: the product is used elsewhere too.
// CHECK-LABEL: @two_uses
// CHECK-NOT: bias
train.step @two_uses(input %x "x" : tensor<16x4xf32>, param %w "w" : tensor<4x8xf32>, param %b "b" : tensor<8xf32>) {
  %p = train.matmul %x, %w : tensor<16x4xf32>, tensor<4x8xf32> to tensor<16x8xf32>
  %y = train.binary add %p, %b : tensor<16x8xf32>, tensor<8xf32>
  train.return outputs ["p", "y"] (%p, %y : tensor<16x8xf32>, tensor<16x8xf32>)
}

// -----

// Near miss: one number a row.
// CHECK-LABEL: @row_bias
// CHECK-NOT: bias
train.step @row_bias(input %x "x" : tensor<8x4xf32>, param %w "w" : tensor<4x8xf32>, param %b "b" : tensor<8x1xf32>) {
  %p = train.matmul %x, %w : tensor<8x4xf32>, tensor<4x8xf32> to tensor<8x8xf32>
  %y = train.binary add %p, %b : tensor<8x8xf32>, tensor<8x1xf32>
  train.return outputs ["y"] (%y : tensor<8x8xf32>)
}

// -----

// Near miss: the reshape cuts columns.
// CHECK-LABEL: @columns_cut
// CHECK-NOT: bias
train.step @columns_cut(input %x "x" : tensor<8x4xf32>, param %w "w" : tensor<4x8xf32>, param %b "b" : tensor<4xf32>) {
  %p = train.matmul %x, %w : tensor<8x4xf32>, tensor<4x8xf32> to tensor<8x8xf32>
  %r = train.reshape %p : tensor<8x8xf32> to tensor<16x4xf32>
  %y = train.binary add %r, %b : tensor<16x4xf32>, tensor<4xf32>
  train.return outputs ["y"] (%y : tensor<16x4xf32>)
}
