// RUN: spillway-opt %s --canonicalize | FileCheck %s

// Views.

// CHECK-LABEL: train.step @reshape
train.step @reshape(input %x "x" : tensor<2x3x4xf32>) {
  // CHECK: %[[A:.*]] = train.reshape %x : tensor<2x3x4xf32> to tensor<24xf32>
  // CHECK-NEXT: train.return outputs ["a", "b"](%[[A]], %x
  %0 = train.reshape %x : tensor<2x3x4xf32> to tensor<6x4xf32>
  %1 = train.reshape %0 : tensor<6x4xf32> to tensor<24xf32>
  %2 = train.reshape %1 : tensor<24xf32> to tensor<2x3x4xf32>
  train.return outputs ["a", "b"] (%1, %2 : tensor<24xf32>, tensor<2x3x4xf32>)
}

// CHECK-LABEL: train.step @reshape_constant
train.step @reshape_constant() {
  // CHECK-NEXT: %[[C:.*]] = train.constant dense<{{\[}}[1, 2], [3, 4]]> : tensor<2x2xi64>
  // CHECK-NEXT: train.return outputs ["c"](%[[C]]
  %0 = train.constant dense<[1, 2, 3, 4]> : tensor<4xi64>
  %1 = train.reshape %0 : tensor<4xi64> to tensor<2x2xi64>
  train.return outputs ["c"] (%1 : tensor<2x2xi64>)
}

// CHECK-LABEL: train.step @transpose
train.step @transpose(input %x "x" : tensor<2x3x4xf32>) {
  // CHECK: %[[A:.*]] = train.transpose %x [2, 0, 1] : tensor<2x3x4xf32> to tensor<4x2x3xf32>
  // CHECK-NEXT: train.return outputs ["a", "b"](%[[A]], %x
  %0 = train.transpose %x [1, 2, 0] : tensor<2x3x4xf32> to tensor<3x4x2xf32>
  %1 = train.transpose %0 [1, 2, 0] : tensor<3x4x2xf32> to tensor<4x2x3xf32>
  %2 = train.transpose %1 [1, 2, 0] : tensor<4x2x3xf32> to tensor<2x3x4xf32>
  train.return outputs ["a", "b"] (%1, %2 : tensor<4x2x3xf32>, tensor<2x3x4xf32>)
}

// A permutation that leaves the type alone is none the less one.
// CHECK-LABEL: train.step @transpose_square
train.step @transpose_square(input %x "x" : tensor<3x3xf32>) {
  // CHECK: train.transpose %x [1, 0]
  %0 = train.transpose %x [1, 0] : tensor<3x3xf32> to tensor<3x3xf32>
  train.return outputs ["a"] (%0 : tensor<3x3xf32>)
}

// CHECK-LABEL: train.step @slice
train.step @slice(input %x "x" : tensor<8x9xf32>) {
  // CHECK: %[[A:.*]] = train.slice %x [3, 5] : tensor<8x9xf32> to tensor<2x2xf32>
  // CHECK-NEXT: train.return outputs ["a", "b"](%[[A]], %x
  %0 = train.slice %x [1, 2] : tensor<8x9xf32> to tensor<6x6xf32>
  %1 = train.slice %0 [2, 3] : tensor<6x6xf32> to tensor<2x2xf32>
  %2 = train.slice %x [0, 0] : tensor<8x9xf32> to tensor<8x9xf32>
  train.return outputs ["a", "b"] (%1, %2 : tensor<2x2xf32>, tensor<8x9xf32>)
}

// CHECK-LABEL: train.step @broadcast
train.step @broadcast(input %x "x" : tensor<8x9xf32>) {
  // CHECK: train.return outputs ["a"](%x
  %0 = train.broadcast %x : tensor<8x9xf32> to tensor<8x9xf32>
  train.return outputs ["a"] (%0 : tensor<8x9xf32>)
}

// Conversions.

// CHECK-LABEL: train.step @cast
train.step @cast(input %x "x" : tensor<2xf32>) {
  // CHECK-DAG: %[[I:.*]] = train.constant dense<[1.000000e+00, -2.000000e+00]> : tensor<2xf32>
  // CHECK-DAG: %[[B:.*]] = train.constant dense<[1.000000e+00, 0.000000e+00]> : tensor<2xbf16>
  // CHECK-DAG: %[[S:.*]] = train.constant dense<3.000000e+00> : tensor<100000xf32>
  // CHECK-NEXT: train.return outputs ["i", "b", "s", "x"](%[[I]], %[[B]], %[[S]], %x
  %i = train.constant dense<[1, -2]> : tensor<2xi64>
  %0 = train.cast %i : tensor<2xi64> to tensor<2xf32>
  %b = train.constant dense<[true, false]> : tensor<2xi1>
  %1 = train.cast %b : tensor<2xi1> to tensor<2xbf16>
  %s = train.constant dense<3> : tensor<100000xi8>
  %2 = train.cast %s : tensor<100000xi8> to tensor<100000xf32>
  %3 = train.cast %x : tensor<2xf32> to tensor<2xf32>
  train.return outputs ["i", "b", "s", "x"] (%0, %1, %2, %3 : tensor<2xf32>, tensor<2xbf16>, tensor<100000xf32>, tensor<2xf32>)
}

// Element by element.

// CHECK-LABEL: train.step @unary
train.step @unary(input %x "x" : tensor<2xf32>) {
  // CHECK: %[[Z:.*]] = train.unary add_scalar %x {a = 0.000000e+00 : f64}
  // CHECK-NEXT: %[[S:.*]] = train.unary square %x : tensor<2xf32>
  // CHECK-NEXT: train.return outputs ["m", "p", "z", "s"](%x, %x, %[[Z]], %[[S]]
  %0 = train.unary mul_scalar %x {a = 1.0 : f64} : tensor<2xf32>
  %1 = train.unary pow_scalar %x {a = 1.0 : f64} : tensor<2xf32>
  // -0 + 0 is 0.
  %2 = train.unary add_scalar %x {a = 0.0 : f64} : tensor<2xf32>
  %3 = train.unary pow_scalar %x {a = 2.0 : f64} : tensor<2xf32>
  train.return outputs ["m", "p", "z", "s"] (%0, %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
}

// CHECK-LABEL: train.step @binary_right
train.step @binary_right(input %x "x" : tensor<2xf32>) {
  // CHECK: train.unary add_scalar %x {a = 4.000000e+00 : f64}
  // CHECK-NEXT: train.unary add_scalar %x {a = -4.000000e+00 : f64}
  // CHECK-NEXT: train.unary mul_scalar %x {a = 4.000000e+00 : f64}
  // CHECK-NEXT: train.unary mul_scalar %x {a = 2.500000e-01 : f64}
  // CHECK-NEXT: train.unary pow_scalar %x {a = 4.000000e+00 : f64}
  // CHECK-NEXT: train.return
  %c = train.constant dense<4.0> : tensor<f32>
  %0 = train.binary add %x, %c : tensor<2xf32>, tensor<f32>
  %1 = train.binary sub %x, %c : tensor<2xf32>, tensor<f32>
  %2 = train.binary mul %x, %c : tensor<2xf32>, tensor<f32>
  %3 = train.binary div %x, %c : tensor<2xf32>, tensor<f32>
  %4 = train.binary pow %x, %c : tensor<2xf32>, tensor<f32>
  train.return outputs ["0", "1", "2", "3", "4"] (%0, %1, %2, %3, %4 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
}

// CHECK-LABEL: train.step @binary_left
train.step @binary_left(input %x "x" : tensor<2xf32>) {
  // CHECK-DAG: train.unary add_scalar %x {a = 1.000000e+00 : f64}
  // CHECK-DAG: train.unary reciprocal %x : tensor<2xf32>
  // CHECK-DAG: train.binary sub %{{.*}}, %x : tensor<2xf32>, tensor<2xf32>
  // CHECK: train.return
  %c = train.fill 1.0 : tensor<2xf32>
  %0 = train.binary add %c, %x : tensor<2xf32>, tensor<2xf32>
  %1 = train.binary div %c, %x : tensor<2xf32>, tensor<2xf32>
  %2 = train.binary sub %c, %x : tensor<2xf32>, tensor<2xf32>
  train.return outputs ["0", "1", "2"] (%0, %1, %2 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
}

// What would change a shape, a reciprocal that is no normal number of the type,
// integers, and constants of several values stay.
// CHECK-LABEL: train.step @binary_stays
train.step @binary_stays(input %x "x" : tensor<2xf32>, input %i "i" : tensor<2xi64>) {
  // CHECK: train.binary add %x, %{{.*}} : tensor<2xf32>, tensor<3x2xf32>
  // CHECK: train.binary div %x, %{{.*}} : tensor<2xf32>, tensor<f32>
  // CHECK: train.binary div %x, %{{.*}} : tensor<2xf32>, tensor<f32>
  // CHECK: train.binary add %i, %{{.*}} : tensor<2xi64>, tensor<i64>
  // CHECK: train.binary mul %x, %{{.*}} : tensor<2xf32>, tensor<2xf32>
  %wide = train.fill 1.0 : tensor<3x2xf32>
  %0 = train.binary add %x, %wide : tensor<2xf32>, tensor<3x2xf32>
  %tiny = train.constant dense<1.0e-39> : tensor<f32>
  %1 = train.binary div %x, %tiny : tensor<2xf32>, tensor<f32>
  %zero = train.constant dense<0.0> : tensor<f32>
  %2 = train.binary div %x, %zero : tensor<2xf32>, tensor<f32>
  %one = train.constant dense<1> : tensor<i64>
  %3 = train.binary add %i, %one : tensor<2xi64>, tensor<i64>
  %two = train.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %4 = train.binary mul %x, %two : tensor<2xf32>, tensor<2xf32>
  train.return outputs ["0", "1", "2", "3", "4"] (%0, %1, %2, %3, %4 : tensor<3x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi64>, tensor<2xf32>)
}

// A transposed operand is read in place; of a batch, only where the last two swap.
// CHECK-LABEL: train.step @matmul
train.step @matmul(input %x "x" : tensor<4x2xf32>, input %w "w" : tensor<8x4xf32>, input %b "b" : tensor<8xf32>,
                   input %u "u" : tensor<3x4x2xf32>, input %v "v" : tensor<4x3x8xf32>) {
  // CHECK: train.matmul %x, %w bias %b {transpose_a = true, transpose_b = true} : tensor<4x2xf32>, tensor<8x4xf32>, tensor<8xf32> to tensor<2x8xf32>
  // CHECK-NEXT: train.matmul %x, %x {transpose_b = true} : tensor<4x2xf32>, tensor<4x2xf32>
  // CHECK-NEXT: %[[V:.*]] = train.transpose %v [1, 0, 2]
  // CHECK-NEXT: train.matmul %u, %[[V]] {transpose_a = true}
  %xt = train.transpose %x [1, 0] : tensor<4x2xf32> to tensor<2x4xf32>
  %wt = train.transpose %w [1, 0] : tensor<8x4xf32> to tensor<4x8xf32>
  %0 = train.matmul %xt, %wt bias %b : tensor<2x4xf32>, tensor<4x8xf32>, tensor<8xf32> to tensor<2x8xf32>
  %1 = train.matmul %xt, %xt {transpose_a = true} : tensor<2x4xf32>, tensor<2x4xf32> to tensor<4x4xf32>
  %ut = train.transpose %u [0, 2, 1] : tensor<3x4x2xf32> to tensor<3x2x4xf32>
  %vt = train.transpose %v [1, 0, 2] : tensor<4x3x8xf32> to tensor<3x4x8xf32>
  %2 = train.matmul %ut, %vt : tensor<3x2x4xf32>, tensor<3x4x8xf32> to tensor<3x2x8xf32>
  train.return outputs ["0", "1", "2"] (%0, %1, %2 : tensor<2x8xf32>, tensor<4x4xf32>, tensor<3x2x8xf32>)
}

// The derivatives of the slices that a tensor was cut into.
// CHECK-LABEL: train.step @sum_of_pads
train.step @sum_of_pads(input %a "a" : tensor<2x3xf32>, input %b "b" : tensor<2x1xf32>, input %c "c" : tensor<2x4xf32>) {
  // CHECK: %[[Y:.*]] = train.concat %a, %b, %c dim 1 : tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x4xf32> to tensor<2x8xf32>
  // CHECK-NEXT: train.return outputs ["y"](%[[Y]]
  %0 = train.pad %c [0, 4] : tensor<2x4xf32> to tensor<2x8xf32>
  %1 = train.pad %a [0, 0] : tensor<2x3xf32> to tensor<2x8xf32>
  %2 = train.pad %b [0, 3] : tensor<2x1xf32> to tensor<2x8xf32>
  %3 = train.binary add %0, %1 : tensor<2x8xf32>, tensor<2x8xf32>
  %4 = train.binary add %3, %2 : tensor<2x8xf32>, tensor<2x8xf32>
  train.return outputs ["y"] (%4 : tensor<2x8xf32>)
}

// Slices that overlap, leave a gap, or are cut along two dimensions.
// CHECK-LABEL: train.step @sum_of_other_pads
train.step @sum_of_other_pads(input %a "a" : tensor<2x3xf32>, input %b "b" : tensor<1x6xf32>) {
  // CHECK-NOT: train.concat
  %0 = train.pad %a [0, 0] : tensor<2x3xf32> to tensor<2x6xf32>
  %1 = train.pad %a [0, 2] : tensor<2x3xf32> to tensor<2x6xf32>
  %2 = train.binary add %0, %1 : tensor<2x6xf32>, tensor<2x6xf32>
  %3 = train.pad %b [1, 0] : tensor<1x6xf32> to tensor<2x6xf32>
  %4 = train.binary add %0, %3 : tensor<2x6xf32>, tensor<2x6xf32>
  %5 = train.pad %a [0, 0] : tensor<2x3xf32> to tensor<2x7xf32>
  %6 = train.pad %a [0, 4] : tensor<2x3xf32> to tensor<2x7xf32>
  %7 = train.binary add %5, %6 : tensor<2x7xf32>, tensor<2x7xf32>
  train.return outputs ["x", "y", "z"] (%2, %4, %7 : tensor<2x6xf32>, tensor<2x6xf32>, tensor<2x7xf32>)
}

// Tensors without elements.
// CHECK-LABEL: train.step @empty
train.step @empty(input %x "x" : tensor<0x4xf32>) {
  // CHECK: train.reshape %x : tensor<0x4xf32> to tensor<2x0xf32>
  // CHECK: train.reduce mean %x [0] : tensor<0x4xf32> to tensor<1x4xf32>
  %0 = train.transpose %x [1, 0] : tensor<0x4xf32> to tensor<4x0xf32>
  %1 = train.transpose %0 [1, 0] : tensor<4x0xf32> to tensor<0x4xf32>
  %2 = train.reshape %1 : tensor<0x4xf32> to tensor<2x0xf32>
  %3 = train.reduce mean %x [0] : tensor<0x4xf32> to tensor<1x4xf32>
  train.return outputs ["a", "b"] (%2, %3 : tensor<2x0xf32>, tensor<1x4xf32>)
}
