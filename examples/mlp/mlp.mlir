// The README's example: two layers and a loss, as a forward graph.
train.step @mlp(input %x "x" : tensor<512x256xf32>,
                param %w1 "w1" : tensor<256x1024xf32>, param %w2 "w2" : tensor<1024x256xf32>) {
  %h = train.matmul %x, %w1 : tensor<512x256xf32>, tensor<256x1024xf32> to tensor<512x1024xf32>
  %a = train.unary gelu_tanh %h : tensor<512x1024xf32>
  %y = train.matmul %a, %w2 : tensor<512x1024xf32>, tensor<1024x256xf32> to tensor<512x256xf32>
  train.return outputs ["y"] (%y : tensor<512x256xf32>)
}
