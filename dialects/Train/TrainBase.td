//===- TrainBase.td - The train dialect and its op classes --*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRAIN_BASE
#define SPILLWAY_TRAIN_BASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "Train/TrainInterfaces.td"

def Train_Dialect : Dialect {
  let name = "train";
  let cppNamespace = "::spillway::train";
  let summary = "One training step: what to compute";
  let description = [{
    Value semantics over static tensors, and no notion of place. Ops are coarse
    and map to kernels; what an op knows about itself (type, derivative, cost,
    kernel, in-place permission) it says through interfaces, so that no pass
    knows an op by name. The rationale is in `dialects/Train/README.md`.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
}

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

def Train_Float : AnyTypeOf<[F32, F16, BF16, F64]>;
def Train_Int : AnyTypeOf<[I8, UI8, I16, I32, I64]>;
def Train_Element : AnyTypeOf<[F32, F16, BF16, F64, I1, I8, UI8, I16, I32, I64]>;
def Train_Tensor : StaticShapeTensorOf<[Train_Element]>;
def Train_FloatTensor : StaticShapeTensorOf<[Train_Float]>;
def Train_IntTensor : StaticShapeTensorOf<[I8, UI8, I16, I32, I64]>;
def Train_NumTensor : StaticShapeTensorOf<[F32, F16, BF16, F64, I8, UI8, I16, I32, I64]>;
def Train_BoolTensor : StaticShapeTensorOf<[I1]>;
def Train_F32Tensor : StaticShapeTensorOf<[F32]>;
def Train_F32Scalar : 0DTensorOf<[F32]>;

def Train_Role : I32EnumAttr<"Role", "what an argument of a step is", [
    I32EnumAttrCase<"input", 0>, I32EnumAttrCase<"param", 1>,
    I32EnumAttrCase<"state", 2>, I32EnumAttrCase<"hyper", 3>,
    I32EnumAttrCase<"constant", 4>]> {
  let cppNamespace = "::spillway::train";
}

def Train_Reduction : I32EnumAttr<"Reduction", "how elements are combined", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"mean", 1>, I32EnumAttrCase<"max", 2>]> {
  let cppNamespace = "::spillway::train";
}

class Train_Attr<string name, string mnem> : AttrDef<Train_Dialect, name> { let mnemonic = mnem; }

def Train_SourceAttr : Train_Attr<"Source", "source"> {
  let summary = "where the initial bytes of an argument are";
  let description = [{
    A range of a file, never the bytes themselves. The file need not exist to
    compile. `file` is relative to the model's folder.
    Constraints: (C1) `offset` and `bytes` are not negative.

    ```mlir
    #train.source<"model.onnx.data" at 4096 bytes 786432>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$file, "int64_t":$offset, "int64_t":$bytes);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` $file `at` $offset `bytes` $bytes `>`";
}

//===----------------------------------------------------------------------===//
// Op classes
//===----------------------------------------------------------------------===//

class Train_Op<string mnemonic, list<Trait> traits = []> : Op<Train_Dialect, mnemonic, traits>;

/// A view: no kernel, no cost.
class Train_ViewOp<string mnemonic, list<Trait> traits = []>
    : Train_Op<mnemonic, [Pure, DeclareOpInterfaceMethods<ViewOpInterface>,
                          DeclareOpInterfaceMethods<DifferentiableOpInterface>] # traits> {
  let hasVerifier = 1;
}

/// An op that runs as a kernel.
class Train_KernelOp<string mnemonic, list<Trait> traits = []>
    : Train_Op<mnemonic, [Pure] # traits>;

/// The interfaces of a kernel op, with the methods that it implements itself.
class Costs<list<string> methods = []> : DeclareOpInterfaceMethods<CostOpInterface, methods>;
class Kernel<list<string> methods = []> : DeclareOpInterfaceMethods<KernelOpInterface, methods>;
def Differentiable : DeclareOpInterfaceMethods<DifferentiableOpInterface>;

#endif // SPILLWAY_TRAIN_BASE
