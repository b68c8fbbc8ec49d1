// Wrong usage is exit status 2, a wrong input 1; either is one line, and no
// output file is left.
// RUN: not spillwayc %s 2>&1 | FileCheck %s --check-prefix=NOTHING
// NOTHING: error: nothing to write
// RUN: not spillwayc %s --no-such-flag 2>&1 | FileCheck %s --check-prefix=FLAG
// FLAG: Unknown command line argument '--no-such-flag'
// RUN: not spillwayc %s --dim batch -o %t 2>&1 | FileCheck %s --check-prefix=DIM
// DIM: error: expected --dim NAME=VALUE with a positive number, found 'batch'
// RUN: not spillwayc %s --dim b=1 --dim b=2 -o %t 2>&1 | FileCheck %s --check-prefix=DIMS
// DIMS: error: expected one --dim b, found several
// RUN: not spillwayc %s --loss='mse(y)' --dim b=1 -o %t 2>&1 | FileCheck %s --check-prefix=ONNX
// RUN: not spillwayc %s --loss='mse(y)' --freeze=w -o %t 2>&1 | FileCheck %s --check-prefix=ONNX
// ONNX: spillwayc-bad-input.mlir: error: --dim, --freeze and --trainable are for ONNX models
// RUN: not spillwayc %s --device-budget=12XB -o %t 2>&1 | FileCheck %s --check-prefix=SIZE
// SIZE: error: --device-budget: expected a size such as 512MiB, 8GB or a number of bytes, found '12XB'

// RUN: not spillwayc %s --micro-batches=0 -o %t 2>&1 | FileCheck %s --check-prefix=MICRO0
// MICRO0: error: expected a number of at least 1 for --micro-batches

// RUN: rm -f %t
// RUN: not spillwayc %s --loss='mse(y)' --micro-batches=4 -o %t 2>&1 | FileCheck %s --check-prefix=MICRO
// MICRO: error: --micro-batches=4: gradient accumulation cannot be compiled yet, expected 1
// RUN: not spillwayc %t.missing.onnx -o %t 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: missing.onnx: error: there is no such file
// RUN: not spillwayc %S/../lit.cfg.py -o %t 2>&1 | FileCheck %s --check-prefix=KIND
// KIND: error: expected a model that ends in .onnx or .mlir
// RUN: not spillwayc %s --loss='mse(z)' -o %t 2>&1 | FileCheck %s --check-prefix=OUTPUT
// OUTPUT: error: the loss names the output 'z', which does not exist; the outputs are: y
// RUN: not spillwayc %s --loss='output(y)' -o %t 2>&1 | FileCheck %s --check-prefix=SCALAR
// SCALAR: error: the loss must be a scalar, but the output 'y' is 'tensor<64x16xf32>'
// RUN: not spillwayc %s --loss='hinge(y)' -o %t 2>&1 | FileCheck %s --check-prefix=LOSS
// LOSS: error: unknown loss 'hinge'; expected cross_entropy(OUTPUT)
// RUN: not spillwayc %s --loss='mse(y)' --optimizer='adam(lr=1)' -o %t 2>&1 | FileCheck %s --check-prefix=OPT
// OPT: error: invalid optimizer: unknown optimizer 'adam'; expected adamw or sgd
// RUN: not spillwayc %s --loss='mse(y)' --optimizer='adamw(betas=1)' -o %t 2>&1 | FileCheck %s --check-prefix=SETTING
// SETTING: error: invalid optimizer: 'adamw' has no setting 'betas'; it has lr, beta1, beta2, eps, weight_decay
// RUN: not spillwayc %s --loss='mse(y)' --optimizer='adamw(lr=1,lr=2)' -o %t 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: invalid optimizer: expected 'lr' once, found it twice in 'adamw(lr=1,lr=2)'
// RUN: not spillwayc %s --loss='mse(y)' --no-decay=bias -o %t 2>&1 | FileCheck %s --check-prefix=DECAY
// DECAY: error: no-decay='bias' matches no trained parameter
// RUN: sed 's/32x16/32x0/g; s/64x16/64x0/g' %s > %t.none.mlir
// RUN: not spillwayc %t.none.mlir --loss='mse(y)' -o %t 2>&1 | FileCheck %s --check-prefix=ELEMENTS
// ELEMENTS: error: 'w' has no elements, expected at least one; leave it out of the model
// RUN: %python -c "print('module {' * 20000)" > %t.deep.mlir
// RUN: not spillwayc %t.deep.mlir --loss='mse(y)' -o %t 2>&1 | FileCheck %s --check-prefix=DEEP
// DEEP: deep.mlir: error: brackets are nested more than 512 deep
// RUN: not spillwayc %s --loss='mse(y)' --policy=best -o %t 2>&1 | FileCheck %s --check-prefix=POLICY
// POLICY: error: unknown policy 'best'; there are: {{.*}}joint
// RUN: not spillwayc %s --loss='mse(y)' --target=nowhere -o %t 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: error: {{.*}}nowhere
// RUN: not spillwayc %s --loss='mse(y)' --nvme-budget=1GiB -o %t 2>&1 | FileCheck %s --check-prefix=TIER
// TIER: error: the target 'cpu_emulated' has no tier 'nvme' to give a budget
// RUN: not spillwayc %s --loss='mse(y)' --device-budget=100GiB -o %t 2>&1 | FileCheck %s --check-prefix=CAPACITY
// CAPACITY: error: the device budget of 107374182400 bytes (100.0 GiB) is above the capacity
// RUN: not spillwayc %s --loss='mse(y)' --plan=%s -o %t 2>&1 | FileCheck %s --check-prefix=PLAN
// PLAN: spillwayc-bad-input.mlir: error:
// RUN: not spillwayc %s --loss='mse(y)' --profile=%s -o %t 2>&1 | FileCheck %s --check-prefix=PROFILE
// PROFILE: spillwayc-bad-input.mlir: error: the profile is not JSON

// RUN: cp %s %t.model.mlir
// RUN: not spillwayc %t.model.mlir --loss='mse(y)' -o %t.model.mlir 2>&1 | FileCheck %s --check-prefix=SELF
// RUN: not spillwayc %t.model.mlir --loss='mse(y)' --stats=%t.model.mlir 2>&1 | FileCheck %s --check-prefix=SELF
// SELF: error: expected another file to write to, '{{.*}}model.mlir' is the model
// RUN: cmp %s %t.model.mlir
// RUN: not spillwayc %s --loss='mse(y)' -o %t.none/plan.spill 2>&1 | FileCheck %s --check-prefix=WHERE
// WHERE: none/plan.spill: error: cannot write:
// RUN: not spillwayc %s --loss='mse(y)' -o /dev/full 2>&1 | FileCheck %s --check-prefix=FULL
// FULL: /dev/full: error: cannot write: No space left on device
// RUN: test -c /dev/full
// RUN: rm -rf %t.dir && mkdir %t.dir
// RUN: bash -c 'trap "" XFSZ; ulimit -f 1; ! spillwayc %s --loss="mse(y)" -o %t.dir/plan.spill' 2>&1 | FileCheck %s --check-prefix=LARGE
// LARGE: plan.spill: error: cannot write: File too large
// RUN: bash -c 'test -z "$(ls -A %t.dir)"'

// A budget below the floor: the reason, the floor, the smallest budget found.
// RUN: not spillwayc %s --loss='mse(y)' --device-budget=1KiB -o %t --stats=%t.json 2>&1 | FileCheck %s --check-prefix=FLOOR
// FLOOR: error: no plan fits the device budget of 1024 bytes (1.000 KiB)
// FLOOR: proven floor: {{[0-9]+}} bytes
// FLOOR: smallest budget found: {{[0-9]+}} bytes
// RUN: FileCheck %s --check-prefix=STATS < %t.json
// STATS-DAG: "feasible": false
// STATS-DAG: "floor_bytes":
// STATS-DAG: "smallest_found_bytes":
// RUN: not test -e %t
train.step @mlp(input %x "x" : tensor<64x32xf32>, param %w "w" : tensor<32x16xf32>) {
  %y = train.matmul %x, %w : tensor<64x32xf32>, tensor<32x16xf32> to tensor<64x16xf32>
  train.return outputs ["y"] (%y : tensor<64x16xf32>)
}
