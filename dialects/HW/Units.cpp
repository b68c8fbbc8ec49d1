//===- Units.cpp - Numbers with units, as a human writes them -------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HW/Units.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"
#include <array>
#include <charconv>
#include <cmath>

using namespace mlir;

namespace {

struct Unit {
  StringRef name;
  int64_t factor;
};

constexpr int64_t kibi = 1024, kilo = 1000;

// Printing takes the first unit that divides the value, so the larger and the
// binary come first.
constexpr Unit byteUnits[] = {{"TiB", kibi * kibi * kibi * kibi},
                              {"GiB", kibi * kibi * kibi},
                              {"MiB", kibi * kibi},
                              {"TB", kilo * kilo * kilo * kilo},
                              {"GB", kilo * kilo * kilo},
                              {"MB", kilo * kilo},
                              {"KiB", kibi},
                              {"KB", kilo},
                              {"B", 1}};
constexpr Unit bandwidthUnits[] = {{"TB", kilo * kilo * kilo * kilo},
                                   {"GB", kilo * kilo * kilo},
                                   {"MB", kilo * kilo},
                                   {"KB", kilo},
                                   {"B", 1}};
constexpr Unit timeUnits[] = {
    {"s", kilo * kilo * kilo}, {"ms", kilo * kilo}, {"us", kilo}, {"ns", 1}};
constexpr Unit flopUnits[] = {{"PFLOP", kilo * kilo * kilo * kilo * kilo},
                              {"TFLOP", kilo * kilo * kilo * kilo},
                              {"GFLOP", kilo * kilo * kilo},
                              {"MFLOP", kilo * kilo},
                              {"KFLOP", kilo},
                              {"FLOP", 1}};

// Accepts `8`, `-8`, `1.5`.
ParseResult parseNumber(AsmParser &parser, double &value) {
  SMLoc loc = parser.getCurrentLocation();
  bool negative = succeeded(parser.parseOptionalMinus());
  APInt integer;
  OptionalParseResult parsed = parser.parseOptionalInteger(integer);
  if (parsed.has_value()) {
    if (failed(*parsed))
      return failure();
    value = integer.signedRoundToDouble();
  } else if (parser.parseFloat(value)) {
    return failure();
  }
  if (!std::isfinite(value))
    return parser.emitError(loc, "expects a finite number");
  if (negative)
    value = -value;
  return success();
}

ParseResult parseQuantity(AsmParser &parser, int64_t &value,
                          ArrayRef<Unit> units, bool perSecond) {
  SMLoc loc = parser.getCurrentLocation();
  double number;
  if (parseNumber(parser, number))
    return failure();
  auto expectUnit = [&](const Twine &found) {
    std::string known = llvm::join(
        llvm::map_range(units,
                        [&](const Unit &unit) {
                          return (unit.name + (perSecond ? "/s" : "")).str();
                        }),
        ", ");
    return parser.emitError(loc, "expects a number with a unit (")
           << known << "), but got " << found;
  };
  StringRef name;
  if (failed(parser.parseOptionalKeyword(&name)))
    return expectUnit("no unit");
  const Unit *unit =
      llvm::find_if(units, [&](const Unit &u) { return u.name == name; });
  if (unit == units.end())
    return expectUnit("'" + name + "'");
  if (perSecond) {
    StringRef second;
    if (failed(parser.parseOptionalSlash()) ||
        failed(parser.parseOptionalKeyword(&second)) || second != "s")
      return expectUnit("'" + name + "' without '/s'");
  }
  double scaled = number * static_cast<double>(unit->factor);
  if (std::abs(scaled) >= 9.2e18)
    return parser.emitError(loc, "is too large for 64 bits");
  value = std::llround(scaled);
  return success();
}

void printQuantity(AsmPrinter &printer, int64_t value, ArrayRef<Unit> units,
                   bool perSecond) {
  const Unit *unit = llvm::find_if(units, [&](const Unit &u) {
    return value != 0 && value % u.factor == 0;
  });
  // Zero has no largest unit; the last is the base unit.
  if (unit == units.end())
    unit = &units.back();
  printer << value / unit->factor << unit->name << (perSecond ? "/s" : "");
}

} // namespace

ParseResult spillway::hw::parseBytes(AsmParser &parser, int64_t &value) {
  return parseQuantity(parser, value, byteUnits, /*perSecond=*/false);
}
ParseResult spillway::hw::parseBandwidth(AsmParser &parser, int64_t &value) {
  return parseQuantity(parser, value, bandwidthUnits, /*perSecond=*/true);
}
ParseResult spillway::hw::parseTime(AsmParser &parser, int64_t &value) {
  return parseQuantity(parser, value, timeUnits, /*perSecond=*/false);
}
ParseResult spillway::hw::parseFlopRate(AsmParser &parser, int64_t &value) {
  return parseQuantity(parser, value, flopUnits, /*perSecond=*/true);
}

void spillway::hw::printBytes(AsmPrinter &printer, int64_t value) {
  printQuantity(printer, value, byteUnits, /*perSecond=*/false);
}
void spillway::hw::printBandwidth(AsmPrinter &printer, int64_t value) {
  printQuantity(printer, value, bandwidthUnits, /*perSecond=*/true);
}
void spillway::hw::printTime(AsmPrinter &printer, int64_t value) {
  printQuantity(printer, value, timeUnits, /*perSecond=*/false);
}
void spillway::hw::printFlopRate(AsmPrinter &printer, int64_t value) {
  printQuantity(printer, value, flopUnits, /*perSecond=*/true);
}

ParseResult spillway::hw::parseShare(AsmParser &parser, FloatAttr &value) {
  double number;
  if (parseNumber(parser, number))
    return failure();
  value = parser.getBuilder().getF64FloatAttr(number);
  return success();
}

void spillway::hw::printShare(AsmPrinter &printer, FloatAttr value) {
  // The shortest digits that read back as the same number, without exponent,
  // which the lexer takes only after a point.
  std::array<char, 400> text;
  auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(),
                    value.getValueAsDouble(), std::chars_format::fixed);
  printer << StringRef(text.data(), end - text.data());
}
