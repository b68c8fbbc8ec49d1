//===- Snake.cpp - An op by its interfaces --------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that Spillway asks of an op: its derivative, its cost, its kernel. The
// rest (planning, scheduling, execution) follows from these.
//
//===----------------------------------------------------------------------===//

#include "Snake.h"

using namespace mlir;
using namespace snake;

#include "SnakeDialect.cpp.inc"
#define GET_OP_CLASSES
#include "SnakeOps.cpp.inc"

void SnakeDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "SnakeOps.cpp.inc"
      >();
}

static int64_t elements(Type type) {
  return cast<ShapedType>(type).getNumElements();
}

LogicalResult ActivateOp::differentiate(OpBuilder &builder,
                                        ValueRange resultGrads,
                                        ArrayRef<bool> needed,
                                        SmallVectorImpl<Value> &operandGrads) {
  operandGrads.push_back(ActivateGradOp::create(
      builder, getLoc(), resultGrads[0], getInput(), getAlphaAttr()));
  return success();
}

int64_t ActivateOp::getFlops() { return 20 * elements(getType()); }
std::string ActivateOp::getKernelName() { return "snake"; }
SmallVector<std::pair<unsigned, unsigned>> ActivateOp::getInPlacePairs() {
  return {{0, 0}};
}

int64_t ActivateGradOp::getFlops() { return 20 * elements(getType()); }
std::string ActivateGradOp::getKernelName() { return "snake_grad"; }
SmallVector<std::pair<unsigned, unsigned>> ActivateGradOp::getInPlacePairs() {
  return {{0, 0}, {1, 0}};
}
