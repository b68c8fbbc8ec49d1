//===- TrainStepOps.td - The step and its terminator --------*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRAIN_STEP_OPS
#define SPILLWAY_TRAIN_STEP_OPS

include "Train/TrainBase.td"

def Train_StepOp : Train_Op<"step", [IsolatedFromAbove, SingleBlock, Symbol,
    RegionKindInterface, OpAsmOpInterface]> {
  let summary = "one training step";
  let description = [{
    A function of tensors. Each argument has a role: `input` (fed by the host
    in each step), `param` (trained or frozen), `state` (of the optimizer),
    `hyper` (scalars that the host writes before each step) and `constant`.
    `args` carries a dictionary for each argument: `name` (its name in the
    source model), `source` (where its initial bytes are), `fill` (the number
    that it starts with where there is no source), `tied` (further names),
    `vocabulary` (exclusive limit of token ids), `ignore_index`, `frozen` (a
    parameter that is not trained), `value` (the elements of a constant).

    Before differentiation `train.return` names outputs; after it, the loss and
    the updated parameters and states.

    Constraints:
    * (C1) one role and one dictionary with a `name` for each argument;
    * (C2) names are unique;
    * (C3) arguments are static tensors;
    * (C4) the entries of a dictionary named above are of their kind;
    * (C5) `micro_batches` and `lanes` are at least 1, `tokens` at least 0;
    * (C6) the block ends with `train.return`.

    ```mlir
    train.step @sgd(input %x "x" : tensor<4x8xf32>, param %w "w" : tensor<4x8xf32> {frozen},
                    param %b "b" : tensor<f32> {source = #train.source<"m.onnx" at 64 bytes 4>},
                    hyper %lr "lr" : tensor<f32> {fill = 1.0e-3 : f64}) attributes {tokens = 4 : i64} {
      %s = train.reduce mean %x [0, 1] : tensor<4x8xf32> to tensor<1x1xf32>
      %m = train.reshape %s : tensor<1x1xf32> to tensor<f32>
      %l = train.binary mul %m, %b : tensor<f32>, tensor<f32>
      %b1 = train.sgd lr %lr on %b, %m {momentum = 0.0 : f64, weight_decay = 0.0 : f64}
          : tensor<f32>, tensor<f32>, tensor<f32> to tensor<f32>
      train.return loss %l : tensor<f32> update (%b : tensor<f32>) to (%b1 : tensor<f32>)
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DenseI32ArrayAttr:$roles, ArrayAttr:$args,
                       OptionalAttr<StrAttr>:$model,
                       DefaultValuedAttr<I64Attr, "1">:$micro_batches,
                       DefaultValuedAttr<I64Attr, "0">:$tokens,
                       DefaultValuedAttr<I64Attr, "1">:$lanes,
                       UnitAttr:$frozen);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static ::mlir::RegionKind getRegionKind(unsigned) { return ::mlir::RegionKind::SSACFG; }
    void getAsmBlockArgumentNames(::mlir::Region &region, ::mlir::OpAsmSetValueNameFn setNameFn);

    ::mlir::Block &getBlock() { return getBody().front(); }
    ReturnOp getReturn();
    Role getRole(unsigned index) { return static_cast<Role>(getRoles()[index]); }
    void setRole(unsigned index, Role role);
    ::mlir::DictionaryAttr getArgDict(unsigned index);
    ::llvm::StringRef getArgName(unsigned index);
    ::mlir::Attribute getArgAttr(unsigned index, ::llvm::StringRef name);
    void setArgAttr(unsigned index, ::llvm::StringRef name, ::mlir::Attribute value);
    /// The argument of that name, or null.
    ::mlir::BlockArgument findArgument(::llvm::StringRef name);
    /// Appends an argument and returns it.
    ::mlir::BlockArgument addArgument(::mlir::Type type, ::mlir::Location loc, Role role,
                                      ::mlir::DictionaryAttr dict);
    /// Removes arguments that nothing uses.
    void eraseArgument(unsigned index);
  }];
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name)>];
  let skipDefaultBuilders = 1;
}

def Train_ReturnOp : Train_Op<"return", [Pure, Terminator, HasParent<"StepOp">, AttrSizedOperandSegments]> {
  let summary = "what a step gives: its loss, named outputs and updates";
  let description = [{
    `update (%w) to (%w1)`: at the end of the step the argument %w has the value
    %w1. The storage is one: the old value gives way to the new.

    Constraints:
    * (C1) the loss is a scalar;
    * (C2) targets are arguments of the step, each at most once;
    * (C3) a target and its value have one type.

    ```mlir
    train.return loss %l : tensor<f32> update (%w : tensor<8x8xf32>) to (%w1 : tensor<8x8xf32>)
    train.return outputs ["logits"] (%y : tensor<4x8xf32>)
    ```
  }];
  let arguments = (ins Optional<Train_FloatTensor>:$loss, Variadic<Train_Tensor>:$outputs,
                       Variadic<Train_Tensor>:$targets, Variadic<Train_Tensor>:$values,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$output_names);
  let assemblyFormat = [{
    (`loss` $loss^ `:` type($loss))?
    (`outputs` $output_names `(` $outputs^ `:` type($outputs) `)`)?
    (`update` `(` $targets^ `:` type($targets) `)` `to` `(` $values `:` type($values) `)`)?
    attr-dict
  }];
  let builders = [OpBuilder<(ins)>];
  let hasVerifier = 1;
}

#endif // SPILLWAY_TRAIN_STEP_OPS
