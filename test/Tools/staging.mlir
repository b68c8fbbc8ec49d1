// Transfers of a tier without a link to the device go through slots on the tier between. They count
// in that tier's budget and in its peak.
// RUN: spillwayc %s --loss=mse --target=rtx4090-24g --device-budget=9MiB --host-budget=10MiB -o %t.spill --stats=%t.json --quiet
// RUN: FileCheck %s < %t.json
// RUN: spillwayc %s --loss=mse --target=rtx4090-24g --device-budget=9MiB --host-budget=10MiB --emit=sched -o %t.mlir --quiet
// RUN: FileCheck %s --check-prefix=SCHED < %t.mlir

// A plan from elsewhere needs them as well.
// RUN: spillwayc %s --loss=mse --target=rtx4090-24g --device-budget=9MiB --host-budget=10MiB --emit=plan -o %t.plan.json --quiet
// RUN: spillwayc %s --loss=mse --target=rtx4090-24g --device-budget=9MiB --host-budget=10MiB --plan=%t.plan.json -o %t.spill --quiet
// RUN: not spillwayc %s --loss=mse --target=rtx4090-24g --device-budget=9MiB --host-budget=8MiB --plan=%t.plan.json -o %t.none.spill 2>&1 \
// RUN:   | FileCheck %s --check-prefix=PLAN

// Where there is no room for them, nothing goes beyond.
// RUN: not spillwayc %s --loss=mse --target=rtx4090-24g --device-budget=9MiB --host-budget=4MiB -o %t.none.spill 2>&1 | FileCheck %s --check-prefix=NONE

// 8 MiB of slots (2 for loads and 2 for stores, of the largest tensor, 2 MiB) and what the plan keeps there.
// CHECK: "peak_bytes": {
// CHECK: "host": {{8[4-9]|9|10}}{{[0-9]+}},
// CHECK: "nvme": {{[1-9]}}
// SCHED: tier<"host" capacity 10485760 arena {{8[4-9]|9|10}}{{[0-9]+}}>
// They do not hold up what the link carries besides.
// SCHED: streams {{.*}}#sched.stream<"h2d.staged" over "h2d">, #sched.stream<"d2h.staged" over "d2h">
// SCHED: sched.copy nvme{{.*}} -> host{{.*}} on "nvme_read"
// SCHED-NEXT: sched.copy host{{.*}} -> device{{.*}} on "h2d.staged"
// PLAN: error: the plan does not hold: the slots of its transfers over two links need 8388608 bytes of host beside the {{[0-9]+}} of its peak, expected at most 8388608
// NONE: error: no plan fits the device budget
// NONE: of the nvme budget, 1800000000000 bytes (1.637 TiB) cannot be used: there is no room for the slots of its transfers
train.step @mlp(input %x "x" : tensor<64x512xf32>, param %w "w" : tensor<512x1024xf32>, param %u "u" : tensor<1024x512xf32>,
                param %v "v" : tensor<512x1024xf32>, param %z "z" : tensor<1024x8xf32>) {
  %h = train.matmul %x, %w : tensor<64x512xf32>, tensor<512x1024xf32> to tensor<64x1024xf32>
  %i = train.matmul %h, %u : tensor<64x1024xf32>, tensor<1024x512xf32> to tensor<64x512xf32>
  %j = train.matmul %i, %v : tensor<64x512xf32>, tensor<512x1024xf32> to tensor<64x1024xf32>
  %y = train.matmul %j, %z : tensor<64x1024xf32>, tensor<1024x8xf32> to tensor<64x8xf32>
  train.return outputs ["y"] (%y : tensor<64x8xf32>)
}
