//===- Layout.cpp - How a value sees its storage - -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Train.h"

using namespace mlir;

namespace spillway::train {

int64_t getElementByteSize(Type elementType) {
  return std::max<int64_t>(1, elementType.getIntOrFloatBitWidth() / 8);
}

int64_t getByteSize(Type type) {
  auto shaped = llvm::cast<ShapedType>(type);
  return shaped.getNumElements() * getElementByteSize(shaped.getElementType());
}

SmallVector<int64_t> denseStrides(ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> strides(sizes.size(), 1);
  for (size_t i = sizes.size(); i-- > 1;)
    strides[i - 1] = strides[i] * std::max<int64_t>(1, sizes[i]);
  return strides;
}

Layout Layout::dense(Type type) {
  auto shape = llvm::cast<ShapedType>(type).getShape();
  return Layout{0, SmallVector<int64_t>(shape), denseStrides(shape)};
}

bool Layout::isDense() const {
  if (llvm::is_contained(sizes, 0))
    return true; // no element, no gap
  SmallVector<int64_t> expected = denseStrides(sizes);
  for (size_t i = 0; i < sizes.size(); ++i)
    if (sizes[i] != 1 && strides[i] != expected[i])
      return false;
  return true;
}

Value viewRoot(Value value) {
  while (auto view = value.getDefiningOp<ViewOpInterface>())
    value = view->getOperand(0);
  return value;
}

FailureOr<ViewOf> traceView(Value value, Operation **culprit) {
  SmallVector<ViewOpInterface> chain;
  while (auto view = value.getDefiningOp<ViewOpInterface>()) {
    chain.push_back(view);
    value = view->getOperand(0);
  }
  ViewOf result{value, Layout::dense(value.getType())};
  for (ViewOpInterface view : llvm::reverse(chain)) {
    if (succeeded(view.applyView(result.layout)))
      continue;
    if (culprit)
      *culprit = view;
    return failure();
  }
  return result;
}

} // namespace spillway::train
