//===- TrainViewOps.td - Ops that compute nothing -*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRAIN_VIEW_OPS
#define SPILLWAY_TRAIN_VIEW_OPS

include "Train/TrainBase.td"

def Train_ReshapeOp : Train_ViewOp<"reshape"> {
  let summary = "the same elements in row-major order under another shape";
  let description = [{
    Constraints: (C1) as many elements, (C2) the same element type.

    ```mlir
    %y = train.reshape %x : tensor<2x8x4xf32> to tensor<16x4xf32>
    ```
  }];
  let arguments = (ins Train_Tensor:$input);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasFolder = 1;
}

def Train_TransposeOp : Train_ViewOp<"transpose", [InferTypeOpAdaptor]> {
  let summary = "dimensions in another order";
  let description = [{
    Result dimension i is input dimension `permutation[i]`.
    Constraints: (C1) `permutation` is one, of the input's rank.

    ```mlir
    %y = train.transpose %x [0, 2, 1, 3] : tensor<2x8x6x4xf32> to tensor<2x6x8x4xf32>
    ```
  }];
  let arguments = (ins Train_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$input $permutation attr-dict `:` type($input) `to` type($result)";
  let hasFolder = 1;
}

def Train_SliceOp : Train_ViewOp<"slice"> {
  let summary = "a box of a tensor";
  let description = [{
    The elements at `offsets` + [0, result size) in each dimension.
    Constraints: (C1) one offset a dimension, (C2) the box lies inside.

    ```mlir
    %q = train.slice %qkv [0, 0, 0] : tensor<2x8x12xf32> to tensor<2x8x4xf32>
    ```
  }];
  let arguments = (ins Train_Tensor:$input, DenseI64ArrayAttr:$offsets);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$input $offsets attr-dict `:` type($input) `to` type($result)";
  let hasFolder = 1;
}

def Train_BroadcastOp : Train_ViewOp<"broadcast"> {
  let summary = "repeat along dimensions of size 1 and new leading dimensions";
  let description = [{
    NumPy's rule. Constraints: (C1) the input's shape broadcasts to the result's.

    ```mlir
    %y = train.broadcast %x : tensor<1x4xf32> to tensor<2x8x4xf32>
    ```
  }];
  let arguments = (ins Train_Tensor:$input);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasFolder = 1;
}

def Train_AssembleOp : Train_Op<"assemble", [Pure]> {
  let summary = "a tensor from its updated pieces, where they lie";
  let description = [{
    The inverse of cutting a tensor into row blocks by `train.slice`: the pieces
    are adjacent blocks of the result along dimension 0, and share its storage.
    It computes nothing; only results of updates may be pieces.

    Constraints: (C1) pieces have the result's shape but for dimension 0,
    (C2) their dimensions 0 add up to the result's.

    ```mlir
    %w1 = train.assemble %a, %b : tensor<4x8xf32>, tensor<4x8xf32> to tensor<8x8xf32>
    ```
  }];
  let arguments = (ins Variadic<Train_Tensor>:$pieces);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$pieces attr-dict `:` type($pieces) `to` type($result)";
  let hasVerifier = 1;
}

#endif // SPILLWAY_TRAIN_VIEW_OPS
