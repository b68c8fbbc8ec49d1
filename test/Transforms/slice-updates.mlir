// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-slice-updates{slice-bytes=1024}))' | FileCheck %s

// 1920 bytes in rows of 192: two slices; four rows are the fewest that end at a multiple of 256.

// CHECK-LABEL: train.step @matrix
// CHECK: %[[W0:.*]] = train.slice %w [0, 0] : tensor<10x48xf32> to tensor<8x48xf32>
// CHECK: %[[G0:.*]] = train.slice %g [0, 0] : tensor<10x48xf32> to tensor<8x48xf32>
// CHECK: %[[A:.*]] = train.sgd lr %lr on %[[W0]], %[[G0]] {momentum = 0.000000e+00 : f64, weight_decay = 0.000000e+00 : f64} : tensor<f32>, tensor<8x48xf32>, tensor<8x48xf32> to tensor<8x48xf32>
// CHECK: %[[W1:.*]] = train.slice %w [8, 0] : tensor<10x48xf32> to tensor<2x48xf32>
// CHECK: %[[G1:.*]] = train.slice %g [8, 0] : tensor<10x48xf32> to tensor<2x48xf32>
// CHECK: %[[B:.*]] = train.sgd lr %lr on %[[W1]], %[[G1]]
// CHECK: %[[W:.*]] = train.assemble %[[A]], %[[B]] : tensor<8x48xf32>, tensor<2x48xf32> to tensor<10x48xf32>
// CHECK: train.return update(%w : tensor<10x48xf32>) to(%[[W]] : tensor<10x48xf32>)
train.step @matrix(param %w "w" : tensor<10x48xf32>, input %g "g" : tensor<10x48xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<10x48xf32>, tensor<10x48xf32> to tensor<10x48xf32>
  train.return update (%w : tensor<10x48xf32>) to (%w1 : tensor<10x48xf32>)
}

// Rank 1: elements are rows, 64 of them are 256 bytes.

// CHECK-LABEL: train.step @vector
// CHECK: train.slice %w [0] : tensor<300xf32> to tensor<192xf32>
// CHECK: train.slice %w [192] : tensor<300xf32> to tensor<108xf32>
// CHECK: train.assemble %{{.*}}, %{{.*}} : tensor<192xf32>, tensor<108xf32> to tensor<300xf32>
train.step @vector(param %w "w" : tensor<300xf32>, input %g "g" : tensor<300xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<300xf32>, tensor<300xf32> to tensor<300xf32>
  train.return update (%w : tensor<300xf32>) to (%w1 : tensor<300xf32>)
}

// Rows of an odd number of bytes.

// CHECK-LABEL: train.step @odd
// CHECK: train.slice %w [0, 0] : tensor<200x3xf32> to tensor<128x3xf32>
// CHECK: train.slice %w [128, 0] : tensor<200x3xf32> to tensor<72x3xf32>
train.step @odd(param %w "w" : tensor<200x3xf32>, input %g "g" : tensor<200x3xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<200x3xf32>, tensor<200x3xf32> to tensor<200x3xf32>
  train.return update (%w : tensor<200x3xf32>) to (%w1 : tensor<200x3xf32>)
}

// Rows above the size are slices of their own.

// CHECK-LABEL: train.step @long_rows
// CHECK-COUNT-3: train.sgd {{.*}} to tensor<1x512xf32>
// CHECK: train.assemble %{{.*}}, %{{.*}}, %{{.*}} : tensor<1x512xf32>, tensor<1x512xf32>, tensor<1x512xf32> to tensor<3x512xf32>
train.step @long_rows(param %w "w" : tensor<3x512xf32>, input %g "g" : tensor<3x512xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<3x512xf32>, tensor<3x512xf32> to tensor<3x512xf32>
  train.return update (%w : tensor<3x512xf32>) to (%w1 : tensor<3x512xf32>)
}

// What is small enough, has no rows, or only rows that do not end at a multiple, stays whole.

// CHECK-LABEL: train.step @small
// CHECK-NOT: train.slice
// CHECK: train.sgd {{.*}} to tensor<256xf32>
train.step @small(param %w "w" : tensor<256xf32>, input %g "g" : tensor<256xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<256xf32>, tensor<256xf32> to tensor<256xf32>
  train.return update (%w : tensor<256xf32>) to (%w1 : tensor<256xf32>)
}

// CHECK-LABEL: train.step @one_row
// CHECK-NOT: train.slice
// CHECK: train.sgd {{.*}} to tensor<1x512xf32>
train.step @one_row(param %w "w" : tensor<1x512xf32>, input %g "g" : tensor<1x512xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<1x512xf32>, tensor<1x512xf32> to tensor<1x512xf32>
  train.return update (%w : tensor<1x512xf32>) to (%w1 : tensor<1x512xf32>)
}

// CHECK-LABEL: train.step @scalar
// CHECK-NOT: train.slice
train.step @scalar(param %w "w" : tensor<f32>, input %g "g" : tensor<f32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<f32>, tensor<f32> to tensor<f32>
  train.return update (%w : tensor<f32>) to (%w1 : tensor<f32>)
}

// CHECK-LABEL: train.step @empty
// CHECK-NOT: train.slice
train.step @empty(param %w "w" : tensor<0x512xf32>, input %g "g" : tensor<0x512xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<0x512xf32>, tensor<0x512xf32> to tensor<0x512xf32>
  train.return update (%w : tensor<0x512xf32>) to (%w1 : tensor<0x512xf32>)
}

// CHECK-LABEL: train.step @unaligned
// CHECK-NOT: train.slice
// CHECK: train.sgd {{.*}} to tensor<3x171xf32>
train.step @unaligned(param %w "w" : tensor<3x171xf32>, input %g "g" : tensor<3x171xf32>, hyper %lr "lr" : tensor<f32>) {
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<3x171xf32>, tensor<3x171xf32> to tensor<3x171xf32>
  train.return update (%w : tensor<3x171xf32>) to (%w1 : tensor<3x171xf32>)
}

// An op with several groups was fused because it is small.

// CHECK-LABEL: train.step @fused
// CHECK-NOT: train.slice
train.step @fused(param %w "w" : tensor<300xf32>, param %v "v" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  %u:2 = train.sgd lr %lr on %w, %w, %v, %v {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<300xf32>, tensor<300xf32>, tensor<4xf32>, tensor<4xf32> to tensor<300xf32>, tensor<4xf32>
  train.return update (%w, %v : tensor<300xf32>, tensor<4xf32>) to (%u#0, %u#1 : tensor<300xf32>, tensor<4xf32>)
}

// State is cut as the parameter is.

// CHECK-LABEL: train.step @momentum
// CHECK: %[[A:.*]]:2 = train.sgd
// CHECK: %[[B:.*]]:2 = train.sgd
// CHECK: %[[W:.*]] = train.assemble %[[A]]#0, %[[B]]#0
// CHECK: %[[M:.*]] = train.assemble %[[A]]#1, %[[B]]#1
// CHECK: to(%[[W]], %[[M]] :
train.step @momentum(param %w "w" : tensor<300xf32>, input %g "g" : tensor<300xf32>, state %m "m" : tensor<300xf32>, hyper %lr "lr" : tensor<f32>) {
  %u:2 = train.sgd lr %lr on %w, %g, %m {momentum = 0.9 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<300xf32>, tensor<300xf32>, tensor<300xf32> to tensor<300xf32>, tensor<300xf32>
  train.return update (%w, %m : tensor<300xf32>, tensor<300xf32>) to (%u#0, %u#1 : tensor<300xf32>, tensor<300xf32>)
}
