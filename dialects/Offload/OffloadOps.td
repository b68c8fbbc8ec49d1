//===- OffloadOps.td - The step, transfers, ends of lives ---*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_OFFLOAD_OPS
#define SPILLWAY_OFFLOAD_OPS

include "Offload/OffloadBase.td"

class Offload_Op<string mnemonic, list<Trait> traits = []> : Op<Offload_Dialect, mnemonic, traits>;

def Offload_Tensor : StaticShapeTensorOf<[AnyType]>;
def Offload_Instance : AnyTypeOf<[Offload_Tensor, Offload_StashType], "a tensor or a stash">;

def Offload_StepOp : Offload_Op<"step", [IsolatedFromAbove, SingleBlock, Symbol,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "a planned training step";
  let description = [{
    The plan of the frozen step `step` on a machine of `tiers` and `links`. Each
    argument is a buffer that is there when a step starts: a `hold` of (a part
    of) a persistent tensor, which `offload.return` carries into the next step,
    or a `feed`, which the host writes before its first reader. The same tensor
    may be held on several tiers, and in parts. The ops of the body are in issue
    order; memory follows this order alone.

    Constraints:
    * (C1) one hold for each argument; an argument is a tensor or a stash;
    * (C2) the tier of each stash is one of `tiers`, and not the first, which is
      the device;
    * (C3) `offload.return` carries a value of the argument's type for each
      argument that is held.

    ```mlir
    offload.step @plan of @sgd (%x: !offload.stash<tensor<4x8xf32>, host> feed "x",
                                %w: tensor<8x8xf32> hold "w",
                                %b1: tensor<4x8xf32> hold "b"[128])
        tiers [#sched.tier<"device" capacity 8192>, #sched.tier<"host" capacity 8192>]
        links [#sched.link<"h2d" from "host" to "device" rate 1.0e+10 latency 1000>] {
      ...
      offload.return outputs (%loss : tensor<f32>) carry (%w1, %b2 : tensor<8x8xf32>, tensor<4x8xf32>)
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$step,
                       TypedArrayAttrBase<Offload_HoldAttr, "holds">:$holds,
                       TypedArrayAttrBase<Sched_TierAttr, "tiers">:$tiers,
                       TypedArrayAttrBase<Sched_LinkAttr, "links">:$links);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block &getBlock() { return getBody().front(); }
    ReturnOp getReturn();
    HoldAttr getHold(unsigned index) { return ::llvm::cast<HoldAttr>(getHolds()[index]); }
    /// The name of the first tier, where kernels compute.
    ::llvm::StringRef getDevice() { return ::llvm::cast<sched::TierAttr>(getTiers()[0]).getName(); }
    /// The tier that a value of a tensor or stash type is on.
    ::llvm::StringRef getTierOf(::mlir::Type type);
    /// The link between two tiers, or null.
    sched::LinkAttr findLink(::llvm::StringRef source, ::llvm::StringRef destination);
  }];
}

def Offload_ReturnOp : Offload_Op<"return", [Terminator, HasParent<"StepOp">, AttrSizedOperandSegments]> {
  let summary = "the end of a step";
  let description = [{
    `outputs` are the loss, if there is one, and the named outputs of the step,
    in the order of `train.return`; the host reads them. `carry` is what each
    held argument is in the next step.

    ```mlir
    offload.return outputs (%s : !offload.stash<tensor<f32>, host>) carry (%w1 : tensor<8x8xf32>)
    ```
  }];
  let arguments = (ins Variadic<Offload_Instance>:$outputs, Variadic<Offload_Instance>:$carried);
  let assemblyFormat = [{
    (`outputs` `(` $outputs^ `:` type($outputs) `)`)? (`carry` `(` $carried^ `:` type($carried) `)`)? attr-dict
  }];
}

def Offload_LoadStartOp : Offload_Op<"load.start"> {
  let summary = "start to copy a stash, or a part of it, to the device";
  let description = [{
    The device's buffer exists from here; its content from the await.
    Constraints:
    * (C1) the transfer is of a tensor;
    * (C2) the bytes [`offset`, `offset` + tensor) lie in the stash.

    ```mlir
    %t = offload.load.start %s at 128 : !offload.stash<tensor<8x8xf32>, host> to !offload.transfer<tensor<4x8xf32>>
    %p = offload.await %t : !offload.transfer<tensor<4x8xf32>>
    ```
  }];
  let arguments = (ins Offload_StashType:$stash, DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs Offload_TransferType:$transfer);
  let assemblyFormat = "$stash (`at` $offset^)? attr-dict `:` type($stash) `to` type($transfer)";
  let hasVerifier = 1;
}

def Offload_StoreStartOp : Offload_Op<"store.start"> {
  let summary = "start to copy a tensor to another tier";
  let description = [{
    Without `into`, the stash is a new buffer, which exists from here. With it,
    the tensor's bytes replace those of the stash at `offset`; the old stash is
    gone then, and the await gives its successor. The tensor's buffer may not be
    freed or overwritten before the await.
    Constraints:
    * (C1) the transfer is of a stash, and of the type of `into`;
    * (C2) the bytes [`offset`, `offset` + tensor) lie in the stash.

    ```mlir
    %t = offload.store.start %h : tensor<4x8xf32> to !offload.transfer<!offload.stash<tensor<4x8xf32>, host>>
    %s = offload.await %t : !offload.transfer<!offload.stash<tensor<4x8xf32>, host>>
    %u = offload.store.start %p into %s at 64 : tensor<2x8xf32>, !offload.stash<tensor<4x8xf32>, host>
        to !offload.transfer<!offload.stash<tensor<4x8xf32>, host>>
    ```
  }];
  let arguments = (ins Offload_Tensor:$tensor, Optional<Offload_StashType>:$into,
                       DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs Offload_TransferType:$transfer);
  let assemblyFormat = [{
    $tensor (`into` $into^)? (`at` $offset^)? attr-dict `:` type($tensor) (`,` type($into)^)? `to` type($transfer)
  }];
  let hasVerifier = 1;
}

def Offload_AwaitOp : Offload_Op<"await", [TypesMatchWith<"the result is what the transfer brings", "transfer",
    "result", "::llvm::cast<TransferType>($_self).getValue()">]> {
  let summary = "wait for a transfer";
  let description = [{
    ```mlir
    %h = offload.await %t : !offload.transfer<tensor<4x8xf32>>
    ```
  }];
  let arguments = (ins Offload_TransferType:$transfer);
  let results = (outs Offload_Instance:$result);
  let assemblyFormat = "$transfer attr-dict `:` type($transfer)";
}

def Offload_FreeOp : Offload_Op<"free"> {
  let summary = "the end of a buffer's life";
  let description = [{
    The whole buffer in which the tensor or stash lies; what is issued after may
    take its bytes.

    ```mlir
    offload.free %h : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Offload_Instance:$buffer);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer)";
}

#endif // SPILLWAY_OFFLOAD_OPS
