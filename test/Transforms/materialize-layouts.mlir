// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-materialize-layouts))' | FileCheck %s

// A kernel that takes strides reads a view as it is.

// CHECK-LABEL: train.step @strided
// CHECK-NOT: train.copy
train.step @strided(input %x "x" : tensor<2x3x4xf32>) {
  %t = train.transpose %x [2, 0, 1] : tensor<2x3x4xf32> to tensor<4x2x3xf32>
  %0 = train.unary neg %t : tensor<4x2x3xf32>
  %b = train.slice %x [0, 1, 0] : tensor<2x3x4xf32> to tensor<2x1x4xf32>
  %c = train.broadcast %b : tensor<2x1x4xf32> to tensor<5x2x3x4xf32>
  %1 = train.reduce sum %c [0, 1, 2, 3] : tensor<5x2x3x4xf32> to tensor<1x1x1x1xf32>
  train.return outputs ["0", "1"] (%0, %1 : tensor<4x2x3xf32>, tensor<1x1x1x1xf32>)
}

// One that does not reads a copy, once for all its readers, right behind the view.

// CHECK-LABEL: train.step @dense
// CHECK: %[[T:.*]] = train.transpose %x
// CHECK-NEXT: %[[C:.*]] = train.copy %[[T]] : tensor<3x2xf32>
// CHECK-NEXT: train.softmax %[[C]]
// CHECK-NEXT: train.unary neg %[[T]]
// CHECK-NEXT: train.softmax_grad %[[C]], %[[C]]
train.step @dense(input %x "x" : tensor<2x3xf32>) {
  %t = train.transpose %x [1, 0] : tensor<2x3xf32> to tensor<3x2xf32>
  %0 = train.softmax %t : tensor<3x2xf32>
  %1 = train.unary neg %t : tensor<3x2xf32>
  %2 = train.softmax_grad %t, %t : tensor<3x2xf32>
  train.return outputs ["0", "1", "2"] (%0, %1, %2 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>)
}

// Views that leave the elements where they are need none.

// CHECK-LABEL: train.step @still_dense
// CHECK-NOT: train.copy
train.step @still_dense(input %x "x" : tensor<4x3x1xf32>) {
  %r = train.reshape %x : tensor<4x3x1xf32> to tensor<2x6xf32>
  %s = train.slice %r [1, 0] : tensor<2x6xf32> to tensor<1x6xf32>
  %0 = train.softmax %s : tensor<1x6xf32>
  %t = train.transpose %x [2, 0, 1] : tensor<4x3x1xf32> to tensor<1x4x3xf32>
  %1 = train.softmax %t : tensor<1x4x3xf32>
  %e = train.slice %x [0, 1, 0] : tensor<4x3x1xf32> to tensor<4x0x1xf32>
  %2 = train.softmax %e : tensor<4x0x1xf32>
  train.return outputs ["0", "1", "2"] (%0, %1, %2 : tensor<1x6xf32>, tensor<1x4x3xf32>, tensor<4x0x1xf32>)
}

// Heads: [B, T, H * D] to [B, H, T, D] is a view; back from there it is none. The
// reshape then reads a copy, which serves every reader of the reshape.

// CHECK-LABEL: train.step @heads
// CHECK: %[[T:.*]] = train.transpose %{{.*}} [0, 2, 1, 3] : tensor<2x5x3x4xf32> to tensor<2x3x5x4xf32>
// CHECK-NEXT: %[[C:.*]] = train.copy %[[T]]
// CHECK-NEXT: %[[R:.*]] = train.reshape %[[C]] : tensor<2x3x5x4xf32> to tensor<6x20xf32>
// CHECK-NEXT: train.unary neg %[[R]]
// CHECK-NEXT: train.softmax %[[R]]
// CHECK-NOT: train.copy
train.step @heads(input %x "x" : tensor<2x5x12xf32>) {
  %h = train.reshape %x : tensor<2x5x12xf32> to tensor<2x5x3x4xf32>
  %t = train.transpose %h [0, 2, 1, 3] : tensor<2x5x3x4xf32> to tensor<2x3x5x4xf32>
  %r = train.reshape %t : tensor<2x3x5x4xf32> to tensor<6x20xf32>
  %0 = train.unary neg %r : tensor<6x20xf32>
  %1 = train.softmax %r : tensor<6x20xf32>
  train.return outputs ["0", "1"] (%0, %1 : tensor<6x20xf32>, tensor<6x20xf32>)
}

// A reshape that splits or joins dimensions which lie side by side is a view of a
// strided tensor, and so is one of a broadcast.

// CHECK-LABEL: train.step @reshape_of_strided
// CHECK-NOT: train.copy
train.step @reshape_of_strided(input %x "x" : tensor<6x20xf32>, input %b "b" : tensor<1x4xf32>) {
  %s = train.slice %x [0, 4] : tensor<6x20xf32> to tensor<6x8xf32>
  %r = train.reshape %s : tensor<6x8xf32> to tensor<2x3x1x4x2xf32>
  %0 = train.unary neg %r : tensor<2x3x1x4x2xf32>
  %w = train.broadcast %b : tensor<1x4xf32> to tensor<6x4xf32>
  %v = train.reshape %w : tensor<6x4xf32> to tensor<2x3x4x1xf32>
  %1 = train.unary neg %v : tensor<2x3x4x1xf32>
  train.return outputs ["0", "1"] (%0, %1 : tensor<2x3x1x4x2xf32>, tensor<2x3x4x1xf32>)
}

// CHECK-LABEL: train.step @reshape_of_row_slices
// CHECK: train.copy %{{.*}} : tensor<6x8xf32>
train.step @reshape_of_row_slices(input %x "x" : tensor<6x20xf32>) {
  %s = train.slice %x [0, 4] : tensor<6x20xf32> to tensor<6x8xf32>
  %r = train.reshape %s : tensor<6x8xf32> to tensor<48xf32>
  %0 = train.unary neg %r : tensor<48xf32>
  train.return outputs ["0"] (%0 : tensor<48xf32>)
}

// Products read rows at any distance, transposed or not, but no row twice.

// CHECK-LABEL: train.step @matmul
// CHECK: train.matmul %{{.*}}, %{{.*}} : tensor<2x5x3x4xf32>
// CHECK: %[[S:.*]] = train.slice %w [0, 0]
// CHECK-NEXT: train.matmul %{{.*}}, %[[S]]
// CHECK: %[[B:.*]] = train.broadcast
// CHECK-NEXT: %[[C:.*]] = train.copy %[[B]] : tensor<4x8xf32>
// CHECK: train.matmul %{{.*}}, %[[C]]
// CHECK: %[[L:.*]] = train.copy %{{.*}} : tensor<8xf32>
// CHECK: train.matmul %{{.*}}, %w bias %[[L]]
train.step @matmul(input %x "x" : tensor<2x3x5x4xf32>, input %y "y" : tensor<2x5x4x6xf32>, input %u "u" : tensor<7x4xf32>,
                   input %w "w" : tensor<4x8xf32>, input %v "v" : tensor<1x8xf32>, input %l "l" : tensor<8x2xf32>) {
  %t = train.transpose %x [0, 2, 1, 3] : tensor<2x3x5x4xf32> to tensor<2x5x3x4xf32>
  %0 = train.matmul %t, %y : tensor<2x5x3x4xf32>, tensor<2x5x4x6xf32> to tensor<2x5x3x6xf32>
  %s = train.slice %w [0, 0] : tensor<4x8xf32> to tensor<4x3xf32>
  %1 = train.matmul %u, %s : tensor<7x4xf32>, tensor<4x3xf32> to tensor<7x3xf32>
  %b = train.broadcast %v : tensor<1x8xf32> to tensor<4x8xf32>
  %2 = train.matmul %u, %b : tensor<7x4xf32>, tensor<4x8xf32> to tensor<7x8xf32>
  %c = train.slice %l [0, 0] : tensor<8x2xf32> to tensor<8x1xf32>
  %d = train.reshape %c : tensor<8x1xf32> to tensor<8xf32>
  %3 = train.matmul %u, %w bias %d : tensor<7x4xf32>, tensor<4x8xf32>, tensor<8xf32> to tensor<7x8xf32>
  train.return outputs ["0", "1", "2", "3"] (%0, %1, %2, %3 : tensor<2x5x3x6xf32>, tensor<7x3xf32>, tensor<7x8xf32>, tensor<7x8xf32>)
}

// Attention reads heads out of one projection, if the last dimension is dense.

// CHECK-LABEL: train.step @attention
// CHECK-NOT: train.copy
// CHECK: train.attention
// CHECK: %[[T:.*]] = train.transpose %{{.*}} [0, 1, 3, 2]
// CHECK-NEXT: %[[C:.*]] = train.copy %[[T]]
// CHECK: train.attention %[[C]], %[[C]], %[[C]]
train.step @attention(input %x "x" : tensor<2x5x36xf32>, input %z "z" : tensor<2x5x4x3xf32>) {
  %r = train.reshape %x : tensor<2x5x36xf32> to tensor<2x5x9x4xf32>
  %q = train.slice %r [0, 0, 0, 0] : tensor<2x5x9x4xf32> to tensor<2x5x3x4xf32>
  %k = train.slice %r [0, 0, 3, 0] : tensor<2x5x9x4xf32> to tensor<2x5x3x4xf32>
  %v = train.slice %r [0, 0, 6, 0] : tensor<2x5x9x4xf32> to tensor<2x5x3x4xf32>
  %0:2 = train.attention %q, %k, %v {scale = 0.5 : f64} : tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32> to tensor<2x5x3x4xf32>, tensor<2x3x5xf32>
  %t = train.transpose %z [0, 1, 3, 2] : tensor<2x5x4x3xf32> to tensor<2x5x3x4xf32>
  %1:2 = train.attention %t, %t, %t {scale = 0.5 : f64} : tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32> to tensor<2x5x3x4xf32>, tensor<2x3x5xf32>
  train.return outputs ["0", "1"] (%0#0, %1#0 : tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32>)
}

// So does the rotation, whose angles may lie anyhow.

// CHECK-LABEL: train.step @rope
// CHECK: %[[C:.*]] = train.transpose %c
// CHECK: %[[Q:.*]] = train.slice
// CHECK-NEXT: train.rope %[[Q]], %[[C]], %[[C]]
// CHECK: %[[T:.*]] = train.transpose %z
// CHECK-NEXT: %[[D:.*]] = train.copy %[[T]]
// CHECK-NEXT: train.rope %[[D]], %[[C]], %[[C]]
train.step @rope(input %x "x" : tensor<2x5x6x4xf32>, input %z "z" : tensor<2x5x4x3xf32>, input %c "c" : tensor<4x5xf32>) {
  %t = train.transpose %c [1, 0] : tensor<4x5xf32> to tensor<5x4xf32>
  %q = train.slice %x [0, 0, 2, 0] : tensor<2x5x6x4xf32> to tensor<2x5x3x4xf32>
  %0 = train.rope %q, %t, %t : tensor<2x5x3x4xf32>, tensor<5x4xf32>, tensor<5x4xf32>
  %u = train.transpose %z [0, 1, 3, 2] : tensor<2x5x4x3xf32> to tensor<2x5x3x4xf32>
  %1 = train.rope %u, %t, %t : tensor<2x5x3x4xf32>, tensor<5x4xf32>, tensor<5x4xf32>
  train.return outputs ["0", "1"] (%0, %1 : tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32>)
}

// What leaves the step is dense.

// CHECK-LABEL: train.step @outputs
// CHECK: %[[T:.*]] = train.transpose %x
// CHECK: %[[C:.*]] = train.copy %[[T]]
// CHECK: train.return outputs ["t"](%[[C]]
train.step @outputs(input %x "x" : tensor<2x3xf32>) {
  %t = train.transpose %x [1, 0] : tensor<2x3xf32> to tensor<3x2xf32>
  train.return outputs ["t"] (%t : tensor<3x2xf32>)
}

// Slices of rows are dense where they lie, so updates of slices stay in place; a
// gradient that is strided is copied a slice at a time.

// CHECK-LABEL: train.step @slices
// CHECK: %[[W:.*]] = train.slice %w [0, 0]
// CHECK: %[[T:.*]] = train.transpose
// CHECK: %[[G:.*]] = train.slice %[[T]] [0, 0]
// CHECK-NEXT: %[[C:.*]] = train.copy %[[G]] : tensor<2x3xf32>
// CHECK-NEXT: %[[A:.*]] = train.sgd lr %lr on %[[W]], %[[C]]
// CHECK: train.assemble %[[A]], %{{.*}}
// CHECK-NOT: train.copy
train.step @slices(param %w "w" : tensor<4x3xf32>, input %x "x" : tensor<3x4xf32>, hyper %lr "lr" : tensor<f32>) {
  %w_0 = train.slice %w [0, 0] : tensor<4x3xf32> to tensor<2x3xf32>
  %t = train.transpose %x [1, 0] : tensor<3x4xf32> to tensor<4x3xf32>
  %g_0 = train.slice %t [0, 0] : tensor<4x3xf32> to tensor<2x3xf32>
  %a = train.sgd lr %lr on %w_0, %g_0 {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>
  %w_1 = train.slice %w [2, 0] : tensor<4x3xf32> to tensor<2x3xf32>
  %b = train.sgd lr %lr on %w_1, %a {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>
  %w1 = train.assemble %a, %b : tensor<2x3xf32>, tensor<2x3xf32> to tensor<4x3xf32>
  train.return update (%w : tensor<4x3xf32>) to (%w1 : tensor<4x3xf32>)
}
