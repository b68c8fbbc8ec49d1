// RUN: spillway-opt %s -verify-diagnostics -split-input-file --pass-pipeline='builtin.module(train.step(train-sink-updates))'

// The old and the new value of a parameter are wanted at a time, which no update in place can give.

train.step @both(input %x "x" : tensor<4xf32>, param %w "w" : tensor<4xf32>, hyper %lr "lr" : tensor<f32>) {
  // expected-error @+1 {{'train.sgd' op replaces a value that is still read when its result is used already}}
  %w1 = train.sgd lr %lr on %w, %x {momentum = 0.0 : f64, weight_decay = 0.0 : f64} : tensor<f32>, tensor<4xf32>, tensor<4xf32> to tensor<4xf32>
  // expected-note @+1 {{the last reader of the replaced value}}
  %d = train.binary sub %w, %w1 : tensor<4xf32>, tensor<4xf32>
  train.return outputs ["d"] (%d : tensor<4xf32>) update (%w : tensor<4xf32>) to (%w1 : tensor<4xf32>)
}
