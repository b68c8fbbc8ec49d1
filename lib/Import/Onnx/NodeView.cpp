//===- NodeView.cpp - Attributes of an ONNX node --------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeView.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace spillway::onnximport {

std::string toString(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

std::optional<Shape> broadcastShapes(llvm::ArrayRef<int64_t> a,
                                     llvm::ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  Shape result(a.begin(), a.end());
  size_t extra = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t &size = result[extra + i];
    if (size == 1)
      size = b[i];
    else if (b[i] != 1 && b[i] != size)
      return std::nullopt;
  }
  return result;
}

bool readTensor(const onnx::TensorProto &tensor, ConstTensor &result,
                std::string &error) {
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  OnnxType type = tensor.data_type();
  std::optional<Storage> storage = getStorage(type);
  if (!storage) {
    error =
        "has element type " + std::to_string(type) + ", which is not supported";
    return false;
  }
  for (int64_t size : shape)
    if (size < 0) {
      error = "has the negative size " + std::to_string(size);
      return false;
    }
  int64_t count = countElements(shape);
  auto expect = [&](int64_t found, const char *unit) {
    int64_t expected = unit[0] == 'b' ? count * getElementBytes(type) : count;
    if (found == expected)
      return true;
    error = "of shape " + toString(shape) + " needs " +
            std::to_string(expected) + " " + unit + ", but has " +
            std::to_string(found);
    return false;
  };
  if (tensor.has_raw_data()) {
    if (!expect(static_cast<int64_t>(tensor.raw_data().size()), "bytes"))
      return false;
    result = ConstTensor::fromBytes(type, shape, tensor.raw_data());
    return true;
  }
  result = ConstTensor::allocate(type, shape);
  auto copy = [&](const auto &field, auto store) {
    if (!expect(field.size(), "elements"))
      return false;
    for (int64_t i = 0; i < count; ++i)
      store(i, field.Get(static_cast<int>(i)));
    return true;
  };
  auto storeInt = [&](int64_t i, auto value) {
    if (*storage == Storage::Bool)
      result.mutableBools()[i] = value != 0;
    else
      result.mutableInts()[i] = wrapTo(type, static_cast<int64_t>(value));
  };
  switch (type) {
  case 1: // float32
    return copy(tensor.float_data(),
                [&](int64_t i, float v) { result.mutableFloats()[i] = v; });
  case 11: // float64
    return copy(tensor.double_data(),
                [&](int64_t i, double v) { result.mutableFloats()[i] = v; });
  case 7: // int64
    return copy(tensor.int64_data(), storeInt);
  case 12: // uint32, uint64
  case 13:
    return copy(tensor.uint64_data(), storeInt);
  case 10: // float16, bfloat16: their bits, in int32_data
  case 16:
    return copy(tensor.int32_data(), [&](int64_t i, int32_t bits) {
      char bytes[2] = {static_cast<char>(bits & 0xff),
                       static_cast<char>(bits >> 8 & 0xff)};
      result.mutableFloats()[i] =
          ConstTensor::fromBytes(type, {}, llvm::StringRef(bytes, 2)).number(0);
    });
  default:
    return copy(tensor.int32_data(), storeInt);
  }
}

} // namespace spillway::onnximport
