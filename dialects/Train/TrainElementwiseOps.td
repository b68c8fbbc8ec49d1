//===- TrainElementwiseOps.td - Element by element -*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRAIN_ELEMENTWISE_OPS
#define SPILLWAY_TRAIN_ELEMENTWISE_OPS

include "Train/TrainBase.td"

def Train_ConstantOp : Train_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "a small constant";
  let description = [{
    Large constants are arguments of the step with the role `constant`.

    ```mlir
    %c = train.constant dense<[0, 1]> : tensor<2xi64>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def Train_FillOp : Train_KernelOp<"fill", [Costs<>, Kernel<>]> {
  let summary = "every element one number";
  let description = [{
    Constraints: (C1) the element type can hold `value`.

    ```mlir
    %z = train.fill 0.0 : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins F64Attr:$value);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Train_CopyOp : Train_KernelOp<"copy", [SameOperandsAndResultType, Costs<>,
    Kernel<["acceptsStrides"]>, Differentiable]> {
  let summary = "a dense copy of a strided view";
  let description = [{
    ```mlir
    %y = train.copy %x : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Train_Tensor:$input);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Train_CastOp : Train_KernelOp<"cast", [SameOperandsAndResultShape, Costs<>,
    Kernel<["acceptsStrides"]>, Differentiable]> {
  let summary = "conversion of the element type";
  let description = [{
    ```mlir
    %y = train.cast %x : tensor<4xi64> to tensor<4xf32>
    ```
  }];
  let arguments = (ins Train_Tensor:$input);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasFolder = 1;
}

def Train_UnaryOp : Train_KernelOp<"unary", [SameOperandsAndResultType, Costs<["getFlops"]>,
    Kernel<["acceptsStrides", "getInPlacePairs"]>, Differentiable]> {
  let summary = "a function of one element, from the table";
  let description = [{
    `fn` is a name of `include/spillway/Elementwise.def`, which holds the
    function, its derivative and its cost once for the compiler and for every
    backend. `a` is the scalar parameter of functions that have one.
    Constraints: (C1) `fn` is in the table, (C2) `a` is there exactly where the function has one.

    ```mlir
    %y = train.unary gelu_tanh %x : tensor<4x8xf32>
    %z = train.unary mul_scalar %x {a = 0.125 : f64} : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Train_NumTensor:$input, StrAttr:$fn, OptionalAttr<F64Attr>:$a);
  let results = (outs Train_NumTensor:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "::llvm::StringRef":$fn)>,
    OpBuilder<(ins "::mlir::Value":$input, "::llvm::StringRef":$fn, "double":$a)>];
  let hasCanonicalizer = 1;
}

def Train_UnaryGradOp : Train_KernelOp<"unary_grad", [InferTypeOpAdaptor, Costs<["getFlops"]>,
    Kernel<["acceptsStrides", "getInPlacePairs"]>]> {
  let summary = "the derivative of a function of one element, times a gradient";
  let description = [{
    `saved` is the function's operand or its result, or absent, as the table says.
    Constraints: (C1) `fn` is in the table and has a derivative, (C2) `a` is there
    exactly where the function has one, (C3) so is `saved`, (C4) of the gradient's type.

    ```mlir
    %dx = train.unary_grad gelu_tanh %g, %x : tensor<4x8xf32>
    %dx = train.unary_grad neg %g : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$grad, Optional<Train_FloatTensor>:$saved, StrAttr:$fn,
                       OptionalAttr<F64Attr>:$a);
  let results = (outs Train_FloatTensor:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Train_BinaryOp : Train_KernelOp<"binary", [InferTypeOpAdaptor, Costs<["getFlops"]>,
    Kernel<["acceptsStrides", "getReadShape", "getInPlacePairs"]>, Differentiable]> {
  let summary = "a function of two elements, from the table";
  let description = [{
    Operands broadcast as NumPy's do. `fn`: add, sub, mul, div, max, min, pow.
    Constraints: (C1) `fn` is in the table, (C2) one element type, (C3) shapes broadcast.

    ```mlir
    %y = train.binary add %a, %b : tensor<4x8xf32>, tensor<8xf32>
    ```
  }];
  let arguments = (ins Train_NumTensor:$lhs, Train_NumTensor:$rhs, StrAttr:$fn);
  let results = (outs Train_NumTensor:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$fn, "::mlir::Value":$lhs, "::mlir::Value":$rhs)>];
  let hasCanonicalizer = 1;
}

def Train_CompareOp : Train_KernelOp<"compare", [InferTypeOpAdaptor, Costs<>, Kernel<["acceptsStrides", "getReadShape"]>]> {
  let summary = "a comparison of two elements, from the table";
  let description = [{
    `fn`: eq, ne, lt, le, gt, ge. Operands broadcast.
    Constraints: (C1) `fn` is in the table, (C2) one element type, (C3) shapes broadcast.

    ```mlir
    %y = train.compare le %a, %b : tensor<1x8xi64>, tensor<8x1xi64>
    ```
  }];
  let arguments = (ins Train_NumTensor:$lhs, Train_NumTensor:$rhs, StrAttr:$fn);
  let results = (outs Train_BoolTensor:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$fn, "::mlir::Value":$lhs, "::mlir::Value":$rhs)>];
}

def Train_LogicalOp : Train_KernelOp<"logical", [InferTypeOpAdaptor, Costs<>, Kernel<["acceptsStrides", "getReadShape"]>]> {
  let summary = "and, or, xor of two truth values";
  let description = [{
    Operands broadcast.
    Constraints: (C1) `fn` is in the table, (C2) shapes broadcast.

    ```mlir
    %y = train.logical and %a, %b : tensor<8x8xi1>, tensor<1x8xi1>
    ```
  }];
  let arguments = (ins Train_BoolTensor:$lhs, Train_BoolTensor:$rhs, StrAttr:$fn);
  let results = (outs Train_BoolTensor:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$fn, "::mlir::Value":$lhs, "::mlir::Value":$rhs)>];
}

def Train_SelectOp : Train_KernelOp<"select", [InferTypeOpAdaptor, Costs<>, Kernel<["acceptsStrides", "getReadShape"]>, Differentiable]> {
  let summary = "an element of one of two tensors";
  let description = [{
    Operands broadcast. No derivative reaches the condition.
    Constraints: (C1) one element type of both branches, (C2) shapes broadcast.

    ```mlir
    %y = train.select %c, %a, %b : tensor<8x8xi1>, tensor<8x8xf32>, tensor<f32>
    ```
  }];
  let arguments = (ins Train_BoolTensor:$condition, Train_Tensor:$lhs, Train_Tensor:$rhs);
  let results = (outs Train_Tensor:$result);
  let assemblyFormat = "$condition `,` $lhs `,` $rhs attr-dict `:` type($condition) `,` type($lhs) `,` type($rhs)";
  let hasVerifier = 1;
}

#endif // SPILLWAY_TRAIN_ELEMENTWISE_OPS
