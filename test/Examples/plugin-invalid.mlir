// RUN: not spillway-opt %s --load-pass-plugin=%libs/Snake.so \
// RUN:   --pass-pipeline="builtin.module(snake-from-gelu{alpha=0})" 2>&1 | FileCheck %s

// CHECK: error: expects an alpha other than 0
module {}
