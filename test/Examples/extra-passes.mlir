// A plugin's pass takes part in a compilation: --load-pass-plugin loads it, --extra-passes says where
// it runs.

// On the forward graph: what it puts in is differentiated and frozen like any other op.
// RUN: spillwayc %s --loss=mse --load-pass-plugin=%libs/Snake.so --emit=train \
// RUN:   --extra-passes='snake-from-gelu{alpha=0.5}' | FileCheck %s
// RUN: spillwayc %s --loss=mse --load-pass-plugin=%libs/Snake.so --emit=train \
// RUN:   --extra-passes='forward:builtin.module(snake-from-gelu{alpha=0.5})' | FileCheck %s
// RUN: spillwayc %s --loss=mse --load-pass-plugin=%libs/Snake.so --emit=train \
// RUN:   --extra-passes='train.step(snake-from-gelu{alpha=0.5},canonicalize)' | FileCheck %s

// Once loss, gradients and updates are there, the derivative is GELU's and stays.
// RUN: spillwayc %s --loss=mse --load-pass-plugin=%libs/Snake.so --emit=train \
// RUN:   --extra-passes='step:snake-from-gelu{alpha=0.5}' | FileCheck %s --check-prefix=STEP

// On the frozen step a pass may look, which CSE does here, but not change.
// RUN: spillwayc %s --loss=mse --emit=train --extra-passes='frozen:cse' | FileCheck %s --check-prefix=PLAIN
// RUN: not spillwayc %s --loss=mse --load-pass-plugin=%libs/Snake.so -o %t.spill \
// RUN:   --extra-passes='frozen:snake-from-gelu' 2>&1 | FileCheck %s --check-prefix=FROZEN
// RUN: spillwayc %s --loss=mse --emit=train -o %t.frozen.mlir
// RUN: not spillwayc %t.frozen.mlir --extra-passes=cse -o %t.spill 2>&1 | FileCheck %s --check-prefix=LATE

// A pass's own error, a pass that nobody registered, one that is not for a step, a wrong point.
// RUN: not spillwayc %s --loss=mse --load-pass-plugin=%libs/Snake.so -o %t.spill \
// RUN:   --extra-passes='snake-from-gelu{alpha=0}' 2>&1 | FileCheck %s --check-prefix=OWN
// RUN: not spillwayc %s --loss=mse --extra-passes=snake-from-gelu -o %t.spill 2>&1 \
// RUN:   | FileCheck %s --check-prefix=UNKNOWN
// RUN: not spillwayc %s --loss=mse --extra-passes=cse,symbol-dce,no-such -o %t.spill 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SECOND
// RUN: not spillwayc %s --loss=mse --extra-passes='builtin.module(cse' -o %t.spill 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SYNTAX
// RUN: bash -c 'spillwayc %s --loss=mse --extra-passes=late:cse -o %t.spill 2> %t.said; test $? -eq 2'
// RUN: FileCheck %s --check-prefix=POINT < %t.said

// A plugin that is not there, is no library, or is a library of something else.
// RUN: not spillwayc %s --load-pass-plugin=%t.none.so -o %t.spill 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not spillwayc %s --load-pass-plugin=%s -o %t.spill 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not spillwayc %s --load-pass-plugin=%libs/libSnakeKernels.so -o %t.spill 2>&1 \
// RUN:   | FileCheck %s --check-prefix=OTHER
// RUN: not spillwayc %s --load-dialect-plugin=%libs/libSnakeKernels.so -o %t.spill 2>&1 \
// RUN:   | FileCheck %s --check-prefix=DIALECT
// RUN: not test -e %t.spill

// CHECK: snake.activate %{{.*}} {alpha = 5.000000e-01 : f64, id = {{[0-9]+}} : i64}
// CHECK: snake.activate_grad
// CHECK-NOT: gelu
// STEP: snake.activate %
// STEP: train.unary_grad gelu_tanh
// PLAIN: train.unary gelu_tanh %{{.*}} {id =
// FROZEN: error: passes at the point 'frozen' may look at the step but not change it
// LATE: error: the model is a frozen step, so 'cse' of --extra-passes comes too late
// OWN: error: expects an alpha other than 0
// UNKNOWN: error: the pipeline 'snake-from-gelu' of --extra-passes: 'snake-from-gelu' does not refer to a registered pass or pass pipeline; --load-pass-plugin=LIB
// SECOND: error: the pipeline 'cse,symbol-dce,no-such' of --extra-passes: 'no-such' does not refer
// SYNTAX: error: the pipeline 'builtin.module(cse' of --extra-passes: {{.+}}; --load
// POINT: error: --extra-passes: expected forward:, step: or frozen: before a pipeline, found 'late:'
// MISSING: error: cannot load the pass plugin: {{.*}}; expected a shared object
// OTHER: error: cannot load the pass plugin: {{.*}}entry point
// DIALECT: error: cannot load the dialect plugin: {{.*}}entry point
train.step @mlp(input %x "x" : tensor<4x8xf32>, param %w "w" : tensor<8x16xf32>) {
  %h = train.matmul %x, %w : tensor<4x8xf32>, tensor<8x16xf32> to tensor<4x16xf32>
  %y = train.unary gelu_tanh %h : tensor<4x16xf32>
  train.return outputs ["y"] (%y : tensor<4x16xf32>)
}
