// RUN: spillway-opt %s -verify-diagnostics -split-input-file

// train.reshape: (C1) as many elements

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.reshape' op expects 6 elements in the result, but got 8}}
  %y = train.reshape %x : tensor<2x3xf32> to tensor<8xf32>
  train.return
}

// -----

// (C2) the same element type

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.reshape' op expects the element type 'f32', but got 'i32'}}
  %y = train.reshape %x : tensor<2x3xf32> to tensor<6xi32>
  train.return
}

// -----

// train.transpose: (C1) a permutation of the input's rank

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.transpose' op expects a permutation of 2 dimensions, but got [0, 0]}}
  %y = train.transpose %x [0, 0] : tensor<2x3xf32> to tensor<2x2xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.transpose' op expects a permutation of 2 dimensions, but got [1]}}
  %y = train.transpose %x [1] : tensor<2x3xf32> to tensor<3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.transpose' op expects a permutation of 2 dimensions, but got [0, -1]}}
  %y = train.transpose %x [0, -1] : tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.transpose' op expects results of type 'tensor<3x2xf32>', but got 'tensor<2x3xf32>'}}
  %y = train.transpose %x [1, 0] : tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

// train.slice: (C1) one offset a dimension

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.slice' op expects 2 offsets and a result of that rank, but got 1 and 'tensor<2x2xf32>'}}
  %y = train.slice %x [0] : tensor<2x3xf32> to tensor<2x2xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.slice' op expects 2 offsets and a result of that rank, but got 2 and 'tensor<2xf32>'}}
  %y = train.slice %x [0, 0] : tensor<2x3xf32> to tensor<2xf32>
  train.return
}

// -----

// (C2) the box lies inside

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.slice' op expects dimension 1 of the box inside [0, 3), but got 2 elements from 2 on}}
  %y = train.slice %x [0, 2] : tensor<2x3xf32> to tensor<2x2xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.slice' op expects dimension 0 of the box inside [0, 2), but got 2 elements from -1 on}}
  %y = train.slice %x [-1, 0] : tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

// An offset whose end is no 64-bit number.

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.slice' op expects dimension 1 of the box inside [0, 3), but got 3 elements from 9223372036854775807 on}}
  %y = train.slice %x [0, 9223372036854775807] : tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.slice' op expects the element type 'f32', but got 'f16'}}
  %y = train.slice %x [0, 0] : tensor<2x3xf32> to tensor<2x3xf16>
  train.return
}

// -----

// train.broadcast: (C1) the input's shape broadcasts to the result's

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.broadcast' op expects an input that broadcasts to 'tensor<4x3xf32>', but got 'tensor<2x3xf32>'}}
  %y = train.broadcast %x : tensor<2x3xf32> to tensor<4x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.broadcast' op expects an input that broadcasts to 'tensor<3xf32>', but got 'tensor<2x3xf32>'}}
  %y = train.broadcast %x : tensor<2x3xf32> to tensor<3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<1x3xf32>) {
  // expected-error @+1 {{'train.broadcast' op expects an input that broadcasts to 'tensor<2x3xf64>', but got 'tensor<1x3xf32>'}}
  %y = train.broadcast %x : tensor<1x3xf32> to tensor<2x3xf64>
  train.return
}

// -----

// train.assemble: (C1) pieces have the result's shape but for dimension 0

train.step @s(input %x "x" : tensor<2x3xf32>, input %y "y" : tensor<2x4xf32>) {
  // expected-error @+1 {{'train.assemble' op expects pieces shaped as 'tensor<4x3xf32>' but for dimension 0, but got 'tensor<2x4xf32>'}}
  %z = train.assemble %x, %y : tensor<2x3xf32>, tensor<2x4xf32> to tensor<4x3xf32>
  train.return
}

// -----

train.step @s() {
  // expected-error @+1 {{'train.assemble' op expects at least one piece and a result of rank 1 or more}}
  %z = "train.assemble"() : () -> tensor<4x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<f32>) {
  // expected-error @+1 {{'train.assemble' op expects at least one piece and a result of rank 1 or more}}
  %z = train.assemble %x : tensor<f32> to tensor<f32>
  train.return
}

// -----

// (C2) their dimensions 0 add up

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.assemble' op expects pieces with 5 rows in all, but got 4}}
  %z = train.assemble %x, %x : tensor<2x3xf32>, tensor<2x3xf32> to tensor<5x3xf32>
  train.return
}
