//===- FoldIndexing.cpp - Gathers and triangles of known values -----------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include <algorithm>

namespace spillway::onnximport {
namespace {

bool checkSize(FoldCall &call, llvm::ArrayRef<int64_t> shape) {
  if (countElements(shape) <= kMaxFoldedElements)
    return true;
  return call.fail("a constant of shape " + toString(shape) +
                   " is too large to compute");
}

bool gather(FoldCall &call) {
  const ConstTensor &data = call.in(0), &indices = call.in(1);
  std::optional<int64_t> axis =
      normalizeAxis(call.getInt("axis", 0), data.getRank());
  if (!axis || indices.getStorage() != Storage::Int)
    return call.fail("expects an axis inside the rank and integer indices");
  int64_t size = data.getShape()[*axis];
  // One index is a view, which keeps repeated dimensions repeated.
  Shape shape(data.getShape().take_front(*axis));
  shape.append(indices.getShape().begin(), indices.getShape().end());
  shape.append(data.getShape().begin() + *axis + 1, data.getShape().end());
  ConstTensor distinct = indices.compact();
  for (int64_t i = 0, e = distinct.getNumElements(); i < e; ++i)
    if (int64_t index = distinct.integer(i); index < -size || index >= size)
      return call.fail("index " + std::to_string(index) +
                       " is outside a dimension of size " +
                       std::to_string(size));
  auto wrap = [&](int64_t index) { return index < 0 ? index + size : index; };
  if (indices.getNumElements() == 1)
    return call.give(
        data.slice(*axis, wrap(indices.integer(0)), 1, 1).reshape(shape));

  // Move the axis to the front: the result is [indices..., rest...] permuted.
  ConstTensor core = distinct;
  Shape stored(data.getShape().take_front(*axis));
  stored.append(core.getShape().begin(), core.getShape().end());
  stored.append(data.getShape().begin() + *axis + 1, data.getShape().end());
  if (!checkSize(call, stored))
    return false;
  ConstTensor result = ConstTensor::allocate(data.getType(), stored);
  // Strides of the result's dimensions within data (0 for index dimensions)
  // and within the indices (0 for data dimensions).
  Shape inData(data.getStrides().take_front(*axis)), inIndices(*axis, 0);
  inData.append(core.getRank(), 0);
  inIndices.append(core.getStrides().begin(), core.getStrides().end());
  inData.append(data.getStrides().begin() + *axis + 1, data.getStrides().end());
  inIndices.append(data.getRank() - *axis - 1, 0);
  int64_t step = data.getStrides()[*axis], at = 0;
  int64_t lastData = stored.empty() ? 0 : inData.back();
  int64_t lastIndex = stored.empty() ? 0 : inIndices.back();
  forEachRow(stored, {inData, inIndices},
             [&](llvm::ArrayRef<int64_t> offsets, int64_t count) {
               for (int64_t i = 0; i < count; ++i, ++at) {
                 int64_t index = wrap(core.ints()[offsets[1] + i * lastIndex]);
                 copyElement(result, at, data,
                             offsets[0] + i * lastData + index * step);
               }
             });
  return call.give(result.broadcast(shape));
}

bool gatherElements(FoldCall &call) {
  const ConstTensor &data = call.in(0);
  ConstTensor indices = call.in(1).dense();
  std::optional<int64_t> axis =
      normalizeAxis(call.getInt("axis", 0), data.getRank());
  if (!axis || indices.getStorage() != Storage::Int ||
      indices.getRank() != data.getRank() ||
      !checkSize(call, indices.getShape()))
    return call.fail(
        "expects an axis inside the rank, and integer indices of that rank");
  for (int64_t dim = 0; dim < data.getRank(); ++dim)
    if (dim != *axis && indices.getShape()[dim] > data.getShape()[dim])
      return call.fail("has indices of shape " + toString(indices.getShape()) +
                       " into " + toString(data.getShape()));
  ConstTensor result =
      ConstTensor::allocate(data.getType(), indices.getShape());
  int64_t size = data.getShape()[*axis];
  for (int64_t i = 0, e = indices.getNumElements(); i < e; ++i) {
    int64_t from = 0, index = indices.ints()[i];
    index = index < 0 ? index + size : index;
    if (index < 0 || index >= size)
      return call.fail("an index is outside a dimension of size " +
                       std::to_string(size));
    for (int64_t dim = 0; dim < data.getRank(); ++dim) {
      int64_t at = i / indices.getStrides()[dim] % indices.getShape()[dim];
      from += (dim == *axis ? index : at) * data.getStrides()[dim];
    }
    copyElement(result, i, data, from);
  }
  return call.give(result);
}

bool gatherND(FoldCall &call) {
  const ConstTensor &data = call.in(0), &indices = call.in(1);
  if (call.getInt("batch_dims", 0) != 0 || indices.getRank() == 0)
    return call.fail("is supported without batch_dims only");
  int64_t depth = indices.getShape().back();
  if (depth > data.getRank())
    return call.fail("indexes " + std::to_string(depth) + " dimensions of " +
                     toString(data.getShape()));
  Shape shape(indices.getShape().drop_back());
  Shape stored(indices.compact().getShape());
  stored.pop_back();
  if (stored.empty() && !shape.empty())
    stored = shape;
  llvm::ArrayRef<int64_t> rest = data.getShape().drop_front(depth);
  int64_t inner = countElements(rest), at = 0;
  Shape full = stored;
  full.append(rest.begin(), rest.end());
  if (!checkSize(call, full))
    return false;
  ConstTensor result = ConstTensor::allocate(data.getType(), full);
  ConstTensor flat = inner == 1 ? data : data.dense();
  int64_t component = indices.getStrides().back();
  Shape strides(indices.getStrides().drop_back());
  int64_t last = strides.empty() ? 0 : strides.back();
  bool inside = true;
  forEachRow(stored, {strides},
             [&](llvm::ArrayRef<int64_t> offsets, int64_t count) {
               for (int64_t i = 0; i < count; ++i) {
                 int64_t from = 0;
                 for (int64_t k = 0; k < depth; ++k) {
                   int64_t index =
                       indices.ints()[offsets[0] + i * last + k * component];
                   int64_t size = data.getShape()[k];
                   if (index < 0)
                     index += size;
                   inside &= index >= 0 && index < size;
                   from += (inside ? index : 0) * flat.getStrides()[k];
                 }
                 for (int64_t j = 0; j < inner; ++j)
                   copyElement(result, at++, flat, from + j);
               }
             });
  if (!inside)
    return call.fail("an index is outside " + toString(data.getShape()));
  shape.append(rest.begin(), rest.end());
  return call.give(result.broadcast(shape));
}

bool scatterND(FoldCall &call) {
  ConstTensor result = call.in(0).dense();
  const ConstTensor &updates = call.in(2);
  ConstTensor indices = call.in(1).dense();
  if (indices.getRank() == 0 || call.getString("reduction", "none") != "none" ||
      !checkSize(call, result.getShape()))
    return call.fail("is supported without a reduction only");
  int64_t depth = indices.getShape().back();
  if (depth > result.getRank())
    return call.fail("indexes too many dimensions");
  int64_t rows = depth ? indices.getNumElements() / depth : 1;
  int64_t inner = countElements(result.getShape().drop_front(depth));
  if (updates.getNumElements() != rows * inner ||
      updates.getType() != result.getType())
    return call.fail("expects updates of " + std::to_string(rows * inner) +
                     " elements, found " +
                     std::to_string(updates.getNumElements()));
  ConstTensor source = updates.dense();
  for (int64_t row = 0; row < rows; ++row) {
    int64_t to = 0;
    for (int64_t k = 0; k < depth; ++k) {
      int64_t index = indices.ints()[row * depth + k],
              size = result.getShape()[k];
      index = index < 0 ? index + size : index;
      if (index < 0 || index >= size)
        return call.fail("an index is outside " + toString(result.getShape()));
      to += index * result.getStrides()[k];
    }
    for (int64_t j = 0; j < inner; ++j)
      copyElement(result, to + j, source, row * inner + j);
  }
  return call.give(result);
}

bool trilu(FoldCall &call) {
  const ConstTensor &x = call.in(0);
  if (x.getRank() < 2)
    return call.fail("expects a matrix");
  bool upper = call.getInt("upper", 1) != 0;
  int64_t k = call.has(1) ? call.in(1).integer(0) : 0;
  // Only leading dimensions may stay repeated.
  ConstTensor source = x;
  for (int64_t dim = 0; dim + 2 < x.getRank(); ++dim)
    if (x.getStrides()[dim] == 0)
      source = source.slice(dim, 0, 1, std::min<int64_t>(1, x.getShape()[dim]));
  if (!checkSize(call, source.getShape()))
    return false;
  ConstTensor result = ConstTensor::allocate(x.getType(), source.getShape());
  int64_t rows = x.getShape()[x.getRank() - 2], at = 0, line = 0;
  forEachRow(source.getShape(), {source.getStrides()},
             [&](llvm::ArrayRef<int64_t> offsets, int64_t count) {
               int64_t row = line++ % rows;
               for (int64_t column = 0; column < count; ++column, ++at)
                 if (upper ? column >= row + k : column <= row + k)
                   copyElement(result, at, source,
                               offsets[0] +
                                   column * source.getStrides().back());
             });
  return call.give(result.broadcast(x.getShape()));
}

bool nonZero(FoldCall &call) {
  ConstTensor x = call.in(0).dense();
  if (!checkSize(call, x.getShape()))
    return false;
  std::vector<int64_t> found;
  for (int64_t i = 0, e = x.getNumElements(); i < e; ++i)
    if (x.numberAt(i) != 0)
      found.push_back(i);
  int64_t count = static_cast<int64_t>(found.size());
  ConstTensor result = ConstTensor::allocate(7, {x.getRank(), count});
  for (int64_t i = 0; i < count; ++i)
    for (int64_t dim = 0; dim < x.getRank(); ++dim)
      result.mutableInts()[dim * count + i] =
          found[i] / x.getStrides()[dim] % x.getShape()[dim];
  return call.give(result);
}

constexpr FoldEntry kFolds[] = {
    {"GatherElements", gatherElements},
    {"Gather", gather},
    {"GatherND", gatherND},
    {"ScatterND", scatterND},
    {"Trilu", trilu},
    {"NonZero", nonZero},
};

} // namespace

llvm::ArrayRef<FoldEntry> indexingFolds() { return kFolds; }

} // namespace spillway::onnximport
