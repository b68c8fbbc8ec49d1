// RUN: spillway-opt %s --split-input-file --pass-pipeline='builtin.module(train.step(train-fuse-rotary,canonicalize))' | FileCheck %s

// Heads before positions; one table for the batch.
// CHECK-LABEL: @heads_first
// CHECK-DAG: %[[C:.*]] = train.reshape %cos : tensor<1x1x8x16xf32> to tensor<8x16xf32>
// CHECK-DAG: %[[S:.*]] = train.reshape %sin : tensor<1x1x8x16xf32> to tensor<8x16xf32>
// CHECK-DAG: %[[X:.*]] = train.transpose %x [0, 2, 1, 3]
// CHECK: %[[Y:.*]] = train.rope %[[X]], %[[C]], %[[S]] : tensor<2x8x4x16xf32>
// CHECK: train.transpose %[[Y]] [0, 2, 1, 3]
train.step @heads_first(input %x "x" : tensor<2x4x8x16xf32>, input %cos "cos" : tensor<1x1x8x16xf32>, input %sin "sin" : tensor<1x1x8x16xf32>) {
  %c = train.binary mul %x, %cos : tensor<2x4x8x16xf32>, tensor<1x1x8x16xf32>
  %h = train.slice %x [0, 0, 0, 8] : tensor<2x4x8x16xf32> to tensor<2x4x8x8xf32>
  %n = train.unary neg %h : tensor<2x4x8x8xf32>
  %l = train.slice %x [0, 0, 0, 0] : tensor<2x4x8x16xf32> to tensor<2x4x8x8xf32>
  %r = train.concat %n, %l dim 3 : tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32> to tensor<2x4x8x16xf32>
  %s = train.binary mul %r, %sin : tensor<2x4x8x16xf32>, tensor<1x1x8x16xf32>
  %y = train.binary add %c, %s : tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>
  train.return outputs ["y"] (%y : tensor<2x4x8x16xf32>)
}

// -----

// Positions before heads; a table for each sample; terms swapped.
// CHECK-LABEL: @positions_first
// CHECK-DAG: %[[C:.*]] = train.reshape %cos : tensor<2x8x1x16xf32> to tensor<2x8x16xf32>
// CHECK-DAG: %[[S:.*]] = train.reshape %sin : tensor<2x8x1x16xf32> to tensor<2x8x16xf32>
// CHECK: train.rope %x, %[[C]], %[[S]] : tensor<2x8x4x16xf32>, tensor<2x8x16xf32>, tensor<2x8x16xf32>
train.step @positions_first(input %x "x" : tensor<2x8x4x16xf32>, input %cos "cos" : tensor<2x8x1x16xf32>, input %sin "sin" : tensor<2x8x1x16xf32>) {
  %c = train.binary mul %x, %cos : tensor<2x8x4x16xf32>, tensor<2x8x1x16xf32>
  %h = train.slice %x [0, 0, 0, 8] : tensor<2x8x4x16xf32> to tensor<2x8x4x8xf32>
  %n = train.unary neg %h : tensor<2x8x4x8xf32>
  %l = train.slice %x [0, 0, 0, 0] : tensor<2x8x4x16xf32> to tensor<2x8x4x8xf32>
  %r = train.concat %n, %l dim 3 : tensor<2x8x4x8xf32>, tensor<2x8x4x8xf32> to tensor<2x8x4x16xf32>
  %s = train.binary mul %sin, %r : tensor<2x8x1x16xf32>, tensor<2x8x4x16xf32>
  %y = train.binary add %s, %c : tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>
  train.return outputs ["y"] (%y : tensor<2x8x4x16xf32>)
}

// -----

// Near miss: halves not exchanged.
// CHECK-LABEL: @same_order
// CHECK-NOT: train.rope
train.step @same_order(input %x "x" : tensor<2x4x8x16xf32>, input %cos "cos" : tensor<1x1x8x16xf32>, input %sin "sin" : tensor<1x1x8x16xf32>) {
  %c = train.binary mul %x, %cos : tensor<2x4x8x16xf32>, tensor<1x1x8x16xf32>
  %h = train.slice %x [0, 0, 0, 0] : tensor<2x4x8x16xf32> to tensor<2x4x8x8xf32>
  %n = train.unary neg %h : tensor<2x4x8x8xf32>
  %l = train.slice %x [0, 0, 0, 8] : tensor<2x4x8x16xf32> to tensor<2x4x8x8xf32>
  %r = train.concat %n, %l dim 3 : tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32> to tensor<2x4x8x16xf32>
  %s = train.binary mul %r, %sin : tensor<2x4x8x16xf32>, tensor<1x1x8x16xf32>
  %y = train.binary add %c, %s : tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>
  train.return outputs ["y"] (%y : tensor<2x4x8x16xf32>)
}

// -----

// Near miss: tables that differ from head to head.
// CHECK-LABEL: @table_of_heads
// CHECK-NOT: train.rope
train.step @table_of_heads(input %x "x" : tensor<2x4x8x16xf32>, input %cos "cos" : tensor<1x4x8x16xf32>, input %sin "sin" : tensor<1x4x8x16xf32>) {
  %c = train.binary mul %x, %cos : tensor<2x4x8x16xf32>, tensor<1x4x8x16xf32>
  %h = train.slice %x [0, 0, 0, 8] : tensor<2x4x8x16xf32> to tensor<2x4x8x8xf32>
  %n = train.unary neg %h : tensor<2x4x8x8xf32>
  %l = train.slice %x [0, 0, 0, 0] : tensor<2x4x8x16xf32> to tensor<2x4x8x8xf32>
  %r = train.concat %n, %l dim 3 : tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32> to tensor<2x4x8x16xf32>
  %s = train.binary mul %r, %sin : tensor<2x4x8x16xf32>, tensor<1x4x8x16xf32>
  %y = train.binary add %c, %s : tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>
  train.return outputs ["y"] (%y : tensor<2x4x8x16xf32>)
}
