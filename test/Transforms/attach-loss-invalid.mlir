// One run a message; the module is the same.

// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss))' 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: error: there is no loss: pass --loss=cross_entropy(OUTPUT), {{.*}}; the outputs are: y ids row short
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss="mse(y"}))' 2>&1 | FileCheck %s --check-prefix=OPEN
// OPEN: error: invalid loss: expected ')' at the end of 'mse(y'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=mse(y,=)}))' 2>&1 | FileCheck %s --check-prefix=KEY
// KEY: error: invalid loss: expected an argument or key=value, found '=' in 'mse(y,=)'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=mse(y,weight=2)}))' 2>&1 | FileCheck %s --check-prefix=SETTING
// SETTING: error: the loss 'mse' has no setting 'weight'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=hinge(y)}))' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown loss 'hinge'; expected cross_entropy(OUTPUT), cross_entropy(OUTPUT,shift), mse(OUTPUT) or output(NAME)
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=mse(z)}))' 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: the loss names the output 'z', which does not exist; the outputs are: y, ids, row, short
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=mse}))' 2>&1 | FileCheck %s --check-prefix=WHICH
// WHICH: error: the loss needs the name of an output; the outputs are: y, ids, row, short
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=mse(ids)}))' 2>&1 | FileCheck %s --check-prefix=FLOAT
// FLOAT: error: the loss needs a floating-point output, but 'ids' is 'tensor<2x4xi64>'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=cross_entropy(y,sum)}))' 2>&1 | FileCheck %s --check-prefix=SHIFTWORD
// SHIFTWORD: error: the loss 'cross_entropy' takes an output and 'shift', but got 'sum' too
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=cross_entropy(y,shift,x)}))' 2>&1 | FileCheck %s --check-prefix=SHIFTMORE
// SHIFTMORE: error: the loss 'cross_entropy' takes an output and 'shift', but got 'x' too
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=mse(y,z)}))' 2>&1 | FileCheck %s --check-prefix=MORE
// MORE: error: the loss 'mse' takes an output, but got 'z' too
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=cross_entropy(row)}))' 2>&1 | FileCheck %s --check-prefix=RANK
// RANK: error: the loss 'cross_entropy' needs logits [..., classes], but got 'tensor<16xf32>'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=cross_entropy(short,shift)}))' 2>&1 | FileCheck %s --check-prefix=SHORT
// SHORT: error: the shifted loss needs logits [batch, sequence, vocabulary] of at least two positions, but got 'tensor<2x1x16xf32>'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=cross_entropy(y,shift)}))' 2>&1 | FileCheck %s --check-prefix=TOKENS
// TOKENS: error: the shifted loss needs one integer input of shape [2, 4] to take its labels from, or one named 'input_ids', but found 2
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=output(y)}))' 2>&1 | FileCheck %s --check-prefix=SCALAR
// SCALAR: error: the loss must be a scalar, but the output 'y' is 'tensor<2x4x16xf32>'
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=cross_entropy(y)}))' 2>&1 | FileCheck %s --check-prefix=TAKEN
// TAKEN: error: the loss needs an input 'labels', but the model has an argument of that name already; rename it, or if the model computes its loss itself, name that output with output(NAME)
// RUN: not spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=mse(y)},train-attach-loss{loss=mse(y)}))' 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: has a loss already
train.step @model(input %ids "tokens" : tensor<2x4xi64>, input %l "labels" : tensor<2x4xi64>,
                  param %t "t" : tensor<16x16xf32>) {
  %y = train.embedding %t, %ids : tensor<16x16xf32>, tensor<2x4xi64> to tensor<2x4x16xf32>
  %row = train.fill 0.0 : tensor<16xf32>
  %short = train.slice %y [0, 0, 0] : tensor<2x4x16xf32> to tensor<2x1x16xf32>
  train.return outputs ["y", "ids", "row", "short"] (%y, %ids, %row, %short : tensor<2x4x16xf32>, tensor<2x4xi64>, tensor<16xf32>, tensor<2x1x16xf32>)
}
