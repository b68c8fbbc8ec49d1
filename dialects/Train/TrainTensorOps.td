//===- TrainTensorOps.td - Contractions, reductions, data movement -*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRAIN_TENSOR_OPS
#define SPILLWAY_TRAIN_TENSOR_OPS

include "Train/TrainBase.td"

def Train_ReduceOp : Train_KernelOp<"reduce", [InferTypeOpAdaptor, Costs<["getFlops", "getWorkspaceBytes"]>,
    Kernel<["getKernelAttributes", "acceptsStrides"]>, Differentiable]> {
  let summary = "combine the elements along dimensions";
  let description = [{
    The reduced dimensions stay, with size 1 (reshape to drop them). The order
    of summation is fixed by the shape. `max` has no derivative.
    Constraints: (C1) `dims` ascend and lie within the rank.

    ```mlir
    %s = train.reduce sum %x [0, 1] : tensor<2x8x4xf32> to tensor<1x1x4xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_Reduction:$kind, DenseI64ArrayAttr:$dims);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$kind $input $dims attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
}

def Train_ConcatOp : Train_KernelOp<"concat", [InferTypeOpAdaptor, Costs<>, Kernel<["acceptsStrides"]>, Differentiable]> {
  let summary = "tensors side by side along one dimension";
  let description = [{
    ```mlir
    %y = train.concat %a, %b dim 2 : tensor<2x8x4xf32>, tensor<2x8x4xf32> to tensor<2x8x8xf32>
    ```
  }];
  let arguments = (ins Variadic<Train_Tensor>:$inputs, I64Attr:$dim);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$inputs `dim` $dim attr-dict `:` type($inputs) `to` type($result)";
  let hasVerifier = 1;
}

def Train_PadOp : Train_KernelOp<"pad", [Costs<>, Kernel<["acceptsStrides"]>, Differentiable]> {
  let summary = "a tensor in a larger one of zeros";
  let description = [{
    Element i of the input is element i + `low` of the result.
    Constraints: (C1) one offset a dimension, (C2) the input lies inside the result.

    ```mlir
    %y = train.pad %x [0, 4] : tensor<2x4xf32> to tensor<2x12xf32>
    ```
  }];
  let arguments = (ins Train_Tensor:$input, DenseI64ArrayAttr:$low);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$input $low attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Train_MatmulOp : Train_KernelOp<"matmul", [InferTypeOpAdaptor, Costs<["getFlops", "getWorkKind"]>,
    Kernel<["acceptsStrides"]>, Differentiable]> {
  let summary = "matrix product, optionally with a bias";
  let description = [{
    Both operands of rank 2, or both of one higher rank with equal leading
    (batch) dimensions. `transpose_a`, `transpose_b` swap the last two. A bias
    has the size of the result's last dimension and is added to each row.
    Constraints: (C1) ranks and batch dimensions agree, (C2) the contracted
    dimensions agree, (C3) the bias has the result's last size, (C4) one element type.

    ```mlir
    %y = train.matmul %x, %w bias %b : tensor<16x4xf32>, tensor<4x8xf32>, tensor<8xf32> to tensor<16x8xf32>
    %g = train.matmul %x, %dy {transpose_a = true} : tensor<16x4xf32>, tensor<16x8xf32> to tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$a, Train_FloatTensor:$b, Optional<Train_FloatTensor>:$bias,
                       DefaultValuedAttr<BoolAttr, "false">:$transpose_a,
                       DefaultValuedAttr<BoolAttr, "false">:$transpose_b);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = [{
    $a `,` $b (`bias` $bias^)? attr-dict `:` type($a) `,` type($b) (`,` type($bias)^)? `to` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::mlir::Value":$b, CArg<"bool", "false">:$transposeA,
                                 CArg<"bool", "false">:$transposeB, CArg<"::mlir::Value", "{}">:$bias)>];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Train_EmbeddingOp : Train_KernelOp<"embedding", [InferTypeOpAdaptor, Costs<["getBytesMoved"]>,
    Kernel<["getIndexLimit"]>, Differentiable]> {
  let summary = "rows of a table by index";
  let description = [{
    ```mlir
    %y = train.embedding %table, %ids : tensor<256x4xf32>, tensor<2x8xi64> to tensor<2x8x4xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$table, Train_IntTensor:$ids);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$table `,` $ids attr-dict `:` type($table) `,` type($ids) `to` type($result)";
  let hasVerifier = 1;
}

def Train_EmbeddingGradOp : Train_KernelOp<"embedding_grad", [Costs<>, Kernel<["getIndexLimit"]>]> {
  let summary = "gradient of an embedding's table";
  let description = [{
    Rows of the gradient are added in the order of the indices.

    ```mlir
    %dt = train.embedding_grad %g, %ids : tensor<2x8x4xf32>, tensor<2x8xi64> to tensor<256x4xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$grad, Train_IntTensor:$ids);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$grad `,` $ids attr-dict `:` type($grad) `,` type($ids) `to` type($result)";
  let hasVerifier = 1;
}

#endif // SPILLWAY_TRAIN_TENSOR_OPS
