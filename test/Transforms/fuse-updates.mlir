// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-fuse-updates))' | FileCheck %s
// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-fuse-updates{max-bytes=15}))' | FileCheck %s --check-prefix=SMALL
// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-fuse-updates{max-total-bytes=32}))' | FileCheck %s --check-prefix=TOTAL

// All that stand together become one op, at the place of the last; its location is all of theirs.

// CHECK-LABEL: train.step @run
// CHECK: %[[G:.*]] = train.unary neg
// CHECK-NEXT: %[[V:.*]] = train.reshape
// CHECK-NEXT: %[[U:.*]]:3 = train.sgd lr %lr on %a, %[[G]], %b, %[[V]], %c, %[[G]] {momentum = 0.000000e+00 : f64, weight_decay = 0.000000e+00 : f64}
// CHECK-NEXT: train.return update({{.*}}) to(%[[U]]#0, %[[U]]#1, %[[U]]#2 :
// SMALL-LABEL: train.step @run
// SMALL-COUNT-3: train.sgd {{.*}} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
// TOTAL-LABEL: train.step @run
// TOTAL: %[[U:.*]]:2 = train.sgd lr %lr on %a, %{{.*}}, %b, %{{.*}} {
// TOTAL: %[[W:.*]] = train.sgd lr %lr on %c,
// TOTAL: to(%[[U]]#0, %[[U]]#1, %[[W]] :
train.step @run(param %a "a" : tensor<4xf32>, param %b "b" : tensor<4xf32>, param %c "c" : tensor<4xf32>, input %x "x" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  %g = train.unary neg %x : tensor<4xf32>
  %a1 = train.sgd lr %lr on %a, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %v = train.reshape %g : tensor<4xf32> to tensor<4xf32>
  %b1 = train.sgd lr %lr on %b, %v {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %c1 = train.sgd lr %lr on %c, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  train.return update (%a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) to (%a1, %b1, %c1 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
}

// Others between which they stand keep their place: other hyperparameters, another
// learning rate, another number of operands.

// CHECK-LABEL: train.step @different
// CHECK-DAG: train.sgd lr %lr on %a, %{{.*}}, %d, %{{.*}} {momentum = 0.000000e+00 : f64, weight_decay = 0.000000e+00 : f64}
// CHECK-DAG: train.sgd lr %lr on %b, %{{.*}} {momentum = 0.000000e+00 : f64, weight_decay = 1.000000e-01 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to
// CHECK-DAG: train.sgd lr %rate on %c, %{{.*}} {momentum
// CHECK-DAG: train.sgd lr %lr scale %rate on %e, %{{.*}} {momentum
// CHECK: train.return
train.step @different(param %a "a" : tensor<4xf32>, param %b "b" : tensor<4xf32>, param %c "c" : tensor<4xf32>, param %d "d" : tensor<4xf32>, param %e "e" : tensor<4xf32>, input %x "x" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>, hyper %rate "rate" : tensor<f32>) {
  %g = train.unary neg %x : tensor<4xf32>
  %a1 = train.sgd lr %lr on %a, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %b1 = train.sgd lr %lr on %b, %g {momentum = 0.0 : f64, weight_decay = 0.1 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %c1 = train.sgd lr %rate on %c, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %d1 = train.sgd lr %lr on %d, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %e1 = train.sgd lr %lr scale %rate on %e, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32> scale tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  train.return update (%a, %b, %c, %d, %e : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) to (%a1, %b1, %c1, %d1, %e1 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
}

// Work between two updates keeps them apart: a gradient would live longer.

// CHECK-LABEL: train.step @apart
// CHECK: train.sgd lr %lr on %a, %{{[0-9a-z]*}} {
// CHECK: train.unary tanh
// CHECK: train.sgd lr %lr on %b, %{{[0-9a-z]*}} {
train.step @apart(param %a "a" : tensor<4xf32>, param %b "b" : tensor<4xf32>, input %x "x" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  %g = train.unary neg %x : tensor<4xf32>
  %a1 = train.sgd lr %lr on %a, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %t = train.unary tanh %x : tensor<4xf32>
  %b1 = train.sgd lr %lr on %b, %t {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  train.return update (%a, %b : tensor<4xf32>, tensor<4xf32>) to (%a1, %b1 : tensor<4xf32>, tensor<4xf32>)
}

// A view of a result between two updates: the fused op would come behind it.

// CHECK-LABEL: train.step @result_read
// CHECK: %[[A:.*]] = train.sgd lr %lr on %a, %{{[0-9a-z]*}} {
// CHECK: train.reshape %[[A]]
// CHECK: train.sgd lr %lr on %b, %{{[0-9a-z]*}} {
train.step @result_read(param %a "a" : tensor<4xf32>, param %b "b" : tensor<4xf32>, input %x "x" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  %g = train.unary neg %x : tensor<4xf32>
  %a1 = train.sgd lr %lr on %a, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %v = train.reshape %a1 : tensor<4xf32> to tensor<2x2xf32>
  %b1 = train.sgd lr %lr on %b, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  train.return outputs ["v"] (%v : tensor<2x2xf32>) update (%a, %b : tensor<4xf32>, tensor<4xf32>) to (%a1, %b1 : tensor<4xf32>, tensor<4xf32>)
}

// A gradient that is an argument is read before that is replaced.

// CHECK-LABEL: train.step @argument_gradient
// CHECK: train.sgd lr %lr on %a, %b {
// CHECK: train.sgd lr %lr on %b, %{{[0-9a-z]*}} {
train.step @argument_gradient(param %a "a" : tensor<4xf32>, param %b "b" : tensor<4xf32>, input %x "x" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  %g = train.unary neg %x : tensor<4xf32>
  %a1 = train.sgd lr %lr on %a, %b {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  %b1 = train.sgd lr %lr on %b, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  train.return update (%a, %b : tensor<4xf32>, tensor<4xf32>) to (%a1, %b1 : tensor<4xf32>, tensor<4xf32>)
}

// With state.

// CHECK-LABEL: train.step @adamw
// CHECK: %[[U:.*]]:6 = train.adamw lr %lr corrections %lr, %lr scale %lr on %a, %[[G:.*]], %m, %v, %b, %[[G]], %n, %w {
// CHECK: to(%[[U]]#0, %[[U]]#1, %[[U]]#2, %[[U]]#3, %[[U]]#4, %[[U]]#5 :
train.step @adamw(param %a "a" : tensor<4xf32>, param %b "b" : tensor<4xf32>, param %m "m" : tensor<4xf32>, param %v "v" : tensor<4xf32>, param %n "n" : tensor<4xf32>, param %w "w" : tensor<4xf32>, input %x "x" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  %g = train.copy %x : tensor<4xf32>
  %a1:3 = train.adamw lr %lr corrections %lr, %lr scale %lr on %a, %g, %m, %v {beta1 = 0.9 : f64, beta2 = 0.999 : f64, eps = 1.0e-8 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<f32>, tensor<f32> scale tensor<f32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  %b1:3 = train.adamw lr %lr corrections %lr, %lr scale %lr on %b, %g, %n, %w {beta1 = 0.9 : f64, beta2 = 0.999 : f64, eps = 1.0e-8 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<f32>, tensor<f32> scale tensor<f32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  train.return update (%a, %m, %v, %b, %n, %w : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) to (%a1#0, %a1#1, %a1#2, %b1#0, %b1#1, %b1#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
}
