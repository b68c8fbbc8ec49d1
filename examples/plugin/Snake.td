//===- Snake.td - An activation that the compiler does not know *- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SNAKE
#define SNAKE

include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "Train/TrainInterfaces.td"

def Snake_Dialect : Dialect {
  let name = "snake";
  let cppNamespace = "::snake";
  let summary = "The Snake activation (Ziyin et al., 2020), as a plugin";
}

class Snake_Op<string mnemonic, list<Trait> traits>
    : Op<Snake_Dialect, mnemonic, [Pure, SameOperandsAndResultType,
        DeclareOpInterfaceMethods<CostOpInterface, ["getFlops"]>,
        DeclareOpInterfaceMethods<KernelOpInterface, ["getKernelName", "getInPlacePairs"]>] # traits>;

def Snake_ActivateOp : Snake_Op<"activate", [DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  let summary = "x + sin(alpha x)^2 / alpha";
  let description = [{
    ```mlir
    %y = snake.activate %x {alpha = 1.0 : f64} : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, F64Attr:$alpha);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Snake_ActivateGradOp : Snake_Op<"activate_grad", []> {
  let summary = "the gradient of snake.activate: g (1 + sin(2 alpha x))";
  let description = [{
    ```mlir
    %dx = snake.activate_grad %g, %x {alpha = 1.0 : f64} : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$grad, RankedTensorOf<[F32]>:$input, F64Attr:$alpha);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$grad `,` $input attr-dict `:` type($result)";
}

#endif // SNAKE
