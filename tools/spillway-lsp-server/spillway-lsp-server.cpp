//===- spillway-lsp-server.cpp - Editors on every level -------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "spillway/InitAll.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  spillway::registerAllDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
