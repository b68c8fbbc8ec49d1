//===- FoldReduction.cpp - Sums and products of known values --------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include "llvm/ADT/StringMap.h"
#include <algorithm>

namespace spillway::onnximport {
namespace {

enum class Kind { Sum, Mean, Max, Min, Prod };

template <typename T> T combine(Kind kind, T a, T b) {
  switch (kind) {
  case Kind::Sum:
  case Kind::Mean:
    return a + b;
  case Kind::Max:
    return std::max(a, b);
  case Kind::Min:
    return std::min(a, b);
  case Kind::Prod:
    return a * b;
  }
  return a;
}

template <Kind kind> bool reduce(FoldCall &call) {
  const ConstTensor &x = call.in(0);
  std::optional<Shape> axes = call.intsOf(1, "axes");
  if (axes && axes->empty())
    axes.reset();
  if (!axes && call.getInt("noop_with_empty_axes", 0))
    return call.give(x);
  std::vector<bool> reduced(x.getRank(), !axes);
  for (int64_t axis : axes.value_or(Shape())) {
    std::optional<int64_t> dim = normalizeAxis(axis, x.getRank());
    if (!dim)
      return call.fail("axis " + std::to_string(axis) + " is outside the rank");
    reduced[*dim] = true;
  }
  Shape kept, squeezed;
  int64_t count = 1;
  for (int64_t dim = 0; dim < x.getRank(); ++dim) {
    kept.push_back(reduced[dim] ? 1 : x.getShape()[dim]);
    if (reduced[dim])
      count *= x.getShape()[dim];
    else
      squeezed.push_back(x.getShape()[dim]);
  }
  if (x.getStorage() == Storage::Bool || count == 0 ||
      x.getNumElements() > kMaxFoldedElements)
    return call.fail("cannot reduce a constant of shape " +
                     toString(x.getShape()));
  ConstTensor result = ConstTensor::allocate(x.getType(), kept);
  ConstTensor wide = result.broadcast(x.getShape());
  std::vector<bool> seen(countElements(kept), false);
  bool ints = x.getStorage() == Storage::Int;
  int64_t toStep = x.getRank() ? wide.getStrides().back() : 0;
  int64_t fromStep = x.getRank() ? x.getStrides().back() : 0;
  forEachRow(x.getShape(), {wide.getStrides(), x.getStrides()},
             [&](llvm::ArrayRef<int64_t> offsets, int64_t length) {
               for (int64_t i = 0; i < length; ++i) {
                 int64_t to = offsets[0] + i * toStep,
                         from = offsets[1] + i * fromStep;
                 if (ints) {
                   int64_t &y = result.mutableInts()[to];
                   y = seen[to] ? wrapTo(x.getType(),
                                         combine(kind, y, x.ints()[from]))
                                : x.ints()[from];
                 } else {
                   double &y = result.mutableFloats()[to];
                   y = seen[to] ? combine(kind, y, x.floats()[from])
                                : x.floats()[from];
                 }
                 seen[to] = true;
               }
             });
  if (!ints)
    for (int64_t i = 0; i < result.getNumElements(); ++i) {
      double &y = result.mutableFloats()[i];
      y = roundTo(x.getType(),
                  kind == Kind::Mean ? y / static_cast<double>(count) : y);
    }
  else if (kind == Kind::Mean)
    for (int64_t i = 0; i < result.getNumElements(); ++i)
      result.mutableInts()[i] /= count;
  return call.give(call.getInt("keepdims", 1) ? result
                                              : result.reshape(squeezed));
}

bool cumSum(FoldCall &call) {
  const ConstTensor &x = call.in(0);
  std::optional<int64_t> axis =
      normalizeAxis(call.in(1).integer(0), x.getRank());
  if (!axis || x.getStorage() == Storage::Bool)
    return call.fail("expects numbers and an axis inside the rank");
  bool exclusive = call.getInt("exclusive", 0),
       reverse = call.getInt("reverse", 0);
  // Repeated dimensions other than the axis stay repeated.
  ConstTensor source = x;
  for (int64_t dim = 0; dim < x.getRank(); ++dim)
    if (dim != *axis && x.getStrides()[dim] == 0)
      source = source.slice(dim, 0, 1, std::min<int64_t>(1, x.getShape()[dim]));
  ConstTensor result = source.dense();
  int64_t size = result.getShape()[*axis], stride = result.getStrides()[*axis];
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i) {
    if (i / stride % size != 0)
      continue;
    int64_t intSum = 0;
    double floatSum = 0;
    for (int64_t j = 0; j < size; ++j) {
      int64_t at = i + (reverse ? size - 1 - j : j) * stride;
      if (result.getStorage() == Storage::Int) {
        int64_t &y = result.mutableInts()[at];
        int64_t before = intSum;
        intSum = wrapTo(x.getType(), intSum + y);
        y = exclusive ? before : intSum;
      } else {
        double &y = result.mutableFloats()[at];
        double before = floatSum;
        floatSum = roundTo(x.getType(), floatSum + y);
        y = exclusive ? before : floatSum;
      }
    }
  }
  return call.give(result.broadcast(x.getShape()));
}

/// Products of small known matrices: positions times inverse frequencies.
bool matMul(FoldCall &call) {
  const ConstTensor &a = call.in(0), &b = call.in(1);
  if (a.getRank() < 2 || b.getRank() < 2 || a.getType() != b.getType() ||
      a.getStorage() != Storage::Float)
    return call.fail("constant operands must be float matrices");
  int64_t rows = a.getShape()[a.getRank() - 2], depth = a.getShape().back(),
          columns = b.getShape().back();
  std::optional<Shape> batch =
      broadcastShapes(a.getShape().drop_back(2), b.getShape().drop_back(2));
  if (!batch || b.getShape()[b.getRank() - 2] != depth)
    return call.fail("cannot multiply " + toString(a.getShape()) + " and " +
                     toString(b.getShape()));
  Shape aShape = *batch, bShape = *batch;
  aShape.append({rows, depth});
  bShape.append({depth, columns});
  ConstTensor wideA = a.broadcast(aShape), wideB = b.broadcast(bShape);
  Shape stored = *batch;
  for (size_t dim = 0; dim < batch->size(); ++dim)
    if (wideA.getStrides()[dim] == 0 && wideB.getStrides()[dim] == 0)
      stored[dim] = std::min<int64_t>(1, (*batch)[dim]);
  Shape shape = stored;
  shape.append({rows, columns});
  if (countElements(shape) > kMaxFoldedElements / std::max<int64_t>(1, depth))
    return call.fail("a product of constants of shape " + toString(shape) +
                     " is too large to compute");
  ConstTensor result = ConstTensor::allocate(a.getType(), shape);
  llvm::ArrayRef<int64_t> sa = wideA.getStrides(), sb = wideB.getStrides();
  size_t n = batch->size();
  // Iterate over the batch as rows of one element.
  Shape index = stored;
  index.push_back(1);
  Shape ia(sa.begin(), sa.begin() + n), ib(sb.begin(), sb.begin() + n);
  ia.push_back(0);
  ib.push_back(0);
  int64_t at = 0;
  forEachRow(index, {ia, ib}, [&](llvm::ArrayRef<int64_t> offsets, int64_t) {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j, ++at) {
        double sum = 0;
        for (int64_t k = 0; k < depth; ++k)
          sum += wideA.floats()[offsets[0] + i * sa[n] + k * sa[n + 1]] *
                 wideB.floats()[offsets[1] + k * sb[n] + j * sb[n + 1]];
        result.mutableFloats()[at] = roundTo(a.getType(), sum);
      }
  });
  Shape full = *batch;
  full.append({rows, columns});
  return call.give(result.broadcast(full));
}

constexpr FoldEntry kFolds[] = {
    {"ReduceSum", reduce<Kind::Sum>},
    {"ReduceMean", reduce<Kind::Mean>},
    {"ReduceMax", reduce<Kind::Max>},
    {"ReduceMin", reduce<Kind::Min>},
    {"ReduceProd", reduce<Kind::Prod>},
    {"CumSum", cumSum},
    {"MatMul", matMul},
};

} // namespace

llvm::ArrayRef<FoldEntry> reductionFolds() { return kFolds; }

FoldFunction findFold(llvm::StringRef op) {
  static const llvm::StringMap<FoldFunction> table = [] {
    llvm::StringMap<FoldFunction> all;
    for (auto part : {elementwiseFolds(), structureFolds(), indexingFolds(),
                      reductionFolds()})
      for (const FoldEntry &entry : part)
        all[entry.op] = entry.function;
    return all;
  }();
  return table.lookup(op);
}

} // namespace spillway::onnximport
