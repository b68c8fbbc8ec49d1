//===- ConstTensor.h - A tensor known while importing -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dense values with strides, shared and never changed. A dimension of stride 0
// is repeated, not stored: masks expanded over a batch cost nothing.
//
// Elements are kept as bool (one byte), int64 (all integer types, wrapped to
// their width) or double (all float types, rounded to their precision after
// each operation, so that folding gives the numbers that the model's own
// arithmetic gives).
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_IMPORT_ONNX_CONSTTENSOR_H
#define SPILLWAY_LIB_IMPORT_ONNX_CONSTTENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace spillway::onnximport {

using Shape = llvm::SmallVector<int64_t, 6>;

/// Numbers of onnx::TensorProto::DataType.
using OnnxType = int32_t;

enum class Storage { Bool, Int, Float };

/// How elements of a type are kept; nothing for types without a number
/// (strings, complex) or narrower than a byte.
std::optional<Storage> getStorage(OnnxType type);
/// Bytes of one element, 0 for types that are not supported.
int64_t getElementBytes(OnnxType type);
/// "float32", "int64", ... as NumPy spells them.
llvm::StringRef getTypeName(OnnxType type);
/// Rounds or wraps to the type.
double roundTo(OnnxType type, double value);
int64_t wrapTo(OnnxType type, int64_t value);

int64_t countElements(llvm::ArrayRef<int64_t> shape);

class ConstTensor {
public:
  ConstTensor() = default;

  /// A dense tensor whose elements are to be filled in by the caller.
  static ConstTensor allocate(OnnxType type, llvm::ArrayRef<int64_t> shape);
  static ConstTensor splat(OnnxType type, llvm::ArrayRef<int64_t> shape,
                           double value);
  static ConstTensor ofInts(llvm::ArrayRef<int64_t> values, OnnxType type = 7);
  static ConstTensor scalarInt(int64_t value, OnnxType type = 7);
  /// From raw little-endian bytes; `bytes` has the size of the tensor.
  static ConstTensor fromBytes(OnnxType type, llvm::ArrayRef<int64_t> shape,
                               llvm::StringRef bytes);

  OnnxType getType() const { return type; }
  Storage getStorage() const { return *onnximport::getStorage(type); }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  llvm::ArrayRef<int64_t> getStrides() const { return strides; }
  int64_t getRank() const { return static_cast<int64_t>(shape.size()); }
  int64_t getNumElements() const { return countElements(shape); }
  /// Elements that are really stored for the view: dimensions of stride 0 count
  /// once.
  int64_t getStoredElements() const;

  /// Pointers to element 0 of the view, to be indexed by strides.
  const uint8_t *bools() const { return boolData->data() + offset; }
  const int64_t *ints() const { return intData->data() + offset; }
  const double *floats() const { return floatData->data() + offset; }
  /// For a tensor just made by `allocate`.
  uint8_t *mutableBools() { return boolData->data(); }
  int64_t *mutableInts() { return intData->data(); }
  double *mutableFloats() { return floatData->data(); }

  /// Element at a linear offset in strides, as a number.
  double numberAt(int64_t at) const;
  int64_t intAt(int64_t at) const;
  /// Element `index` in row-major order.
  double number(int64_t index) const { return numberAt(offsetOf(index)); }
  int64_t integer(int64_t index) const { return intAt(offsetOf(index)); }
  Shape toInts() const;

  // Views.
  ConstTensor broadcast(llvm::ArrayRef<int64_t> to) const;
  ConstTensor transpose(llvm::ArrayRef<int64_t> permutation) const;
  ConstTensor slice(int64_t axis, int64_t start, int64_t step,
                    int64_t count) const;
  /// Copies where the strides do not allow a view.
  ConstTensor reshape(llvm::ArrayRef<int64_t> to) const;
  /// The same view with every dimension of stride 0 reduced to size 1.
  ConstTensor compact() const;
  /// Repeats by stride what is equal along each of the dimensions but the last
  /// two: a mask that was computed for each sample of a batch is one mask.
  ConstTensor shareBatches() const;
  /// Row-major, nothing repeated by stride.
  ConstTensor dense() const;

private:
  int64_t offsetOf(int64_t index) const;

  OnnxType type = 0;
  Shape shape, strides;
  int64_t offset = 0;
  std::shared_ptr<std::vector<uint8_t>> boolData;
  std::shared_ptr<std::vector<int64_t>> intData;
  std::shared_ptr<std::vector<double>> floatData;
};

/// Sets element `at` of a tensor just made by `allocate` to the element of
/// `source` (of the same type) at the linear offset `from`.
void copyElement(ConstTensor &result, int64_t at, const ConstTensor &source,
                 int64_t from);

/// Calls `row(offsets, count)` for each innermost row of `shape` in row-major
/// order; `offsets` has the linear offset of the row's first element for each
/// of the `strides`.
void forEachRow(llvm::ArrayRef<int64_t> shape,
                llvm::ArrayRef<llvm::ArrayRef<int64_t>> strides,
                llvm::function_ref<void(llvm::ArrayRef<int64_t>, int64_t)> row);

} // namespace spillway::onnximport

#endif // SPILLWAY_LIB_IMPORT_ONNX_CONSTTENSOR_H
