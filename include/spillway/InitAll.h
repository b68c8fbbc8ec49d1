//===- InitAll.h - Everything the tools register ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_INITALL_H
#define SPILLWAY_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace spillway {

/// Every dialect of the project, with its interfaces.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Every pass and pipeline of the project, and upstream's canonicalize, cse,
/// symbol-dce and the like.
void registerAllPasses();

} // namespace spillway

#endif // SPILLWAY_INITALL_H
