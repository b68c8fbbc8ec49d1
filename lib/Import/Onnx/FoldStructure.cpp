//===- FoldStructure.cpp - Reshaping and making known values --------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace spillway::onnximport {

SliceRange clampSlice(int64_t start, int64_t end, int64_t step, int64_t size) {
  auto fromFront = [&](int64_t index) {
    return index < 0 && index > INT64_MIN + size ? index + size : index;
  };
  start = fromFront(start);
  end = fromFront(end);
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, size);
    end = std::clamp<int64_t>(end, 0, size);
    int64_t count = end > start ? (end - start - 1) / step + 1 : 0;
    return {start, step, count};
  }
  start = std::clamp<int64_t>(start, -1, size - 1);
  end = std::clamp<int64_t>(end, -1, size - 1);
  int64_t count = start > end ? (start - end - 1) / -step + 1 : 0;
  return {start, step, count};
}

std::optional<Shape> resolveReshape(llvm::ArrayRef<int64_t> from,
                                    llvm::ArrayRef<int64_t> to,
                                    bool allowZero) {
  Shape result(to.begin(), to.end());
  int64_t inferred = -1, known = 1, total = countElements(from);
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] == 0 && !allowZero) {
      if (i >= from.size())
        return std::nullopt;
      result[i] = from[i];
    }
    if (result[i] == -1) {
      if (inferred >= 0)
        return std::nullopt;
      inferred = static_cast<int64_t>(i);
    } else if (result[i] < 0) {
      return std::nullopt;
    } else {
      known *= result[i];
    }
  }
  if (inferred >= 0) {
    if (known == 0 || total % known)
      return std::nullopt;
    result[inferred] = total / known;
  } else if (known != total) {
    return std::nullopt;
  }
  return result;
}

std::optional<Shape> resolveSplit(const NodeView &node, int64_t size,
                                  std::optional<Shape> sizes,
                                  std::string &error) {
  int64_t parts = node.node.output_size();
  if (!sizes) {
    parts = node.getInt("num_outputs", parts);
    if (parts <= 0 || parts < node.node.output_size()) {
      error = "splits into " + std::to_string(parts) + " parts, but has " +
              std::to_string(node.node.output_size()) + " outputs";
      return std::nullopt;
    }
    int64_t each = (size + parts - 1) / parts;
    sizes.emplace();
    for (int64_t left = size, i = 0; i < parts; ++i, left -= each)
      sizes->push_back(std::clamp<int64_t>(left, 0, each));
  }
  int64_t sum = std::accumulate(sizes->begin(), sizes->end(), int64_t{0});
  if (sum != size || llvm::any_of(*sizes, [](int64_t s) { return s < 0; }) ||
      static_cast<int64_t>(sizes->size()) < node.node.output_size()) {
    error = "splits a dimension of size " + std::to_string(size) + " into " +
            toString(*sizes);
    return std::nullopt;
  }
  return sizes;
}

namespace {

bool reshape(FoldCall &call) {
  std::optional<Shape> to =
      resolveReshape(call.in(0).getShape(), call.in(1).toInts(),
                     call.getInt("allowzero", 0) != 0);
  if (!to)
    return call.fail("cannot reshape " + toString(call.in(0).getShape()) +
                     " to " + toString(call.in(1).toInts()));
  return call.give(call.in(0).reshape(*to));
}

bool flatten(FoldCall &call) {
  int64_t rank = call.in(0).getRank(), axis = call.getInt("axis", 1);
  axis = axis < 0 ? axis + rank : axis;
  if (axis < 0 || axis > rank)
    return call.fail("axis is outside the rank " + std::to_string(rank));
  llvm::ArrayRef<int64_t> shape = call.in(0).getShape();
  return call.give(call.in(0).reshape({countElements(shape.take_front(axis)),
                                       countElements(shape.drop_front(axis))}));
}

bool squeeze(FoldCall &call) {
  llvm::ArrayRef<int64_t> shape = call.in(0).getShape();
  std::optional<Shape> axes = call.intsOf(1, "axes");
  std::vector<bool> drop(shape.size(), false);
  for (size_t i = 0; i < shape.size(); ++i)
    drop[i] = !axes && shape[i] == 1;
  for (int64_t axis : axes.value_or(Shape())) {
    std::optional<int64_t> dim = normalizeAxis(axis, call.in(0).getRank());
    if (!dim || shape[*dim] != 1)
      return call.fail("cannot squeeze axis " + std::to_string(axis) + " of " +
                       toString(shape));
    drop[*dim] = true;
  }
  Shape to;
  for (size_t i = 0; i < shape.size(); ++i)
    if (!drop[i])
      to.push_back(shape[i]);
  return call.give(call.in(0).reshape(to));
}

bool unsqueeze(FoldCall &call) {
  std::optional<Shape> axes = call.intsOf(1, "axes");
  if (!axes)
    return call.fail("has no axes");
  int64_t rank = call.in(0).getRank() + static_cast<int64_t>(axes->size());
  Shape to(rank, 0);
  for (int64_t axis : *axes) {
    std::optional<int64_t> dim = normalizeAxis(axis, rank);
    if (!dim || to[*dim] == 1)
      return call.fail("cannot insert axis " + std::to_string(axis) + " into " +
                       toString(call.in(0).getShape()));
    to[*dim] = 1;
  }
  size_t next = 0;
  for (int64_t &size : to)
    if (size != 1)
      size = call.in(0).getShape()[next++];
  return call.give(call.in(0).reshape(to));
}

bool transpose(FoldCall &call) {
  int64_t rank = call.in(0).getRank();
  Shape order(rank);
  for (int64_t i = 0; i < rank; ++i)
    order[i] = rank - 1 - i;
  order = call.getInts("perm").value_or(order);
  Shape sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < rank; ++i)
    if (static_cast<int64_t>(sorted.size()) != rank || sorted[i] != i)
      return call.fail("perm " + toString(order) + " is no permutation of " +
                       std::to_string(rank) + " axes");
  return call.give(call.in(0).transpose(order));
}

bool expand(FoldCall &call) {
  std::optional<Shape> to =
      broadcastShapes(call.in(0).getShape(), call.in(1).toInts());
  if (!to)
    return call.fail("cannot expand " + toString(call.in(0).getShape()) +
                     " to " + toString(call.in(1).toInts()));
  return call.give(call.in(0).broadcast(*to));
}

bool tile(FoldCall &call) {
  const ConstTensor &x = call.in(0);
  Shape repeats = call.in(1).toInts();
  if (static_cast<int64_t>(repeats.size()) != x.getRank())
    return call.fail("has " + std::to_string(repeats.size()) +
                     " repeats for rank " + std::to_string(x.getRank()));
  // [a, b] -> [1, a, 1, b] -> [ra, a, rb, b] -> [ra * a, rb * b]
  Shape split, wide, to;
  for (size_t i = 0; i < repeats.size(); ++i) {
    int64_t size = x.getShape()[i];
    split.append({1, size});
    wide.append({repeats[i], size});
    to.push_back(repeats[i] * size);
  }
  if (countElements(to) > kMaxFoldedElements)
    return call.fail("a constant of shape " + toString(to) +
                     " is too large to compute");
  return call.give(x.reshape(split).broadcast(wide).reshape(to));
}

void copyInto(ConstTensor &result, const ConstTensor &source, int64_t axis,
              int64_t at) {
  // The box of `result` that `source` fills, in strides of the result.
  ConstTensor box = result.slice(axis, at, 1, source.getShape()[axis]);
  int64_t base = at * result.getStrides()[axis];
  bool scalar = source.getShape().empty();
  int64_t to = scalar ? 0 : box.getStrides().back(),
          from = scalar ? 0 : source.getStrides().back();
  forEachRow(source.getShape(), {box.getStrides(), source.getStrides()},
             [&](llvm::ArrayRef<int64_t> offsets, int64_t count) {
               for (int64_t i = 0; i < count; ++i) {
                 int64_t p = base + offsets[0] + i * to,
                         q = offsets[1] + i * from;
                 copyElement(result, p, source, q);
               }
             });
}

bool concat(FoldCall &call) {
  const ConstTensor &first = call.in(0);
  std::optional<int64_t> axis =
      normalizeAxis(call.getInt("axis", 0), first.getRank());
  if (!axis)
    return call.fail("axis is outside the rank " +
                     std::to_string(first.getRank()));
  Shape shape(first.getShape());
  shape[*axis] = 0;
  for (const ConstTensor *part : call.inputs) {
    Shape other(part->getShape());
    if (static_cast<int64_t>(other.size()) != first.getRank() ||
        part->getType() != first.getType())
      return call.fail("operands differ in rank or type");
    shape[*axis] += other[*axis];
    other[*axis] = shape[*axis];
    if (other != shape)
      return call.fail("shapes " + toString(first.getShape()) + " and " +
                       toString(part->getShape()) + " differ beside the axis");
  }
  // What every part repeats along another axis is repeated in the result too.
  Shape stored = shape;
  for (size_t dim = 0; dim < shape.size(); ++dim)
    if (static_cast<int64_t>(dim) != *axis &&
        llvm::all_of(call.inputs, [&](const ConstTensor *t) {
          return t->getStrides()[dim] == 0;
        }))
      stored[dim] = std::min<int64_t>(shape[dim], 1);
  if (countElements(stored) > 2 * kMaxFoldedElements)
    return call.fail("a constant of shape " + toString(stored) +
                     " is too large to compute");
  ConstTensor result = ConstTensor::allocate(first.getType(), stored);
  int64_t at = 0;
  for (const ConstTensor *part : call.inputs) {
    int64_t size = part->getShape()[*axis];
    ConstTensor box = *part;
    for (size_t dim = 0; dim < shape.size(); ++dim)
      if (stored[dim] != shape[dim] && static_cast<int64_t>(dim) != *axis)
        box = box.slice(static_cast<int64_t>(dim), 0, 1, stored[dim]);
    copyInto(result, box, *axis, at);
    at += size;
  }
  return call.give(result.broadcast(shape));
}

bool slice(FoldCall &call) {
  ConstTensor result = call.in(0);
  Shape starts = call.in(1).toInts(), ends = call.in(2).toInts();
  Shape axes, steps(starts.size(), 1);
  for (size_t i = 0; i < starts.size(); ++i)
    axes.push_back(static_cast<int64_t>(i));
  if (call.has(3))
    axes = call.in(3).toInts();
  if (call.has(4))
    steps = call.in(4).toInts();
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size())
    return call.fail("starts, ends, axes and steps differ in length");
  for (size_t i = 0; i < starts.size(); ++i) {
    std::optional<int64_t> axis = normalizeAxis(axes[i], result.getRank());
    if (!axis || steps[i] == 0)
      return call.fail("cannot slice axis " + std::to_string(axes[i]) +
                       " with step " + std::to_string(steps[i]) + " of " +
                       toString(result.getShape()));
    SliceRange range =
        clampSlice(starts[i], ends[i], steps[i], result.getShape()[*axis]);
    result = result.slice(*axis, range.start, range.step, range.count);
  }
  return call.give(result);
}

bool split(FoldCall &call) {
  std::optional<int64_t> axis =
      normalizeAxis(call.getInt("axis", 0), call.in(0).getRank());
  if (!axis)
    return call.fail("axis is outside the rank " +
                     std::to_string(call.in(0).getRank()));
  std::optional<Shape> sizes = resolveSplit(
      call, call.in(0).getShape()[*axis], call.intsOf(1, "split"), call.error);
  if (!sizes)
    return false;
  int64_t at = 0;
  for (int64_t size : *sizes) {
    call.give(call.in(0).slice(*axis, at, 1, size));
    at += size;
  }
  return true;
}

bool range(FoldCall &call) {
  const ConstTensor &start = call.in(0), &limit = call.in(1),
                    &delta = call.in(2);
  if (start.getNumElements() != 1 || limit.getNumElements() != 1 ||
      delta.getNumElements() != 1 || delta.number(0) == 0)
    return call.fail("expects three scalars, the step not zero");
  bool ints = start.getStorage() == Storage::Int;
  double count =
      ints ? 0
           : std::ceil((limit.number(0) - start.number(0)) / delta.number(0));
  if (ints) {
    int64_t step = delta.integer(0), span = limit.integer(0) - start.integer(0);
    count = (step > 0) == (span > 0) && span
                ? static_cast<double>((span - (step > 0 ? 1 : -1)) / step + 1)
                : 0;
  }
  if (!(count <= static_cast<double>(kMaxFoldedElements)))
    return call.fail("is too long");
  ConstTensor result = ConstTensor::allocate(
      start.getType(), {std::max<int64_t>(0, static_cast<int64_t>(count))});
  for (int64_t i = 0; i < result.getNumElements(); ++i) {
    if (ints)
      result.mutableInts()[i] = start.integer(0) + i * delta.integer(0);
    else
      result.mutableFloats()[i] =
          roundTo(start.getType(),
                  start.number(0) + static_cast<double>(i) * delta.number(0));
  }
  return call.give(result);
}

bool constantOfShape(FoldCall &call) {
  Shape shape = call.in(0).toInts();
  if (llvm::any_of(shape, [](int64_t s) { return s < 0; }))
    return call.fail("has the negative shape " + toString(shape));
  const onnx::AttributeProto *value = call.find("value");
  if (!value)
    return call.give(ConstTensor::splat(1, shape, 0));
  ConstTensor element;
  if (!readTensor(value->t(), element, call.error))
    return false;
  if (element.getNumElements() != 1)
    return call.fail("has a value of " +
                     std::to_string(element.getNumElements()) + " elements");
  return call.give(element.reshape({}).broadcast(shape));
}

bool eyeLike(FoldCall &call) {
  Shape shape(call.in(0).getShape());
  OnnxType type =
      static_cast<OnnxType>(call.getInt("dtype", call.in(0).getType()));
  if (shape.size() != 2 || !getStorage(type))
    return call.fail("expects a matrix of numbers");
  ConstTensor result = ConstTensor::splat(type, shape, 0).dense();
  ConstTensor one = ConstTensor::splat(type, {1, 1}, 1);
  int64_t k = call.getInt("k", 0);
  for (int64_t i = 0; i < shape[0]; ++i)
    if (i + k >= 0 && i + k < shape[1])
      copyElement(result, i * shape[1] + i + k, one, 0);
  return call.give(result);
}

constexpr FoldEntry kFolds[] = {
    {"Reshape", reshape},
    {"Flatten", flatten},
    {"Squeeze", squeeze},
    {"Unsqueeze", unsqueeze},
    {"Transpose", transpose},
    {"Expand", expand},
    {"Tile", tile},
    {"Concat", concat},
    {"Slice", slice},
    {"Split", split},
    {"Range", range},
    {"ConstantOfShape", constantOfShape},
    {"EyeLike", eyeLike},
    {"Identity", [](FoldCall &call) { return call.give(call.in(0)); }},
    {"Dropout", [](FoldCall &call) { return call.give(call.in(0)); }},
};

} // namespace

llvm::ArrayRef<FoldEntry> structureFolds() { return kFolds; }

} // namespace spillway::onnximport
