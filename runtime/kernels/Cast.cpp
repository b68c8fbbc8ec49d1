//===- Cast.cpp - cast and fill -------------------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between any two types. What C leaves undefined has an answer here: a float
// beyond an integer's range becomes the nearest end of it, NaN becomes 0, and
// integers wrap.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"
#include "Simd.h"
#include "Strided.h"

#include <bit>
#include <limits>
#include <type_traits>

namespace spillway::kernels {
namespace {

struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};
struct Bool {
  uint8_t value;
};

template <typename T> inline auto load(T x) { return x; }
inline float load(F16 x) { return float(std::bit_cast<_Float16>(x.bits)); }
inline float load(BF16 x) {
  return std::bit_cast<float>(uint32_t(x.bits) << 16);
}
inline uint8_t load(Bool x) { return x.value != 0; }

template <typename To, typename From> inline To convert(From x) {
  if constexpr (std::is_same_v<To, Bool>) {
    return {uint8_t(x != 0)};
  } else if constexpr (std::is_same_v<To, F16>) {
    return {std::bit_cast<uint16_t>(_Float16(x))};
  } else if constexpr (std::is_same_v<To, BF16>) {
    uint32_t bits = std::bit_cast<uint32_t>(float(x));
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    bool isNaN = (bits & 0x7fffffff) > 0x7f800000;
    return {uint16_t(isNaN ? (bits >> 16) | 0x40 : rounded)};
  } else if constexpr (std::is_integral_v<To> &&
                       std::is_floating_point_v<From>) {
    // The least value is a power of two, the greatest plus one as well.
    constexpr From low = From(std::numeric_limits<To>::min());
    constexpr From beyond =
        From(std::numeric_limits<To>::max() / 2 + 1) * From(2);
    if (!(x == x))
      return 0;
    return x >= beyond ? std::numeric_limits<To>::max()
           : x <= low  ? std::numeric_limits<To>::min()
                       : To(x);
  } else {
    return To(x);
  }
}

using Row = void (*)(void *y, const void *x, int64_t step, int64_t n);

template <typename To, typename From>
void castRow(void *y, const void *x, int64_t step, int64_t n) {
  To *to = static_cast<To *>(y);
  const From *from = static_cast<const From *>(x);
  if (step == 1) {
    for (int64_t i = 0; i < n; ++i)
      to[i] = convert<To>(load(from[i]));
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    to[i] = convert<To>(load(from[i * step]));
}

template <typename To> Row rowFrom(spw_dtype from) {
  switch (from) {
  case SPW_F32:
    return castRow<To, float>;
  case SPW_F16:
    return castRow<To, F16>;
  case SPW_BF16:
    return castRow<To, BF16>;
  case SPW_F64:
    return castRow<To, double>;
  case SPW_I8:
    return castRow<To, int8_t>;
  case SPW_U8:
    return castRow<To, uint8_t>;
  case SPW_I16:
    return castRow<To, int16_t>;
  case SPW_I32:
    return castRow<To, int32_t>;
  case SPW_I64:
    return castRow<To, int64_t>;
  case SPW_BOOL:
    return castRow<To, Bool>;
  }
  return nullptr;
}

Row rowOf(spw_dtype to, spw_dtype from) {
  switch (to) {
  case SPW_F32:
    return rowFrom<float>(from);
  case SPW_F16:
    return rowFrom<F16>(from);
  case SPW_BF16:
    return rowFrom<BF16>(from);
  case SPW_F64:
    return rowFrom<double>(from);
  case SPW_I8:
    return rowFrom<int8_t>(from);
  case SPW_U8:
    return rowFrom<uint8_t>(from);
  case SPW_I16:
    return rowFrom<int16_t>(from);
  case SPW_I32:
    return rowFrom<int32_t>(from);
  case SPW_I64:
    return rowFrom<int64_t>(from);
  case SPW_BOOL:
    return rowFrom<Bool>(from);
  }
  return nullptr;
}

struct Cast {
  Row row;
  StridedWalk<2> walk;
  int64_t toBytes, fromBytes;

  explicit Cast(const Args &args) {
    args.expectInputs(1);
    args.expectOutputs(1);
    const spw_tensor &x = args.input(0, "x");
    const spw_tensor &y = args.output(0, "y");
    args.expectSameShape(x, "x", y);
    row = rowOf(y.dtype, x.dtype);
    toBytes = dtypeBytes(y.dtype);
    fromBytes = dtypeBytes(x.dtype);
    walk = walkOver<2>({&y, &x});
  }

  void run(const spw_launch &launch) const {
    char *y = data<char>(launch.outputs[0]);
    const char *x = data<char>(launch.inputs[0]);
    parallelChunks(launch.pool, walk.elements(), kChunk,
                   [&](int64_t begin, int64_t end) {
                     walk.walk(begin, end, [&](const auto &offset, int64_t n) {
                       row(y + offset[0] * toBytes, x + offset[1] * fromBytes,
                           walk.rowStride(1), n);
                     });
                   });
  }
};

/// The value is converted to the type of the result once, then repeated.
struct Fill {
  int64_t count, bytes;
  uint64_t pattern = 0;

  explicit Fill(const Args &args) {
    args.expectInputs(0);
    args.expectOutputs(1);
    const spw_tensor &y = args.output(0, "y");
    double value = args.number("value");
    rowOf(y.dtype, SPW_F64)(&pattern, &value, 1, 1);
    count = numElements(y);
    bytes = dtypeBytes(y.dtype);
  }

  template <typename T> void fill(const spw_launch &launch) const {
    T *y = data<T>(launch.outputs[0]);
    parallelChunks(launch.pool, count, kChunk, [&](int64_t begin, int64_t end) {
      std::fill(y + begin, y + end, static_cast<T>(pattern));
    });
  }

  void run(const spw_launch &launch) const {
    switch (bytes) {
    case 1:
      return fill<uint8_t>(launch);
    case 2:
      return fill<uint16_t>(launch);
    case 4:
      return fill<uint32_t>(launch);
    default:
      return fill<uint64_t>(launch);
    }
  }
};

} // namespace

void addCastKernels(const AddKernel &add) {
  add(kernelOf<Cast>("cast"));
  add(kernelOf<Fill>("fill"));
}

} // namespace spillway::kernels
