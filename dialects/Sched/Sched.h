//===- Sched.h - The sched dialect ------------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// When and where: instructions over addresses. See README.md beside this file.
//
//===----------------------------------------------------------------------===//

#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include <optional>

namespace spillway::sched {
/// Every buffer starts at a multiple of this.
inline constexpr uint64_t kAlignment = 256;

/// `bytes` rounded up to the alignment.
inline uint64_t alignUp(uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}
} // namespace spillway::sched

#include "Sched/SchedDialect.h.inc"
#include "Sched/SchedInterfaces.h.inc"
#define GET_ATTRDEF_CLASSES
#include "Sched/SchedAttrs.h.inc"
#define GET_OP_CLASSES
#include "Sched/SchedOps.h.inc"

#endif // SCHED_SCHED_H
