// One run a message; the module is the same.

// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=lion}))' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: invalid optimizer: unknown optimizer 'lion'; expected adamw or sgd
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer="adamw(lr=1"}))' 2>&1 | FileCheck %s --check-prefix=OPEN
// OPEN: error: invalid optimizer: expected ')' at the end of 'adamw(lr=1'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=adamw(momentum=0.9)}))' 2>&1 | FileCheck %s --check-prefix=SETTING
// SETTING: error: invalid optimizer: 'adamw' has no setting 'momentum'; it has lr, beta1, beta2, eps, weight_decay
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=sgd(nesterov=1)}))' 2>&1 | FileCheck %s --check-prefix=SGDSETTING
// SGDSETTING: error: invalid optimizer: 'sgd' has no setting 'nesterov'; it has lr, momentum, weight_decay
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=sgd(lr=fast)}))' 2>&1 | FileCheck %s --check-prefix=NUMBER
// NUMBER: error: invalid optimizer: expected a number for 'lr' of sgd, found 'fast'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=adamw(beta1=1)}))' 2>&1 | FileCheck %s --check-prefix=RANGE
// RANGE: error: invalid optimizer: expected 'beta1' of 'adamw' in [0, 1), found 1
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=sgd(lr=nan)}))' 2>&1 | FileCheck %s --check-prefix=NAN
// NAN: error: invalid optimizer: expected 'lr' of 'sgd' in [0, inf), found nan
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=sgd(0.1)}))' 2>&1 | FileCheck %s --check-prefix=POSITIONAL
// POSITIONAL: error: invalid optimizer: 'sgd' takes settings key=value, but got '0.1'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{clip-norm=-1}))' 2>&1 | FileCheck %s --check-prefix=CLIP
// CLIP: error: expects a clipping norm of at least 0, but got -1
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{no-decay="b[ias"}))' 2>&1 | FileCheck %s --check-prefix=REGEX
// REGEX: error: invalid regular expression 'b[ias' for no-decay: brackets ([ ]) not balanced
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer{optimizer=sgd}))' 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-optimizer))' 2>&1 | FileCheck %s --check-prefix=NAME

// NONE: attach-optimizer-invalid.mlir:[[@LINE+4]]:1: error: there are no gradients to update parameters by; run train-differentiate first
// NAME: attach-optimizer-invalid.mlir:[[@LINE+1]]:1: error: the optimizer needs an argument 'step', but the model has one of that name already; rename it
train.step @model(param %w "step" : tensor<f32>) { train.return outputs ["grad:step"] (%w : tensor<f32>) }

train.step @forward(param %w "w" : tensor<f32>) { train.return outputs ["w"] (%w : tensor<f32>) }
