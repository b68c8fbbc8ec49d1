// The way to a file: a step of two layers, under two budgets, with whose
// addresses the verifier agrees; the same file twice.
//
// RUN: spillwayc %s --loss="cross_entropy(y)" --optimizer="adamw(lr=0.01)" --policy=keep-all -o %t.all.spill --quiet
// RUN: spillwayc %s --loss="cross_entropy(y)" --optimizer="adamw(lr=0.01)" --device-budget=600KiB -o %t.600.spill --quiet
// RUN: spillwayc %s --loss="cross_entropy(y)" --optimizer="adamw(lr=0.01)" --device-budget=600KiB -o %t.again.spill --quiet
// RUN: cmp %t.600.spill %t.again.spill
// RUN: %python %S/Inputs/make_data.py %t.safetensors
// RUN: spillway-run %t.all.spill --init=normal:0.05 --data=%t.safetensors --steps=3 --quiet --stats=%t.all.json
// RUN: spillway-run %t.600.spill --init=normal:0.05 --data=%t.safetensors --steps=3 --quiet --stats=%t.600.json
// RUN: %python %S/Inputs/same_hash.py %t.all.json %t.600.json

train.step @mlp(input %x "x" : tensor<64x128xf32>, param %w1 "w1" : tensor<128x256xf32>,
                param %b1 "b1" : tensor<256xf32>, param %w2 "w2" : tensor<256x64xf32>) {
  %h = train.matmul %x, %w1 bias %b1 : tensor<64x128xf32>, tensor<128x256xf32>, tensor<256xf32> to tensor<64x256xf32>
  %a = train.unary gelu_tanh %h : tensor<64x256xf32>
  %y = train.matmul %a, %w2 : tensor<64x256xf32>, tensor<256x64xf32> to tensor<64x64xf32>
  train.return outputs ["y"] (%y : tensor<64x64xf32>)
}
