// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-freeze))' | FileCheck %s
// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-freeze{lanes=2}))' | FileCheck %s --check-prefix=LANES

// Kernels are numbered in order, views and assemblies are not; constants become arguments,
// under names that nothing has.

// LANES: attributes {frozen, lanes = 2 : i64}
// CHECK-LABEL: train.step @numbers(
// CHECK: constant %[[A:.*]] "constant.0" : tensor<f32>,
// CHECK: constant %[[B:.*]] "constant.1" : tensor<4xf32> {value = dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>},
// CHECK-NEXT: constant %[[C:.*]] "constant.2" : tensor<f32> {value = dense<2.000000e+00> : tensor<f32>})
// CHECK-SAME: attributes {frozen, lanes = 4 : i64} {
// CHECK-NEXT: %[[M:.*]] = train.binary mul %w, %[[B]] {id = 0 : i64}
// CHECK-NEXT: %[[S:.*]] = train.slice %[[M]] [0]
// CHECK-NOT: id
// CHECK: train.binary mul %[[S]], %[[C]] {id = 1 : i64}
// CHECK: train.sgd {{.*}} {id = 2 : i64, momentum
// CHECK: train.assemble %{{.*}} : tensor<2xf32>, tensor<2xf32> to tensor<4xf32>
train.step @numbers(param %w "w" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>, constant %k "constant.0" : tensor<f32>) {
  %b = train.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %c = train.constant dense<2.0> : tensor<f32>
  %m = train.binary mul %w, %b : tensor<4xf32>, tensor<4xf32>
  %s = train.slice %m [0] : tensor<4xf32> to tensor<2xf32>
  %n = train.binary mul %s, %c : tensor<2xf32>, tensor<f32>
  %w_0 = train.slice %w [0] : tensor<4xf32> to tensor<2xf32>
  %w_1 = train.slice %w [2] : tensor<4xf32> to tensor<2xf32>
  %u:2 = train.sgd lr %lr on %w_0, %n, %w_1, %n {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> to tensor<2xf32>, tensor<2xf32>
  %w1 = train.assemble %u#0, %u#1 : tensor<2xf32>, tensor<2xf32> to tensor<4xf32>
  train.return update (%w : tensor<4xf32>) to (%w1 : tensor<4xf32>)
}

// The loader is told which integers an input may hold: the least limit of its readers,
// through views and conversions; and how many tokens a step takes.

// CHECK-LABEL: train.step @tokens(
// CHECK-NEXT: input %ids "ids" : tensor<2x4xi32> {vocabulary = 10 : i64},
// CHECK-NEXT: input %labels "labels" : tensor<8xi64> {ignore_index = -100 : i64, vocabulary = 7 : i64},
// CHECK-NEXT: input %other "other" : tensor<100xi64>,
// CHECK: attributes {frozen, lanes = 4 : i64, tokens = 8 : i64}
train.step @tokens(input %ids "ids" : tensor<2x4xi32>, input %labels "labels" : tensor<8xi64> {vocabulary = 7 : i64, ignore_index = -100 : i64},
                   input %other "other" : tensor<100xi64>,
                   param %t "t" : tensor<20x12xf32>, param %p "p" : tensor<10x12xf32>) {
  %wide = train.cast %ids : tensor<2x4xi32> to tensor<2x4xi64>
  %flat = train.reshape %wide : tensor<2x4xi64> to tensor<8xi64>
  %0 = train.embedding %t, %flat : tensor<20x12xf32>, tensor<8xi64> to tensor<8x12xf32>
  %1 = train.embedding %p, %flat : tensor<10x12xf32>, tensor<8xi64> to tensor<8x12xf32>
  %2 = train.binary add %0, %1 : tensor<8x12xf32>, tensor<8x12xf32>
  %l:3 = train.cross_entropy %2, %labels : tensor<8x12xf32>, tensor<8xi64> to tensor<f32>, tensor<8xf32>, tensor<f32>
  train.return loss %l#0 : tensor<f32>
}
