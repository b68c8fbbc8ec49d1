// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer))' | FileCheck %s --check-prefix=ADAMW
// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer="adamw(lr=0.5, beta1=0.8,beta2=0.9,eps=1e-6,weight_decay=0.1)" no-decay=bias$}))' | FileCheck %s --check-prefix=SET
// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=sgd(lr=0.1)}))' | FileCheck %s --check-prefix=SGD
// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=sgd(momentum=0.9,weight_decay=0.01)}))' | FileCheck %s --check-prefix=MOMENTUM
// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=sgd clip-norm=2.5}))' | FileCheck %s --check-prefix=CLIP

// PyTorch's defaults.
// ADAMW-LABEL: train.step @model(
// ADAMW: hyper %[[LR:.*]] "lr" : tensor<f32> {fill = 1.000000e-03 : f64},
// ADAMW-NEXT: hyper %[[STEP:.*]] "step" : tensor<i64> {fill = 1.000000e+00 : f64},
// ADAMW-NEXT: state %[[M:.*]] "h.weight.exp_avg" : tensor<2x3xf32> {fill = 0.000000e+00 : f64},
// ADAMW-NEXT: state %[[V:.*]] "h.weight.exp_avg_sq" : tensor<2x3xf32> {fill = 0.000000e+00 : f64},
// ADAMW-NEXT: state %[[BM:.*]] "h.bias.exp_avg" : tensor<3xf32>
// ADAMW-NEXT: state %[[BV:.*]] "h.bias.exp_avg_sq" : tensor<3xf32>
// ADAMW: %[[C1:.*]], %[[C2:.*]] = train.bias_correction %[[STEP]] {beta1 = 9.000000e-01 : f64, beta2 = 0.99899999999999999 : f64}
// ADAMW: %[[W:.*]]:3 = train.adamw lr %[[LR]] corrections %[[C1]], %[[C2]] on %h_weight, %[[DW:[0-9]+]], %[[M]], %[[V]] {beta1 = 9.000000e-01 : f64, beta2 = 0.99899999999999999 : f64, eps = 1.000000e-08 : f64, weight_decay = 1.000000e-02 : f64}
// ADAMW: %[[B:.*]]:3 = train.adamw lr %[[LR]] corrections %[[C1]], %[[C2]] on %h_bias, %{{.*}}, %[[BM]], %[[BV]] {{.*}}weight_decay = 1.000000e-02
// What is no gradient stays an output; what was updated stays so.
// ADAMW: train.return loss %{{.*}} : tensor<f32> outputs ["grad:other"](%{{.*}} : tensor<3xf32>)
// ADAMW-SAME: update(%count, %h_weight, %[[M]], %[[V]], %h_bias, %[[BM]], %[[BV]] :
// ADAMW-SAME: to(%{{[0-9]+}}, %[[W]]#0, %[[W]]#1, %[[W]]#2, %[[B]]#0, %[[B]]#1, %[[B]]#2 :

// SET: hyper %{{.*}} "lr" : tensor<f32> {fill = 5.000000e-01 : f64},
// SET: train.bias_correction %{{.*}} {beta1 = 8.000000e-01 : f64, beta2 = 9.000000e-01 : f64}
// SET: train.adamw {{.*}} on %h_weight{{.*}} {beta1 = 8.000000e-01 : f64, beta2 = 9.000000e-01 : f64, eps = 9.9999999999999995E-7 : f64, weight_decay = 1.000000e-01 : f64}
// SET: train.adamw {{.*}} on %h_bias{{.*}} weight_decay = 0.000000e+00 : f64}

// Neither state nor a step number.
// SGD: state %count "count" : tensor<f32>,
// SGD-NEXT: hyper %lr "lr" : tensor<f32> {fill = 1.000000e-01 : f64})
// SGD: %[[W:.*]] = train.sgd lr %lr on %h_weight, %{{.*}} {momentum = 0.000000e+00 : f64, weight_decay = 0.000000e+00 : f64} : tensor<f32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>
// SGD: %[[B:.*]] = train.sgd
// SGD: update(%count, %h_weight, %h_bias : {{.*}}) to(%{{.*}}, %[[W]], %[[B]] :

// MOMENTUM: state %[[M:.*]] "h.weight.momentum_buffer" : tensor<2x3xf32> {fill = 0.000000e+00 : f64},
// MOMENTUM: state %[[BM:.*]] "h.bias.momentum_buffer" : tensor<3xf32>
// MOMENTUM: %[[W:.*]]:2 = train.sgd lr %lr on %h_weight, %{{.*}}, %[[M]] {momentum = 9.000000e-01 : f64, weight_decay = 1.000000e-02 : f64}
// MOMENTUM: update(%count, %h_weight, %[[M]], %h_bias, %[[BM]] : {{.*}}) to(%{{.*}}, %[[W]]#0, %[[W]]#1,

// CLIP: %[[S0:.*]] = train.sum_squares %[[DW:.*]] : tensor<2x3xf32> to tensor<f32>
// CLIP: %[[S1:.*]] = train.sum_squares %[[DB:.*]] : tensor<3xf32> to tensor<f32>
// CLIP: %[[SCALE:.*]] = train.clip_scale %[[S0]], %[[S1]] {max_norm = 2.500000e+00 : f64}
// CLIP: train.sgd lr %lr scale %[[SCALE]] on %h_weight, %[[DW]] {{.*}} : tensor<f32> scale tensor<f32>, tensor<2x3xf32>
// CLIP: train.sgd lr %lr scale %[[SCALE]] on %h_bias, %[[DB]]
train.step @model(input %x "x" : tensor<2x3xf32>, param %w "h.weight" : tensor<2x3xf32>, param %b "h.bias" : tensor<3xf32>,
                  state %count "count" : tensor<f32>) {
  %dw = train.unary neg %x : tensor<2x3xf32>
  %s = train.reduce sum %x [0] : tensor<2x3xf32> to tensor<1x3xf32>
  %db = train.reshape %s : tensor<1x3xf32> to tensor<3xf32>
  %n = train.unary add_scalar %count {a = 1.0 : f64} : tensor<f32>
  train.return loss %n : tensor<f32> outputs ["grad:h.weight", "grad:other", "grad:h.bias"] (%dw, %db, %db : tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>)
    update (%count : tensor<f32>) to (%n : tensor<f32>)
}
