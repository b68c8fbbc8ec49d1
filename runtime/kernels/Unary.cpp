//===- Unary.cpp - unary and unary_grad -----------------------------------===//
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

#include <cstring>

namespace spillway::kernels {
namespace {

using T = float;
enum class Needs { ZERO, NONE, X, Y };

/// Whether an expression of the table reads the scalar attribute a.
constexpr bool readsScalar(std::string_view expression) {
  auto isName = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  };
  for (size_t i = 0; i < expression.size(); ++i)
    if (expression[i] == 'a' && (i == 0 || !isName(expression[i - 1])) &&
        (i + 1 == expression.size() || !isName(expression[i + 1])) &&
        !expression.substr(i).starts_with("a("))
      return true;
  return false;
}

// A row of one function. `step` is the stride of x; the result is dense.
using UnaryRow = void (*)(float *y, const float *x, int64_t step, int64_t n,
                          float a);
using GradRow = void (*)(float *dx, const float *g, int64_t gStep,
                         const float *other, int64_t step, int64_t n, float a);

struct Function {
  const char *name;
  Needs needs;
  bool takesScalar;
  UnaryRow row;
  GradRow grad;
};

#define SPW_UNARY(name, flops, needs, expression, derivative)                  \
  [[gnu::always_inline]] inline float value_##name(float x,                    \
                                                   [[maybe_unused]] float a) { \
    return expression;                                                         \
  }                                                                            \
  void row_##name(float *out, const float *in, int64_t step, int64_t n,        \
                  float a) {                                                   \
    if (step == 1) {                                                           \
      SPW_INDEPENDENT for (int64_t i = 0; i < n; ++i) out[i] =                 \
          value_##name(in[i], a);                                              \
      return;                                                                  \
    }                                                                          \
    SPW_INDEPENDENT for (int64_t i = 0; i < n; ++i) out[i] =                   \
        value_##name(in[i * step], a);                                         \
  }                                                                            \
  [[gnu::always_inline]] inline float slope_##name([[maybe_unused]] float g,   \
                                                   [[maybe_unused]] float x,   \
                                                   [[maybe_unused]] float a) { \
    [[maybe_unused]] float y = x;                                              \
    return derivative;                                                         \
  }                                                                            \
  void grad_##name(float *out, const float *gradient, int64_t gStep,           \
                   const float *other, int64_t step, int64_t n, float a) {     \
    if (gStep == 1 && step == 1) {                                             \
      SPW_INDEPENDENT for (int64_t i = 0; i < n; ++i) out[i] =                 \
          slope_##name(gradient[i], other[i], a);                              \
      return;                                                                  \
    }                                                                          \
    SPW_INDEPENDENT for (int64_t i = 0; i < n; ++i) out[i] =                   \
        slope_##name(gradient[i * gStep], other[i * step], a);                 \
  }
#include "spillway/Elementwise.def"

const Function kFunctions[] = {
#define SPW_UNARY(name, flops, needs, expression, derivative)                  \
  {#name, Needs::needs, readsScalar(#expression) || readsScalar(#derivative),  \
   row_##name, grad_##name},
#include "spillway/Elementwise.def"
};

/// The function that attribute `fn` names, and its scalar attribute.
const Function &functionOf(const Args &args, float &a) {
  std::string_view name = args.text("fn");
  for (const Function &function : kFunctions) {
    if (name != function.name)
      continue;
    a = function.takesScalar ? float(args.number("a")) : 0.0f;
    return function;
  }
  fail("attribute 'fn': expected a unary function of Elementwise.def, found "
       "'%.*s'",
       int(name.size()), name.data());
}

struct Unary {
  UnaryRow row;
  StridedWalk<2> walk;
  float a;

  explicit Unary(const Args &args) {
    args.expectInputs(1);
    args.expectOutputs(1);
    row = functionOf(args, a).row;
    const spw_tensor &x = args.input(0, "x", SPW_F32);
    const spw_tensor &y = args.output(0, "y", SPW_F32);
    args.expectSameShape(x, "x", y);
    walk = walkOver<2>({&y, &x});
  }

  void run(const spw_launch &launch) const {
    float *y = data<float>(launch.outputs[0]);
    const float *x = data<float>(launch.inputs[0]);
    parallelChunks(
        launch.pool, walk.elements(), kChunk, [&](int64_t begin, int64_t end) {
          walk.walk(begin, end, [&](const auto &offset, int64_t n) {
            row(y + offset[0], x + offset[1], walk.rowStride(1), n, a);
          });
        });
  }
};

struct UnaryGrad {
  GradRow row;
  StridedWalk<3> walk;
  float a;
  bool readsOther;
  bool isZero;

  explicit UnaryGrad(const Args &args) {
    const Function &function = functionOf(args, a);
    row = function.grad;
    isZero = function.needs == Needs::ZERO;
    readsOther = function.needs == Needs::X || function.needs == Needs::Y;
    // A launch may bring the operand although the function does not read it.
    args.expectInputs(readsOther ? 2 : 1, 2);
    args.expectOutputs(1);
    const spw_tensor &g = args.input(0, "g", SPW_F32);
    const spw_tensor &dx = args.output(0, "dx", SPW_F32);
    args.expectSameShape(g, "g", dx);
    const spw_tensor *other = &g;
    if (readsOther) {
      other = &args.input(1, "x or y", SPW_F32);
      args.expectSameShape(*other, "x or y", dx);
    }
    walk = walkOver<3>({&dx, &g, other});
  }

  void run(const spw_launch &launch) const {
    float *dx = data<float>(launch.outputs[0]);
    const float *g = data<float>(launch.inputs[0]);
    const float *other = data<float>(launch.inputs[readsOther ? 1 : 0]);
    parallelChunks(
        launch.pool, walk.elements(), kChunk, [&](int64_t begin, int64_t end) {
          if (isZero) {
            std::memset(dx + begin, 0, size_t(end - begin) * sizeof(float));
            return;
          }
          walk.walk(begin, end, [&](const auto &offset, int64_t n) {
            row(dx + offset[0], g + offset[1], walk.rowStride(1),
                other + offset[2], walk.rowStride(2), n, a);
          });
        });
  }
};

} // namespace

void addUnaryKernels(const AddKernel &add) {
  add(kernelOf<Unary>("unary"));
  add(kernelOf<UnaryGrad>("unary_grad"));
}

} // namespace spillway::kernels
