// RUN: spillway-opt %s -verify-diagnostics -split-input-file

// train.softmax: (C1) at least one dimension

train.step @s(input %x "x" : tensor<f32>) {
  // expected-error @+1 {{'train.softmax' op expects an operand of rank 1 or more, but got 'tensor<f32>'}}
  %y = train.softmax %x : tensor<f32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<f32>) {
  // expected-error @+1 {{'train.softmax_grad' op expects an operand of rank 1 or more, but got 'tensor<f32>'}}
  %y = train.softmax_grad %x, %x : tensor<f32>
  train.return
}

// -----

// train.layer_norm: (C1) gamma and beta have the size of the last dimension

train.step @s(input %x "x" : tensor<2x5x4xf32>, input %g "g" : tensor<4xf32>, input %b "b" : tensor<4xf32>, input %s "s" : tensor<2x5xf32>, input %w "w" : tensor<5xf32>) {
  // expected-error @+1 {{'train.layer_norm' op expects gamma of the size of the last dimension of 'tensor<2x5x4xf32>', but got 'tensor<5xf32>'}}
  %y:3 = train.layer_norm %x, %w, %b eps 1.0e-5 : tensor<2x5x4xf32>, tensor<5xf32>, tensor<4xf32> to tensor<2x5x4xf32>, tensor<2x5xf32>, tensor<2x5xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x5x4xf32>, input %g "g" : tensor<4xf32>, input %b "b" : tensor<4xf32>, input %s "s" : tensor<2x5xf32>, input %w "w" : tensor<5xf32>) {
  // expected-error @+1 {{'train.layer_norm' op expects beta of the size of the last dimension of 'tensor<2x5x4xf32>', but got 'tensor<5xf32>'}}
  %y:3 = train.layer_norm %x, %g, %w eps 1.0e-5 : tensor<2x5x4xf32>, tensor<4xf32>, tensor<5xf32> to tensor<2x5x4xf32>, tensor<2x5xf32>, tensor<2x5xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<f32>) {
  // expected-error @+1 {{'train.layer_norm' op expects an input of rank 1 or more, but got 'tensor<f32>'}}
  %y:3 = train.layer_norm %x, %x, %x eps 1.0e-5 : tensor<f32>, tensor<f32>, tensor<f32> to tensor<f32>, tensor<f32>, tensor<f32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x5x4xf32>, input %g "g" : tensor<4xf32>, input %b "b" : tensor<4xf32>, input %s "s" : tensor<2x5xf32>, input %w "w" : tensor<5xf32>) {
  // expected-error @+1 {{'train.layer_norm' op expects results of type 'tensor<2x5x4xf32>', 'tensor<2x5xf32>', 'tensor<2x5xf32>', but got 'tensor<2x5x4xf32>', 'tensor<2x5xf32>', 'tensor<2x5x1xf32>'}}
  %y:3 = train.layer_norm %x, %g, %b eps 1.0e-5 : tensor<2x5x4xf32>, tensor<4xf32>, tensor<4xf32> to tensor<2x5x4xf32>, tensor<2x5xf32>, tensor<2x5x1xf32>
  train.return
}

// -----

// train.layer_norm_grad: (C1) gamma

train.step @s(input %x "x" : tensor<2x5x4xf32>, input %g "g" : tensor<4xf32>, input %b "b" : tensor<4xf32>, input %s "s" : tensor<2x5xf32>, input %w "w" : tensor<5xf32>) {
  // expected-error @+1 {{'train.layer_norm_grad' op expects gamma of the size of the last dimension of 'tensor<2x5x4xf32>', but got 'tensor<5xf32>'}}
  %y:3 = train.layer_norm_grad %x, %x, %w, %s, %s : tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<5xf32>, tensor<2x5xf32>, tensor<2x5xf32> to tensor<2x5x4xf32>, tensor<5xf32>, tensor<5xf32>
  train.return
}

// -----

// (C2) the gradient

train.step @s(input %x "x" : tensor<2x5x4xf32>, input %g "g" : tensor<4xf32>, input %b "b" : tensor<4xf32>, input %s "s" : tensor<2x5xf32>, input %w "w" : tensor<5xf32>) {
  // expected-error @+1 {{'train.layer_norm_grad' op expects a gradient of type 'tensor<2x5x4xf32>', but got 'tensor<4xf32>'}}
  %y:3 = train.layer_norm_grad %g, %x, %g, %s, %s : tensor<4xf32>, tensor<2x5x4xf32>, tensor<4xf32>, tensor<2x5xf32>, tensor<2x5xf32> to tensor<2x5x4xf32>, tensor<4xf32>, tensor<4xf32>
  train.return
}

// -----

// (C3) the statistics

train.step @s(input %x "x" : tensor<2x5x4xf32>, input %g "g" : tensor<4xf32>, input %b "b" : tensor<4xf32>, input %s "s" : tensor<2x5xf32>, input %w "w" : tensor<5xf32>) {
  // expected-error @+1 {{'train.layer_norm_grad' op expects one statistic for each row of 'tensor<2x5x4xf32>', but got 'tensor<5xf32>'}}
  %y:3 = train.layer_norm_grad %x, %x, %g, %s, %w : tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<4xf32>, tensor<2x5xf32>, tensor<5xf32> to tensor<2x5x4xf32>, tensor<4xf32>, tensor<4xf32>
  train.return
}

// -----

// train.rms_norm: (C1) gamma

train.step @s(input %x "x" : tensor<2x5x4xf32>, input %g "g" : tensor<4xf32>, input %b "b" : tensor<4xf32>, input %s "s" : tensor<2x5xf32>, input %w "w" : tensor<5xf32>) {
  // expected-error @+1 {{'train.rms_norm' op expects gamma of the size of the last dimension of 'tensor<2x5x4xf32>', but got 'tensor<5xf32>'}}
  %y:2 = train.rms_norm %x, %w eps 1.0e-5 : tensor<2x5x4xf32>, tensor<5xf32> to tensor<2x5x4xf32>, tensor<2x5xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<f32>) {
  // expected-error @+1 {{'train.rms_norm' op expects an input of rank 1 or more, but got 'tensor<f32>'}}
  %y:2 = train.rms_norm %x, %x eps 1.0e-5 : tensor<f32>, tensor<f32> to tensor<f32>, tensor<f32>
  train.return
}

// -----

// train.rms_norm_grad

train.step @s(input %x "x" : tensor<2x5x4xf32>, input %g "g" : tensor<4xf32>, input %b "b" : tensor<4xf32>, input %s "s" : tensor<2x5xf32>, input %w "w" : tensor<5xf32>) {
  // expected-error @+1 {{'train.rms_norm_grad' op expects gamma of the size of the last dimension of 'tensor<2x5x4xf32>', but got 'tensor<5xf32>'}}
  %y:2 = train.rms_norm_grad %x, %x, %w, %s : tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<5xf32>, tensor<2x5xf32> to tensor<2x5x4xf32>, tensor<5xf32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<2x5x4xf32>, input %g "g" : tensor<4xf32>, input %b "b" : tensor<4xf32>, input %s "s" : tensor<2x5xf32>, input %w "w" : tensor<5xf32>) {
  // expected-error @+1 {{'train.rms_norm_grad' op expects one statistic for each row of 'tensor<2x5x4xf32>', but got 'tensor<5xf32>'}}
  %y:2 = train.rms_norm_grad %x, %x, %g, %w : tensor<2x5x4xf32>, tensor<2x5x4xf32>, tensor<4xf32>, tensor<5xf32> to tensor<2x5x4xf32>, tensor<4xf32>
  train.return
}

// -----

// train.attention: (C1) ranks and sizes

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.attention' op expects a query of rank 4, but got 'tensor<2x3xf32>'}}
  %y:2 = train.attention %x, %x, %x {scale = 1.0 : f64} : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %k "k" : tensor<2x5x2x8xf32>, input %l "l" : tensor<2x4x3xf32>) {
  // expected-error @+1 {{'train.attention' op expects keys and values of one type [B, S, K, D] for a query 'tensor<2x3x4x8xf32>', but got 'tensor<2x5x2x8xf32>' and 'tensor<2x3x4x8xf32>'}}
  %y:2 = train.attention %q, %k, %q {scale = 1.0 : f64} : tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x3x4x8xf32> to tensor<2x3x4x8xf32>, tensor<2x4x3xf32>
  train.return
}

// -----

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %k "k" : tensor<2x5x2x8xf32>, input %l "l" : tensor<2x4x3xf32>, input %z "z" : tensor<2x5x2x6xf32>) {
  // expected-error @+1 {{'train.attention' op expects keys and values of one type [B, S, K, D] for a query 'tensor<2x3x4x8xf32>', but got 'tensor<2x5x2x6xf32>' and 'tensor<2x5x2x6xf32>'}}
  %y:2 = train.attention %q, %z, %z {scale = 1.0 : f64} : tensor<2x3x4x8xf32>, tensor<2x5x2x6xf32>, tensor<2x5x2x6xf32> to tensor<2x3x4x8xf32>, tensor<2x4x3xf32>
  train.return
}

// -----

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %k "k" : tensor<2x5x2x8xf32>, input %l "l" : tensor<2x4x3xf32>) {
  // expected-error @+1 {{'train.attention' op expects results of type 'tensor<2x3x4x8xf32>', 'tensor<2x4x3xf32>', but got 'tensor<2x3x4x8xf32>', 'tensor<2x3x4xf32>'}}
  %y:2 = train.attention %q, %k, %k {scale = 1.0 : f64} : tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32> to tensor<2x3x4x8xf32>, tensor<2x3x4xf32>
  train.return
}

// -----

// (C2) K divides H

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %k "k" : tensor<2x5x3x8xf32>) {
  // expected-error @+1 {{'train.attention' op expects a number of key heads that divides 4, but got 3}}
  %y:2 = train.attention %q, %k, %k {scale = 1.0 : f64} : tensor<2x3x4x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32> to tensor<2x3x4x8xf32>, tensor<2x4x3xf32>
  train.return
}

// -----

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %k "k" : tensor<2x5x0x8xf32>) {
  // expected-error @+1 {{'train.attention' op expects a number of key heads that divides 4, but got 0}}
  %y:2 = train.attention %q, %k, %k {scale = 1.0 : f64} : tensor<2x3x4x8xf32>, tensor<2x5x0x8xf32>, tensor<2x5x0x8xf32> to tensor<2x3x4x8xf32>, tensor<2x4x3xf32>
  train.return
}

// -----

// (C3) the mask broadcasts

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %k "k" : tensor<2x5x2x8xf32>, input %l "l" : tensor<2x4x3xf32>, input %m "m" : tensor<5x3xf32>) {
  // expected-error @+1 {{'train.attention' op expects a mask that broadcasts to [2, 4, 3, 5], but got 'tensor<5x3xf32>'}}
  %y:2 = train.attention %q, %k, %k mask %m {scale = 1.0 : f64} : tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>, tensor<5x3xf32> to tensor<2x3x4x8xf32>, tensor<2x4x3xf32>
  train.return
}

// -----

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %k "k" : tensor<2x5x2x8xf32>, input %l "l" : tensor<2x4x3xf32>, input %m "m" : tensor<6x2x4x3x5xf32>) {
  // expected-error @+1 {{'train.attention' op expects a mask that broadcasts to [2, 4, 3, 5], but got 'tensor<6x2x4x3x5xf32>'}}
  %y:2 = train.attention %q, %k, %k mask %m {scale = 1.0 : f64} : tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>, tensor<6x2x4x3x5xf32> to tensor<2x3x4x8xf32>, tensor<2x4x3xf32>
  train.return
}

// -----

// train.attention_grad: (C1)

train.step @s(input %x "x" : tensor<2x3xf32>) {
  // expected-error @+1 {{'train.attention_grad' op expects keys and values of one type [B, S, K, D] for a query 'tensor<2x3xf32>', but got 'tensor<2x3xf32>' and 'tensor<2x3xf32>'}}
  %y:3 = train.attention_grad %x, %x, %x, %x, %x, %x {scale = 1.0 : f64} : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32> to tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
  train.return
}

// -----

// (C4) the gradient and the output

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %k "k" : tensor<2x5x2x8xf32>, input %l "l" : tensor<2x4x3xf32>) {
  // expected-error @+1 {{'train.attention_grad' op expects a gradient and an output of type 'tensor<2x3x4x8xf32>', but got 'tensor<2x5x2x8xf32>' and 'tensor<2x3x4x8xf32>'}}
  %y:3 = train.attention_grad %k, %q, %k, %k, %q, %l {scale = 1.0 : f64} : tensor<2x5x2x8xf32>, tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>, tensor<2x3x4x8xf32>, tensor<2x4x3xf32> to tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>
  train.return
}

// -----

// (C5) lse

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %k "k" : tensor<2x5x2x8xf32>, input %l "l" : tensor<2x4x3xf32>, input %z "z" : tensor<2x3x4xf32>) {
  // expected-error @+1 {{'train.attention_grad' op expects an lse of shape [2, 4, 3], but got 'tensor<2x3x4xf32>'}}
  %y:3 = train.attention_grad %q, %q, %k, %k, %q, %z {scale = 1.0 : f64} : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4xf32> to tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>
  train.return
}

// -----

// train.rope: (C1) shapes

train.step @s(input %x "x" : tensor<2x3x8xf32>, input %c "c" : tensor<3x8xf32>) {
  // expected-error @+1 {{'train.rope' op expects an input [B, T, H, D] with an even D, but got 'tensor<2x3x8xf32>'}}
  %y = train.rope %x, %c, %c : tensor<2x3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>
  train.return
}

// -----

// (C2) D is even

train.step @s(input %x "x" : tensor<2x3x4x7xf32>, input %c "c" : tensor<3x7xf32>) {
  // expected-error @+1 {{'train.rope' op expects an input [B, T, H, D] with an even D, but got 'tensor<2x3x4x7xf32>'}}
  %y = train.rope %x, %c, %c : tensor<2x3x4x7xf32>, tensor<3x7xf32>, tensor<3x7xf32>
  train.return
}

// -----

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %c "c" : tensor<4x8xf32>) {
  // expected-error @+1 {{'train.rope' op expects cos and sin of one type [T, D] or [B, T, D] for 'tensor<2x3x4x8xf32>', but got 'tensor<4x8xf32>' and 'tensor<4x8xf32>'}}
  %y = train.rope %q, %c, %c : tensor<2x3x4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
  train.return
}

// -----

train.step @s(input %q "q" : tensor<2x3x4x8xf32>, input %c "c" : tensor<3x8xf32>, input %s "s" : tensor<2x3x8xf32>) {
  // expected-error @+1 {{'train.rope' op expects cos and sin of one type [T, D] or [B, T, D] for 'tensor<2x3x4x8xf32>', but got 'tensor<3x8xf32>' and 'tensor<2x3x8xf32>'}}
  %y = train.rope %q, %c, %s : tensor<2x3x4x8xf32>, tensor<3x8xf32>, tensor<2x3x8xf32>
  train.return
}

// -----

// train.cross_entropy: (C1) logits [N, V] and labels [N]

train.step @s(input %x "x" : tensor<2x3x8xf32>, input %l "l" : tensor<2xi64>) {
  // expected-error @+1 {{'train.cross_entropy' op expects logits of rank 2, but got 'tensor<2x3x8xf32>'}}
  %y:3 = train.cross_entropy %x, %l : tensor<2x3x8xf32>, tensor<2xi64> to tensor<f32>, tensor<2x3xf32>, tensor<f32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<3x8xf32>, input %l "l" : tensor<2xi64>) {
  // expected-error @+1 {{'train.cross_entropy' op expects one label for each of 3 rows, but got 'tensor<2xi64>'}}
  %y:3 = train.cross_entropy %x, %l : tensor<3x8xf32>, tensor<2xi64> to tensor<f32>, tensor<3xf32>, tensor<f32>
  train.return
}

// -----

train.step @s(input %x "x" : tensor<3x8xf32>, input %l "l" : tensor<3xi64>) {
  // expected-error @+1 {{'train.cross_entropy' op expects results of type 'tensor<f32>', 'tensor<3xf32>', 'tensor<f32>', but got 'tensor<f32>', 'tensor<3xf32>', 'tensor<1xf32>'}}
  %y:3 = train.cross_entropy %x, %l : tensor<3x8xf32>, tensor<3xi64> to tensor<f32>, tensor<3xf32>, tensor<1xf32>
  train.return
}

// -----

// train.cross_entropy_grad: (C1) logits, labels and lse

train.step @s(input %c "c" : tensor<f32>, input %x "x" : tensor<3xf32>, input %l "l" : tensor<3xi64>, input %s "s" : tensor<3xf32>) {
  // expected-error @+1 {{'train.cross_entropy_grad' op expects logits of rank 2, but got 'tensor<3xf32>'}}
  %y = train.cross_entropy_grad %c, %x, %l, %s, %c : tensor<f32>, tensor<3xf32>, tensor<3xi64>, tensor<3xf32>, tensor<f32> to tensor<3xf32>
  train.return
}

// -----

train.step @s(input %c "c" : tensor<f32>, input %x "x" : tensor<3x8xf32>, input %l "l" : tensor<3xi64>, input %s "s" : tensor<8xf32>) {
  // expected-error @+1 {{'train.cross_entropy_grad' op expects labels and lse of 3 rows, but got 'tensor<3xi64>' and 'tensor<8xf32>'}}
  %y = train.cross_entropy_grad %c, %x, %l, %s, %c : tensor<f32>, tensor<3x8xf32>, tensor<3xi64>, tensor<8xf32>, tensor<f32> to tensor<3x8xf32>
  train.return
}

// -----

// (C2) scalars

train.step @s(input %c "c" : tensor<1xf32>, input %x "x" : tensor<3x8xf32>, input %l "l" : tensor<3xi64>, input %s "s" : tensor<3xf32>) {
  // expected-error @+1 {{'train.cross_entropy_grad' op expects a scalar gradient and a scalar count, but got 'tensor<1xf32>' and 'tensor<1xf32>'}}
  %y = train.cross_entropy_grad %c, %x, %l, %s, %c : tensor<1xf32>, tensor<3x8xf32>, tensor<3xi64>, tensor<3xf32>, tensor<1xf32> to tensor<3x8xf32>
  train.return
}
