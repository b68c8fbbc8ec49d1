//===- Units.h - Numbers with units, as a human writes them -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// `8GiB`, `1.5TB`, `25GB/s`, `10us`, `82.6TFLOP/s`. In memory every quantity is
// an integer of the base unit (bytes, bytes a second, nanoseconds, flops a
// second). Printing picks the largest unit in which the number is whole, so
// that text and value agree exactly.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DIALECTS_HW_UNITS_H
#define SPILLWAY_DIALECTS_HW_UNITS_H

#include "mlir/IR/OpImplementation.h"

namespace spillway::hw {

// Parse one quantity with its unit; on failure an error was emitted that lists
// the units. Print it so that it parses to the same number.
mlir::ParseResult parseBytes(mlir::AsmParser &parser, int64_t &value);
mlir::ParseResult parseBandwidth(mlir::AsmParser &parser, int64_t &value);
mlir::ParseResult parseTime(mlir::AsmParser &parser, int64_t &value);
mlir::ParseResult parseFlopRate(mlir::AsmParser &parser, int64_t &value);
void printBytes(mlir::AsmPrinter &printer, int64_t value);
void printBandwidth(mlir::AsmPrinter &printer, int64_t value);
void printTime(mlir::AsmPrinter &printer, int64_t value);
void printFlopRate(mlir::AsmPrinter &printer, int64_t value);

/// A plain number such as 0.75 or 1; whether it is in (0, 1] is for the
/// verifiers to say.
mlir::ParseResult parseShare(mlir::AsmParser &parser, mlir::FloatAttr &value);
void printShare(mlir::AsmPrinter &printer, mlir::FloatAttr value);

} // namespace spillway::hw

#endif // SPILLWAY_DIALECTS_HW_UNITS_H
