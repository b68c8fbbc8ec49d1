// One function at every level.
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --emit=train | FileCheck %s --check-prefix=TRAIN
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --emit=problem | FileCheck %s --check-prefix=PROBLEM
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --target=a100-40g --emit=problem | FileCheck %s --check-prefix=HOST
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --emit=offload | FileCheck %s --check-prefix=OFFLOAD
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --emit=sched | FileCheck %s --check-prefix=SCHED
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --emit=plan | FileCheck %s --check-prefix=PLAN
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' -o %t.spill --stats=%t.json
// RUN: FileCheck %s --check-prefix=STATS < %t.json

// A plan is a function of its input, byte for byte.
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' -o %t.again.spill
// RUN: cmp %t.spill %t.again.spill

// The planner's answer, applied as a plan made elsewhere, gives the same plan.
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --emit=plan -o %t.plan.json
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --plan=%t.plan.json -o %t.adopted.spill

// The frozen step is itself a model.
// RUN: spillwayc %s --loss='mse(y)' --optimizer='sgd(lr=0.1)' --emit=train -o %t.mlir
// RUN: spillwayc %t.mlir -o %t.frozen.spill

// TRAIN: train.step @mlp
// TRAIN: train.matmul %x, %w {id = 0 : i64}
// TRAIN: train.sgd
// TRAIN: train.return loss
// PROBLEM: "storages"
// The update may run on the host as well, nothing else may.
// HOST-NOT: "cpu":
// HOST: "name":"train.sgd{{.*}}"cost_ns":{"compute":{{[0-9]+}},"cpu":{{[0-9]+}}}
// HOST-NOT: "cpu":
// OFFLOAD: offload.step
// SCHED: sched.program
// PLAN: "actions"
// STATS-DAG: "feasible": true
// STATS-DAG: "verified": true
// STATS-DAG: "num_recomputed": 0
train.step @mlp(input %x "x" : tensor<64x32xf32>, param %w "w" : tensor<32x16xf32>) {
  %y = train.matmul %x, %w : tensor<64x32xf32>, tensor<32x16xf32> to tensor<64x16xf32>
  train.return outputs ["y"] (%y : tensor<64x16xf32>)
}
