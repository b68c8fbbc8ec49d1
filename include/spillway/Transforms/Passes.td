//===- Passes.td - Passes over the project's dialects -------*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRANSFORMS_PASSES
#define SPILLWAY_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// From a forward graph to a training step (in the order of the pipeline)
//===----------------------------------------------------------------------===//

def TrainAttachLoss : Pass<"train-attach-loss", "::spillway::train::StepOp"> {
  let summary = "compute a loss from an output";
  let description = [{
    Gives `train.return` a loss. `loss` is one of

    * `cross_entropy(OUTPUT)`: mean cross-entropy of the logits OUTPUT
      [..., V] with a new input `labels` [...] (i64; -100 does not count);
    * `cross_entropy(OUTPUT,shift)`: the labels are the token input itself, one
      position later (the last position of a row does not count): logits
      [B, T, V], tokens [B, T];
    * `mse(OUTPUT)`: mean squared error with a new input `targets`;
    * `output(NAME)`: the scalar output NAME.

    OUTPUT may be left out where there is one output.

    ```mlir
    // before
    train.return outputs ["logits"] (%y : tensor<16x256xf32>)
    // after train-attach-loss{loss=cross_entropy(logits)}
    %loss, %lse, %n = train.cross_entropy %y, %labels : ...
    train.return loss %loss : tensor<f32>
    ```
  }];
  let options = [Option<"loss", "loss", "std::string", "\"\"", "which loss, and of which output">];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainDifferentiate : Pass<"train-differentiate", "::spillway::train::StepOp"> {
  let summary = "append the gradients of the loss";
  let description = [{
    Reverse mode, by DifferentiableOpInterface. The gradients of the trained
    parameters (arguments of role `param` without `frozen`) become outputs named
    `grad:NAME`; a parameter that the loss does not depend on is an error that
    names it, unless `allow-unused`, which freezes it.

    ```mlir
    // before
    train.return loss %l : tensor<f32>
    // after
    %dw = train.matmul %x, %dy {transpose_a = true} : ...
    train.return loss %l : tensor<f32> outputs ["grad:w"] (%dw : tensor<4x8xf32>)
    ```
  }];
  let options = [Option<"allowUnused", "allow-unused", "bool", "true",
                        "freeze parameters that the loss does not depend on">];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainAttachOptimizer : Pass<"train-attach-optimizer", "::spillway::train::StepOp"> {
  let summary = "update the parameters by their gradients";
  let description = [{
    Turns outputs `grad:NAME` into updates: adds the optimizer's state as
    arguments (`NAME.exp_avg`, ...), its hyperparameters (`lr`, `step`), the
    global-norm clipping, and one update a parameter.

    * `adamw(lr=1e-3,beta1=0.9,beta2=0.999,eps=1e-8,weight_decay=0.01)`
    * `sgd(lr=1e-3,momentum=0,weight_decay=0)`

    `no-decay` is a regular expression of parameters without weight decay.

    ```mlir
    // after
    %w1, %m1, %v1 = train.adamw lr %lr corrections %c1, %c2 on %w, %dw, %m, %v {...} : ...
    train.return loss %l : tensor<f32> update (%w, %m, %v : ...) to (%w1, %m1, %v1 : ...)
    ```
  }];
  let options = [
    Option<"optimizer", "optimizer", "std::string", "\"adamw()\"", "the optimizer and its hyperparameters">,
    Option<"clipNorm", "clip-norm", "double", "0", "clip gradients to this global norm; 0 does not clip">,
    Option<"noDecay", "no-decay", "std::string", "\"\"", "regular expression of parameters without weight decay">];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

//===----------------------------------------------------------------------===//
// The order and grain of updates
//===----------------------------------------------------------------------===//

def TrainSinkUpdates : Pass<"train-sink-updates", "::spillway::train::StepOp"> {
  let summary = "move each update to where its gradient becomes final";
  let description = [{
    So that the gradient dies there. An update stays behind the last reader of
    the value that it replaces, through views too. What all updates share and
    what depends on arguments alone (bias corrections) moves before the first.

    ```mlir
    // before
    %dw2 = train.matmul %h, %dy {transpose_a = true} : ...
    %dw1 = train.matmul %x, %dh {transpose_a = true} : ...
    %w1_1 = train.sgd lr %lr on %w1, %dw1 {...} : ...
    %w2_1 = train.sgd lr %lr on %w2, %dw2 {...} : ...
    // after
    %dw2 = train.matmul %h, %dy {transpose_a = true} : ...
    %w2_1 = train.sgd lr %lr on %w2, %dw2 {...} : ...
    %dw1 = train.matmul %x, %dh {transpose_a = true} : ...
    %w1_1 = train.sgd lr %lr on %w1, %dw1 {...} : ...
    ```
  }];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainFuseUpdates : Pass<"train-fuse-updates", "::spillway::train::StepOp"> {
  let summary = "join small updates that sit together into one op";
  let description = [{
    Updates with equal hyperparameters (UpdateOpInterface) that stand next to
    each other and whose parameters have at most `max-bytes` each, and
    `max-total-bytes` together, become one op with several groups: one launch
    instead of many. (All that one op touches is in memory at a time, hence the total.)

    ```mlir
    // before
    %w1 = train.sgd lr %lr on %w, %dw {...} : ...
    %b1 = train.sgd lr %lr on %b, %db {...} : ...
    // after
    %w1, %b1 = train.sgd lr %lr on %w, %dw, %b, %db {...} : ...
    ```
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "262144", "largest parameter that is fused">,
    Option<"maxTotalBytes", "max-total-bytes", "int64_t", "4194304", "largest sum of the parameters of one op">];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainSliceUpdates : Pass<"train-slice-updates", "::spillway::train::StepOp"> {
  let summary = "cut large updates into blocks of rows";
  let description = [{
    A parameter above `slice-bytes` is updated in slices of whole rows of about
    that size, so that its state needs to be in device memory a slice at a time.
    0 chooses a 512th of all that is updated, but 4 to 128 MiB: small enough that
    no floor comes from an update, large enough that a plan stays small.

    ```mlir
    // before
    %w1 = train.sgd lr %lr on %w, %g {...} : tensor<f32>, tensor<8x4xf32>, tensor<8x4xf32> to tensor<8x4xf32>
    // after, in two slices
    %w_0 = train.slice %w [0, 0] : tensor<8x4xf32> to tensor<4x4xf32>
    %g_0 = train.slice %g [0, 0] : tensor<8x4xf32> to tensor<4x4xf32>
    %a = train.sgd lr %lr on %w_0, %g_0 {...} : ... to tensor<4x4xf32>
    %b = ...
    %w1 = train.assemble %a, %b : tensor<4x4xf32>, tensor<4x4xf32> to tensor<8x4xf32>
    ```
  }];
  let options = [Option<"sliceBytes", "slice-bytes", "int64_t", "0",
                        "size above which a parameter is cut; 0 chooses">];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

//===----------------------------------------------------------------------===//
// Freezing
//===----------------------------------------------------------------------===//

def TrainMaterializeLayouts : Pass<"train-materialize-layouts", "::spillway::train::StepOp"> {
  let summary = "copy where a kernel cannot read a strided view";
  let description = [{
    Views cost nothing as long as every reader takes their strides
    (KernelOpInterface::acceptsStrides). Where one does not, or where a reshape
    is no view of a strided tensor, a `train.copy` is inserted.

    ```mlir
    // before
    %t = train.transpose %x [1, 0] : tensor<4x8xf32> to tensor<8x4xf32>
    %y = train.softmax %t : tensor<8x4xf32>
    // after
    %t = train.transpose %x [1, 0] : tensor<4x8xf32> to tensor<8x4xf32>
    %d = train.copy %t : tensor<8x4xf32>
    %y = train.softmax %d : tensor<8x4xf32>
    ```
  }];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainFreeze : Pass<"train-freeze", "::spillway::train::StepOp"> {
  let summary = "give every op its stable id; arithmetic ends here";
  let description = [{
    Numbers the kernel ops in order (`id`), turns constants into arguments, and
    marks the step `frozen`, with the number of `lanes` that kernels may use.
    Problem, plan, trace and report speak of these ids. An op that neither runs as
    a kernel nor is a view is an error.

    ```mlir
    // before
    %c = train.constant dense<2.0> : tensor<f32>
    %y = train.binary mul %x, %c : tensor<4xf32>, tensor<f32>
    // after, with an argument: constant %constant_0 "constant.0" : tensor<f32> {value = dense<2.0> : tensor<f32>}
    %y = train.binary mul %x, %constant_0 {id = 0 : i64} : tensor<4xf32>, tensor<f32>
    ```
  }];
  let options = [Option<"lanes", "lanes", "int64_t", "4", "threads that one kernel may use">];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

//===----------------------------------------------------------------------===//
// From a plan to a schedule
//===----------------------------------------------------------------------===//

def TrainApplyPlan : Pass<"train-apply-plan", "::mlir::ModuleOp"> {
  let summary = "write what a plan does as offload ops";
  let description = [{
    For each frozen step, an `offload.step` behind it that replays the plan in
    `plan-file` (JSON, as `spillwayc --emit=plan` prints it), or, without a file,
    that which `policy` makes on the machine `target`.

    ```mlir
    // before
    %h = train.matmul %x, %w {id = 0 : i64} : ...
    // after, where the plan swaps %h
    %h = train.matmul %x, %w {id = 0 : i64} : ...
    %t = offload.store.start %h : tensor<4x8xf32> to !offload.transfer<!offload.stash<tensor<4x8xf32>, host>>
    %s = offload.await %t : !offload.transfer<!offload.stash<tensor<4x8xf32>, host>>
    offload.free %h : tensor<4x8xf32>
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cpu-emulated\"", "the machine, by name or file">,
    Option<"planFile", "plan-file", "std::string", "\"\"", "a plan made elsewhere">,
    Option<"policy", "policy", "std::string", "\"keep-all\"", "which policy plans, where there is no file">,
    Option<"deviceBudget", "device-budget-bytes", "uint64_t", "0", "of the first tier; 0: its capacity">,
    Option<"keepLayout", "keep-layout", "bool", "true", "keep the planner's addresses and times">];
  let dependentDialects = ["::spillway::offload::OffloadDialect"];
}

def OffloadAssignOffsets : Pass<"offload-assign-offsets", "::mlir::ModuleOp"> {
  let summary = "give every buffer of a planned step an address";
  let description = [{
    A buffer's life follows from the order of the ops. Buffers that have an
    address keep it. The attributes `offload.addresses` (one number a result, or
    an argument of the step; -1 where none begins) and `offload.workspace` count
    bytes from the start of the tier's arena.

    ```mlir
    // before
    %0 = train.unary relu %x {id = 3 : i64} : tensor<4x8xf32>
    // after
    %0 = train.unary relu %x {id = 3 : i64, offload.addresses = array<i64: 256>} : tensor<4x8xf32>
    ```
  }];
  let dependentDialects = ["::spillway::offload::OffloadDialect"];
}

def SchedInsertWaits : Pass<"sched-insert-waits", "::mlir::ModuleOp"> {
  let summary = "order instructions of different streams by what they touch";
  let description = [{
    An instruction waits for the last write of the bytes it reads, and for the
    last write and the reads since of those it writes, in this step or the one
    before, unless the order of streams and other waits imply it.

    ```mlir
    // before
    sched.copy host[0] -> device[0] bytes(128) on "h2d"
    sched.launch @unary 0 (device[0]) -> (device[256]) on "compute"
    // after: the copy of the next step must not overtake the launch
    sched.copy host[0] -> device[0] bytes(128) on "h2d" wait [1] signal 0
    sched.launch @unary 0 (device[0]) -> (device[256]) on "compute" wait [0] signal 1
    ```
  }];
  let dependentDialects = ["::spillway::sched::SchedDialect"];
}

//===----------------------------------------------------------------------===//
// Recognising what exporters decompose
//===----------------------------------------------------------------------===//

def TrainFuseLayerNorm : Pass<"train-fuse-layer-norm", "::spillway::train::StepOp"> {
  let summary = "recognise layer normalization";
  let description = [{
    (x - mean) / sqrt(variance + eps) * gamma + beta over the last dimension,
    with the square and the root spelled in any of the usual ways.

    ```mlir
    // before
    %m = train.reduce mean %x [2] : tensor<2x8x4xf32> to tensor<2x8x1xf32>
    %d = train.binary sub %x, %m : tensor<2x8x4xf32>, tensor<2x8x1xf32>
    %s = train.unary square %d : tensor<2x8x4xf32>
    %v = train.reduce mean %s [2] : tensor<2x8x4xf32> to tensor<2x8x1xf32>
    %e = train.unary add_scalar %v {a = 1.0e-5 : f64} : tensor<2x8x1xf32>
    %r = train.unary sqrt %e : tensor<2x8x1xf32>
    %n = train.binary div %d, %r : tensor<2x8x4xf32>, tensor<2x8x1xf32>
    %g = train.binary mul %n, %gamma : tensor<2x8x4xf32>, tensor<4xf32>
    %y = train.binary add %g, %beta : tensor<2x8x4xf32>, tensor<4xf32>
    // after
    %y, %mean, %rstd = train.layer_norm %x, %gamma, %beta eps 1.0e-5 : ...
    ```
  }];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainFuseRmsNorm : Pass<"train-fuse-rms-norm", "::spillway::train::StepOp"> {
  let summary = "recognise root-mean-square normalization";
  let description = [{
    x / sqrt(mean(x^2) + eps) * gamma over the last dimension.

    ```mlir
    // before
    %s = train.unary square %x : tensor<2x8x4xf32>
    %v = train.reduce mean %s [2] : tensor<2x8x4xf32> to tensor<2x8x1xf32>
    %e = train.unary add_scalar %v {a = 1.0e-6 : f64} : tensor<2x8x1xf32>
    %r = train.unary rsqrt %e : tensor<2x8x1xf32>
    %n = train.binary mul %x, %r : tensor<2x8x4xf32>, tensor<2x8x1xf32>
    %y = train.binary mul %gamma, %n : tensor<4xf32>, tensor<2x8x4xf32>
    // after
    %y, %rstd = train.rms_norm %x, %gamma eps 1.0e-6 : ...
    ```
  }];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainFuseGelu : Pass<"train-fuse-gelu", "::spillway::train::StepOp"> {
  let summary = "recognise GELU, in both forms, and SiLU";
  let description = [{
    x/2 (1 + erf(x/sqrt(2))), x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) and
    x sigmoid(x), the factors in any order, the cube and the polynomial spelled
    in any of the usual ways.

    ```mlir
    // before
    %u = train.unary mul_scalar %x {a = 0.70710678 : f64} : tensor<8xf32>
    %e = train.unary erf %u : tensor<8xf32>
    %g = train.unary add_scalar %e {a = 1.0 : f64} : tensor<8xf32>
    %p = train.binary mul %x, %g : tensor<8xf32>, tensor<8xf32>
    %y = train.unary mul_scalar %p {a = 0.5 : f64} : tensor<8xf32>
    // after
    %y = train.unary gelu_erf %x : tensor<8xf32>
    ```
  }];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainFuseRotary : Pass<"train-fuse-rotary", "::spillway::train::StepOp"> {
  let summary = "recognise rotary position embedding";
  let description = [{
    x * cos + concat(-x[.., D/2:], x[.., :D/2]) * sin, for x [B, H, T, D] or
    [B, T, H, D] and cos, sin that are the same for all heads.

    ```mlir
    // before
    %c = train.binary mul %x, %cos : tensor<2x4x8x16xf32>, tensor<1x1x8x16xf32>
    %h = train.slice %x [0, 0, 0, 8] : tensor<2x4x8x16xf32> to tensor<2x4x8x8xf32>
    %n = train.unary neg %h : tensor<2x4x8x8xf32>
    %l = train.slice %x [0, 0, 0, 0] : tensor<2x4x8x16xf32> to tensor<2x4x8x8xf32>
    %r = train.concat %n, %l dim 3 : tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32> to tensor<2x4x8x16xf32>
    %s = train.binary mul %r, %sin : tensor<2x4x8x16xf32>, tensor<1x1x8x16xf32>
    %y = train.binary add %c, %s : tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>
    // after
    %t = train.transpose %x [0, 2, 1, 3] : tensor<2x4x8x16xf32> to tensor<2x8x4x16xf32>
    %u = train.rope %t, %cos2, %sin2 : tensor<2x8x4x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>
    %y = train.transpose %u [0, 2, 1, 3] : tensor<2x8x4x16xf32> to tensor<2x4x8x16xf32>
    ```
  }];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainFuseAttention : Pass<"train-fuse-attention", "::spillway::train::StepOp"> {
  let summary = "recognise scaled dot-product attention";
  let description = [{
    softmax(scale q k^T + mask) v, the scale on the scores, on the queries, or
    split over queries and keys; the mask added, or chosen by a condition; keys
    and values of grouped queries repeated by a broadcast. A known mask that is
    exactly causal becomes `causal`, one that allows everything goes away, and a
    conjunction with a known causal mask keeps the rest alone. A mask that
    depends on a trained parameter is none.

    ```mlir
    // before: q, k, v [B, H, T, D]
    %s = train.matmul %q, %k {transpose_b = true} : ...
    %t = train.unary mul_scalar %s {a = 0.125 : f64} : ...
    %m = train.binary add %t, %causal_mask : ...
    %p = train.softmax %m : ...
    %o = train.matmul %p, %v : ...
    // after, over transposed views
    %o, %lse = train.attention %q1, %k1, %v1 {causal = true, scale = 0.125 : f64} : ...
    ```
  }];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

def TrainFuseLinear : Pass<"train-fuse-linear", "::spillway::train::StepOp"> {
  let summary = "give a matrix product its bias";
  let description = [{
    ```mlir
    // before
    %p = train.matmul %x, %w : tensor<16x4xf32>, tensor<4x8xf32> to tensor<16x8xf32>
    %r = train.reshape %p : tensor<16x8xf32> to tensor<2x8x8xf32>
    %y = train.binary add %r, %b : tensor<2x8x8xf32>, tensor<8xf32>
    // after
    %p = train.matmul %x, %w bias %b : tensor<16x4xf32>, tensor<4x8xf32>, tensor<8xf32> to tensor<16x8xf32>
    %y = train.reshape %p : tensor<16x8xf32> to tensor<2x8x8xf32>
    ```
  }];
  let dependentDialects = ["::spillway::train::TrainDialect"];
}

#endif // SPILLWAY_TRANSFORMS_PASSES
