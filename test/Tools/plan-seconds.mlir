// Planning for a given time gives up reproducibility, and says so; no time is no such search.
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --plan-seconds=0.2 -o %t.spill 2>&1 | FileCheck %s --check-prefix=SAID
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --plan-seconds=0 -o %t.spill 2>&1 | FileCheck %s --check-prefix=SILENT
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --emit=problem -o %t.json
// RUN: spillway-plan %t.json --plan-seconds=0.2 2>&1 | FileCheck %s --check-prefix=SAID
// RUN: spillway-plan %t.json 2>&1 | FileCheck %s --check-prefix=SILENT
// RUN: not spillwayc %s --plan-seconds=-1 -o %t.spill 2>&1 | FileCheck %s --check-prefix=USAGE
// RUN: not spillwayc %s --plan-seconds=nan -o %t.spill 2>&1 | FileCheck %s --check-prefix=USAGE

// SAID: remark: with --plan-seconds the plan depends on how fast this machine is; the same command may give another one
// SILENT-NOT: remark:
// USAGE: error: expected a number of seconds from 0 to 1000000 for --plan-seconds
train.step @mlp(input %x "x" : tensor<64x32xf32>, param %w "w" : tensor<32x16xf32>) {
  %y = train.matmul %x, %w : tensor<64x32xf32>, tensor<32x16xf32> to tensor<64x16xf32>
  train.return outputs ["y"] (%y : tensor<64x16xf32>)
}
