//===- ConstTensor.cpp - A tensor known while importing -------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstTensor.h"
#include "llvm/ADT/APFloat.h"
#include <bit>
#include <cassert>
#include <cstring>
#include <numeric>

namespace spillway::onnximport {
namespace {

struct TypeInfo {
  OnnxType type;
  llvm::StringRef name;
  Storage storage;
  int64_t bytes;
};

constexpr TypeInfo kTypes[] = {
    {1, "float32", Storage::Float, 4},   {2, "uint8", Storage::Int, 1},
    {3, "int8", Storage::Int, 1},        {4, "uint16", Storage::Int, 2},
    {5, "int16", Storage::Int, 2},       {6, "int32", Storage::Int, 4},
    {7, "int64", Storage::Int, 8},       {9, "bool", Storage::Bool, 1},
    {10, "float16", Storage::Float, 2},  {11, "float64", Storage::Float, 8},
    {12, "uint32", Storage::Int, 4},     {13, "uint64", Storage::Int, 8},
    {16, "bfloat16", Storage::Float, 2},
};

const TypeInfo *findType(OnnxType type) {
  for (const TypeInfo &info : kTypes)
    if (info.type == type)
      return &info;
  return nullptr;
}

double viaSemantics(const llvm::fltSemantics &semantics, double value) {
  llvm::APFloat number(value);
  bool loses = false;
  number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &loses);
  number.convert(llvm::APFloat::IEEEdouble(),
                 llvm::APFloat::rmNearestTiesToEven, &loses);
  return number.convertToDouble();
}

template <typename T> T load(const char *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

double loadFloat(OnnxType type, const char *bytes) {
  switch (type) {
  case 1:
    return load<float>(bytes);
  case 11:
    return load<double>(bytes);
  case 16:
    return std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(bytes))
                                << 16);
  default: {
    llvm::APFloat number(llvm::APFloat::IEEEhalf(),
                         llvm::APInt(16, load<uint16_t>(bytes)));
    bool loses = false;
    number.convert(llvm::APFloat::IEEEdouble(),
                   llvm::APFloat::rmNearestTiesToEven, &loses);
    return number.convertToDouble();
  }
  }
}

int64_t loadInt(OnnxType type, const char *bytes) {
  switch (type) {
  case 2:
    return load<uint8_t>(bytes);
  case 3:
    return load<int8_t>(bytes);
  case 4:
    return load<uint16_t>(bytes);
  case 5:
    return load<int16_t>(bytes);
  case 6:
    return load<int32_t>(bytes);
  case 12:
    return load<uint32_t>(bytes);
  default:
    return load<int64_t>(bytes);
  }
}

Shape denseStrides(llvm::ArrayRef<int64_t> shape) {
  Shape strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

} // namespace

std::optional<Storage> getStorage(OnnxType type) {
  const TypeInfo *info = findType(type);
  return info ? std::optional(info->storage) : std::nullopt;
}

int64_t getElementBytes(OnnxType type) {
  const TypeInfo *info = findType(type);
  return info ? info->bytes : 0;
}

llvm::StringRef getTypeName(OnnxType type) {
  const TypeInfo *info = findType(type);
  return info ? info->name : "an unsupported type";
}

double roundTo(OnnxType type, double value) {
  switch (type) {
  case 1:
    return static_cast<float>(value);
  case 10:
    return viaSemantics(llvm::APFloat::IEEEhalf(), value);
  case 16:
    return viaSemantics(llvm::APFloat::BFloat(), value);
  default:
    return value;
  }
}

int64_t wrapTo(OnnxType type, int64_t value) {
  switch (type) {
  case 2:
    return static_cast<uint8_t>(value);
  case 3:
    return static_cast<int8_t>(value);
  case 4:
    return static_cast<uint16_t>(value);
  case 5:
    return static_cast<int16_t>(value);
  case 6:
    return static_cast<int32_t>(value);
  case 12:
    return static_cast<uint32_t>(value);
  default:
    return value;
  }
}

int64_t countElements(llvm::ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1},
                         std::multiplies<int64_t>());
}

ConstTensor ConstTensor::allocate(OnnxType type,
                                  llvm::ArrayRef<int64_t> shape) {
  ConstTensor result;
  result.type = type;
  result.shape.assign(shape.begin(), shape.end());
  result.strides = denseStrides(shape);
  size_t count = countElements(shape);
  switch (result.getStorage()) {
  case Storage::Bool:
    result.boolData = std::make_shared<std::vector<uint8_t>>(count);
    break;
  case Storage::Int:
    result.intData = std::make_shared<std::vector<int64_t>>(count);
    break;
  case Storage::Float:
    result.floatData = std::make_shared<std::vector<double>>(count);
    break;
  }
  return result;
}

ConstTensor ConstTensor::splat(OnnxType type, llvm::ArrayRef<int64_t> shape,
                               double value) {
  ConstTensor result = allocate(type, Shape(shape.size(), 1));
  switch (result.getStorage()) {
  case Storage::Bool:
    result.mutableBools()[0] = value != 0;
    break;
  case Storage::Int:
    result.mutableInts()[0] = static_cast<int64_t>(value);
    break;
  case Storage::Float:
    result.mutableFloats()[0] = roundTo(type, value);
    break;
  }
  return result.broadcast(shape);
}

ConstTensor ConstTensor::ofInts(llvm::ArrayRef<int64_t> values, OnnxType type) {
  ConstTensor result = allocate(type, {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), result.mutableInts());
  return result;
}

ConstTensor ConstTensor::scalarInt(int64_t value, OnnxType type) {
  ConstTensor result = allocate(type, {});
  result.mutableInts()[0] = value;
  return result;
}

ConstTensor ConstTensor::fromBytes(OnnxType type, llvm::ArrayRef<int64_t> shape,
                                   llvm::StringRef bytes) {
  ConstTensor result = allocate(type, shape);
  int64_t size = getElementBytes(type), count = result.getNumElements();
  assert(static_cast<int64_t>(bytes.size()) == size * count &&
         "checked by the caller");
  for (int64_t i = 0; i < count; ++i) {
    const char *element = bytes.data() + i * size;
    switch (result.getStorage()) {
    case Storage::Bool:
      result.mutableBools()[i] = *element != 0;
      break;
    case Storage::Int:
      result.mutableInts()[i] = loadInt(type, element);
      break;
    case Storage::Float:
      result.mutableFloats()[i] = loadFloat(type, element);
      break;
    }
  }
  return result;
}

int64_t ConstTensor::getStoredElements() const {
  int64_t count = 1;
  for (size_t i = 0; i < shape.size(); ++i)
    if (strides[i] != 0)
      count *= shape[i];
  return count;
}

double ConstTensor::numberAt(int64_t at) const {
  switch (getStorage()) {
  case Storage::Bool:
    return bools()[at];
  case Storage::Int:
    return static_cast<double>(ints()[at]);
  case Storage::Float:
    return floats()[at];
  }
  return 0;
}

int64_t ConstTensor::intAt(int64_t at) const {
  switch (getStorage()) {
  case Storage::Bool:
    return bools()[at];
  case Storage::Int:
    return ints()[at];
  case Storage::Float: {
    double value = floats()[at];
    // Out of range is undefined in C++: saturate, NaN to 0.
    if (!(value == value))
      return 0;
    if (value >= 9.2233720368547758e18)
      return INT64_MAX;
    if (value <= -9.2233720368547758e18)
      return INT64_MIN;
    return static_cast<int64_t>(value);
  }
  }
  return 0;
}

int64_t ConstTensor::offsetOf(int64_t index) const {
  int64_t at = 0;
  for (size_t i = shape.size(); i-- > 0;) {
    at += index % shape[i] * strides[i];
    index /= shape[i];
  }
  return at;
}

Shape ConstTensor::toInts() const {
  Shape result;
  for (int64_t i = 0, e = getNumElements(); i < e; ++i)
    result.push_back(integer(i));
  return result;
}

ConstTensor ConstTensor::broadcast(llvm::ArrayRef<int64_t> to) const {
  ConstTensor result = *this;
  size_t extra = to.size() - shape.size();
  result.shape.assign(to.begin(), to.end());
  result.strides.assign(to.size(), 0);
  for (size_t i = 0; i < shape.size(); ++i)
    result.strides[extra + i] =
        shape[i] == 1 && to[extra + i] != 1 ? 0 : strides[i];
  // A dimension of size 1 has no step; 0 lets it count as repeated.
  for (size_t i = 0; i < to.size(); ++i)
    if (to[i] == 1)
      result.strides[i] = 0;
  return result;
}

ConstTensor ConstTensor::transpose(llvm::ArrayRef<int64_t> permutation) const {
  ConstTensor result = *this;
  for (size_t i = 0; i < shape.size(); ++i) {
    result.shape[i] = shape[permutation[i]];
    result.strides[i] = strides[permutation[i]];
  }
  return result;
}

ConstTensor ConstTensor::slice(int64_t axis, int64_t start, int64_t step,
                               int64_t count) const {
  ConstTensor result = *this;
  if (count > 0)
    result.offset += start * strides[axis];
  result.shape[axis] = count;
  result.strides[axis] *= step;
  return result;
}

ConstTensor ConstTensor::compact() const {
  ConstTensor result = *this;
  for (size_t i = 0; i < shape.size(); ++i)
    if (strides[i] == 0 && shape[i] > 1)
      result.shape[i] = 1;
  return result;
}

void copyElement(ConstTensor &result, int64_t at, const ConstTensor &source,
                 int64_t from) {
  switch (result.getStorage()) {
  case Storage::Bool:
    result.mutableBools()[at] = source.bools()[from];
    break;
  case Storage::Int:
    result.mutableInts()[at] = source.ints()[from];
    break;
  case Storage::Float:
    result.mutableFloats()[at] = source.floats()[from];
    break;
  }
}

ConstTensor ConstTensor::shareBatches() const {
  ConstTensor result = *this;
  for (int64_t dim = 0; dim + 2 < getRank(); ++dim) {
    if (result.strides[dim] == 0 || shape[dim] <= 1)
      continue;
    ConstTensor first = result.slice(dim, 0, 1, shape[dim] - 1);
    ConstTensor next = result.slice(dim, 1, 1, shape[dim] - 1);
    bool equal = true;
    forEachRow(first.shape, {first.strides},
               [&](llvm::ArrayRef<int64_t> offsets, int64_t count) {
                 for (int64_t i = 0; i < count && equal; ++i) {
                   int64_t at = offsets[0] + i * first.strides.back();
                   equal = getStorage() == Storage::Float
                               ? first.floats()[at] == next.floats()[at]
                               : first.intAt(at) == next.intAt(at);
                 }
               });
    if (equal)
      result.strides[dim] = 0;
  }
  return result;
}

ConstTensor ConstTensor::dense() const {
  ConstTensor result = allocate(type, shape);
  int64_t at = 0;
  forEachRow(shape, {strides},
             [&](llvm::ArrayRef<int64_t> offsets, int64_t count) {
               int64_t stride = shape.empty() ? 0 : strides.back();
               for (int64_t i = 0; i < count; ++i, ++at)
                 copyElement(result, at, *this, offsets[0] + i * stride);
             });
  return result;
}

ConstTensor ConstTensor::reshape(llvm::ArrayRef<int64_t> to) const {
  // Dimensions of size 1 may come and go without a copy.
  Shape from, fromStrides;
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 1) {
      from.push_back(shape[i]);
      fromStrides.push_back(strides[i]);
    }
  Shape target;
  for (int64_t size : to)
    if (size != 1)
      target.push_back(size);
  ConstTensor result = *this;
  if (from != target) {
    result = strides == denseStrides(shape) ? *this : dense();
    result.strides = denseStrides(to);
  } else {
    result.strides.clear();
    size_t at = 0;
    for (int64_t size : to)
      result.strides.push_back(size == 1 ? 0 : fromStrides[at++]);
  }
  result.shape.assign(to.begin(), to.end());
  return result;
}

void forEachRow(
    llvm::ArrayRef<int64_t> shape,
    llvm::ArrayRef<llvm::ArrayRef<int64_t>> strides,
    llvm::function_ref<void(llvm::ArrayRef<int64_t>, int64_t)> row) {
  if (countElements(shape) == 0)
    return;
  llvm::SmallVector<int64_t, 4> offsets(strides.size(), 0);
  if (shape.empty())
    return row(offsets, 1);
  Shape index(shape.size(), 0);
  while (true) {
    row(offsets, shape.back());
    size_t dim = shape.size() - 1;
    while (true) {
      if (dim == 0)
        return;
      --dim;
      for (size_t i = 0; i < strides.size(); ++i)
        offsets[i] += strides[i][dim];
      if (++index[dim] < shape[dim])
        break;
      for (size_t i = 0; i < strides.size(); ++i)
        offsets[i] -= strides[i][dim] * shape[dim];
      index[dim] = 0;
    }
  }
}

} // namespace spillway::onnximport
