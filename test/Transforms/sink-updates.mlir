// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-sink-updates))' | FileCheck %s

// Each update moves to where its gradient is final; the correction that all share
// goes before the first.

// CHECK-LABEL: train.step @adamw
// CHECK: %[[DB:.*]] = train.unary neg %x
// CHECK-NEXT: train.bias_correction %step
// CHECK-NEXT: train.adamw {{.*}} on %b, %[[DB]]
// CHECK-NEXT: %[[DA:.*]] = train.unary tanh %[[DB]]
// CHECK-NEXT: train.adamw {{.*}} on %a, %[[DA]]
// CHECK-NEXT: train.unary exp
// CHECK-NEXT: train.return
train.step @adamw(input %x "x" : tensor<3xf32>, param %a "a" : tensor<3xf32>, param %b "b" : tensor<3xf32>,
                  state %am "am" : tensor<3xf32>, state %av "av" : tensor<3xf32>,
                  state %bm "bm" : tensor<3xf32>, state %bv "bv" : tensor<3xf32>,
                  hyper %lr "lr" : tensor<f32>, hyper %step "step" : tensor<i64>) {
  %db = train.unary neg %x : tensor<3xf32>
  %da = train.unary tanh %db : tensor<3xf32>
  %y = train.unary exp %x : tensor<3xf32>
  %c1, %c2 = train.bias_correction %step {beta1 = 0.9 : f64, beta2 = 0.999 : f64} : tensor<i64> to tensor<f32>, tensor<f32>
  %a1:3 = train.adamw lr %lr corrections %c1, %c2 on %a, %da, %am, %av {beta1 = 0.9 : f64, beta2 = 0.999 : f64, eps = 1.0e-8 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<f32>, tensor<f32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32> to tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
  %b1:3 = train.adamw lr %lr corrections %c1, %c2 on %b, %db, %bm, %bv {beta1 = 0.9 : f64, beta2 = 0.999 : f64, eps = 1.0e-8 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<f32>, tensor<f32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32> to tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
  train.return outputs ["y"] (%y : tensor<3xf32>)
    update (%a, %am, %av, %b, %bm, %bv : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
    to (%a1#0, %a1#1, %a1#2, %b1#0, %b1#1, %b1#2 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
}

// An update stays behind the last reader of the value that it replaces, through
// views of views too.

// CHECK-LABEL: train.step @readers
// CHECK: train.unary neg
// CHECK-NEXT: train.reshape %w
// CHECK-NEXT: train.slice
// CHECK-NEXT: train.unary tanh
// CHECK-NEXT: train.sgd
// CHECK-NEXT: train.unary exp
train.step @readers(input %x "x" : tensor<4xf32>, param %w "w" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  %g = train.unary neg %x : tensor<4xf32>
  %v = train.reshape %w : tensor<4xf32> to tensor<2x2xf32>
  %u = train.slice %v [0, 0] : tensor<2x2xf32> to tensor<1x2xf32>
  %t = train.unary tanh %u : tensor<1x2xf32>
  %e = train.unary exp %x : tensor<4xf32>
  %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  train.return outputs ["t", "e"] (%t, %e : tensor<1x2xf32>, tensor<4xf32>) update (%w : tensor<4xf32>) to (%w1 : tensor<4xf32>)
}

// An update that stands before a reader of what it replaces moves behind it: here the
// reader is an update whose gradient is that parameter.

// CHECK-LABEL: train.step @argument_gradient
// CHECK: train.sgd lr %lr on %b, %a
// CHECK-NEXT: train.sgd lr %lr on %a, %x
train.step @argument_gradient(input %x "x" : tensor<4xf32>, param %a "a" : tensor<4xf32>, param %b "b" : tensor<4xf32>,
                              hyper %lr "lr" : tensor<f32>) {
  %a1 = train.sgd lr %lr on %a, %x {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %b1 = train.sgd lr %lr on %b, %a {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  train.return update (%a, %b : tensor<4xf32>, tensor<4xf32>) to (%a1, %b1 : tensor<4xf32>, tensor<4xf32>)
}

// With clipping, no update may come before the norm of all gradients.

// CHECK-LABEL: train.step @clipping
// CHECK: train.clip_scale
// CHECK-DAG: train.sgd {{.*}} on %a
// CHECK-DAG: train.sgd {{.*}} on %b
// CHECK: train.return
train.step @clipping(input %x "x" : tensor<3xf32>, param %a "a" : tensor<3xf32>, param %b "b" : tensor<3xf32>, hyper %lr "lr" : tensor<f32>) {
  %db = train.unary neg %x : tensor<3xf32>
  %da = train.unary tanh %db : tensor<3xf32>
  %s = train.sum_squares %da, %db : tensor<3xf32>, tensor<3xf32> to tensor<f32>
  %c = train.clip_scale %s {max_norm = 1.0 : f64} : tensor<f32> to tensor<f32>
  %a1 = train.sgd lr %lr scale %c on %a, %da {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32> scale tensor<f32>, tensor<3xf32>, tensor<3xf32> to tensor<3xf32>
  %b1 = train.sgd lr %lr scale %c on %b, %db {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32> scale tensor<f32>, tensor<3xf32>, tensor<3xf32> to tensor<3xf32>
  train.return update (%a, %b : tensor<3xf32>, tensor<3xf32>) to (%a1, %b1 : tensor<3xf32>, tensor<3xf32>)
}

// Slices of one parameter do not wait for each other, but do for readers of any part.

// CHECK-LABEL: train.step @slices
// CHECK: train.unary exp %w
// CHECK: train.assemble
// CHECK-NEXT: train.return
train.step @slices(input %x "x" : tensor<4xf32>, param %w "w" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  %w_0 = train.slice %w [0] : tensor<4xf32> to tensor<2xf32>
  %g_0 = train.slice %x [0] : tensor<4xf32> to tensor<2xf32>
  %a = train.sgd lr %lr on %w_0, %g_0 {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<2xf32>, tensor<2xf32> to tensor<2xf32>
  %w_1 = train.slice %w [2] : tensor<4xf32> to tensor<2xf32>
  %g_1 = train.slice %x [2] : tensor<4xf32> to tensor<2xf32>
  %b = train.sgd lr %lr on %w_1, %g_1 {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<2xf32>, tensor<2xf32> to tensor<2xf32>
  %w1 = train.assemble %a, %b : tensor<2xf32>, tensor<2xf32> to tensor<4xf32>
  %e = train.unary exp %w : tensor<4xf32>
  train.return outputs ["e"] (%e : tensor<4xf32>) update (%w : tensor<4xf32>) to (%w1 : tensor<4xf32>)
}

// Nothing but arguments: to the front.

// CHECK-LABEL: train.step @front
// CHECK: {
// CHECK-NEXT: train.sgd
// CHECK-NEXT: train.unary exp
train.step @front(input %x "x" : tensor<4xf32>, param %w "w" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  %e = train.unary exp %x : tensor<4xf32>
  %w1 = train.sgd lr %lr on %w, %x {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  train.return outputs ["e"] (%e : tensor<4xf32>) update (%w : tensor<4xf32>) to (%w1 : tensor<4xf32>)
}
