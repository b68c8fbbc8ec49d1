// A plan that comes from a file gives the schedule that it gave at home; one
// that lacks a load is refused by name.
//
// RUN: spillwayc %s --loss="cross_entropy(y)" --device-budget=600KiB --emit=plan -o %t.json --quiet
// RUN: spillwayc %s --loss="cross_entropy(y)" --device-budget=600KiB --emit=sched -o %t.home --quiet
// RUN: spillwayc %s --loss="cross_entropy(y)" --device-budget=600KiB --plan=%t.json --emit=sched -o %t.file --quiet
// RUN: cmp %t.home %t.file
// RUN: %python -c "import json, sys; plan = json.load(open(sys.argv[1])); plan['actions'] = [a for a in plan['actions'] if a[0] != 'load']; json.dump(plan, open(sys.argv[2], 'w'))" %t.json %t.broken.json
// RUN: not spillwayc %s --loss="cross_entropy(y)" --device-budget=600KiB --plan=%t.broken.json -o %t.spill 2>&1 | FileCheck %s
// RUN: not ls %t.spill
// CHECK: error: the plan does not hold:
// CHECK-SAME: which is not there

train.step @mlp(input %x "x" : tensor<64x128xf32>, param %w1 "w1" : tensor<128x256xf32>,
                param %b1 "b1" : tensor<256xf32>, param %w2 "w2" : tensor<256x64xf32>) {
  %h = train.matmul %x, %w1 bias %b1 : tensor<64x128xf32>, tensor<128x256xf32>, tensor<256xf32> to tensor<64x256xf32>
  %a = train.unary gelu_tanh %h : tensor<64x256xf32>
  %y = train.matmul %a, %w2 : tensor<64x256xf32>, tensor<256x64xf32> to tensor<64x64xf32>
  train.return outputs ["y"] (%y : tensor<64x64xf32>)
}
