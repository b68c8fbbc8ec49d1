// RUN: spillway-opt %s -verify-diagnostics -split-input-file

// train.fill: (C1) the element type can hold the value

train.step @s() {
  // expected-error @+1 {{'train.fill' op expects a value that 'i64' can hold, but got 5.000000e-01}}
  %y = train.fill 0.5 : tensor<2xi64>
  train.return
}

// -----

train.step @s() {
  // expected-error @+1 {{'train.fill' op expects a value that 'ui8' can hold, but got -1.000000e+00}}
  %y = train.fill -1.0 : tensor<2xui8>
  train.return
}

// -----

train.step @s() {
  // expected-error @+1 {{'train.fill' op expects a value that 'i1' can hold, but got 2.000000e+00}}
  %y = train.fill 2.0 : tensor<2xi1>
  train.return
}

// -----

train.step @s() {
  // expected-error @+1 {{'train.fill' op expects a value that 'i8' can hold, but got 1.280000e+02}}
  %y = train.fill 128.0 : tensor<2xi8>
  train.return
}

// -----

train.step @s() {
  // expected-error @+1 {{'train.fill' op expects a value that 'i32' can hold, but got nan}}
  %y = train.fill 0x7FF8000000000000 : tensor<2xi32>
  train.return
}

// -----

// Types that the kernels do not have

train.step @s() {
  // expected-error @+1 {{'train.fill' op result #0 must be statically shaped tensor of}}
  %y = train.fill 0.0 : tensor<2xi7>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.copy' op operand #0 must be statically shaped tensor of}}
  %y = "train.copy"(%d) : (tensor<?xf32>) -> tensor<?xf32>
  %d = "train.copy"(%x) : (tensor<2x3xf32>) -> tensor<?xf32>
  train.return
}

// -----

// train.cast keeps the shape

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.cast' op requires the same shape for all operands and results}}
  %y = train.cast %x : tensor<2x3xf32> to tensor<3x2xi32>
  train.return
}

// -----

// train.unary: (C1) the function is in the table

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary' op expects a unary function of the elementwise table, but got 'add'}}
  %y = train.unary add %x : tensor<2x3xf32>
  train.return
}

// -----

// (C2) `a` is there exactly where the function has one

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary' op expects the attribute 'a' for 'mul_scalar'}}
  %y = train.unary mul_scalar %x : tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary' op expects no attribute 'a' for 'tanh'}}
  %y = train.unary tanh %x {a = 1.0 : f64} : tensor<2x3xf32>
  train.return
}

// -----

// The printed form

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{expects one type, but got 2}}
  %y = train.unary tanh %x : tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

train.step @s() {
  // expected-error @+1 {{expects at least 1 operands, but got 0}}
  %y = train.unary tanh : tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary' op requires a single operand}}
  %y = train.unary tanh %x, %x : tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{expects types of ranked tensors, but got 'tensor<*xf32>'}}
  %y = train.unary tanh %x : tensor<*xf32>
  train.return
}

// -----

// train.unary_grad: (C1) the function has a derivative

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary_grad' op expects a differentiable function of the elementwise table, but got 'floor'}}
  %y = train.unary_grad floor %x, %x : tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary_grad' op expects a differentiable function of the elementwise table, but got 'cosh'}}
  %y = train.unary_grad cosh %x, %x : tensor<2x3xf32>
  train.return
}

// -----

// (C2) `a` is there exactly where the function has one

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary_grad' op expects the attribute 'a' for 'leaky_relu'}}
  %y = train.unary_grad leaky_relu %x, %x : tensor<2x3xf32>
  train.return
}

// -----

// (C3) so is what the derivative reads

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary_grad' op expects no saved operand for 'neg'}}
  %y = train.unary_grad neg %x, %x : tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary_grad' op expects one saved operand for 'tanh'}}
  %y = train.unary_grad tanh %x : tensor<2x3xf32>
  train.return
}

// -----

// (C4) of the gradient's type

train.step @s(input %x "x" : tensor<2x3xf32>, input %z "z" : tensor<3xf32>) {
  // expected-error @+1 {{'train.unary_grad' op expects a saved operand of type 'tensor<2x3xf32>', but got 'tensor<3xf32>'}}
  %y = "train.unary_grad"(%x, %z) <{fn = "tanh"}> : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  train.return
}

// -----

// The type of the result

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.unary_grad' op expects results of type 'tensor<2x3xf32>', but got 'tensor<3x2xf32>'}}
  %y = "train.unary_grad"(%x) <{fn = "neg"}> : (tensor<2x3xf32>) -> tensor<3x2xf32>
  train.return
}

// -----

// train.binary: (C1) the function is in the table

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.binary' op expects a binary function of the elementwise table, but got 'neg'}}
  %y = train.binary neg %x, %x : tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

// (C2) one element type

train.step @s(input %x "x" : tensor<2x3xf32>, input %i "i" : tensor<2x3xi32>) {
  // expected-error @+1 {{'train.binary' op expects operands of one element type, but got 'f32' and 'i32'}}
  %y = train.binary add %x, %i : tensor<2x3xf32>, tensor<2x3xi32>
  train.return
}

// -----

// (C3) shapes broadcast

train.step @s(input %x "x" : tensor<2x3xf32>, input %z "z" : tensor<2xf32>) {
  // expected-error @+1 {{'train.binary' op expects operands that broadcast, but got 'tensor<2x3xf32>' and 'tensor<2xf32>'}}
  %y = train.binary add %x, %z : tensor<2x3xf32>, tensor<2xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>, input %z "z" : tensor<2xf32>) {
  // expected-error @+1 {{'train.binary' op expects operands that broadcast, but got 'tensor<2x3xf32>' and 'tensor<2xf32>'}}
  %y = "train.binary"(%x, %z) <{fn = "add"}> : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.binary' op expects results of type 'tensor<2x3xf32>', but got 'tensor<3xf32>'}}
  %y = "train.binary"(%x, %x) <{fn = "add"}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{expects at least 2 operands, but got 1}}
  %y = train.binary add %x : tensor<2x3xf32>
  train.return
}

// -----

// train.compare

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.compare' op expects a comparison of the elementwise table, but got 'add'}}
  %y = train.compare add %x, %x : tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>, input %i "i" : tensor<2x3xi32>) {
  // expected-error @+1 {{'train.compare' op expects operands of one element type, but got 'f32' and 'i32'}}
  %y = train.compare lt %x, %i : tensor<2x3xf32>, tensor<2x3xi32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>, input %z "z" : tensor<2xf32>) {
  // expected-error @+1 {{'train.compare' op expects operands that broadcast, but got 'tensor<2x3xf32>' and 'tensor<2xf32>'}}
  %y = train.compare lt %x, %z : tensor<2x3xf32>, tensor<2xf32>
  train.return
}

// -----

// train.logical

train.step @s(input %b "b" : tensor<2xi1>) {
  // expected-error @+1 {{'train.logical' op expects a logical function of the elementwise table, but got 'nand'}}
  %y = train.logical nand %b, %b : tensor<2xi1>, tensor<2xi1>
  train.return
}

// -----

train.step @s(input %b "b" : tensor<2xi1>, input %c "c" : tensor<3xi1>) {
  // expected-error @+1 {{'train.logical' op expects operands that broadcast, but got 'tensor<2xi1>' and 'tensor<3xi1>'}}
  %y = train.logical and %b, %c : tensor<2xi1>, tensor<3xi1>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.logical' op operand #0 must be statically shaped tensor of 1-bit signless integer values}}
  %y = train.logical and %x, %x : tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

// train.select: (C1) one element type

train.step @s(input %x "x" : tensor<2x3xf32>, input %b "b" : tensor<3xi1>, input %i "i" : tensor<3xi32>) {
  // expected-error @+1 {{'train.select' op expects branches of one element type, but got 'tensor<2x3xf32>' and 'tensor<3xi32>'}}
  %y = train.select %b, %x, %i : tensor<3xi1>, tensor<2x3xf32>, tensor<3xi32>
  train.return
}

// -----

// (C2) shapes broadcast

train.step @s(input %x "x" : tensor<2x3xf32>, input %b "b" : tensor<2xi1>) {
  // expected-error @+1 {{'train.select' op expects operands that broadcast, but got 'tensor<2xi1>' and 'tensor<2x3xf32>'}}
  %y = train.select %b, %x, %x : tensor<2xi1>, tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>, input %b "b" : tensor<3xi1>) {
  // expected-error @+1 {{'train.select' op expects results of type 'tensor<2x3xf32>', but got 'tensor<3xf32>'}}
  %y = "train.select"(%b, %x, %x) : (tensor<3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<3xf32>
  train.return
}
