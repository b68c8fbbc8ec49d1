//===- Offload.cpp - The offload dialect ----------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Offload/Offload.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace spillway;
using namespace spillway::offload;

#include "Offload/OffloadDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "Offload/OffloadTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "Offload/OffloadAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "Offload/OffloadOps.cpp.inc"

void OffloadDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "Offload/OffloadTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Offload/OffloadAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Offload/OffloadOps.cpp.inc"
      >();
}

LogicalResult OffloadDialect::verifyOperationAttribute(Operation *op,
                                                       NamedAttribute attr) {
  if (attr.getName() != kInPlaceAttr)
    return success();
  auto pairs = dyn_cast<DenseI64ArrayAttr>(attr.getValue());
  if (!pairs || pairs.size() % 2)
    return op->emitOpError()
           << "expects '" << kInPlaceAttr
           << "' to be pairs of an operand and a result (array<i64: ...>)";
  for (int64_t i = 0; i < pairs.size(); i += 2) {
    int64_t operand = pairs[i], result = pairs[i + 1];
    if (operand < 0 || operand >= op->getNumOperands() || result < 0 ||
        result >= op->getNumResults())
      return op->emitOpError()
             << "'" << kInPlaceAttr << "' pairs operand " << operand
             << " with result " << result << ", but there are "
             << op->getNumOperands() << " operands and " << op->getNumResults()
             << " results";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Type StashType::parse(AsmParser &parser) {
  RankedTensorType tensor;
  StringRef tier;
  if (parser.parseLess() || parser.parseType(tensor) || parser.parseComma() ||
      parser.parseKeyword(&tier) || parser.parseGreater())
    return {};
  return StashType::get(parser.getContext(), tensor, tier);
}

void StashType::print(AsmPrinter &printer) const {
  printer << '<' << getTensor() << ", " << getTier() << '>';
}

LogicalResult TransferType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   Type value) {
  if (!isa<RankedTensorType, StashType>(value))
    return emitError() << "expects a transfer of a tensor or a stash, but got "
                       << value;
  return success();
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

static int64_t byteSize(RankedTensorType type) {
  Type element = type.getElementType();
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 8;
  return type.getNumElements() * ((bits + 7) / 8);
}

static LogicalResult checkRange(Operation *op, RankedTensorType tensor,
                                StashType stash, int64_t offset) {
  int64_t bytes = byteSize(tensor), whole = byteSize(stash.getTensor());
  if (offset < 0 || bytes > whole || offset > whole - bytes)
    return op->emitOpError()
           << "expects bytes inside the stash of " << whole << ", but got ["
           << offset << ", " << offset + bytes << ')';
  return success();
}

LogicalResult LoadStartOp::verify() {
  auto tensor = dyn_cast<RankedTensorType>(getTransfer().getType().getValue());
  if (!tensor)
    return emitOpError() << "expects to bring a tensor, but got "
                         << getTransfer().getType().getValue();
  return checkRange(*this, tensor, getStash().getType(), getOffset());
}

LogicalResult StoreStartOp::verify() {
  auto stash = dyn_cast<StashType>(getTransfer().getType().getValue());
  if (!stash)
    return emitOpError() << "expects to bring a stash, but got "
                         << getTransfer().getType().getValue();
  if (getInto() && getInto().getType() != stash)
    return emitOpError()
           << "expects the type of the stash that it writes into, "
           << getInto().getType() << ", but got " << stash;
  return checkRange(*this, cast<RankedTensorType>(getTensor().getType()), stash,
                    getOffset());
}
