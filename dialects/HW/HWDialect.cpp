//===- HWDialect.cpp - Custom assembly and verifiers of hw ----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HW/HW.h"
#include "HW/Units.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace spillway::hw;

//===----------------------------------------------------------------------===//
// Custom assembly
//===----------------------------------------------------------------------===//

// The generated code finds these beside the ops.
namespace spillway::hw {

using ParseInteger = ParseResult (*)(AsmParser &, int64_t &);

static ParseResult parseAttr(OpAsmParser &parser, IntegerAttr &attr,
                             ParseInteger parse) {
  int64_t value;
  if (parse(parser, value))
    return failure();
  attr = parser.getBuilder().getI64IntegerAttr(value);
  return success();
}

static ParseResult parseBytes(OpAsmParser &parser, IntegerAttr &attr) {
  return parseAttr(parser, attr, parseBytes);
}
static void printBytes(OpAsmPrinter &printer, Operation *, IntegerAttr attr) {
  printBytes(printer, attr.getInt());
}

static ParseResult parseBandwidth(OpAsmParser &parser, IntegerAttr &attr) {
  return parseAttr(parser, attr, parseBandwidth);
}
static void printBandwidth(OpAsmPrinter &printer, Operation *,
                           IntegerAttr attr) {
  printBandwidth(printer, attr.getInt());
}

static ParseResult parseTime(OpAsmParser &parser, IntegerAttr &attr) {
  return parseAttr(parser, attr, parseTime);
}
static void printTime(OpAsmPrinter &printer, Operation *, IntegerAttr attr) {
  printTime(printer, attr.getInt());
}

static void printShare(OpAsmPrinter &printer, Operation *, FloatAttr attr) {
  printShare(printer, attr);
}

// `[gemm f32 67TFLOP/s efficiency 0.8, attention f32 67TFLOP/s]`
static ParseResult parseRates(OpAsmParser &parser, ArrayAttr &attr) {
  SmallVector<Attribute> rates;
  auto parseRate = [&]() -> ParseResult {
    StringRef work;
    Type type;
    int64_t flops;
    FloatAttr efficiency = parser.getBuilder().getF64FloatAttr(1.0);
    if (parser.parseKeyword(&work) || parser.parseType(type) ||
        parseFlopRate(parser, flops))
      return failure();
    if (succeeded(parser.parseOptionalKeyword("efficiency")) &&
        parseShare(parser, efficiency))
      return failure();
    rates.push_back(RateAttr::get(parser.getContext(),
                                  parser.getBuilder().getStringAttr(work), type,
                                  flops, efficiency));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseRate))
    return failure();
  attr = parser.getBuilder().getArrayAttr(rates);
  return success();
}

static void printRates(OpAsmPrinter &printer, Operation *, ArrayAttr attr) {
  printer << '[';
  llvm::interleaveComma(attr.getAsRange<RateAttr>(), printer, [&](RateAttr r) {
    printer << r.getWork().getValue() << ' ' << r.getType() << ' ';
    printFlopRate(printer, r.getFlopsPerSecond());
    if (!r.getEfficiency().getValue().isExactlyValue(1.0)) {
      printer << " efficiency ";
      printShare(printer, r.getEfficiency());
    }
  });
  printer << ']';
}

} // namespace spillway::hw

#include "HW/HWDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "HW/HWAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "HW/HWOps.cpp.inc"

void HWDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "HW/HWAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "HW/HWOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

namespace {

LogicalResult verifyShare(Operation *op, const Twine &what,
                          const APFloat &share) {
  double value = share.convertToDouble();
  if (value > 0 && value <= 1)
    return success();
  return op->emitOpError("expects ")
         << what << " above 0 and at most 1, but got " << value;
}

LogicalResult verifyPositive(Operation *op, const Twine &what, int64_t value,
                             StringRef unit) {
  if (value > 0)
    return success();
  return op->emitOpError("expects ")
         << what << " above 0, but got " << value << unit;
}

LogicalResult verifyNotNegative(Operation *op, StringRef what, int64_t value,
                                StringRef unit) {
  if (value >= 0)
    return success();
  return op->emitOpError("expects ")
         << what << " of at least 0, but got " << value << unit;
}

} // namespace

LogicalResult TierOp::verify() {
  if (failed(verifyPositive(*this, "a capacity", getCapacityBytes(), " B")) ||
      failed(verifyNotNegative(*this, "a reserve", getReserveBytes(), " B")))
    return failure();
  if (getReserveBytes() >= getCapacityBytes())
    return emitOpError("expects a reserve below the capacity of ")
           << getCapacityBytes() << " B, but got " << getReserveBytes() << " B";
  return success();
}

LogicalResult LinkOp::verify() {
  if (getSource() == getDestination())
    return emitOpError("expects two different tiers, but goes from '")
           << getSource() << "' to itself";
  if (failed(
          verifyPositive(*this, "a bandwidth", getBytesPerSecond(), " B/s")) ||
      failed(verifyShare(*this, "an efficiency", getEfficiency())))
    return failure();
  return verifyNotNegative(*this, "a latency", getLatencyNs(), " ns");
}

LogicalResult EngineOp::verify() {
  if (failed(verifyPositive(*this, "a number of lanes", getLanes(), "")) ||
      failed(verifyNotNegative(*this, "a launch time", getLaunchNs(), " ns")) ||
      failed(verifyPositive(*this, "a memory bandwidth",
                            getMemoryBytesPerSecond(), " B/s")) ||
      failed(verifyShare(*this, "a memory efficiency", getEfficiency())))
    return failure();
  llvm::SetVector<std::pair<StringAttr, Type>> seen;
  bool hasGemm = false;
  for (auto rate : getRates().getAsRange<RateAttr>()) {
    std::string what;
    llvm::raw_string_ostream(what)
        << rate.getWork().getValue() << ' ' << rate.getType();
    if (failed(verifyPositive(*this, "a rate of " + what,
                              rate.getFlopsPerSecond(), " FLOP/s")) ||
        failed(verifyShare(*this, "an efficiency of " + what,
                           rate.getEfficiency().getValue())))
      return failure();
    if (!seen.insert({rate.getWork(), rate.getType()}))
      return emitOpError("expects one rate for ") << what << ", but got two";
    hasGemm |= rate.getWork() == "gemm" && rate.getType().isF32();
  }
  if (!hasGemm)
    return emitOpError("expects a rate for gemm f32, which stands in for "
                       "those that are not given");
  return success();
}

/// Names are looked up from the machine, which sees every part.
LogicalResult MachineOp::verifyRegions() {
  llvm::SetVector<StringRef> tiers;
  for (Operation &op : getBody().front()) {
    if (auto tier = dyn_cast<TierOp>(op))
      tiers.insert(tier.getSymName());
    else if (!isa<LinkOp, EngineOp>(op))
      return op.emitOpError(
          "is no part of a machine; expects hw.tier, hw.link or hw.engine");
  }
  auto known = [&](Operation *op, StringRef name) -> LogicalResult {
    if (tiers.contains(name))
      return success();
    return op->emitOpError("expects a tier of the machine (")
           << llvm::join(tiers, ", ") << "), but got '" << name << "'";
  };
  if (tiers.empty())
    return emitOpError("expects at least one hw.tier");
  if (failed(known(*this, getDevice())))
    return failure();

  bool deviceHasEngine = false;
  llvm::SetVector<std::pair<StringRef, StringRef>> ways;
  for (Operation &op : getBody().front()) {
    if (auto link = dyn_cast<LinkOp>(op)) {
      if (failed(known(link, link.getSource())) ||
          failed(known(link, link.getDestination())))
        return failure();
      ways.insert({link.getSource(), link.getDestination()});
    } else if (auto engine = dyn_cast<EngineOp>(op)) {
      if (failed(known(engine, engine.getTier())))
        return failure();
      deviceHasEngine |= engine.getTier() == getDevice();
    }
  }
  if (!deviceHasEngine)
    return emitOpError("expects an hw.engine on the device tier '")
           << getDevice() << "'";

  auto reaches = [&](StringRef from, StringRef to) {
    return ways.contains({from, to}) || llvm::any_of(tiers, [&](StringRef via) {
             return ways.contains({from, via}) && ways.contains({via, to});
           });
  };
  for (auto tier : getBody().getOps<TierOp>()) {
    StringRef name = tier.getSymName();
    if (name == getDevice())
      continue;
    if (!reaches(getDevice(), name) || !reaches(name, getDevice()))
      return tier.emitOpError("expects a way of at most two links from the "
                              "device tier '")
             << getDevice() << "' and back";
  }
  return success();
}
