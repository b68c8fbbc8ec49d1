//===- Binary.cpp - binary, compare, logical and select -------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Math.h"
#include "Parallel.h"
#include "Simd.h"
#include "Strided.h"

#include <type_traits>

namespace spillway::kernels {
namespace {

/// out[i] = function(a[i * aStep], b[i * bStep]), with loops of their own for
/// dense operands and for a broadcast one.
template <typename Out, typename In, typename Function>
[[gnu::always_inline]] inline void mapRow(Out *out, const In *a, int64_t aStep,
                                          const In *b, int64_t bStep, int64_t n,
                                          Function function) {
  if (aStep == 1 && bStep == 1) {
    SPW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i)
      out[i] = function(a[i], b[i]);
  } else if (aStep == 1 && bStep == 0) {
    In scalar = *b;
    SPW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i)
      out[i] = function(a[i], scalar);
  } else if (aStep == 0 && bStep == 1) {
    In scalar = *a;
    SPW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i)
      out[i] = function(scalar, b[i]);
  } else {
    SPW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i)
      out[i] = function(a[i * aStep], b[i * bStep]);
  }
}

using Row = void (*)(void *out, const void *a, int64_t aStep, const void *b,
                     int64_t bStep, int64_t n);

#define SPW_BINARY(name, flops, expression)                                    \
  template <typename T>                                                        \
  void binary_##name(void *out, const void *lhs, int64_t aStep,                \
                     const void *rhs, int64_t bStep, int64_t n) {              \
    mapRow(static_cast<T *>(out), static_cast<const T *>(lhs), aStep,          \
           static_cast<const T *>(rhs), bStep, n,                              \
           [](T a, T b) -> T { return expression; });                          \
  }
#define SPW_COMPARE(name, expression)                                          \
  template <typename T>                                                        \
  void compare_##name(void *out, const void *lhs, int64_t aStep,               \
                      const void *rhs, int64_t bStep, int64_t n) {             \
    mapRow(static_cast<uint8_t *>(out), static_cast<const T *>(lhs), aStep,    \
           static_cast<const T *>(rhs), bStep, n,                              \
           [](T a, T b) -> uint8_t { return expression; });                    \
  }
#define SPW_LOGICAL(name, expression)                                          \
  void logical_##name(void *out, const void *lhs, int64_t aStep,               \
                      const void *rhs, int64_t bStep, int64_t n) {             \
    mapRow(static_cast<uint8_t *>(out), static_cast<const uint8_t *>(lhs),     \
           aStep, static_cast<const uint8_t *>(rhs), bStep, n,                 \
           [](bool a, bool b) -> uint8_t { return expression; });              \
  }
#include "spillway/Elementwise.def"

struct Entry {
  const char *name;
  Row f32, i32, i64, boolean;
};

const Entry kBinary[] = {
#define SPW_BINARY(name, flops, expression)                                    \
  {#name, binary_##name<float>, binary_##name<int32_t>,                        \
   binary_##name<int64_t>, nullptr},
#include "spillway/Elementwise.def"
};

const Entry kCompare[] = {
#define SPW_COMPARE(name, expression)                                          \
  {#name, compare_##name<float>, compare_##name<int32_t>,                      \
   compare_##name<int64_t>, compare_##name<uint8_t>},
#include "spillway/Elementwise.def"
};

const Entry kLogical[] = {
#define SPW_LOGICAL(name, expression)                                          \
  {#name, nullptr, nullptr, nullptr, logical_##name},
#include "spillway/Elementwise.def"
};

/// The three kernels of two operands differ in their table and result.
struct Map {
  Row row = nullptr;
  StridedWalk<3> walk;
  int64_t inBytes, outBytes;

  template <size_t Count>
  Map(const Args &args, const Entry (&table)[Count], const char *kind,
      bool toBool) {
    args.expectInputs(2);
    args.expectOutputs(1);
    const spw_tensor &a = args.input(0, "a");
    const spw_tensor &b = args.input(1, "b", a.dtype);
    const spw_tensor &y = args.output(0, "y", toBool ? SPW_BOOL : a.dtype);
    args.expectSameShape(a, "a", y);
    args.expectSameShape(b, "b", y);
    std::string_view name = args.text("fn");
    const Entry *found = nullptr;
    for (const Entry &entry : table)
      if (name == entry.name)
        found = &entry;
    if (!found)
      fail("attribute 'fn': expected a %s function of Elementwise.def, found "
           "'%.*s'",
           kind, int(name.size()), name.data());
    row = a.dtype == SPW_F32    ? found->f32
          : a.dtype == SPW_I32  ? found->i32
          : a.dtype == SPW_I64  ? found->i64
          : a.dtype == SPW_BOOL ? found->boolean
                                : nullptr;
    if (!row)
      fail("a: expected an element type of the %s functions, found %s", kind,
           dtypeName(a.dtype));
    inBytes = dtypeBytes(a.dtype);
    outBytes = dtypeBytes(y.dtype);
    walk = walkOver<3>({&y, &a, &b});
  }

  void run(const spw_launch &launch) const {
    char *y = data<char>(launch.outputs[0]);
    const char *a = data<char>(launch.inputs[0]);
    const char *b = data<char>(launch.inputs[1]);
    parallelChunks(launch.pool, walk.elements(), kChunk,
                   [&](int64_t begin, int64_t end) {
                     walk.walk(begin, end, [&](const auto &offset, int64_t n) {
                       row(y + offset[0] * outBytes, a + offset[1] * inBytes,
                           walk.rowStride(1), b + offset[2] * inBytes,
                           walk.rowStride(2), n);
                     });
                   });
  }
};

struct Binary : Map {
  explicit Binary(const Args &args) : Map(args, kBinary, "binary", false) {}
};
struct Compare : Map {
  explicit Compare(const Args &args) : Map(args, kCompare, "compare", true) {}
};
struct Logical : Map {
  explicit Logical(const Args &args) : Map(args, kLogical, "logical", true) {}
};

/// Moves bits only, so it is one function an element size.
struct Select {
  StridedWalk<4> walk;
  int64_t bytes;

  explicit Select(const Args &args) {
    args.expectInputs(3);
    args.expectOutputs(1);
    const spw_tensor &c = args.input(0, "c", SPW_BOOL);
    const spw_tensor &a = args.input(1, "a");
    const spw_tensor &b = args.input(2, "b", a.dtype);
    const spw_tensor &y = args.output(0, "y", a.dtype);
    args.expectSameShape(c, "c", y);
    args.expectSameShape(a, "a", y);
    args.expectSameShape(b, "b", y);
    bytes = dtypeBytes(y.dtype);
    walk = walkOver<4>({&y, &c, &a, &b});
  }

  template <typename T> void select(const spw_launch &launch) const {
    T *y = data<T>(launch.outputs[0]);
    const uint8_t *c = data<uint8_t>(launch.inputs[0]);
    const T *a = data<T>(launch.inputs[1]);
    const T *b = data<T>(launch.inputs[2]);
    int64_t cs = walk.rowStride(1), as = walk.rowStride(2),
            bs = walk.rowStride(3);
    parallelChunks(launch.pool, walk.elements(), kChunk,
                   [&](int64_t begin, int64_t end) {
                     walk.walk(begin, end, [&](const auto &offset, int64_t n) {
                       T *yRow = y + offset[0];
                       const uint8_t *cRow = c + offset[1];
                       const T *aRow = a + offset[2], *bRow = b + offset[3];
                       if (cs == 1 && as == 1 && bs == 1) {
                         SPW_INDEPENDENT
                         for (int64_t i = 0; i < n; ++i)
                           yRow[i] = cRow[i] ? aRow[i] : bRow[i];
                         return;
                       }
                       for (int64_t i = 0; i < n; ++i)
                         yRow[i] = cRow[i * cs] ? aRow[i * as] : bRow[i * bs];
                     });
                   });
  }

  void run(const spw_launch &launch) const {
    switch (bytes) {
    case 1:
      return select<uint8_t>(launch);
    case 2:
      return select<uint16_t>(launch);
    case 4:
      return select<uint32_t>(launch);
    default:
      return select<uint64_t>(launch);
    }
  }
};

} // namespace

void addBinaryKernels(const AddKernel &add) {
  add(kernelOf<Binary>("binary"));
  add(kernelOf<Compare>("compare"));
  add(kernelOf<Logical>("logical"));
  add(kernelOf<Select>("select"));
}

} // namespace spillway::kernels
