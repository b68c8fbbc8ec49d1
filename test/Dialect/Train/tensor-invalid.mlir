// RUN: spillway-opt %s -verify-diagnostics -split-input-file

// train.reduce: (C1) dimensions ascend and lie within the rank

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.reduce' op expects ascending dimensions below 2, but got [1, 0]}}
  %y = train.reduce sum %x [1, 0] : tensor<2x3xf32> to tensor<1x1xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.reduce' op expects ascending dimensions below 2, but got [0, 0]}}
  %y = train.reduce sum %x [0, 0] : tensor<2x3xf32> to tensor<1x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.reduce' op expects ascending dimensions below 2, but got [2]}}
  %y = train.reduce max %x [2] : tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.reduce' op expects ascending dimensions below 2, but got [-1]}}
  %y = train.reduce mean %x [-1] : tensor<2x3xf32> to tensor<2x1xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.reduce' op expects results of type 'tensor<2x1xf32>', but got 'tensor<2xf32>'}}
  %y = train.reduce sum %x [1] : tensor<2x3xf32> to tensor<2xf32>
  train.return
}

// -----

// train.concat

train.step @s() {
  // expected-error @+1 {{'train.concat' op expects at least one input}}
  %y = "train.concat"() <{dim = 0 : i64}> : () -> tensor<2xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.concat' op expects a dimension below 2, but got 2}}
  %y = train.concat %x, %x dim 2 : tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.concat' op expects a dimension below 2, but got -1}}
  %y = train.concat %x dim -1 : tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>, input %z "z" : tensor<2x4xf32>) {
  // expected-error @+1 {{'train.concat' op expects inputs alike but for dimension 0, but got 'tensor<2x3xf32>' and 'tensor<2x4xf32>'}}
  %y = train.concat %x, %z dim 0 : tensor<2x3xf32>, tensor<2x4xf32> to tensor<4x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>, input %z "z" : tensor<2x3xi32>) {
  // expected-error @+1 {{'train.concat' op expects inputs alike but for dimension 0, but got 'tensor<2x3xf32>' and 'tensor<2x3xi32>'}}
  %y = train.concat %x, %z dim 0 : tensor<2x3xf32>, tensor<2x3xi32> to tensor<4x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.concat' op expects results of type 'tensor<4x3xf32>', but got 'tensor<2x6xf32>'}}
  %y = train.concat %x, %x dim 0 : tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x6xf32>
  train.return
}

// -----

// train.pad: (C1) one offset a dimension

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.pad' op expects one offset a dimension and a result of the input's rank and element type, but got 'tensor<4x3xf32>'}}
  %y = train.pad %x [0] : tensor<2x3xf32> to tensor<4x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.pad' op expects one offset a dimension and a result of the input's rank and element type, but got 'tensor<4x3xf64>'}}
  %y = train.pad %x [0, 0] : tensor<2x3xf32> to tensor<4x3xf64>
  train.return
}

// -----

// (C2) the input lies inside the result

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.pad' op expects dimension 0 of the input inside [0, 4), but got 2 elements from 3 on}}
  %y = train.pad %x [3, 0] : tensor<2x3xf32> to tensor<4x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.pad' op expects dimension 1 of the input inside [0, 3), but got 3 elements from -1 on}}
  %y = train.pad %x [0, -1] : tensor<2x3xf32> to tensor<4x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.pad' op expects dimension 1 of the input inside [0, 3), but got 3 elements from 9223372036854775807 on}}
  %y = train.pad %x [0, 9223372036854775807] : tensor<2x3xf32> to tensor<4x3xf32>
  train.return
}

// -----

// train.matmul: (C1) ranks and batch dimensions agree

train.step @s(input %x "x" : tensor<3xf32>) {
  // expected-error @+1 {{'train.matmul' op expects operands of one rank of at least 2 with equal leading dimensions, but got 'tensor<3xf32>' and 'tensor<3xf32>'}}
  %y = train.matmul %x, %x : tensor<3xf32>, tensor<3xf32> to tensor<f32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<4x2x3xf32>, input %w "w" : tensor<3x5xf32>) {
  // expected-error @+1 {{'train.matmul' op expects operands of one rank of at least 2 with equal leading dimensions, but got 'tensor<4x2x3xf32>' and 'tensor<3x5xf32>'}}
  %y = train.matmul %x, %w : tensor<4x2x3xf32>, tensor<3x5xf32> to tensor<4x2x5xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<4x2x3xf32>, input %w "w" : tensor<1x3x5xf32>) {
  // expected-error @+1 {{'train.matmul' op expects operands of one rank of at least 2 with equal leading dimensions, but got 'tensor<4x2x3xf32>' and 'tensor<1x3x5xf32>'}}
  %y = train.matmul %x, %w : tensor<4x2x3xf32>, tensor<1x3x5xf32> to tensor<4x2x5xf32>
  train.return
}

// -----

// (C2) the contracted dimensions agree

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.matmul' op expects contracted dimensions that agree, but got 3 in 'tensor<2x3xf32>' and 2 in 'tensor<2x3xf32>'}}
  %y = train.matmul %x, %x : tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.matmul' op expects results of type 'tensor<2x2xf32>', but got 'tensor<f32>'}}
  %y = train.matmul %x, %x {transpose_b = true} : tensor<2x3xf32>, tensor<2x3xf32> to tensor<f32>
  train.return
}

// -----

// (C3) the bias has the result's last size

train.step @s(input %x "x" : tensor<2x3xf32>, input %b "b" : tensor<3xf32>) {
  // expected-error @+1 {{'train.matmul' op expects a bias of 2 elements, but got 'tensor<3xf32>'}}
  %y = train.matmul %x, %x bias %b {transpose_b = true} : tensor<2x3xf32>, tensor<2x3xf32>, tensor<3xf32> to tensor<2x2xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x3xf32>, input %b "b" : tensor<1x2xf32>) {
  // expected-error @+1 {{'train.matmul' op expects a bias of 2 elements, but got 'tensor<1x2xf32>'}}
  %y = train.matmul %x, %x bias %b {transpose_b = true} : tensor<2x3xf32>, tensor<2x3xf32>, tensor<1x2xf32> to tensor<2x2xf32>
  train.return
}

// -----

// (C4) one element type

train.step @s(input %x "x" : tensor<2x3xf32>, input %w "w" : tensor<3x2xbf16>) {
  // expected-error @+1 {{'train.matmul' op expects operands of one element type, but got 'tensor<2x3xf32>' and 'tensor<3x2xbf16>'}}
  %y = train.matmul %x, %w : tensor<2x3xf32>, tensor<3x2xbf16> to tensor<2x2xf32>
  train.return
}

// -----

// train.embedding

train.step @s(input %t "t" : tensor<8xf32>, input %i "i" : tensor<2xi64>) {
  // expected-error @+1 {{'train.embedding' op expects a table of rank 2, but got 'tensor<8xf32>'}}
  %y = train.embedding %t, %i : tensor<8xf32>, tensor<2xi64> to tensor<2xf32>
  train.return
}

// -----

train.step @s(input %t "t" : tensor<8x4xf32>, input %i "i" : tensor<2xi64>) {
  // expected-error @+1 {{'train.embedding' op expects results of type 'tensor<2x4xf32>', but got 'tensor<2x8xf32>'}}
  %y = train.embedding %t, %i : tensor<8x4xf32>, tensor<2xi64> to tensor<2x8xf32>
  train.return
}

// -----

// train.embedding_grad

train.step @s(input %g "g" : tensor<2x5xf32>, input %i "i" : tensor<2xi64>) {
  // expected-error @+1 {{'train.embedding_grad' op expects a gradient of the shape of the indices and a row of 'tensor<8x4xf32>', but got 'tensor<2x5xf32>'}}
  %y = train.embedding_grad %g, %i : tensor<2x5xf32>, tensor<2xi64> to tensor<8x4xf32>
  train.return
}

// -----

train.step @s(input %g "g" : tensor<f32>, input %i "i" : tensor<i64>) {
  // expected-error @+1 {{'train.embedding_grad' op expects a gradient of the shape of the indices and a row of 'tensor<8x4xf32>', but got 'tensor<f32>'}}
  %y = train.embedding_grad %g, %i : tensor<f32>, tensor<i64> to tensor<8x4xf32>
  train.return
}

// -----

train.step @s(input %g "g" : tensor<2x4xf64>, input %i "i" : tensor<2xi64>) {
  // expected-error @+1 {{'train.embedding_grad' op expects a gradient of the shape of the indices and a row of 'tensor<8x4xf32>', but got 'tensor<2x4xf64>'}}
  %y = train.embedding_grad %g, %i : tensor<2x4xf64>, tensor<2xi64> to tensor<8x4xf32>
  train.return
}
