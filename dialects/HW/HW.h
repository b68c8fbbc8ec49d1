//===- HW.h - Machines: tiers, links, engines -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DIALECTS_HW_HW_H
#define SPILLWAY_DIALECTS_HW_HW_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"

#include "HW/HWDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "HW/HWAttributes.h.inc"

#define GET_OP_CLASSES
#include "HW/HWOps.h.inc"

#endif // SPILLWAY_DIALECTS_HW_HW_H
