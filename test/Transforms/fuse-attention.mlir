// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-fuse-attention,canonicalize))' | FileCheck %s

// Scale split over queries and keys, a causal mask that is added, a guard
// against rows without a key: as the newer exporter writes it.
// CHECK-LABEL: @split_scale
// CHECK: %[[O:.*]], %{{.*}} = train.attention %q, %k, %v {causal = true, scale = 2.500000e-01 : f64}
// CHECK-NEXT: train.return outputs ["o"](%[[O]]
train.step @split_scale(input %q "q" : tensor<2x3x4x16xf32>, input %k "k" : tensor<2x3x4x16xf32>, input %v "v" : tensor<2x3x4x16xf32>) {
  %zero = train.constant dense<0.0> : tensor<f32>
  %mask = train.constant dense<[[0.0, -1.0e30, -1.0e30], [0.0, 0.0, -1.0e30], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %qt = train.transpose %q [0, 2, 1, 3] : tensor<2x3x4x16xf32> to tensor<2x4x3x16xf32>
  %kt = train.transpose %k [0, 2, 1, 3] : tensor<2x3x4x16xf32> to tensor<2x4x3x16xf32>
  %vt = train.transpose %v [0, 2, 1, 3] : tensor<2x3x4x16xf32> to tensor<2x4x3x16xf32>
  %km = train.reshape %kt : tensor<2x4x3x16xf32> to tensor<8x3x16xf32>
  %kn = train.transpose %km [0, 2, 1] : tensor<8x3x16xf32> to tensor<8x16x3xf32>
  %ks = train.reshape %kn : tensor<8x16x3xf32> to tensor<2x4x16x3xf32>
  %q1 = train.unary mul_scalar %qt {a = 0.5 : f64} : tensor<2x4x3x16xf32>
  %k1 = train.unary mul_scalar %ks {a = 0.5 : f64} : tensor<2x4x16x3xf32>
  %s = train.matmul %q1, %k1 : tensor<2x4x3x16xf32>, tensor<2x4x16x3xf32> to tensor<2x4x3x3xf32>
  %m = train.binary add %s, %mask : tensor<2x4x3x3xf32>, tensor<3x3xf32>
  %p = train.softmax %m : tensor<2x4x3x3xf32>
  %nan = train.compare ne %p, %p : tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>
  %g = train.select %nan, %zero, %p : tensor<2x4x3x3xi1>, tensor<f32>, tensor<2x4x3x3xf32>
  %o = train.matmul %g, %vt : tensor<2x4x3x3xf32>, tensor<2x4x3x16xf32> to tensor<2x4x3x16xf32>
  %y = train.transpose %o [0, 2, 1, 3] : tensor<2x4x3x16xf32> to tensor<2x3x4x16xf32>
  train.return outputs ["o"] (%y : tensor<2x3x4x16xf32>)
}

// -----

// A condition that is known and causal; scores divided by a number.
// CHECK-LABEL: @where
// CHECK: train.attention %{{.*}}, %{{.*}}, %{{.*}} {causal = true, scale = 2.500000e-01 : f64}
train.step @where(input %q "q" : tensor<2x4x2x16xf32>, input %k "k" : tensor<2x4x3x16xf32>, input %v "v" : tensor<2x4x3x16xf32>) {
  %low = train.constant dense<-3.40282347E+38> : tensor<f32>
  %four = train.constant dense<4.0> : tensor<f32>
  %mask = train.constant dense<[[true, true, false], [true, true, true]]> : tensor<2x3xi1>
  %s = train.matmul %q, %k {transpose_b = true} : tensor<2x4x2x16xf32>, tensor<2x4x3x16xf32> to tensor<2x4x2x3xf32>
  %d = train.binary div %s, %four : tensor<2x4x2x3xf32>, tensor<f32>
  %m = train.select %mask, %d, %low : tensor<2x3xi1>, tensor<2x4x2x3xf32>, tensor<f32>
  %p = train.softmax %m : tensor<2x4x2x3xf32>
  %o = train.matmul %p, %v : tensor<2x4x2x3xf32>, tensor<2x4x3x16xf32> to tensor<2x4x2x16xf32>
  train.return outputs ["o"] (%o : tensor<2x4x2x16xf32>)
}

// -----

// Padding and causality together: the padding remains.
// CHECK-LABEL: @padded
// CHECK: train.attention {{.*}} mask %pad {causal = true, scale = 1.000000e+00 : f64}
train.step @padded(input %q "q" : tensor<2x4x2x16xf32>, input %k "k" : tensor<2x4x2x16xf32>, input %v "v" : tensor<2x4x2x16xf32>, input %pad "pad" : tensor<2x1x1x2xi1>) {
  %low = train.constant dense<0xFF800000> : tensor<f32>
  %mask = train.constant dense<[[true, false], [true, true]]> : tensor<2x2xi1>
  %both = train.logical and %mask, %pad : tensor<2x2xi1>, tensor<2x1x1x2xi1>
  %s = train.matmul %q, %k {transpose_b = true} : tensor<2x4x2x16xf32>, tensor<2x4x2x16xf32> to tensor<2x4x2x2xf32>
  %m = train.select %both, %s, %low : tensor<2x1x2x2xi1>, tensor<2x4x2x2xf32>, tensor<f32>
  %p = train.softmax %m : tensor<2x4x2x2xf32>
  %o = train.matmul %p, %v : tensor<2x4x2x2xf32>, tensor<2x4x2x16xf32> to tensor<2x4x2x16xf32>
  train.return outputs ["o"] (%o : tensor<2x4x2x16xf32>)
}

// -----

// BERT: a float mask that is computed from an input, added.
// CHECK-LABEL: @additive
// CHECK: %[[M:.*]] = train.unary mul_scalar %bias
// CHECK: train.attention {{.*}} mask %[[M]] {scale = 2.500000e-01 : f64}
train.step @additive(input %q "q" : tensor<2x4x2x16xf32>, input %k "k" : tensor<2x4x2x16xf32>, input %v "v" : tensor<2x4x2x16xf32>, input %bias "bias" : tensor<2x1x1x2xf32>) {
  %a = train.unary mul_scalar %bias {a = -1.0e9 : f64} : tensor<2x1x1x2xf32>
  %s = train.matmul %q, %k {transpose_b = true} : tensor<2x4x2x16xf32>, tensor<2x4x2x16xf32> to tensor<2x4x2x2xf32>
  %d = train.unary mul_scalar %s {a = 0.25 : f64} : tensor<2x4x2x2xf32>
  %m = train.binary add %a, %d : tensor<2x1x1x2xf32>, tensor<2x4x2x2xf32>
  %p = train.softmax %m : tensor<2x4x2x2xf32>
  %o = train.matmul %p, %v : tensor<2x4x2x2xf32>, tensor<2x4x2x16xf32> to tensor<2x4x2x16xf32>
  train.return outputs ["o"] (%o : tensor<2x4x2x16xf32>)
}

// -----

// Grouped queries: keys and values are not repeated.
// CHECK-LABEL: @grouped
// CHECK-NOT: train.broadcast
// CHECK: train.attention %q, %k, %v {scale = 1.000000e+00 : f64} : tensor<2x3x4x16xf32>, tensor<2x3x2x16xf32>, tensor<2x3x2x16xf32>
train.step @grouped(input %q "q" : tensor<2x3x4x16xf32>, input %k "k" : tensor<2x3x2x16xf32>, input %v "v" : tensor<2x3x2x16xf32>) {
  %qt = train.transpose %q [0, 2, 1, 3] : tensor<2x3x4x16xf32> to tensor<2x4x3x16xf32>
  %kt = train.transpose %k [0, 2, 1, 3] : tensor<2x3x2x16xf32> to tensor<2x2x3x16xf32>
  %vt = train.transpose %v [0, 2, 1, 3] : tensor<2x3x2x16xf32> to tensor<2x2x3x16xf32>
  %k5 = train.reshape %kt : tensor<2x2x3x16xf32> to tensor<2x2x1x3x16xf32>
  %kr = train.broadcast %k5 : tensor<2x2x1x3x16xf32> to tensor<2x2x2x3x16xf32>
  %kk = train.reshape %kr : tensor<2x2x2x3x16xf32> to tensor<2x4x3x16xf32>
  %v5 = train.reshape %vt : tensor<2x2x3x16xf32> to tensor<2x2x1x3x16xf32>
  %vr = train.broadcast %v5 : tensor<2x2x1x3x16xf32> to tensor<2x2x2x3x16xf32>
  %vv = train.reshape %vr : tensor<2x2x2x3x16xf32> to tensor<2x4x3x16xf32>
  %s = train.matmul %qt, %kk {transpose_b = true} : tensor<2x4x3x16xf32>, tensor<2x4x3x16xf32> to tensor<2x4x3x3xf32>
  %p = train.softmax %s : tensor<2x4x3x3xf32>
  %o = train.matmul %p, %vv : tensor<2x4x3x3xf32>, tensor<2x4x3x16xf32> to tensor<2x4x3x16xf32>
  %y = train.transpose %o [0, 2, 1, 3] : tensor<2x4x3x16xf32> to tensor<2x3x4x16xf32>
  train.return outputs ["o"] (%y : tensor<2x3x4x16xf32>)
}

// -----

// Batch and heads merged into one dimension.
// CHECK-LABEL: @merged
// CHECK: train.attention {{.*}} : tensor<8x3x1x16xf32>, tensor<8x3x1x16xf32>, tensor<8x3x1x16xf32> to tensor<8x3x1x16xf32>
train.step @merged(input %q "q" : tensor<8x3x16xf32>, input %k "k" : tensor<8x3x16xf32>, input %v "v" : tensor<8x3x16xf32>) {
  %s = train.matmul %q, %k {transpose_b = true} : tensor<8x3x16xf32>, tensor<8x3x16xf32> to tensor<8x3x3xf32>
  %p = train.softmax %s : tensor<8x3x3xf32>
  %o = train.matmul %p, %v : tensor<8x3x3xf32>, tensor<8x3x16xf32> to tensor<8x3x16xf32>
  train.return outputs ["o"] (%o : tensor<8x3x16xf32>)
}

// -----

// An op that came whole: a mask that allows everything goes.
// CHECK-LABEL: @whole
// CHECK: train.attention %q, %k, %v {scale = 1.000000e+00 : f64}
train.step @whole(input %q "q" : tensor<2x2x4x16xf32>, input %k "k" : tensor<2x2x4x16xf32>, input %v "v" : tensor<2x2x4x16xf32>) {
  %mask = train.constant dense<0.0> : tensor<2x2xf32>
  %o, %lse = train.attention %q, %k, %v mask %mask {scale = 1.0 : f64} : tensor<2x2x4x16xf32>, tensor<2x2x4x16xf32>, tensor<2x2x4x16xf32>, tensor<2x2xf32> to tensor<2x2x4x16xf32>, tensor<2x4x2xf32>
  train.return outputs ["o"] (%o : tensor<2x2x4x16xf32>)
}

// -----

// Near miss of causal: a window. It stays a mask.
// CHECK-LABEL: @window
// CHECK: train.attention {{.*}} mask %{{.*}} {scale = 1.000000e+00 : f64}
train.step @window(input %q "q" : tensor<2x4x3x16xf32>, input %k "k" : tensor<2x4x3x16xf32>, input %v "v" : tensor<2x4x3x16xf32>) {
  %mask = train.constant dense<[[0.0, -1.0e30, -1.0e30], [0.0, 0.0, -1.0e30], [-1.0e30, 0.0, 0.0]]> : tensor<3x3xf32>
  %s = train.matmul %q, %k {transpose_b = true} : tensor<2x4x3x16xf32>, tensor<2x4x3x16xf32> to tensor<2x4x3x3xf32>
  %m = train.binary add %s, %mask : tensor<2x4x3x3xf32>, tensor<3x3xf32>
  %p = train.softmax %m : tensor<2x4x3x3xf32>
  %o = train.matmul %p, %v : tensor<2x4x3x3xf32>, tensor<2x4x3x16xf32> to tensor<2x4x3x16xf32>
  train.return outputs ["o"] (%o : tensor<2x4x3x16xf32>)
}

// -----

// Near miss: a position bias that is learned needs a gradient.
// CHECK-LABEL: @learned_bias
// CHECK-NOT: train.attention
// CHECK: train.softmax
train.step @learned_bias(input %q "q" : tensor<2x4x3x16xf32>, input %k "k" : tensor<2x4x3x16xf32>, input %v "v" : tensor<2x4x3x16xf32>, param %b "b" : tensor<3x3xf32>) {
  %s = train.matmul %q, %k {transpose_b = true} : tensor<2x4x3x16xf32>, tensor<2x4x3x16xf32> to tensor<2x4x3x3xf32>
  %m = train.binary add %s, %b : tensor<2x4x3x3xf32>, tensor<3x3xf32>
  %p = train.softmax %m : tensor<2x4x3x3xf32>
  %o = train.matmul %p, %v : tensor<2x4x3x3xf32>, tensor<2x4x3x16xf32> to tensor<2x4x3x16xf32>
  train.return outputs ["o"] (%o : tensor<2x4x3x16xf32>)
}

// -----

// Near miss: the scale comes after the mask, and scales it too.
// CHECK-LABEL: @scaled_mask
// CHECK-NOT: train.attention
// CHECK: train.softmax
train.step @scaled_mask(input %q "q" : tensor<2x4x3x16xf32>, input %k "k" : tensor<2x4x3x16xf32>, input %v "v" : tensor<2x4x3x16xf32>, input %b "b" : tensor<3x3xf32>) {
  %s = train.matmul %q, %k {transpose_b = true} : tensor<2x4x3x16xf32>, tensor<2x4x3x16xf32> to tensor<2x4x3x3xf32>
  %a = train.binary add %s, %b : tensor<2x4x3x3xf32>, tensor<3x3xf32>
  %m = train.unary mul_scalar %a {a = 0.25 : f64} : tensor<2x4x3x3xf32>
  %p = train.softmax %m : tensor<2x4x3x3xf32>
  %o = train.matmul %p, %v : tensor<2x4x3x3xf32>, tensor<2x4x3x16xf32> to tensor<2x4x3x16xf32>
  train.return outputs ["o"] (%o : tensor<2x4x3x16xf32>)
}
