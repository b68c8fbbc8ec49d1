// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-fuse-gelu,canonicalize))' | FileCheck %s

// x * (1 + erf(x / sqrt(2))) * 0.5, as the older exporter writes it.
// CHECK-LABEL: @erf
// CHECK: %[[Y:.*]] = train.unary gelu_erf %x
// CHECK-NEXT: train.return outputs ["y"](%[[Y]]
train.step @erf(input %x "x" : tensor<8xf32>) {
  %r = train.constant dense<1.41421354> : tensor<f32>
  %u = train.binary div %x, %r : tensor<8xf32>, tensor<f32>
  %e = train.unary erf %u : tensor<8xf32>
  %g = train.unary add_scalar %e {a = 1.0 : f64} : tensor<8xf32>
  %p = train.binary mul %x, %g : tensor<8xf32>, tensor<8xf32>
  %y = train.unary mul_scalar %p {a = 0.5 : f64} : tensor<8xf32>
  train.return outputs ["y"] (%y : tensor<8xf32>)
}

// -----

// (0.5 * x) * (1 + erf(0.7071 * x))
// CHECK-LABEL: @erf_halved
// CHECK: train.unary gelu_erf %x
train.step @erf_halved(input %x "x" : tensor<8xf32>) {
  %h = train.unary mul_scalar %x {a = 0.5 : f64} : tensor<8xf32>
  %u = train.unary mul_scalar %x {a = 0.70710676908493042 : f64} : tensor<8xf32>
  %e = train.unary erf %u : tensor<8xf32>
  %g = train.unary add_scalar %e {a = 1.0 : f64} : tensor<8xf32>
  %y = train.binary mul %h, %g : tensor<8xf32>, tensor<8xf32>
  train.return outputs ["y"] (%y : tensor<8xf32>)
}

// -----

// CHECK-LABEL: @tanh
// CHECK: train.unary gelu_tanh %x
train.step @tanh(input %x "x" : tensor<8xf32>) {
  %h = train.unary mul_scalar %x {a = 0.5 : f64} : tensor<8xf32>
  %c = train.unary pow_scalar %x {a = 3.0 : f64} : tensor<8xf32>
  %k = train.unary mul_scalar %c {a = 0.044714998453855515 : f64} : tensor<8xf32>
  %s = train.binary add %x, %k : tensor<8xf32>, tensor<8xf32>
  %u = train.unary mul_scalar %s {a = 0.79788458347320556 : f64} : tensor<8xf32>
  %t = train.unary tanh %u : tensor<8xf32>
  %g = train.unary add_scalar %t {a = 1.0 : f64} : tensor<8xf32>
  %y = train.binary mul %h, %g : tensor<8xf32>, tensor<8xf32>
  train.return outputs ["y"] (%y : tensor<8xf32>)
}

// -----

// The polynomial as x * (1 + 0.044715 x * x), the cube spelled out.
// CHECK-LABEL: @tanh_factored
// CHECK: train.unary gelu_tanh %x
train.step @tanh_factored(input %x "x" : tensor<8xf32>) {
  %q = train.binary mul %x, %x : tensor<8xf32>, tensor<8xf32>
  %k = train.unary mul_scalar %q {a = 0.044715 : f64} : tensor<8xf32>
  %o = train.unary add_scalar %k {a = 1.0 : f64} : tensor<8xf32>
  %r = train.unary mul_scalar %x {a = 0.7978845608 : f64} : tensor<8xf32>
  %u = train.binary mul %r, %o : tensor<8xf32>, tensor<8xf32>
  %t = train.unary tanh %u : tensor<8xf32>
  %g = train.unary add_scalar %t {a = 1.0 : f64} : tensor<8xf32>
  %p = train.binary mul %g, %x : tensor<8xf32>, tensor<8xf32>
  %y = train.unary mul_scalar %p {a = 0.5 : f64} : tensor<8xf32>
  train.return outputs ["y"] (%y : tensor<8xf32>)
}

// -----

// SwiGLU: the SiLU inside of a longer product.
// CHECK-LABEL: @silu
// CHECK: %[[S:.*]] = train.unary silu %x
// CHECK-NEXT: train.binary mul %[[S]], %z
train.step @silu(input %x "x" : tensor<8xf32>, input %z "z" : tensor<8xf32>) {
  %s = train.unary sigmoid %x : tensor<8xf32>
  %p = train.binary mul %x, %s : tensor<8xf32>, tensor<8xf32>
  %y = train.binary mul %p, %z : tensor<8xf32>, tensor<8xf32>
  train.return outputs ["y"] (%y : tensor<8xf32>)
}

// -----

// Near miss: a gate of another value.
// CHECK-LABEL: @gated
// CHECK-NOT: gelu
// CHECK-NOT: silu
train.step @gated(input %x "x" : tensor<8xf32>, input %z "z" : tensor<8xf32>) {
  %u = train.unary mul_scalar %z {a = 0.70710678 : f64} : tensor<8xf32>
  %e = train.unary erf %u : tensor<8xf32>
  %g = train.unary add_scalar %e {a = 1.0 : f64} : tensor<8xf32>
  %p = train.binary mul %x, %g : tensor<8xf32>, tensor<8xf32>
  %h = train.unary mul_scalar %p {a = 0.5 : f64} : tensor<8xf32>
  %s = train.unary sigmoid %z : tensor<8xf32>
  %y = train.binary mul %h, %s : tensor<8xf32>, tensor<8xf32>
  train.return outputs ["y"] (%y : tensor<8xf32>)
}

// -----

// Near miss: another coefficient of the cube.
// CHECK-LABEL: @coefficient
// CHECK-NOT: gelu
train.step @coefficient(input %x "x" : tensor<8xf32>) {
  %h = train.unary mul_scalar %x {a = 0.5 : f64} : tensor<8xf32>
  %c = train.unary pow_scalar %x {a = 3.0 : f64} : tensor<8xf32>
  %k = train.unary mul_scalar %c {a = 0.045 : f64} : tensor<8xf32>
  %s = train.binary add %x, %k : tensor<8xf32>, tensor<8xf32>
  %u = train.unary mul_scalar %s {a = 0.79788458347320556 : f64} : tensor<8xf32>
  %t = train.unary tanh %u : tensor<8xf32>
  %g = train.unary add_scalar %t {a = 1.0 : f64} : tensor<8xf32>
  %y = train.binary mul %h, %g : tensor<8xf32>, tensor<8xf32>
  train.return outputs ["y"] (%y : tensor<8xf32>)
}
