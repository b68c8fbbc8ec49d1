// RUN: spillway-opt %s -verify-diagnostics -split-input-file --allow-unregistered-dialect --pass-pipeline='builtin.module(train.step(train-freeze))'
// RUN: not spillway-opt %s --allow-unregistered-dialect --pass-pipeline='builtin.module(train.step(train-freeze{lanes=0}))' 2>&1 | FileCheck %s
// CHECK: error: expects at least one lane, but got 0

train.step @lanes() {
  train.return
}

// -----

// expected-error @+1 {{is frozen already}}
train.step @twice() attributes {frozen} {
  train.return
}

// -----

train.step @unknown(input %x "x" : tensor<4xf32>) {
  // expected-error @+1 {{'other.op' op has no kernel, so no plan can run it; give it a KernelOpInterface}}
  %y = "other.op"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  train.return outputs ["y"] (%y : tensor<4xf32>)
}

// -----

// Pieces lie in one storage only where updates leave them there.

train.step @pieces(input %x "x" : tensor<2xf32>) {
  // expected-error @+1 {{'train.assemble' op expects results of updates as pieces, but got}}
  %y = train.assemble %x, %x : tensor<2xf32>, tensor<2xf32> to tensor<4xf32>
  train.return outputs ["y"] (%y : tensor<4xf32>)
}
