//===- OffloadBase.td - The offload dialect and its types ---*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_OFFLOAD_BASE
#define SPILLWAY_OFFLOAD_BASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "Sched/SchedBase.td"

def Offload_Dialect : Dialect {
  let name = "offload";
  let cppNamespace = "::spillway::offload";
  let summary = "What moves: a plan at the level of tensors";
  let description = [{
    `train` ops in their final order, recomputed ones among them, with the
    transfers that a plan puts between them. A tensor is a buffer on the device
    (or a view of one); a stash is one elsewhere. Everything of a plan but the
    addresses is here. The rationale is in `dialects/Offload/README.md`.

    Ops of other dialects carry these attributes of the plan:

    * `recompute_of = N`, in the place of `id`: this is not the first run of the
      op with the id N in the step;
    * `offload.in_place = array<i64: operand, result, ...>`: pairs such that the
      result takes over the buffer of the operand.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::spillway::sched::SchedDialect"];
  let hasOperationAttrVerify = 1;
}

class Offload_Type<string name, string mnem> : TypeDef<Offload_Dialect, name> { let mnemonic = mnem; }

def Offload_StashType : Offload_Type<"Stash", "stash"> {
  let summary = "a tensor's bytes on a tier other than the device";
  let description = [{
    Always of a whole tensor; a part of it is stored and loaded by offset.

    ```mlir
    !offload.stash<tensor<4x8xf32>, host>
    ```
  }];
  let parameters = (ins "::mlir::RankedTensorType":$tensor, StringRefParameter<"the tier's name">:$tier);
  let hasCustomAssemblyFormat = 1;
}

def Offload_TransferType : Offload_Type<"Transfer", "transfer"> {
  let summary = "a transfer that has started";
  let description = [{
    `offload.await` gives what has arrived: a tensor or a stash.

    ```mlir
    !offload.transfer<tensor<4x8xf32>>
    !offload.transfer<!offload.stash<tensor<4x8xf32>, host>>
    ```
  }];
  let parameters = (ins "::mlir::Type":$value);
  let assemblyFormat = "`<` $value `>`";
  let genVerifyDecl = 1;
}

def Offload_HoldAttr : AttrDef<Offload_Dialect, "Hold"> {
  let mnemonic = "hold";
  let summary = "which bytes an argument of an offload.step is";
  let description = [{
    The argument is the part of the tensor `tensor` of the step that starts at
    byte `offset`. `fed`: the host writes it in each step.

    ```mlir
    #offload.hold<"w" at 128>
    ```
  }];
  let parameters = (ins StringRefParameter<"">:$tensor, DefaultValuedParameter<"int64_t", "0">:$offset,
                        DefaultValuedParameter<"bool", "false">:$fed);
  let assemblyFormat = "`<` $tensor (`at` $offset^)? (`fed` $fed^)? `>`";
}

#endif // SPILLWAY_OFFLOAD_BASE
