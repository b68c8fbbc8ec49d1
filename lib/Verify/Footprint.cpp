//===- Footprint.cpp - The bytes that a strided view touches --------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Footprint.h"

#include <algorithm>

namespace spillway::verify {
namespace {

// Kernels hold shapes in fixed arrays; no model comes near.
constexpr uint32_t maxRank = 16;
// Above this many pieces an input is described by its hull.
constexpr uint64_t maxInputRuns = 4096;
constexpr uint64_t maxOutputRuns = uint64_t(1) << 20;
// Sizes stay below this, so that sums of a few never wrap.
constexpr uint64_t maxBytes = uint64_t(1) << 62;

struct Dimension {
  uint64_t size;
  uint64_t strideBytes;
};

// a * b, or `maxBytes` where it is at least that.
uint64_t multiply(uint64_t a, uint64_t b) {
  uint64_t product;
  if (__builtin_mul_overflow(a, b, &product))
    return maxBytes;
  return std::min(product, maxBytes);
}

std::optional<Error> checkShape(const plan::View &view) {
  const auto *sizes = view.sizes(), *strides = view.strides();
  uint32_t rank = sizes ? sizes->size() : 0;
  uint32_t numStrides = strides ? strides->size() : 0;
  if (rank != numStrides)
    return Error{Code::BadShape, "expected " + std::to_string(rank) +
                                     " strides, one for each size, found " +
                                     std::to_string(numStrides)};
  if (rank > maxRank)
    return Error{Code::LimitExceeded,
                 "expected at most " + std::to_string(maxRank) +
                     " dimensions, found " + std::to_string(rank)};
  for (uint32_t i = 0; i < rank; ++i)
    if (sizes->Get(i) < 0 || strides->Get(i) < 0)
      return Error{Code::BadShape,
                   "dimension " + std::to_string(i) + " has size " +
                       std::to_string(sizes->Get(i)) + " and stride " +
                       std::to_string(strides->Get(i)) +
                       ", expected none below 0"};
  return std::nullopt;
}

// Lists the pieces: `runBytes` bytes at every combination of the outer
// dimensions, the innermost first in `outer`. Ascending, because each stride
// spans all that lies inside of it.
void listRuns(uint64_t begin, uint64_t runBytes,
              const std::vector<Dimension> &outer, std::vector<Range> &runs) {
  runs.assign(1, {begin, begin + runBytes});
  std::vector<Range> repeated;
  for (const Dimension &dim : outer) {
    repeated.clear();
    for (uint64_t i = 0; i < dim.size; ++i)
      for (const Range &run : runs)
        repeated.push_back(
            {run.begin + i * dim.strideBytes, run.end + i * dim.strideBytes});
    runs.swap(repeated);
  }
}

} // namespace

std::string toString(const Range &range) {
  return "[" + std::to_string(range.begin) + ", " + std::to_string(range.end) +
         ")";
}

uint8_t elementBytes(plan::DType dtype) {
  switch (dtype) {
  case plan::DType::F64:
  case plan::DType::I64:
    return 8;
  case plan::DType::F32:
  case plan::DType::I32:
    return 4;
  case plan::DType::F16:
  case plan::DType::BF16:
  case plan::DType::I16:
    return 2;
  case plan::DType::I8:
  case plan::DType::U8:
  case plan::DType::BOOL:
    return 1;
  }
  return 0;
}

std::optional<uint64_t> denseBytes(plan::DType dtype,
                                   const flatbuffers::Vector<int64_t> *sizes) {
  if (sizes && sizes->size() > maxRank)
    return std::nullopt;
  uint64_t bytes = elementBytes(dtype);
  bool isEmpty = false;
  for (uint32_t i = 0; sizes && i < sizes->size(); ++i) {
    if (sizes->Get(i) < 0)
      return std::nullopt;
    if (sizes->Get(i) == 0)
      isEmpty = true;
    else
      bytes = multiply(bytes, uint64_t(sizes->Get(i)));
  }
  if (isEmpty)
    return 0;
  if (bytes >= maxBytes)
    return std::nullopt;
  return bytes;
}

std::optional<Error> footprintOf(const plan::View &view, uint64_t valueBytes,
                                 bool isOutput, uint64_t &runBudget,
                                 Footprint &result) {
  result = Footprint();
  result.elementBytes = elementBytes(view.dtype());
  if (result.elementBytes == 0)
    return Error{Code::UnknownEnumValue,
                 "type " + std::to_string(int(view.dtype())) + " is unknown"};
  if (auto error = checkShape(view))
    return error;
  if (view.offset() % result.elementBytes != 0)
    return Error{Code::Misaligned, "offset " + std::to_string(view.offset()) +
                                       " is no multiple of the element's " +
                                       std::to_string(result.elementBytes) +
                                       " bytes"};

  // Dimensions that move, the innermost first, and where the last byte lies.
  std::vector<Dimension> dims;
  uint64_t extent = result.elementBytes;
  result.numElements = 1;
  for (uint32_t i = 0; view.sizes() && i < view.sizes()->size(); ++i) {
    uint64_t size = uint64_t(view.sizes()->Get(i));
    uint64_t stride =
        multiply(uint64_t(view.strides()->Get(i)), result.elementBytes);
    result.numElements = multiply(result.numElements, size);
    if (size <= 1)
      continue;
    if (stride == 0) {
      if (isOutput)
        return Error{Code::OutputOverlapsItself,
                     "dimension " + std::to_string(i) +
                         " of an output has stride 0"};
      continue;
    }
    dims.push_back({size, stride});
    extent = std::min(extent + multiply(size - 1, stride), maxBytes);
  }
  if (view.offset() > valueBytes)
    return Error{Code::ViewOutOfValue,
                 "offset " + std::to_string(view.offset()) +
                     " is outside of a value of " + std::to_string(valueBytes) +
                     " bytes"};
  result.hull = {view.offset(), view.offset()};
  if (result.numElements == 0)
    return std::nullopt;
  if (extent >= maxBytes || extent > valueBytes - view.offset())
    return Error{Code::ViewOutOfValue,
                 "it touches " +
                     (extent >= maxBytes ? "far more than 2^62"
                                         : std::to_string(extent)) +
                     " bytes from offset " + std::to_string(view.offset()) +
                     " on, but the value has " + std::to_string(valueBytes)};
  result.hull.end += extent;

  // Grow one contiguous run, then count its repetitions.
  std::sort(dims.begin(), dims.end(),
            [](const Dimension &a, const Dimension &b) {
              return std::pair(a.strideBytes, a.size) <
                     std::pair(b.strideBytes, b.size);
            });
  uint64_t runBytes = result.elementBytes;
  size_t next = 0;
  for (; next < dims.size() && dims[next].strideBytes <= runBytes; ++next) {
    if (isOutput && dims[next].strideBytes < runBytes)
      return Error{Code::OutputOverlapsItself,
                   "elements of an output share bytes"};
    runBytes += (dims[next].size - 1) * dims[next].strideBytes;
  }
  if (next == dims.size())
    return std::nullopt;
  dims.erase(dims.begin(), dims.begin() + next);
  uint64_t inner = runBytes, numRuns = 1;
  bool isNested = true;
  for (const Dimension &dim : dims) {
    isNested &= dim.strideBytes >= inner;
    inner += (dim.size - 1) * dim.strideBytes;
    numRuns = multiply(numRuns, dim.size);
  }
  if (isOutput && !isNested)
    return Error{Code::OutputOverlapsItself,
                 "elements of an output may share bytes: expected each stride "
                 "to span all dimensions of a smaller one"};
  uint64_t maxRuns =
      std::min(runBudget, isOutput ? maxOutputRuns : maxInputRuns);
  if (isNested && numRuns <= maxRuns) {
    runBudget -= numRuns;
    listRuns(view.offset(), runBytes, dims, result.runs);
  } else if (isOutput) {
    return Error{Code::LimitExceeded,
                 "an output in " + std::to_string(numRuns) +
                     " pieces, expected at most " + std::to_string(maxRuns)};
  } else {
    result.isHullOnly = true;
  }
  return std::nullopt;
}

bool overlap(const Footprint &a, uint64_t moveA, const Footprint &b,
             uint64_t moveB) {
  auto moved = [](const Range &range, uint64_t by) {
    return Range{range.begin + by, range.end + by};
  };
  if (a.hull.empty() || b.hull.empty() ||
      !moved(a.hull, moveA).overlaps(moved(b.hull, moveB)))
    return false;
  std::span<const Range> runsA(&a.hull, 1), runsB(&b.hull, 1);
  if (!a.runs.empty())
    runsA = a.runs;
  if (!b.runs.empty())
    runsB = b.runs;
  for (size_t i = 0, j = 0; i < runsA.size() && j < runsB.size();) {
    Range x = moved(runsA[i], moveA), y = moved(runsB[j], moveB);
    if (x.overlaps(y))
      return true;
    x.end <= y.begin ? ++i : ++j;
  }
  return false;
}

} // namespace spillway::verify
