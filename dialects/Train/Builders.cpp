//===- Builders.cpp - Small helpers that build train ops - -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Builders.h"
#include "Train/Train.h"
#include "mlir/Dialect/Traits.h"

using namespace mlir;

namespace spillway::train {

Value reshape(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape) {
  auto type = tensorType(value);
  if (type.getShape() == shape)
    return value;
  return ReshapeOp::create(builder, loc, RankedTensorType::get(shape, type.getElementType()), value);
}

Value sumTo(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape) {
  auto type = tensorType(value);
  if (type.getShape() == shape)
    return value;
  int64_t lead = type.getRank() - static_cast<int64_t>(shape.size());
  SmallVector<int64_t> dims;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (d < lead || (shape[d - lead] == 1 && type.getDimSize(d) != 1))
      dims.push_back(d);
  if (!dims.empty())
    value = ReduceOp::create(builder, loc, value, Reduction::sum, dims);
  return reshape(builder, loc, value, shape);
}

FailureOr<SmallVector<int64_t>> broadcastShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> result;
  if (!OpTrait::util::getBroadcastedShape(a, b, result))
    return failure();
  return result;
}

} // namespace spillway::train
