//===- TrainOptimizerOps.td - Updates of parameters -*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRAIN_OPTIMIZER_OPS
#define SPILLWAY_TRAIN_OPTIMIZER_OPS

include "Train/TrainBase.td"

def Train_SumSquaresOp : Train_KernelOp<"sum_squares", [InferTypeOpAdaptor, Costs<["getFlops", "getWorkspaceBytes"]>, Kernel<>]> {
  let summary = "sum of the squares of all elements of some tensors";
  let description = [{
    Accumulated in double precision, in a fixed order.
    Constraints: (C1) at least one input.

    ```mlir
    %s = train.sum_squares %g0, %g1 : tensor<4x8xf32>, tensor<8xf32> to tensor<f32>
    ```
  }];
  let arguments = (ins Variadic<Train_FloatTensor>:$inputs);
  let results = (outs Train_F32Scalar:$result);
  let hasVerifier = 1;
  let assemblyFormat = "$inputs attr-dict `:` type($inputs) `to` type($result)";
}

def Train_ClipScaleOp : Train_KernelOp<"clip_scale", [InferTypeOpAdaptor, Costs<>, Kernel<>]> {
  let summary = "the factor that clips gradients to a global norm";
  let description = [{
    min(1, max_norm / (sqrt(sum of the operands) + 1e-6)), as PyTorch's clip_grad_norm_.
    Constraints: (C1) at least one operand.

    ```mlir
    %c = train.clip_scale %s0, %s1 {max_norm = 1.0 : f64} : tensor<f32>, tensor<f32> to tensor<f32>
    ```
  }];
  let arguments = (ins Variadic<Train_F32Scalar>:$sums, F64Attr:$max_norm);
  let results = (outs Train_F32Scalar:$result);
  let hasVerifier = 1;
  let assemblyFormat = "$sums attr-dict `:` type($sums) `to` type($result)";
}

def Train_BiasCorrectionOp : Train_KernelOp<"bias_correction", [InferTypeOpAdaptor, Costs<>, Kernel<>]> {
  let summary = "Adam's corrections for a step number";
  let description = [{
    c1 = 1 - beta1^step, c2 = sqrt(1 - beta2^step); the step counts from 1.

    ```mlir
    %c1, %c2 = train.bias_correction %step {beta1 = 0.9 : f64, beta2 = 0.999 : f64} : tensor<i64> to tensor<f32>, tensor<f32>
    ```
  }];
  let arguments = (ins 0DTensorOf<[I64]>:$step, F64Attr:$beta1, F64Attr:$beta2);
  let results = (outs Train_F32Scalar:$c1, Train_F32Scalar:$c2);
  let assemblyFormat = "$step attr-dict `:` type($step) `to` type(results)";
}

class Train_UpdateOp<string mnemonic> : Train_KernelOp<mnemonic, [AttrSizedOperandSegments, InferTypeOpAdaptor,
    Costs<["getFlops"]>, Kernel<["getKernelAttributes", "getInPlacePairs"]>,
    DeclareOpInterfaceMethods<UpdateOpInterface>]> {
  let hasVerifier = 1;
}

def Train_AdamWOp : Train_UpdateOp<"adamw"> {
  let summary = "AdamW (Loshchilov and Hutter 2019) on one or more parameters";
  let description = [{
    PyTorch's AdamW. `tensors` are n times (parameter, gradient, exp_avg,
    exp_avg_sq), the results n times (parameter, exp_avg, exp_avg_sq), which take
    the place of their operands. Gradients are multiplied by `scale` first, where
    there is one (clipping).
    Constraints: (C1) the number of `tensors` is a positive multiple of 4,
    (C2) the four of a group have one type.

    ```mlir
    %w1, %m1, %v1 = train.adamw lr %lr corrections %c1, %c2 on %w, %g, %m, %v
        {beta1 = 0.9 : f64, beta2 = 0.999 : f64, eps = 1.0e-8 : f64, weight_decay = 0.01 : f64}
        : tensor<f32>, tensor<f32>, tensor<f32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
        to tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
    ```
  }];
  let arguments = (ins Train_F32Scalar:$lr, Train_F32Scalar:$c1, Train_F32Scalar:$c2,
                       Optional<Train_F32Scalar>:$scale, Variadic<Train_FloatTensor>:$tensors,
                       F64Attr:$beta1, F64Attr:$beta2, F64Attr:$eps, F64Attr:$weight_decay);
  let results = (outs Variadic<Train_FloatTensor>:$updated);
  let assemblyFormat = [{
    `lr` $lr `corrections` $c1 `,` $c2 (`scale` $scale^)? `on` $tensors attr-dict
    `:` type($lr) `,` type($c1) `,` type($c2) (`scale` type($scale)^)? `,` type($tensors) `to` type($updated)
  }];
}

def Train_SgdOp : Train_UpdateOp<"sgd"> {
  let summary = "stochastic gradient descent with momentum on one or more parameters";
  let description = [{
    PyTorch's SGD without dampening. `tensors` are n times (parameter, gradient)
    or, with a momentum, n times (parameter, gradient, momentum_buffer).
    Constraints: (C1) the number of `tensors` is a positive multiple of 2, or of 3 with a momentum,
    (C2) those of a group have one type.

    ```mlir
    %w1 = train.sgd lr %lr on %w, %g {momentum = 0.0 : f64, weight_decay = 0.0 : f64}
        : tensor<f32>, tensor<8x8xf32>, tensor<8x8xf32> to tensor<8x8xf32>
    ```
  }];
  let arguments = (ins Train_F32Scalar:$lr, Optional<Train_F32Scalar>:$scale, Variadic<Train_FloatTensor>:$tensors,
                       F64Attr:$momentum, F64Attr:$weight_decay);
  let results = (outs Variadic<Train_FloatTensor>:$updated);
  let assemblyFormat = [{
    `lr` $lr (`scale` $scale^)? `on` $tensors attr-dict
    `:` type($lr) (`scale` type($scale)^)? `,` type($tensors) `to` type($updated)
  }];
}

#endif // SPILLWAY_TRAIN_OPTIMIZER_OPS
