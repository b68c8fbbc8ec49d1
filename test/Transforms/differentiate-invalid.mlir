// RUN: spillway-opt %s -verify-diagnostics -split-input-file --pass-pipeline='builtin.module(train.step(train-differentiate{allow-unused=false}))'

// expected-error @+1 {{there is no loss to differentiate; give one with --loss}}
train.step @no_loss(param %w "w" : tensor<f32>) {
  train.return outputs ["w"] (%w : tensor<f32>)
}

// -----

// expected-error @+1 {{the loss depends on no trained parameter}}
train.step @independent(input %x "x" : tensor<f32>, param %w "w" : tensor<f32>) {
  train.return loss %x : tensor<f32>
}

// -----

// expected-error @+1 {{the loss depends on no trained parameter}}
train.step @only_frozen(param %w "w" : tensor<f32> {frozen}) {
  train.return loss %w : tensor<f32>
}

// -----

// expected-error @+1 {{no gradient of the loss reaches a trained parameter}}
train.step @flat(param %w "w" : tensor<f32>) {
  %l = train.unary floor %w : tensor<f32>
  train.return loss %l : tensor<f32>
}

// -----

// expected-error @+1 {{the loss does not depend on the parameter 'u'}}
train.step @unused(param %w "w" : tensor<f32>, param %u "u" : tensor<f32>) {
  train.return loss %w : tensor<f32>
}

// -----

// expected-error @+1 {{is differentiated already}}
train.step @twice(param %w "w" : tensor<f32>) {
  train.return loss %w : tensor<f32> outputs ["grad:w"] (%w : tensor<f32>)
}

// -----

// expected-error @+1 {{is differentiated already}}
train.step @updated(param %w "w" : tensor<f32>) {
  train.return loss %w : tensor<f32> update (%w : tensor<f32>) to (%w : tensor<f32>)
}

// -----

// An op without a derivative.

train.step @assemble(param %w "w" : tensor<1xf32>) {
  // expected-error @+1 {{'train.assemble' op has no derivative, but the loss depends on trained parameters through it}}
  %a = train.assemble %w : tensor<1xf32> to tensor<1xf32>
  train.return loss %a : tensor<1xf32>
}

// -----

train.step @second_order(param %w "w" : tensor<2xf32>) {
  %y = train.softmax %w : tensor<2xf32>
  // expected-error @+1 {{'train.softmax_grad' op has no derivative, but the loss depends on trained parameters through it}}
  %g = train.softmax_grad %w, %y : tensor<2xf32>
  %s = train.reduce sum %g [0] : tensor<2xf32> to tensor<1xf32>
  train.return loss %s : tensor<1xf32>
}

// -----

// Ops that have one only for some operands and results.

train.step @max(param %w "w" : tensor<2xf32>) {
  // expected-error @+1 {{'train.reduce' op has no derivative for 'max'}}
  %s = train.reduce max %w [0] : tensor<2xf32> to tensor<1xf32>
  train.return loss %s : tensor<1xf32>
}

// -----

train.step @mask(param %q "q" : tensor<1x2x1x4xf32>, param %m "m" : tensor<2x2xf32>) {
  // expected-error @+1 {{'train.attention' op has no derivative for its mask}}
  %o, %lse = train.attention %q, %q, %q mask %m {scale = 0.5 : f64} : tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>, tensor<2x2xf32> to tensor<1x2x1x4xf32>, tensor<1x1x2xf32>
  %s = train.reduce sum %o [0, 1, 2, 3] : tensor<1x2x1x4xf32> to tensor<1x1x1x1xf32>
  train.return loss %s : tensor<1x1x1x1xf32>
}

// -----

train.step @lse(param %q "q" : tensor<1x2x1x4xf32>) {
  // expected-error @+1 {{'train.attention' op has no derivative for its result 1}}
  %o, %lse = train.attention %q, %q, %q {scale = 0.5 : f64} : tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32> to tensor<1x2x1x4xf32>, tensor<1x1x2xf32>
  %s = train.reduce sum %lse [0, 1, 2] : tensor<1x1x2xf32> to tensor<1x1x1xf32>
  train.return loss %s : tensor<1x1x1xf32>
}

// -----

train.step @rope(param %x "x" : tensor<1x2x1x4xf32>, param %c "c" : tensor<2x4xf32>) {
  // expected-error @+1 {{'train.rope' op has no derivative for cos and sin}}
  %y = train.rope %x, %c, %c : tensor<1x2x1x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
  %s = train.reduce sum %y [0, 1, 2, 3] : tensor<1x2x1x4xf32> to tensor<1x1x1x1xf32>
  train.return loss %s : tensor<1x1x1x1xf32>
}
