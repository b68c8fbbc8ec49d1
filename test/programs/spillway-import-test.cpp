//===- spillway-import-test.cpp - Prints what the importer gives ----------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The importer alone, before any pass: for its own tests.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "spillway/Import/Onnx.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;

int main(int argc, char **argv) {
  cl::opt<std::string> model(cl::Positional, cl::Required,
                             cl::desc("MODEL.onnx"));
  cl::list<std::string> dims("dim",
                             cl::desc("NAME=VALUE binds a symbolic dimension"));
  cl::list<std::string> freeze("freeze",
                               cl::desc("regex of initializers not to train"));
  cl::list<std::string> trainable("trainable",
                                  cl::desc("regex of initializers to train"));
  cl::opt<bool> locations("locations", cl::desc("print locations"));
  cl::opt<bool> constants("constants", cl::desc("print large constants too"));
  cl::opt<bool> quiet("quiet", cl::desc("print nothing"));
  cl::ParseCommandLineOptions(argc, argv,
                              "prints the train IR of an ONNX model\n");

  spillway::ImportOptions options;
  options.freeze.assign(freeze.begin(), freeze.end());
  options.trainable.assign(trainable.begin(), trainable.end());
  for (StringRef dim : dims) {
    auto [name, value] = dim.rsplit('=');
    if (value.getAsInteger(10, options.dims[name.str()])) {
      errs() << "error: --dim expects NAME=VALUE, but got '" << dim << "'\n";
      return 2;
    }
  }
  mlir::MLIRContext context;
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler handler(sources, &context);
  auto module = spillway::importOnnx(model, options, &context);
  if (!module)
    return 1;
  if (mlir::failed(mlir::verify(*module)))
    return 3;
  mlir::OpPrintingFlags flags;
  flags.enableDebugInfo(locations);
  if (!constants)
    flags.elideLargeElementsAttrs(64);
  if (!quiet)
    module->print(outs(), flags);
  return 0;
}
