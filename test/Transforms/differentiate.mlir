// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-differentiate))' | FileCheck %s

// A chain: the gradient of the loss is 1, and gradients become named outputs
// behind those that are there.

// CHECK-LABEL: train.step @chain
// CHECK: %[[ONE:.*]] = train.fill 1.000000e+00 : tensor<f32>
// CHECK: %[[G0:.*]] = train.reshape %[[ONE]] : tensor<f32> to tensor<1x1xf32>
// CHECK: %[[G1:.*]] = train.broadcast %[[G0]] : tensor<1x1xf32> to tensor<4x2xf32>
// CHECK: %[[DW:.*]] = train.matmul %x, %[[G1]] {transpose_a = true} : tensor<4x3xf32>, tensor<4x2xf32> to tensor<3x2xf32>
// CHECK: train.return loss %{{.*}} outputs ["y", "grad:w"](%{{.*}}, %[[DW]] : tensor<4x2xf32>, tensor<3x2xf32>)
train.step @chain(input %x "x" : tensor<4x3xf32>, param %w "w" : tensor<3x2xf32>) {
  %y = train.matmul %x, %w : tensor<4x3xf32>, tensor<3x2xf32> to tensor<4x2xf32>
  %s = train.reduce sum %y [0, 1] : tensor<4x2xf32> to tensor<1x1xf32>
  %l = train.reshape %s : tensor<1x1xf32> to tensor<f32>
  train.return loss %l : tensor<f32> outputs ["y"] (%y : tensor<4x2xf32>)
}

// A value that is used several times, and by one op twice, gets the sum of its gradients.

// CHECK-LABEL: train.step @fan_out
// CHECK: %[[G:.*]] = train.broadcast
// The third use, then both operands of the product, then the first use.
// CHECK: %[[C:.*]] = train.unary_grad neg %{{.*}}
// CHECK: %[[B0:.*]] = train.binary mul %{{.*}}, %[[T:.*]] :
// CHECK: %[[B1:.*]] = train.binary mul %{{.*}}, %[[T]] :
// CHECK: %[[S0:.*]] = train.binary add %[[C]], %[[B0]]
// CHECK: %[[S1:.*]] = train.binary add %[[S0]], %[[B1]]
// CHECK: %[[DW:.*]] = train.unary_grad tanh %[[S1]], %[[T]]
// CHECK: outputs ["grad:w"](%[[DW]]
train.step @fan_out(param %w "w" : tensor<3xf32>) {
  %t = train.unary tanh %w : tensor<3xf32>
  %b = train.binary mul %t, %t : tensor<3xf32>, tensor<3xf32>
  %c = train.unary neg %t : tensor<3xf32>
  %y = train.binary add %b, %c : tensor<3xf32>, tensor<3xf32>
  %s = train.reduce mean %y [0] : tensor<3xf32> to tensor<1xf32>
  %l = train.reshape %s : tensor<1xf32> to tensor<f32>
  train.return loss %l : tensor<f32>
}

// One parameter in two places (tied weights) has one gradient.

// CHECK-LABEL: train.step @tied
// CHECK: %[[HEAD:.*]] = train.matmul %{{.*}}, %{{.*}} {transpose_a = true} : tensor<6x5xf32>, tensor<6x4xf32> to tensor<5x4xf32>
// CHECK: %[[TABLE:.*]] = train.embedding_grad %{{.*}}, %ids : tensor<6x4xf32>, tensor<6xi64> to tensor<5x4xf32>
// CHECK: %[[SUM:.*]] = train.binary add %[[HEAD]], %[[TABLE]]
// CHECK: outputs ["grad:t"](%[[SUM]]
train.step @tied(input %ids "ids" : tensor<6xi64>, input %labels "labels" : tensor<6xi64>, param %t "t" : tensor<5x4xf32>) {
  %x = train.embedding %t, %ids : tensor<5x4xf32>, tensor<6xi64> to tensor<6x4xf32>
  %y = train.matmul %x, %t {transpose_b = true} : tensor<6x4xf32>, tensor<5x4xf32> to tensor<6x5xf32>
  %l, %lse, %n = train.cross_entropy %y, %labels : tensor<6x5xf32>, tensor<6xi64> to tensor<f32>, tensor<6xf32>, tensor<f32>
  train.return loss %l : tensor<f32>
}

// A parameter that the loss does not depend on is frozen; so are those that only
// a function without derivative leads to. A frozen one gets no gradient, and
// nothing is computed for it.

// CHECK-LABEL: train.step @unused(
// CHECK-NEXT: param %w "w" : tensor<3xf32>,
// CHECK-NEXT: param %u "u" : tensor<3xf32> {frozen},
// CHECK-NEXT: param %v "v" : tensor<3xf32> {frozen},
// CHECK-NEXT: param %f "f" : tensor<3xf32> {frozen},
// CHECK-NEXT: param %i "i" : tensor<3xi64>)
// CHECK: outputs ["grad:w"]
train.step @unused(param %w "w" : tensor<3xf32>, param %u "u" : tensor<3xf32>, param %v "v" : tensor<3xf32>,
                   param %f "f" : tensor<3xf32> {frozen}, param %i "i" : tensor<3xi64>) {
  %r = train.unary floor %v : tensor<3xf32>
  %0 = train.binary mul %w, %r : tensor<3xf32>, tensor<3xf32>
  %1 = train.binary mul %0, %f : tensor<3xf32>, tensor<3xf32>
  %j = train.cast %i : tensor<3xi64> to tensor<3xf32>
  %2 = train.binary mul %1, %j : tensor<3xf32>, tensor<3xf32>
  %s = train.reduce sum %2 [0] : tensor<3xf32> to tensor<1xf32>
  %l = train.reshape %s : tensor<1xf32> to tensor<f32>
  train.return loss %l : tensor<f32>
}

// Broadcasting is undone by a sum: of leading dimensions, of dimensions of size 1.

// CHECK-LABEL: train.step @broadcasting
// CHECK: %[[G:.*]] = train.binary mul %{{.*}}, %x : tensor<2x3x4xf32>, tensor<2x3x4xf32>
// CHECK: %[[A0:.*]] = train.reduce sum %[[G]] [0] : tensor<2x3x4xf32> to tensor<1x3x4xf32>
// CHECK: %[[A:.*]] = train.reshape %[[A0]] : tensor<1x3x4xf32> to tensor<3x4xf32>
// CHECK: %[[B0:.*]] = train.reduce sum %[[A]] [0] : tensor<3x4xf32> to tensor<1x4xf32>
// CHECK: %[[C0:.*]] = train.reduce sum %[[A]] [0, 1] : tensor<3x4xf32> to tensor<1x1xf32>
// CHECK: %[[C:.*]] = train.reshape %[[C0]] : tensor<1x1xf32> to tensor<f32>
// CHECK: outputs ["grad:b", "grad:c"](%[[B0]], %[[C]] : tensor<1x4xf32>, tensor<f32>)
train.step @broadcasting(input %x "x" : tensor<2x3x4xf32>, input %d "d" : tensor<3x4xf32>,
                         param %b "b" : tensor<1x4xf32>, param %c "c" : tensor<f32>) {
  %0 = train.binary add %d, %c : tensor<3x4xf32>, tensor<f32>
  %1 = train.binary add %0, %b : tensor<3x4xf32>, tensor<1x4xf32>
  %2 = train.binary mul %1, %x : tensor<3x4xf32>, tensor<2x3x4xf32>
  %s = train.reduce sum %2 [0, 1, 2] : tensor<2x3x4xf32> to tensor<1x1x1xf32>
  %l = train.reshape %s : tensor<1x1x1xf32> to tensor<f32>
  train.return loss %l : tensor<f32>
}

// No derivative is asked for where no trained parameter is behind it: of the
// maximum of an input, say, or of a mask.

// CHECK-LABEL: train.step @constant_path
// CHECK: train.attention_grad
// CHECK: outputs ["grad:q"]
train.step @constant_path(param %q "q" : tensor<1x2x1x4xf32>, input %m "m" : tensor<2x2xf32>) {
  %x = train.reduce max %m [0] : tensor<2x2xf32> to tensor<1x2xf32>
  %mask = train.broadcast %x : tensor<1x2xf32> to tensor<2x2xf32>
  %o, %lse = train.attention %q, %q, %q mask %mask {scale = 0.5 : f64} : tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>, tensor<2x2xf32> to tensor<1x2x1x4xf32>, tensor<1x1x2xf32>
  %s = train.reduce sum %o [0, 1, 2, 3] : tensor<1x2x1x4xf32> to tensor<1x1x1x1xf32>
  %l = train.reshape %s : tensor<1x1x1x1xf32> to tensor<f32>
  train.return loss %l : tensor<f32>
}

// An output of the model that the loss does not read, computed behind it.

// CHECK-LABEL: train.step @behind
// CHECK: outputs ["y", "grad:w"](%{{.*}}, %{{.*}} : tensor<f32>, tensor<f32>)
train.step @behind(param %w "w" : tensor<f32>) {
  %l = train.unary tanh %w : tensor<f32>
  %y = train.reduce max %w [] : tensor<f32> to tensor<f32>
  train.return loss %l : tensor<f32> outputs ["y"] (%y : tensor<f32>)
}

// The loss is a parameter itself.

// CHECK-LABEL: train.step @parameter
// CHECK: %[[ONE:.*]] = train.fill 1.000000e+00 : tensor<f32>
// CHECK: outputs ["grad:w"](%[[ONE]]
train.step @parameter(param %w "w" : tensor<f32>) {
  train.return loss %w : tensor<f32>
}

// One of each remaining derivative.

// CHECK-LABEL: train.step @select
// CHECK: %[[Z:.*]] = train.fill 0.000000e+00 : tensor<f32>
// CHECK: train.select %[[C:.*]], %[[G:.*]], %[[Z]] : tensor<3xi1>, tensor<3xf32>, tensor<f32>
// CHECK: train.select %[[C]], %[[Z]], %[[G]] : tensor<3xi1>, tensor<f32>, tensor<3xf32>
train.step @select(input %x "x" : tensor<3xf32>, param %a "a" : tensor<3xf32>, param %b "b" : tensor<f32>) {
  %c = train.compare gt %x, %a : tensor<3xf32>, tensor<3xf32>
  %y = train.select %c, %a, %b : tensor<3xi1>, tensor<3xf32>, tensor<f32>
  %s = train.reduce sum %y [0] : tensor<3xf32> to tensor<1xf32>
  %l = train.reshape %s : tensor<1xf32> to tensor<f32>
  train.return loss %l : tensor<f32>
}

// CHECK-LABEL: train.step @moves
// CHECK-DAG: train.slice %{{.*}} [0, 2] : tensor<2x5xf32> to tensor<2x3xf32>
// CHECK-DAG: train.slice %{{.*}} [0, 0] : tensor<2x5xf32> to tensor<2x2xf32>
// CHECK-DAG: train.pad %{{.*}} [0, 1] : tensor<2x2xf32> to tensor<2x3xf32>
// CHECK-DAG: train.transpose %{{.*}} [1, 0] : tensor<3x2xf32> to tensor<2x3xf32>
// CHECK-DAG: train.slice %{{.*}} [1, 1] : tensor<5x6xf32> to tensor<2x5xf32>
// CHECK-DAG: train.cast %{{.*}} : tensor<3x2xf64> to tensor<3x2xf32>
train.step @moves(param %w "w" : tensor<2x3xf32>) {
  %t = train.transpose %w [1, 0] : tensor<2x3xf32> to tensor<3x2xf32>
  %d = train.cast %t : tensor<3x2xf32> to tensor<3x2xf64>
  %e = train.cast %d : tensor<3x2xf64> to tensor<3x2xf32>
  %u = train.transpose %e [1, 0] : tensor<3x2xf32> to tensor<2x3xf32>
  %v = train.slice %u [0, 1] : tensor<2x3xf32> to tensor<2x2xf32>
  %c = train.concat %v, %u dim 1 : tensor<2x2xf32>, tensor<2x3xf32> to tensor<2x5xf32>
  %p = train.pad %c [1, 1] : tensor<2x5xf32> to tensor<5x6xf32>
  %y = train.copy %p : tensor<5x6xf32>
  %s = train.reduce mean %y [0, 1] : tensor<5x6xf32> to tensor<1x1xf32>
  %l = train.reshape %s : tensor<1x1xf32> to tensor<f32>
  train.return loss %l : tensor<f32>
}

// CHECK-LABEL: train.step @norms
// CHECK: train.softmax_grad
// CHECK: train.rms_norm_grad
// CHECK: train.layer_norm_grad
// CHECK: train.rope %{{.*}}, %cs, %cs {interleaved = true, inverse = true}
train.step @norms(param %x "x" : tensor<1x2x1x4xf32>, param %g "g" : tensor<4xf32>, param %b "b" : tensor<4xf32>,
                  input %cs "cs" : tensor<2x4xf32>) {
  %r = train.rope %x, %cs, %cs {interleaved = true} : tensor<1x2x1x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
  %0:3 = train.layer_norm %r, %g, %b eps 1.0e-5 : tensor<1x2x1x4xf32>, tensor<4xf32>, tensor<4xf32> to tensor<1x2x1x4xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>
  %1:2 = train.rms_norm %0#0, %g eps 1.0e-5 : tensor<1x2x1x4xf32>, tensor<4xf32> to tensor<1x2x1x4xf32>, tensor<1x2x1xf32>
  %2 = train.softmax %1#0 : tensor<1x2x1x4xf32>
  %s = train.reduce mean %2 [0, 1, 2, 3] : tensor<1x2x1x4xf32> to tensor<1x1x1x1xf32>
  %l = train.reshape %s : tensor<1x1x1x1xf32> to tensor<f32>
  train.return loss %l : tensor<f32>
}
