// The output may be left out where there is one, and so may the parentheses; the tokens
// of a shifted loss are the only integer input of their shape, whatever its name.

// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=mse}))' | FileCheck %s --check-prefix=MSE
// RUN: spillway-opt %s --pass-pipeline='builtin.module(train.step(train-attach-loss{loss=cross_entropy(y,shift)}))' | FileCheck %s --check-prefix=SHIFT

// MSE: train.binary sub %{{.*}}, %targets
// SHIFT: input %tokens "tokens" : tensor<2x4xi32> {vocabulary = 16 : i64},
// SHIFT: train.fill -1.000000e+02 : tensor<2x1xi32>
train.step @model(input %ids "tokens" : tensor<2x4xi32>, input %m "mask" : tensor<2x4xi1>, input %p "position" : tensor<4xi64>,
                  param %t "t" : tensor<16x16xf32>) {
  %y = train.embedding %t, %ids : tensor<16x16xf32>, tensor<2x4xi32> to tensor<2x4x16xf32>
  train.return outputs ["y"] (%y : tensor<2x4x16xf32>)
}
