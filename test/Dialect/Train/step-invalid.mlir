// RUN: spillway-opt %s -verify-diagnostics -split-input-file

// The list of arguments.

// expected-error @+1 {{expects a role (input, param, state, hyper or constant), but got 'weight'}}
train.step @role(weight %w "w" : tensor<f32>) {
  train.return
}

// -----

// expected-error @+1 {{expects the name of an argument once, as a string behind it, but got a 'name' for "w" too}}
train.step @named_twice(param %w "w" : tensor<f32> {name = "v"}) {
  train.return
}

// -----

// (C1) one role and one dictionary with a name for each argument

// expected-error @+1 {{'train.step' op expects one role and one dictionary for each of 1 arguments, but got 2 and 1}}
"train.step"() <{sym_name = "s", roles = array<i32: 0, 1>, args = [{name = "x"}]}> ({
^bb0(%x : tensor<f32>):
  train.return
}) : () -> ()

// -----

// expected-error @+1 {{'train.step' op expects a role of argument 0 in [0, 4], but got 5}}
"train.step"() <{sym_name = "s", roles = array<i32: 5>, args = [{name = "x"}]}> ({
^bb0(%x : tensor<f32>):
  train.return
}) : () -> ()

// -----

// expected-error @+1 {{'train.step' op expects a dictionary with a name for argument 0}}
"train.step"() <{sym_name = "s", roles = array<i32: 0>, args = [{}]}> ({
^bb0(%x : tensor<f32>):
  train.return
}) : () -> ()

// -----

// expected-error @+1 {{'train.step' op expects a dictionary with a name for argument 0}}
"train.step"() <{sym_name = "s", roles = array<i32: 0>, args = ["x"]}> ({
^bb0(%x : tensor<f32>):
  train.return
}) : () -> ()

// -----

// (C2) names are unique

// expected-error @+1 {{'train.step' op expects unique names of arguments, but got 'x' twice}}
train.step @unique(input %x "x" : tensor<f32>, param %y "x" : tensor<f32>) {
  train.return
}

// -----

// (C3) static tensors

// expected-error @+1 {{'train.step' op expects a static tensor for argument 'x', but got 'tensor<?xf32>'}}
train.step @dynamic(input %x "x" : tensor<?xf32>) {
  train.return
}

// -----

// expected-error @+1 {{'train.step' op expects a static tensor for argument 'x', but got 'f32'}}
train.step @scalar(input %x "x" : f32) {
  train.return
}

// -----

// (C4) kinds of entries

// expected-error @+1 {{'train.step' op expects another kind of value for 'source' of argument 'w', but got "w.bin"}}
train.step @source(param %w "w" : tensor<f32> {source = "w.bin"}) {
  train.return
}

// -----

// expected-error @+1 {{'train.step' op expects another kind of value for 'fill' of argument 'w', but got "0"}}
train.step @fill(param %w "w" : tensor<f32> {fill = "0"}) {
  train.return
}

// -----

// expected-error @+1 {{'train.step' op expects another kind of value for 'value' of argument 'c', but got 1 : i64}}
train.step @value(constant %c "c" : tensor<i64> {value = 1 : i64}) {
  train.return
}

// -----

// expected-error @+1 {{'train.step' op expects another kind of value for 'vocabulary' of argument 'x', but got 1.6}}
train.step @vocabulary(input %x "x" : tensor<4xi64> {vocabulary = 16.0 : f32}) {
  train.return
}

// -----

// expected-error @+1 {{'train.step' op expects another kind of value for 'frozen' of argument 'w', but got false}}
train.step @frozen(param %w "w" : tensor<f32> {frozen = false}) {
  train.return
}

// -----

// expected-error @+1 {{'train.step' op expects another kind of value for 'tied' of argument 'w', but got [1]}}
train.step @tied(param %w "w" : tensor<f32> {tied = [1]}) {
  train.return
}

// -----

// expected-error @+1 {{expects an offset and a number of bytes of at least 0, but got -4 and 8}}
train.step @range(param %w "w" : tensor<f32> {source = #train.source<"w.bin" at -4 bytes 8>}) {
  train.return
}

// -----

// (C5) counts

// expected-error @+1 {{'train.step' op expects at least 1 micro-batch, 0 tokens and 1 lane, but got 0, 0 and 1}}
train.step @micro() attributes {micro_batches = 0 : i64} {
  train.return
}

// -----

// expected-error @+1 {{'train.step' op expects at least 1 micro-batch, 0 tokens and 1 lane, but got 1, -1 and 1}}
train.step @tokens() attributes {tokens = -1 : i64} {
  train.return
}

// -----

// expected-error @+1 {{'train.step' op expects at least 1 micro-batch, 0 tokens and 1 lane, but got 1, 0 and 0}}
train.step @lanes() attributes {lanes = 0 : i64} {
  train.return
}

// -----

// (C6) train.return at the end

// expected-error @+1 {{'train.step' op expects train.return at its end}}
train.step @end(input %x "x" : tensor<f32>) {
  %y = train.copy %x : tensor<f32>
}

// -----

// expected-error @+1 {{'train.step' op region #0 ('body') failed to verify constraint: region with 1 blocks}}
train.step @empty() {
}

// -----

// train.return: (C1) a scalar loss

train.step @loss(input %x "x" : tensor<2xf32>) {
  // expected-error @+1 {{'train.return' op expects a loss of one element, but got 'tensor<2xf32>'}}
  train.return loss %x : tensor<2xf32>
}

// -----

train.step @names(input %x "x" : tensor<2xf32>) {
  // expected-error @+1 {{'train.return' op expects one name for each of 1 outputs, but got 2}}
  train.return outputs ["a", "b"] (%x : tensor<2xf32>)
}

// -----

train.step @values(param %x "x" : tensor<2xf32>) {
  // expected-error @+1 {{'train.return' op expects one value for each of 2 targets, but got 1}}
  train.return update (%x, %x : tensor<2xf32>, tensor<2xf32>) to (%x : tensor<2xf32>)
}

// -----

// (C2) targets are arguments, each at most once

train.step @target(param %x "x" : tensor<2xf32>) {
  %y = train.copy %x : tensor<2xf32>
  // expected-error @+1 {{'train.return' op expects arguments of the step as targets of the update, but got}}
  train.return update (%y : tensor<2xf32>) to (%y : tensor<2xf32>)
}

// -----

train.step @twice(param %x "x" : tensor<2xf32>) {
  %y = train.copy %x : tensor<2xf32>
  // expected-error @+1 {{'train.return' op expects each argument to be updated once, but argument 0 is updated twice}}
  train.return update (%x, %x : tensor<2xf32>, tensor<2xf32>) to (%y, %x : tensor<2xf32>, tensor<2xf32>)
}

// -----

// (C3) one type

train.step @type(param %x "x" : tensor<2xf32>, param %w "w" : tensor<3xf32>) {
  // expected-error @+1 {{'train.return' op expects the type 'tensor<2xf32>' of the updated value, but got 'tensor<3xf32>'}}
  train.return update (%x : tensor<2xf32>) to (%w : tensor<3xf32>)
}

// -----

// expected-error @+1 {{'train.return' op expects parent op 'train.step'}}
train.return
