// The plugin of examples/plugin adds an op that no code in lib/ knows: a pass of the plugin brings
// it in, and it is differentiated, given an update, and frozen, like any other.

// RUN: spillway-opt %s --load-pass-plugin=%libs/Snake.so \
// RUN:   --pass-pipeline="builtin.module(snake-from-gelu{alpha=0.5})" | FileCheck %s --check-prefix=PASS

// RUN: spillway-opt %s --load-pass-plugin=%libs/Snake.so \
// RUN:   --pass-pipeline="builtin.module(snake-from-gelu{alpha=0.5},train.step(train-attach-loss{loss=mse},train-differentiate,train-attach-optimizer{optimizer=sgd(lr=0.1)},train-materialize-layouts,train-freeze))" \
// RUN:   > %t.mlir
// RUN: FileCheck %s < %t.mlir

// What the pass wrote is read again with the plugin's dialect, and not without.
// RUN: spillway-opt %t.mlir --load-dialect-plugin=%libs/Snake.so | FileCheck %s
// RUN: not spillway-opt %t.mlir 2>&1 | FileCheck %s --check-prefix=WITHOUT

// PASS-LABEL: train.step @mlp
// PASS: snake.activate %{{.*}} {alpha = 5.000000e-01 : f64} : tensor<4x16xf32>
// PASS-NOT: gelu

// CHECK-LABEL: train.step @mlp
// CHECK: %[[H:.*]] = train.matmul
// CHECK: snake.activate %[[H]] {alpha = 5.000000e-01 : f64, id = {{[0-9]+}} : i64} : tensor<4x16xf32>
// CHECK: snake.activate_grad %{{.*}}, %[[H]] {alpha = 5.000000e-01 : f64, id = {{[0-9]+}} : i64}
// CHECK: train.sgd

// WITHOUT: error: {{.*}}snake
train.step @mlp(input %x "x" : tensor<4x8xf32>, param %w "w" : tensor<8x16xf32>) {
  %h = train.matmul %x, %w : tensor<4x8xf32>, tensor<8x16xf32> to tensor<4x16xf32>
  %y = train.unary gelu_tanh %h : tensor<4x16xf32>
  train.return outputs ["y"] (%y : tensor<4x16xf32>)
}
