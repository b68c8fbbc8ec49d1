// RUN: spillway-opt %s -verify-diagnostics -split-input-file

// train.sum_squares, train.clip_scale: (C1) at least one operand

train.step @s() {
  // expected-error @+1 {{'train.sum_squares' op expects at least one operand}}
  %y = "train.sum_squares"() : () -> tensor<f32>
  train.return
}

// -----

train.step @s() {
  // expected-error @+1 {{'train.clip_scale' op expects at least one operand}}
  %y = "train.clip_scale"() <{max_norm = 1.0 : f64}> : () -> tensor<f32>
  train.return
}

// -----

train.step @s(input %s "s" : tensor<1xf32>) {
  // expected-error @+1 {{'train.clip_scale' op operand #0 must be variadic of 0D tensor of 32-bit float values, but got 'tensor<1xf32>'}}
  %y = train.clip_scale %s {max_norm = 1.0 : f64} : tensor<1xf32> to tensor<f32>
  train.return
}

// -----

// train.bias_correction

train.step @s(input %s "s" : tensor<i32>) {
  // expected-error @+1 {{'train.bias_correction' op operand #0 must be 0D tensor of 64-bit signless integer values, but got 'tensor<i32>'}}
  %y:2 = train.bias_correction %s {beta1 = 0.9 : f64, beta2 = 0.999 : f64} : tensor<i32> to tensor<f32>, tensor<f32>
  train.return
}

// -----

// train.adamw: (C1) a positive multiple of 4 tensors

train.step @s(input %s "s" : tensor<f32>, input %w "w" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.adamw' op expects a positive multiple of 4 tensors, but got 3}}
  %y:2 = train.adamw lr %s corrections %s, %s on %w, %w, %w {beta1 = 0.9 : f64, beta2 = 0.999 : f64, eps = 1.0e-8 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<f32>, tensor<f32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %s "s" : tensor<f32>) {
  // expected-error @+1 {{'train.adamw' op expects a positive multiple of 4 tensors, but got 0}}
  "train.adamw"(%s, %s, %s) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, beta1 = 0.9 : f64, beta2 = 0.999 : f64, eps = 1.0e-8 : f64, weight_decay = 0.0 : f64}> : (tensor<f32>, tensor<f32>, tensor<f32>) -> ()
  train.return
}

// -----

// (C2) one type in a group

train.step @s(input %s "s" : tensor<f32>, input %w "w" : tensor<2x3xf32>, input %g "g" : tensor<3x2xf32>) {
  // expected-error @+1 {{'train.adamw' op expects tensors of one type in a group, but got 'tensor<2x3xf32>' and 'tensor<3x2xf32>'}}
  %y:3 = train.adamw lr %s corrections %s, %s on %w, %g, %w, %w {beta1 = 0.9 : f64, beta2 = 0.999 : f64, eps = 1.0e-8 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<f32>, tensor<f32>, tensor<2x3xf32>, tensor<3x2xf32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

// One result for all but the gradient

train.step @s(input %s "s" : tensor<f32>, input %w "w" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.adamw' op expects results of type 'tensor<2x3xf32>', 'tensor<2x3xf32>', 'tensor<2x3xf32>', but got 'tensor<2x3xf32>', 'tensor<2x3xf32>'}}
  %y:2 = train.adamw lr %s corrections %s, %s on %w, %w, %w, %w {beta1 = 0.9 : f64, beta2 = 0.999 : f64, eps = 1.0e-8 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<f32>, tensor<f32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

// Scalars

train.step @s(input %s "s" : tensor<1xf32>, input %w "w" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.sgd' op operand #0 must be 0D tensor of 32-bit float values, but got 'tensor<1xf32>'}}
  %y = train.sgd lr %s on %w, %w {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<1xf32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

// train.sgd: (C1) a multiple of 2 tensors, or of 3 with a momentum

train.step @s(input %s "s" : tensor<f32>, input %w "w" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.sgd' op expects a positive multiple of 2 tensors, but got 3}}
  %y:2 = train.sgd lr %s on %w, %w, %w {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %s "s" : tensor<f32>, input %w "w" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.sgd' op expects a positive multiple of 3 tensors, but got 2}}
  %y = train.sgd lr %s on %w, %w {momentum = 0.9 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

// (C2) one type in a group

train.step @s(input %s "s" : tensor<f32>, input %w "w" : tensor<2x3xf32>, input %b "b" : tensor<3xf32>) {
  // expected-error @+1 {{'train.sgd' op expects tensors of one type in a group, but got 'tensor<3xf32>' and 'tensor<2x3xf32>'}}
  %y:2 = train.sgd lr %s on %w, %w, %b, %w {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<3xf32>, tensor<2x3xf32> to tensor<2x3xf32>, tensor<3xf32>
  train.return
}
