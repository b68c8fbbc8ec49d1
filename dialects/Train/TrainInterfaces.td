//===- TrainInterfaces.td - What an op says about itself ---*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRAIN_INTERFACES
#define SPILLWAY_TRAIN_INTERFACES

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::spillway::train";
  let description = [{
    An op with a reverse-mode derivative (its vector-Jacobian product).
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the gradients of the operands. `resultGrads` has one value a
      result, null where no gradient arrives; `needed[i]` says whether operand
      i wants one. Fills `operandGrads` (one entry an operand, of the operand's
      type), null where the derivative is zero.
      Fails after emitting an error where there is no derivative.
    }], "::llvm::LogicalResult", "differentiate",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$resultGrads,
           "::llvm::ArrayRef<bool>":$needed,
           "::llvm::SmallVectorImpl<::mlir::Value> &":$operandGrads)>
  ];
}

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::spillway::train";
  let description = [{
    What one execution of an op costs, in units that no machine enters.
  }];
  let methods = [
    InterfaceMethod<"Floating-point operations.", "int64_t", "getFlops", (ins),
      /*methodBody=*/[{}], /*defaultImplementation=*/[{
        int64_t elements = 0;
        for (::mlir::Type type : $_op->getResultTypes())
          elements += ::llvm::cast<::mlir::ShapedType>(type).getNumElements();
        return elements;
      }]>,
    InterfaceMethod<[{
      The kind of work, whose rate an engine of the machine states: "gemm",
      "attention", or "memory" for ops bound by the bytes they move.
    }], "::llvm::StringRef", "getWorkKind", (ins), [{}], [{ return "memory"; }]>,
    InterfaceMethod<"Bytes read and written.", "int64_t", "getBytesMoved", (ins),
      [{}], [{
        int64_t bytes = 0;
        for (::mlir::Type type : $_op->getOperandTypes())
          bytes += ::spillway::train::getByteSize(type);
        for (::mlir::Type type : $_op->getResultTypes())
          bytes += ::spillway::train::getByteSize(type);
        return bytes;
      }]>,
    InterfaceMethod<[{
      Bytes of scratch that the kernel takes where at most `lanes` threads run it.
    }], "int64_t", "getWorkspaceBytes", (ins "int64_t":$lanes), [{}], [{ return 0; }]>
  ];
}

def KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::spillway::train";
  let description = [{
    An op that runs as one kernel, looked up by name in the runtime. Its
    operands and results are the kernel's, in order.
  }];
  let methods = [
    InterfaceMethod<"The kernel's name (see docs/kernels.md).",
      "::std::string", "getKernelName", (ins), [{}], [{
        return $_op->getName().stripDialect().str();
      }]>,
    InterfaceMethod<[{
      The kernel's attributes. By default all inherent attributes of the op;
      integers, booleans, floats, strings and integer arrays are understood.
    }], "void", "getKernelAttributes",
      (ins "int64_t":$lanes, "::mlir::NamedAttrList &":$attributes), [{}], [{
        ::spillway::train::appendInherentAttributes($_op, attributes);
      }]>,
    InterfaceMethod<[{
      Whether operand `index` may have the layout `strides` (in elements; its
      sizes are its type's). Where not, a copy is inserted before freezing.
    }], "bool", "acceptsStrides",
      (ins "unsigned":$index, "::llvm::ArrayRef<int64_t>":$strides), [{}], [{
        return false;
      }]>,
    InterfaceMethod<[{
      The shape in which the kernel reads operand `index`. Where it is not the
      operand's own, the operand broadcasts to it, and the kernel is given a
      view with strides 0.
    }], "::llvm::SmallVector<int64_t>", "getReadShape", (ins "unsigned":$index), [{}], [{
        return ::llvm::SmallVector<int64_t>(
            ::llvm::cast<::mlir::ShapedType>($_op->getOperand(index).getType()).getShape());
      }]>,
    InterfaceMethod<[{
      The exclusive limit of the integers in operand `index`, where the kernel
      relies on one. The loader checks the data that a user gives against it.
    }], "::std::optional<int64_t>", "getIndexLimit", (ins "unsigned":$index), [{}], [{
        return ::std::nullopt;
      }]>,
    InterfaceMethod<[{
      Pairs (operand, result) such that the result may be computed at exactly
      the address of the operand.
    }], "::llvm::SmallVector<::std::pair<unsigned, unsigned>>", "getInPlacePairs",
      (ins), [{}], [{ return {}; }]>
  ];
}

def UpdateOpInterface : OpInterface<"UpdateOpInterface"> {
  let cppNamespace = "::spillway::train";
  let description = [{
    An optimizer's update. Its results take the place of the operands they
    update: always in place, exactly once a step.
  }];
  let methods = [
    InterfaceMethod<"Number of parameters that this op updates.", "unsigned", "getNumGroups", (ins)>,
    InterfaceMethod<[{
      Indices of the operands that belong to group `group`; the first is the
      parameter, the second its gradient, the rest its state.
    }], "::llvm::SmallVector<unsigned>", "getGroupOperands", (ins "unsigned":$group)>,
    InterfaceMethod<[{
      Indices of the results of group `group`: parameter, then state.
    }], "::llvm::SmallVector<unsigned>", "getGroupResults", (ins "unsigned":$group)>,
    InterfaceMethod<[{
      Creates an op of this kind with the same hyperparameters over other
      groups: `operands` are those of all groups, in order.
    }], "::mlir::Operation *", "createWithGroups",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::ValueRange":$operands)>,
    InterfaceMethod<[{
      Whether `other` differs from this op in its groups only.
    }], "bool", "canFuseWith", (ins "::mlir::Operation *":$other)>
  ];
}

def ViewOpInterface : OpInterface<"ViewOpInterface"> {
  let cppNamespace = "::spillway::train";
  let description = [{
    An op that computes nothing: its result is operand 0 seen through other
    sizes and strides. It has no kernel, no id and no cost.
  }];
  let methods = [
    InterfaceMethod<[{
      Rewrites the layout of operand 0 into that of the result. Fails where the
      result is no strided view of an operand so laid out (a reshape of a
      transposed tensor, say): then a copy of the operand is needed.
    }], "::llvm::LogicalResult", "applyView",
      (ins "::spillway::train::Layout &":$layout)>
  ];
}

#endif // SPILLWAY_TRAIN_INTERFACES
