//===- Load.cpp - Reading models and profiles --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Parser/Parser.h"
#include "spillway/Driver/Compiler.h"
#include "spillway/Import/Onnx.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace spillway {
namespace {

/// MLIR's parser calls itself for what is nested, and would overflow the stack.
/// Brackets are counted as they stand, in comments and strings as well.
bool isTooDeep(StringRef text) {
  constexpr int kMostNested = 512;
  int depth = 0;
  char last = 0; // of -> and => the > closes nothing
  for (char c : text) {
    if (StringRef("({[<").contains(c))
      ++depth;
    else if (StringRef(")}]").contains(c) || (c == '>' && last != '-' && last != '='))
      depth = std::max(0, depth - 1);
    if (depth > kMostNested)
      return true;
    last = c;
  }
  return false;
}

OwningOpRef<ModuleOp> parseText(StringRef path, Location loc, MLIRContext &context) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    emitError(loc, "cannot read: ") << buffer.getError().message();
    return nullptr;
  }
  if (!isBytecode((*buffer)->getMemBufferRef()) && isTooDeep((*buffer)->getBuffer())) {
    emitError(loc, "brackets are nested more than 512 deep");
    return nullptr;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, &context);
}

} // namespace

OwningOpRef<ModuleOp> loadModel(StringRef path, const CompileOptions &options, MLIRContext &context) {
  Location loc = FileLineColLoc::get(&context, path, 0, 0);
  if (!llvm::sys::fs::exists(path)) {
    emitError(loc, "there is no such file");
    return nullptr;
  }
  if (path.ends_with(".mlir")) {
    if (!options.dims.empty() || !options.freeze.empty() || !options.trainable.empty()) {
      emitError(loc, "--dim, --freeze and --trainable are for ONNX models, but a .mlir says shapes and roles itself; "
                     "leave them out");
      return nullptr;
    }
    return parseText(path, loc, context);
  }
  if (path.ends_with(".onnx")) {
    ImportOptions import;
    import.dims = options.dims;
    import.freeze = options.freeze;
    import.trainable = options.trainable;
    return importOnnx(path, import, &context);
  }
  emitError(loc, "expected a model that ends in .onnx or .mlir");
  return nullptr;
}

FailureOr<train::StepOp> findStep(ModuleOp module) {
  auto steps = module.getOps<train::StepOp>();
  if (std::distance(steps.begin(), steps.end()) != 1)
    return module.emitError("expected one train.step in the module, found ")
           << std::distance(steps.begin(), steps.end());
  return *steps.begin();
}

FailureOr<KernelProfile> loadProfile(StringRef path, MLIRContext &context) {
  Location loc = FileLineColLoc::get(&context, path, 0, 0);
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return emitError(loc, "cannot read the profile: ") << buffer.getError().message();
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse((*buffer)->getBuffer());
  if (!parsed)
    return emitError(loc, "the profile is not JSON: ") << llvm::toString(parsed.takeError());
  const llvm::json::Object *root = parsed->getAsObject();
  const llvm::json::Object *kernels = root ? root->getObject("kernels") : nullptr;
  if (!kernels)
    return emitError(loc, "the profile has no object 'kernels'; expected a file that spillway-run --profile wrote");
  KernelProfile profile;
  for (const auto &[signature, value] : *kernels) {
    std::optional<double> ns = value.getAsNumber();
    if (!ns || !(*ns >= 0) || *ns > 1e18)
      return emitError(loc, "expected a time in ns for '") << StringRef(signature) << "'";
    profile[StringRef(signature).str()] = static_cast<int64_t>(*ns);
  }
  return profile;
}

} // namespace spillway
