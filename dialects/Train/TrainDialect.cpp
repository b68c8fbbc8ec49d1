//===- TrainDialect.cpp - The train dialect ------ -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Train.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace spillway::train;

#include "Train/TrainDialect.cpp.inc"
#include "Train/TrainEnums.cpp.inc"
#include "Train/TrainInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "Train/TrainAttributes.cpp.inc"

LogicalResult SourceAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr file, int64_t offset,
                                 int64_t bytes) {
  if (offset < 0 || bytes < 0)
    return emitError() << "expects an offset and a number of bytes of at least 0, but got " << offset << " and "
                       << bytes;
  return success();
}

void TrainDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Train/TrainAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Train/TrainOps.cpp.inc"
      >();
}

Operation *TrainDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  if (auto elements = dyn_cast<ElementsAttr>(value))
    return ConstantOp::create(builder, loc, type, elements);
  return nullptr;
}

void spillway::train::appendInherentAttributes(Operation *op, NamedAttrList &attributes) {
  auto dictionary = dyn_cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute());
  if (!dictionary)
    return;
  for (NamedAttribute attribute : dictionary)
    if (attribute.getName() != "operandSegmentSizes" && attribute.getName() != "resultSegmentSizes")
      attributes.append(attribute);
}

#define GET_OP_CLASSES
#include "Train/TrainOps.cpp.inc"
