//===- LowerStructure.cpp - Reshaping, cutting and joining ----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include "Importer.h"
#include "Lowering.h"
#include <algorithm>

using namespace mlir;

namespace spillway::onnximport {
namespace {

/// Sequences of indices longer than this are no cutting and joining any more.
constexpr int64_t kMaxPieces = 64;

FailureOr<int64_t> axisOf(NodeLowering &n, int64_t axis, int64_t rank) {
  std::optional<int64_t> dim = normalizeAxis(axis, rank);
  if (!dim)
    return n.fail("expected an axis of a tensor of rank " + llvm::Twine(rank) +
                  ", but found " + llvm::Twine(axis));
  return *dim;
}

LogicalResult requireInput(NodeLowering &n, size_t i) {
  if (n.has(i))
    return success();
  return n.fail("has no input " + llvm::Twine(i));
}

LogicalResult giveReshaped(NodeLowering &n, ArrayRef<int64_t> to) {
  Value x = n.value(0);
  return !x ? failure() : n.give(n.reshape(x, to));
}

LogicalResult lowerReshape(NodeLowering &n) {
  if (failed(requireInput(n, 1)))
    return failure();
  FailureOr<std::optional<Shape>> target = n.intsOf(1, "shape");
  if (failed(target))
    return failure();
  std::optional<Shape> to =
      resolveReshape(n.shape(0), **target, n.getInt("allowzero", 0) != 0);
  if (!to)
    return n.fail("expected a shape of " +
                  llvm::Twine(countElements(n.shape(0))) +
                  " elements for an operand of shape " + toString(n.shape(0)) +
                  ", but found " + toString(**target));
  return giveReshaped(n, *to);
}

LogicalResult lowerFlatten(NodeLowering &n) {
  int64_t axis = n.getInt("axis", 1);
  axis = axis < 0 ? axis + n.rank(0) : axis;
  if (axis < 0 || axis > n.rank(0))
    return n.fail("expected an axis of a tensor of rank " +
                  llvm::Twine(n.rank(0)) + ", but found " + llvm::Twine(axis));
  return giveReshaped(n, {countElements(n.shape(0).take_front(axis)),
                          countElements(n.shape(0).drop_front(axis))});
}

LogicalResult lowerSqueeze(NodeLowering &n) {
  FailureOr<std::optional<Shape>> axes = n.intsOf(1, "axes");
  if (failed(axes))
    return failure();
  SmallVector<bool> drop(n.rank(0), false);
  for (int64_t i = 0; i < n.rank(0); ++i)
    drop[i] = !*axes && n.shape(0)[i] == 1;
  for (int64_t axis : axes->value_or(Shape())) {
    FailureOr<int64_t> dim = axisOf(n, axis, n.rank(0));
    if (failed(dim))
      return failure();
    if (n.shape(0)[*dim] != 1)
      return n.fail("expected size 1 at axis " + llvm::Twine(*dim) +
                    " to squeeze, but found " + llvm::Twine(n.shape(0)[*dim]));
    drop[*dim] = true;
  }
  Shape to;
  for (int64_t i = 0; i < n.rank(0); ++i)
    if (!drop[i])
      to.push_back(n.shape(0)[i]);
  return giveReshaped(n, to);
}

LogicalResult lowerUnsqueeze(NodeLowering &n) {
  FailureOr<std::optional<Shape>> axes = n.intsOf(1, "axes");
  if (failed(axes))
    return failure();
  if (!*axes)
    return n.fail("has no axes");
  int64_t rank = n.rank(0) + static_cast<int64_t>((*axes)->size());
  Shape to(rank, 0);
  for (int64_t axis : **axes) {
    FailureOr<int64_t> dim = axisOf(n, axis, rank);
    if (failed(dim))
      return failure();
    if (to[*dim] == 1)
      return n.fail("axis " + llvm::Twine(axis) + " is there twice");
    to[*dim] = 1;
  }
  size_t next = 0;
  for (int64_t &size : to)
    if (size != 1)
      size = n.shape(0)[next++];
  return giveReshaped(n, to);
}

LogicalResult lowerTranspose(NodeLowering &n) {
  int64_t rank = n.rank(0);
  Shape order(rank);
  for (int64_t i = 0; i < rank; ++i)
    order[i] = rank - 1 - i;
  order = n.getInts("perm").value_or(order);
  Shape sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < std::max<int64_t>(rank, sorted.size()); ++i)
    if (static_cast<int64_t>(sorted.size()) != rank || sorted[i] != i)
      return n.fail("expected a permutation of " + llvm::Twine(rank) +
                    " axes, but found " + toString(order));
  Value x = n.value(0);
  return !x ? failure() : n.give(n.transpose(x, order));
}

LogicalResult lowerExpand(NodeLowering &n) {
  if (failed(requireInput(n, 1)))
    return failure();
  FailureOr<std::optional<Shape>> target = n.intsOf(1, "shape");
  if (failed(target))
    return failure();
  std::optional<Shape> to = broadcastShapes(n.shape(0), **target);
  if (!to)
    return n.fail("expected a shape that " + toString(n.shape(0)) +
                  " broadcasts to, but found " + toString(**target));
  Value x = n.value(0);
  return !x ? failure() : n.give(n.broadcast(x, *to));
}

LogicalResult lowerTile(NodeLowering &n) {
  if (failed(requireInput(n, 1)))
    return failure();
  FailureOr<std::optional<Shape>> repeats = n.intsOf(1, "repeats");
  if (failed(repeats))
    return failure();
  if (static_cast<int64_t>((*repeats)->size()) != n.rank(0))
    return n.fail("expected " + llvm::Twine(n.rank(0)) +
                  " repeats, but found " + llvm::Twine((*repeats)->size()));
  Shape split, wide, to;
  for (int64_t i = 0; i < n.rank(0); ++i) {
    int64_t size = n.shape(0)[i], times = (**repeats)[i];
    if (times < 1)
      return n.fail("expected repeats of at least 1, but found " +
                    llvm::Twine(times));
    if (times > 1) {
      split.push_back(1);
      wide.push_back(times);
    }
    split.push_back(size);
    wide.push_back(size);
    to.push_back(times * size);
  }
  Value x = n.value(0);
  return !x ? failure()
            : n.give(n.reshape(n.broadcast(n.reshape(x, split), wide), to));
}

LogicalResult lowerConcat(NodeLowering &n) {
  FailureOr<int64_t> axis = axisOf(n, n.getInt("axis", 0), n.rank(0));
  if (failed(axis))
    return failure();
  SmallVector<Value> parts;
  for (size_t i = 0; i < n.numInputs(); ++i) {
    if (failed(requireInput(n, i)))
      return failure();
    Shape other(n.shape(i));
    bool fits = n.rank(i) == n.rank(0) && n.type(i) == n.type(0);
    if (fits)
      other[*axis] = n.shape(0)[*axis];
    if (!fits || ArrayRef<int64_t>(other) != n.shape(0))
      return n.fail("expected operands like the first, " +
                    getTypeName(n.type(0)) + " " + toString(n.shape(0)) +
                    ", beside axis " + llvm::Twine(*axis) + ", but found " +
                    getTypeName(n.type(i)) + " " + toString(n.shape(i)));
    if (n.shape(i)[*axis] == 0)
      continue;
    parts.push_back(n.value(i));
    if (!parts.back())
      return failure();
  }
  if (parts.empty())
    return n.fail("has no elements");
  return n.give(n.concat(parts, *axis));
}

LogicalResult lowerSplit(NodeLowering &n) {
  FailureOr<int64_t> axis = axisOf(n, n.getInt("axis", 0), n.rank(0));
  if (failed(axis))
    return failure();
  FailureOr<std::optional<Shape>> given = n.intsOf(1, "split");
  if (failed(given))
    return failure();
  std::string error;
  std::optional<Shape> sizes =
      resolveSplit(n, n.shape(0)[*axis], *given, error);
  if (!sizes)
    return n.fail(error);
  Value x = n.value(0);
  if (!x)
    return failure();
  Shape offsets(n.rank(0), 0), size(n.shape(0));
  for (int64_t part : *sizes) {
    size[*axis] = part;
    if (failed(n.give(n.slice(x, offsets, size))))
      return failure();
    offsets[*axis] += part;
  }
  return success();
}

/// Elements start, start + step, ... of a dimension: by a reshape that puts
/// the steps into a dimension of their own.
FailureOr<Value> takeSteps(NodeLowering &n, Value x, int64_t axis,
                           SliceRange range) {
  Shape shape(NodeLowering::shapeOf(x));
  Shape offsets(shape.size(), 0);
  if (range.step == 1) {
    offsets[axis] = range.start;
    shape[axis] = range.count;
    return n.slice(x, offsets, shape);
  }
  int64_t block = range.start / range.step, phase = range.start % range.step;
  if (range.step < 1 || shape[axis] % range.step)
    return n.fail("takes every " + llvm::Twine(range.step) + "th of " +
                  llvm::Twine(shape[axis]) +
                  " elements, which is supported for positive steps that "
                  "divide the size only");
  Shape split(shape), box;
  split[axis] = shape[axis] / range.step;
  split.insert(split.begin() + axis + 1, range.step);
  box = split;
  box[axis] = range.count;
  box[axis + 1] = 1;
  offsets.insert(offsets.begin() + axis + 1, phase);
  offsets[axis] = block;
  shape[axis] = range.count;
  return n.reshape(n.slice(n.reshape(x, split), offsets, box), shape);
}

LogicalResult lowerSlice(NodeLowering &n) {
  if (failed(requireInput(n, 1)) || failed(requireInput(n, 2)))
    return failure();
  auto starts = n.intsOf(1, "starts"), ends = n.intsOf(2, "ends");
  if (failed(starts) || failed(ends))
    return failure();
  size_t count = (*starts)->size();
  Shape axes, steps(count, 1);
  for (size_t i = 0; i < count; ++i)
    axes.push_back(static_cast<int64_t>(i));
  auto givenAxes = n.intsOf(3, "axes"), givenSteps = n.intsOf(4, "steps");
  if (failed(givenAxes) || failed(givenSteps))
    return failure();
  axes = givenAxes->value_or(axes);
  steps = givenSteps->value_or(steps);
  if ((*ends)->size() != count || axes.size() != count || steps.size() != count)
    return n.fail("expected starts, ends, axes and steps of one length");
  Value x = n.value(0);
  if (!x)
    return failure();
  for (size_t i = 0; i < count; ++i) {
    FailureOr<int64_t> axis = axisOf(n, axes[i], n.rank(0));
    if (failed(axis))
      return failure();
    if (steps[i] == 0)
      return n.fail("expected a step other than 0");
    SliceRange range = clampSlice((**starts)[i], (**ends)[i], steps[i],
                                  NodeLowering::shapeOf(x)[*axis]);
    if (range.count == 0)
      return n.fail("takes no element of axis " + llvm::Twine(*axis));
    FailureOr<Value> taken = takeSteps(n, x, *axis, range);
    if (failed(taken))
      return failure();
    x = *taken;
  }
  return n.give(x);
}

/// Known indices: slices of runs, joined.
LogicalResult gatherKnown(NodeLowering &n, int64_t axis,
                          ArrayRef<int64_t> indices, Shape shape) {
  Value x = n.value(0);
  if (!x)
    return failure();
  SmallVector<Value> parts;
  Shape offsets(n.rank(0), 0), size(n.shape(0));
  for (size_t i = 0; i < indices.size();) {
    size_t j = i + 1;
    while (j < indices.size() && indices[j] == indices[j - 1] + 1)
      ++j;
    offsets[axis] = indices[i];
    size[axis] = static_cast<int64_t>(j - i);
    parts.push_back(n.slice(x, offsets, size));
    i = j;
  }
  return n.give(n.reshape(n.concat(parts, axis), shape));
}

LogicalResult lowerGather(NodeLowering &n) {
  if (failed(requireInput(n, 1)))
    return failure();
  FailureOr<int64_t> axis = axisOf(n, n.getInt("axis", 0), n.rank(0));
  if (failed(axis))
    return failure();
  ArrayRef<int64_t> data = n.shape(0);
  int64_t size = data[*axis];
  Shape shape(data.take_front(*axis));
  shape.append(n.shape(1).begin(), n.shape(1).end());
  shape.append(data.begin() + *axis + 1, data.end());
  if (const ConstTensor *known = n.constant(1)) {
    Shape indices = known->toInts();
    int64_t runs = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
      if (indices[i] < -size || indices[i] >= size)
        return n.fail("expected indices below " + llvm::Twine(size) +
                      ", but found " + llvm::Twine(indices[i]));
      indices[i] = indices[i] < 0 ? indices[i] + size : indices[i];
      runs += i == 0 || indices[i] != indices[i - 1] + 1;
    }
    if (!indices.empty() && runs <= (n.isFloat(0) ? 4 : kMaxPieces))
      return gatherKnown(n, *axis, indices, shape);
  }
  if (!n.isFloat(0))
    return n.fail("gathers from " + getTypeName(n.type(0)) +
                  " values with indices that are not known when compiling, "
                  "which is not supported");
  Value table = n.value(0), ids = n.value(1);
  if (!table || !ids)
    return failure();
  // [before, V, after] -> [V, before * after], and back after the lookup.
  int64_t before = countElements(data.take_front(*axis));
  int64_t after = countElements(data.drop_front(*axis + 1));
  if (before != 1)
    table = n.transpose(n.reshape(table, {before, size, after}), {1, 0, 2});
  table = n.reshape(table, {size, before * after});
  n.importer.noteVocabulary(ids, size);
  Value rows = train::EmbeddingOp::create(n.builder, n.loc, table, ids);
  if (before != 1) {
    rows = n.reshape(rows, {countElements(n.shape(1)), before, after});
    rows = n.transpose(rows, {1, 0, 2});
  }
  return n.give(n.reshape(rows, shape));
}

/// Known indices that go through the operand in its own order, each element
/// once, and repeat it along other dimensions: how masks are looked up.
LogicalResult lowerGatherND(NodeLowering &n) {
  const ConstTensor *indices = n.constant(1);
  if (!indices || indices->getRank() == 0 || n.getInt("batch_dims", 0) != 0)
    return n.fail(
        "is supported with known indices and without batch_dims only");
  int64_t depth = indices->getShape().back(), rank = n.rank(0);
  if (depth > rank)
    return n.fail("expected at most " + llvm::Twine(rank) +
                  " indices, but found " + llvm::Twine(depth));
  ArrayRef<int64_t> looked = n.shape(0).take_front(depth);
  ConstTensor dense = indices->dense();
  Shape outer(indices->getShape().drop_back());
  // The element that each position takes, as a number in row-major order.
  int64_t count = countElements(outer);
  std::vector<int64_t> linear(count, 0);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t k = 0; k < depth; ++k) {
      int64_t index = dense.ints()[i * depth + k];
      index = index < 0 ? index + looked[k] : index;
      if (index < 0 || index >= looked[k])
        return n.fail("expected indices inside " + toString(looked) +
                      ", but found " + llvm::Twine(index));
      linear[i] = linear[i] * looked[k] + index;
    }
  // It must be affine in the position, with the strides of a dense tensor.
  Shape kept(outer), strides(outer.size(), 0);
  int64_t step = 1, expected = 1;
  for (size_t dim = outer.size(); dim-- > 0; step *= outer[dim]) {
    strides[dim] = outer[dim] > 1 ? linear[step] - linear[0] : 0;
    bool repeats = strides[dim] == 0;
    if (!repeats && strides[dim] != expected)
      return n.fail("takes elements in an order that is not supported");
    kept[dim] = repeats ? 1 : outer[dim];
    expected *= kept[dim];
  }
  bool affine =
      count > 0 && linear[0] == 0 && expected == countElements(looked);
  for (int64_t i = 0; affine && i < count; ++i) {
    int64_t rest = i, at = 0;
    for (size_t dim = outer.size(); dim-- > 0; rest /= outer[dim])
      at += rest % outer[dim] * strides[dim];
    affine = at == linear[i];
  }
  if (!affine)
    return n.fail("takes elements in an order that is not supported");
  Value x = n.value(0);
  if (!x)
    return failure();
  for (int64_t size : n.shape(0).drop_front(depth)) {
    kept.push_back(size);
    outer.push_back(size);
  }
  return n.give(n.broadcast(n.reshape(x, kept), outer));
}

LogicalResult lowerPad(NodeLowering &n) {
  if (n.getString("mode", "constant") != "constant")
    return n.fail("pads by '" + n.getString("mode", "") +
                  "', expected 'constant'");
  auto pads = n.intsOf(1, "pads"), axes = n.intsOf(3, "axes");
  if (failed(pads) || failed(axes))
    return failure();
  if (n.has(2) && n.splat(2) != 0.0)
    return n.fail("pads with another value than 0, which is not supported");
  int64_t rank = n.rank(0);
  Shape all;
  for (int64_t i = 0; i < rank; ++i)
    all.push_back(i);
  Shape dims = axes->value_or(all);
  if (!*pads || (*pads)->size() != 2 * dims.size())
    return n.fail("expected " + llvm::Twine(2 * dims.size()) +
                  " pads, but found " +
                  llvm::Twine(*pads ? (*pads)->size() : 0));
  Value x = n.value(0);
  if (!x)
    return failure();
  Shape low(rank, 0), cut(rank, 0), inner(n.shape(0)), outer(n.shape(0));
  for (size_t i = 0; i < dims.size(); ++i) {
    FailureOr<int64_t> axis = axisOf(n, dims[i], rank);
    if (failed(axis))
      return failure();
    // A negative pad takes elements away.
    int64_t front = (**pads)[i], back = (**pads)[i + dims.size()];
    low[*axis] = std::max<int64_t>(front, 0);
    cut[*axis] = std::max<int64_t>(-front, 0);
    inner[*axis] += std::min<int64_t>(front, 0) + std::min<int64_t>(back, 0);
    outer[*axis] += front + back;
    if (inner[*axis] < 1)
      return n.fail("takes away all elements of axis " + llvm::Twine(*axis));
  }
  x = n.slice(x, cut, inner);
  if (inner == outer)
    return n.give(x);
  auto type = RankedTensorType::get(outer, NodeLowering::elementOf(x));
  return n.give(train::PadOp::create(n.builder, n.loc, type, x, low));
}

/// x times a triangle of ones: the other elements become 0.
LogicalResult lowerTrilu(NodeLowering &n) {
  if (n.rank(0) < 2 || (n.has(1) && !n.constant(1)))
    return n.fail("expected a matrix and a known diagonal");
  bool upper = n.getInt("upper", 1) != 0;
  int64_t k = n.has(1) ? n.constant(1)->integer(0) : 0;
  int64_t rows = n.shape(0)[n.rank(0) - 2], columns = n.shape(0).back();
  ConstTensor keep = ConstTensor::allocate(9, {rows, columns});
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      keep.mutableBools()[i * columns + j] = upper ? j >= i + k : j <= i + k;
  Value x = n.value(0), mask = n.importer.materialize(keep, n.loc);
  Value zero =
      n.importer.materialize(ConstTensor::splat(n.type(0), {}, 0), n.loc);
  if (!x || !mask || !zero)
    return failure();
  if (n.type(0) == 9)
    return n.give(train::LogicalOp::create(n.builder, n.loc, "and", x, mask));
  return n.give(train::SelectOp::create(n.builder, n.loc, mask, x, zero));
}

constexpr LowerEntry kLowerings[] = {
    {"Reshape", lowerReshape},
    {"Flatten", lowerFlatten},
    {"Squeeze", lowerSqueeze},
    {"Unsqueeze", lowerUnsqueeze},
    {"Transpose", lowerTranspose},
    {"Expand", lowerExpand},
    {"Tile", lowerTile},
    {"Concat", lowerConcat},
    {"Split", lowerSplit},
    {"Slice", lowerSlice},
    {"Gather", lowerGather},
    {"GatherND", lowerGatherND},
    {"Pad", lowerPad},
    {"Trilu", lowerTrilu},
};

} // namespace

llvm::ArrayRef<LowerEntry> structureLowerings() { return kLowerings; }

} // namespace spillway::onnximport
