// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=cross_entropy(logits)}))' | FileCheck %s --check-prefix=CE
// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=cross_entropy(logits,shift)}))' | FileCheck %s --check-prefix=SHIFT
// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=mse(logits)}))' | FileCheck %s --check-prefix=MSE
// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=output(total)}))' | FileCheck %s --check-prefix=OUTPUT

// CE-LABEL: train.step @model(
// CE-NEXT: input %input_ids "input_ids" : tensor<2x4xi64>,
// CE-NEXT: input %other "other" : tensor<2x4xi64>,
// CE-NEXT: param %t
// CE-NEXT: input %[[LABELS:.*]] "labels" : tensor<2x4xi64> {ignore_index = -100 : i64, vocabulary = 16 : i64})
// CE: %[[Y:.*]] = train.embedding
// CE: %[[ROWS:.*]] = train.reshape %[[Y]] : tensor<2x4x16xf32> to tensor<8x16xf32>
// CE: %[[FLAT:.*]] = train.reshape %[[LABELS]] : tensor<2x4xi64> to tensor<8xi64>
// CE: %[[LOSS:[a-z0-9]+]], %{{.*}} = train.cross_entropy %[[ROWS]], %[[FLAT]]
// CE: train.return loss %[[LOSS]] : tensor<f32>{{$}}

// The labels are the tokens one position later; the logits stay whole.
// SHIFT-LABEL: train.step @model(
// SHIFT-NEXT: input %input_ids "input_ids" : tensor<2x4xi64> {vocabulary = 16 : i64},
// SHIFT-NEXT: input %other "other" : tensor<2x4xi64>,
// SHIFT-NEXT: param %t "t" : tensor<16x16xf32>)
// SHIFT: %[[Y:.*]] = train.embedding
// SHIFT: %[[NEXT:.*]] = train.slice %input_ids [0, 1] : tensor<2x4xi64> to tensor<2x3xi64>
// SHIFT: %[[NONE:.*]] = train.fill -1.000000e+02 : tensor<2x1xi64>
// SHIFT: %[[LABELS:.*]] = train.concat %[[NEXT]], %[[NONE]] dim 1
// SHIFT: %[[ROWS:.*]] = train.reshape %[[Y]]
// SHIFT: %[[FLAT:.*]] = train.reshape %[[LABELS]]
// SHIFT: train.cross_entropy %[[ROWS]], %[[FLAT]]

// MSE-LABEL: train.step @model(
// MSE: input %[[T:.*]] "targets" : tensor<2x4x16xf32>)
// MSE: %[[Y:.*]] = train.embedding
// MSE: %[[D:.*]] = train.binary sub %[[Y]], %[[T]]
// MSE: %[[S:.*]] = train.unary square %[[D]]
// MSE: %[[M:.*]] = train.reduce mean %[[S]] [0, 1, 2] : tensor<2x4x16xf32> to tensor<1x1x1xf32>
// MSE: %[[L:.*]] = train.reshape %[[M]] : tensor<1x1x1xf32> to tensor<f32>
// MSE: train.return loss %[[L]] : tensor<f32>{{$}}

// OUTPUT-LABEL: train.step @model(
// OUTPUT: %[[S:.*]] = train.reduce sum
// OUTPUT: %[[L:.*]] = train.reshape %[[S]] : tensor<1x1x1xf32> to tensor<f32>
// OUTPUT: train.return loss %[[L]] : tensor<f32>{{$}}
train.step @model(input %ids "input_ids" : tensor<2x4xi64>, input %other "other" : tensor<2x4xi64>,
                  param %t "t" : tensor<16x16xf32>) {
  %y = train.embedding %t, %ids : tensor<16x16xf32>, tensor<2x4xi64> to tensor<2x4x16xf32>
  %s = train.reduce sum %y [0, 1, 2] : tensor<2x4x16xf32> to tensor<1x1x1xf32>
  train.return outputs ["logits", "total"] (%y, %s : tensor<2x4x16xf32>, tensor<1x1x1xf32>)
}
