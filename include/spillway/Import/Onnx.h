//===- Onnx.h - ONNX models into train IR -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads an ONNX file (opset 13 to 23) into a module with one `train.step`.
// Weights stay where they are: an initializer becomes an argument of the step
// with a reference (file, offset, bytes), and need not exist to compile.
// What is known when all dimensions are (shapes, masks, position tables) is
// computed here and leaves no ops.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_IMPORT_ONNX_H
#define SPILLWAY_IMPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace spillway {

struct ImportOptions {
  /// Symbolic dimensions by name. A dimension without a name is INPUT.AXIS.
  std::map<std::string, int64_t> dims;
  /// Regular expressions over initializer names (a match anywhere in the name
  /// counts) that overrule the choice of parameters. `freeze` is applied last.
  std::vector<std::string> trainable;
  std::vector<std::string> freeze;
};

/// Imports the model at `path`. Errors are one diagnostic each through the
/// context's handler, and give a null module. The step has the arguments
/// `input` (the model's inputs), `param` (initializers to be trained, and those
/// that `freeze` names, marked `frozen`) and `constant` (other initializers),
/// and returns the model's outputs by name.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path,
                                             const ImportOptions &options,
                                             mlir::MLIRContext *context);

} // namespace spillway

#endif // SPILLWAY_IMPORT_ONNX_H
