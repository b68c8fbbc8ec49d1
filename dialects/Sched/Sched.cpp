//===- Sched.cpp - The sched dialect --------------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sched/Sched.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace spillway::sched;

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

/// device[4096]
static ParseResult parseAddress(AsmParser &parser, AddressAttr &address) {
  StringRef tier;
  uint64_t offset = 0;
  if (parser.parseKeyword(&tier) || parser.parseLSquare() ||
      parser.parseInteger(offset) || parser.parseRSquare())
    return failure();
  address = AddressAttr::get(parser.getContext(), tier, offset);
  return success();
}

static void printAddress(AsmPrinter &printer, AddressAttr address) {
  printer << address.getTier() << '[' << address.getOffset() << ']';
}

static void printAddress(AsmPrinter &printer, Operation *,
                         AddressAttr address) {
  printAddress(printer, address);
}

/// (device[0], host[256])
static ParseResult parseAddresses(AsmParser &parser, ArrayAttr &addresses) {
  SmallVector<Attribute> list;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren,
                                     [&]() -> ParseResult {
                                       AddressAttr address;
                                       if (parseAddress(parser, address))
                                         return failure();
                                       list.push_back(address);
                                       return success();
                                     }))
    return failure();
  addresses = ArrayAttr::get(parser.getContext(), list);
  return success();
}

static void printAddresses(AsmPrinter &printer, Operation *,
                           ArrayAttr addresses) {
  printer << '(';
  llvm::interleaveComma(addresses, printer.getStream(), [&](Attribute address) {
    printAddress(printer, cast<AddressAttr>(address));
  });
  printer << ')';
}

Attribute AddressAttr::parse(AsmParser &parser, Type) {
  AddressAttr address;
  if (parser.parseLess() || parseAddress(parser, address) ||
      parser.parseGreater())
    return {};
  return address;
}

void AddressAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printAddress(printer, *this);
  printer << '>';
}

static ParseResult parseKeyword(OpAsmParser &parser, StringAttr &keyword) {
  StringRef word;
  if (parser.parseKeyword(&word))
    return failure();
  keyword = parser.getBuilder().getStringAttr(word);
  return success();
}

static void printKeyword(OpAsmPrinter &printer, Operation *,
                         StringAttr keyword) {
  printer << keyword.getValue();
}

static ParseResult parseRate(AsmParser &parser, FloatAttr &rate) {
  double value = 0;
  if (parser.parseFloat(value))
    return failure();
  rate = parser.getBuilder().getF64FloatAttr(value);
  return success();
}

static void printRate(AsmPrinter &printer, FloatAttr rate) {
  printer.printFloat(rate.getValue());
}

//===----------------------------------------------------------------------===//
// Definitions
//===----------------------------------------------------------------------===//

#include "Sched/SchedInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "Sched/SchedAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "Sched/SchedOps.cpp.inc"

#include "Sched/SchedDialect.cpp.inc"

void SchedDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Sched/SchedAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Sched/SchedOps.cpp.inc"
      >();
}
