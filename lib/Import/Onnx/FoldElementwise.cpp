//===- FoldElementwise.cpp - Elementwise operators on known values --------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include <algorithm>
#include <cmath>

namespace spillway::onnximport {
namespace {

/// Evaluates element by element with broadcasting. Dimensions that every
/// operand repeats are computed once. `row(out, offsets, count, step)` fills
/// `count` results; operand i's elements are `step[i]` apart.
template <typename Row>
bool mapElements(FoldCall &call, OnnxType type,
                 llvm::ArrayRef<const ConstTensor *> operands, Row row) {
  Shape shape;
  for (const ConstTensor *operand : operands) {
    std::optional<Shape> both = broadcastShapes(shape, operand->getShape());
    if (!both)
      return call.fail("shapes " + toString(shape) + " and " +
                       toString(operand->getShape()) + " do not broadcast");
    shape = *both;
  }
  llvm::SmallVector<ConstTensor, 3> wide;
  for (const ConstTensor *operand : operands)
    wide.push_back(operand->broadcast(shape));
  Shape stored = shape;
  for (size_t dim = 0; dim < shape.size(); ++dim)
    if (llvm::all_of(wide, [&](const ConstTensor &t) {
          return t.getStrides()[dim] == 0;
        }))
      stored[dim] = std::min<int64_t>(shape[dim], 1);
  if (countElements(stored) > kMaxFoldedElements)
    return call.fail("a constant of shape " + toString(stored) +
                     " is too large to compute");
  ConstTensor result = ConstTensor::allocate(type, stored);
  llvm::SmallVector<llvm::ArrayRef<int64_t>, 3> strides;
  llvm::SmallVector<int64_t, 3> steps;
  for (const ConstTensor &operand : wide) {
    strides.push_back(operand.getStrides());
    steps.push_back(shape.empty() ? 0 : operand.getStrides().back());
  }
  int64_t at = 0;
  forEachRow(stored, strides,
             [&](llvm::ArrayRef<int64_t> offsets, int64_t count) {
               row(result, at, wide, offsets, steps, count);
               at += count;
             });
  return call.give(result.broadcast(shape));
}

using Operands = llvm::ArrayRef<ConstTensor>;
using Offsets = llvm::ArrayRef<int64_t>;

template <typename F> bool floatUnary(FoldCall &call, F function) {
  const ConstTensor &x = call.in(0);
  if (x.getStorage() != Storage::Float)
    return call.fail("expects a float operand, but found " +
                     getTypeName(x.getType()).str());
  return mapElements(call, x.getType(), {&x},
                     [&](ConstTensor &out, int64_t at, Operands in,
                         Offsets from, Offsets step, int64_t count) {
                       double *y = out.mutableFloats() + at;
                       const double *a = in[0].floats() + from[0];
                       for (int64_t i = 0; i < count; ++i)
                         y[i] =
                             roundTo(out.getType(), function(a[i * step[0]]));
                     });
}

template <typename F, typename G>
bool numberUnary(FoldCall &call, F floats, G ints) {
  const ConstTensor &x = call.in(0);
  if (x.getStorage() == Storage::Float)
    return floatUnary(call, floats);
  return mapElements(call, x.getType(), {&x},
                     [&](ConstTensor &out, int64_t at, Operands in,
                         Offsets from, Offsets step, int64_t count) {
                       for (int64_t i = 0; i < count; ++i)
                         out.mutableInts()[at + i] =
                             wrapTo(out.getType(),
                                    ints(in[0].intAt(from[0] + i * step[0])));
                     });
}

/// Folds all inputs with a binary function; `Max` and `Sum` take any number.
template <typename F, typename G>
bool numberBinary(FoldCall &call, F floats, G ints) {
  ConstTensor left = call.in(0);
  for (size_t k = 1; k < call.inputs.size(); ++k) {
    const ConstTensor &right = call.in(k);
    if (left.getStorage() != right.getStorage() ||
        left.getStorage() == Storage::Bool)
      return call.fail("operands have types " +
                       getTypeName(left.getType()).str() + " and " +
                       getTypeName(right.getType()).str());
    auto row = [&](ConstTensor &out, int64_t at, Operands in, Offsets from,
                   Offsets step, int64_t count) {
      if (out.getStorage() == Storage::Float) {
        double *y = out.mutableFloats() + at;
        const double *a = in[0].floats() + from[0],
                     *b = in[1].floats() + from[1];
        for (int64_t i = 0; i < count; ++i)
          y[i] = roundTo(out.getType(), floats(a[i * step[0]], b[i * step[1]]));
      } else {
        int64_t *y = out.mutableInts() + at;
        const int64_t *a = in[0].ints() + from[0], *b = in[1].ints() + from[1];
        for (int64_t i = 0; i < count; ++i)
          y[i] = wrapTo(out.getType(), ints(a[i * step[0]], b[i * step[1]]));
      }
    };
    if (!mapElements(call, left.getType(), {&left, &right}, row))
      return false;
    left = call.outputs.pop_back_val();
  }
  return call.give(left);
}

template <typename F> bool compare(FoldCall &call, F holds) {
  const ConstTensor &a = call.in(0), &b = call.in(1);
  bool ints = a.getStorage() == Storage::Int && b.getStorage() == Storage::Int;
  return mapElements(call, 9, {&a, &b},
                     [&](ConstTensor &out, int64_t at, Operands in,
                         Offsets from, Offsets step, int64_t count) {
                       uint8_t *y = out.mutableBools() + at;
                       for (int64_t i = 0; i < count; ++i) {
                         int64_t p = from[0] + i * step[0],
                                 q = from[1] + i * step[1];
                         y[i] =
                             ints ? holds(in[0].ints()[p], in[1].ints()[q])
                                  : holds(in[0].numberAt(p), in[1].numberAt(q));
                       }
                     });
}

template <typename F> bool logical(FoldCall &call, F function) {
  if (call.in(0).getStorage() != Storage::Bool ||
      call.in(1).getStorage() != Storage::Bool)
    return call.fail("expects bool operands");
  return mapElements(call, 9, {&call.in(0), &call.in(1)},
                     [&](ConstTensor &out, int64_t at, Operands in,
                         Offsets from, Offsets step, int64_t count) {
                       for (int64_t i = 0; i < count; ++i)
                         out.mutableBools()[at + i] =
                             function(in[0].bools()[from[0] + i * step[0]],
                                      in[1].bools()[from[1] + i * step[1]]);
                     });
}

template <typename F> bool toBool(FoldCall &call, F function) {
  return mapElements(call, 9, {&call.in(0)},
                     [&](ConstTensor &out, int64_t at, Operands in,
                         Offsets from, Offsets step, int64_t count) {
                       for (int64_t i = 0; i < count; ++i)
                         out.mutableBools()[at + i] =
                             function(in[0].numberAt(from[0] + i * step[0]));
                     });
}

bool convert(FoldCall &call, OnnxType to) {
  if (!getStorage(to))
    return call.fail("cannot convert to element type " + std::to_string(to));
  return mapElements(call, to, {&call.in(0)},
                     [&](ConstTensor &out, int64_t at, Operands in,
                         Offsets from, Offsets step, int64_t count) {
                       for (int64_t i = 0; i < count; ++i) {
                         int64_t p = from[0] + i * step[0];
                         switch (out.getStorage()) {
                         case Storage::Bool:
                           out.mutableBools()[at + i] = in[0].numberAt(p) != 0;
                           break;
                         case Storage::Int:
                           out.mutableInts()[at + i] =
                               wrapTo(to, in[0].intAt(p));
                           break;
                         case Storage::Float:
                           out.mutableFloats()[at + i] =
                               roundTo(to, in[0].numberAt(p));
                           break;
                         }
                       }
                     });
}

bool where(FoldCall &call) {
  const ConstTensor &condition = call.in(0), &a = call.in(1), &b = call.in(2);
  if (condition.getStorage() != Storage::Bool ||
      a.getStorage() != b.getStorage())
    return call.fail("expects a bool condition and branches of one type");
  return mapElements(call, a.getType(), {&condition, &a, &b},
                     [&](ConstTensor &out, int64_t at, Operands in,
                         Offsets from, Offsets step, int64_t count) {
                       for (int64_t i = 0; i < count; ++i) {
                         size_t k =
                             in[0].bools()[from[0] + i * step[0]] ? 1 : 2;
                         int64_t p = from[k] + i * step[k];
                         switch (out.getStorage()) {
                         case Storage::Bool:
                           out.mutableBools()[at + i] = in[k].bools()[p];
                           break;
                         case Storage::Int:
                           out.mutableInts()[at + i] = in[k].ints()[p];
                           break;
                         case Storage::Float:
                           out.mutableFloats()[at + i] = in[k].floats()[p];
                           break;
                         }
                       }
                     });
}

int64_t power(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1, factor = static_cast<uint64_t>(base);
  for (; exponent; exponent >>= 1, factor *= factor)
    if (exponent & 1)
      result *= factor;
  return static_cast<int64_t>(result);
}

// Wrapping arithmetic: signed overflow is undefined in C++.
int64_t wrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) +
                              static_cast<uint64_t>(b));
}
int64_t wrapSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) -
                              static_cast<uint64_t>(b));
}
int64_t wrapMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) *
                              static_cast<uint64_t>(b));
}

bool hasZero(const ConstTensor &x) {
  if (x.getStorage() != Storage::Int)
    return false;
  for (int64_t i = 0, e = x.getNumElements(); i < e; ++i)
    if (x.integer(i) == 0)
      return true;
  return false;
}

bool divide(FoldCall &call) {
  if (hasZero(call.in(1)))
    return call.fail("divides an integer by zero");
  return numberBinary(
      call, [](double a, double b) { return a / b; },
      [](int64_t a, int64_t b) { return b == -1 ? wrapSub(0, a) : a / b; });
}

bool modulo(FoldCall &call) {
  if (hasZero(call.in(1)))
    return call.fail("divides an integer by zero");
  bool truncate = call.getInt("fmod", 0) != 0;
  return numberBinary(
      call, [](double a, double b) { return std::fmod(a, b); },
      [&](int64_t a, int64_t b) {
        int64_t r = b == -1 ? 0 : a % b;
        return !truncate && r && (r < 0) != (b < 0) ? r + b : r;
      });
}

bool clip(FoldCall &call) {
  ConstTensor value = call.in(0);
  for (size_t k : {1, 2}) {
    if (!call.has(k))
      continue;
    const ConstTensor *pair[] = {&value, &call.in(k)};
    FoldCall bound(call.node, call.opset, pair);
    bool lower = k == 1;
    if (!numberBinary(
            bound,
            [&](double a, double b) {
              return lower ? std::max(a, b) : std::min(a, b);
            },
            [&](int64_t a, int64_t b) {
              return lower ? std::max(a, b) : std::min(a, b);
            }))
      return call.fail(bound.error);
    value = bound.outputs[0];
  }
  return call.give(value);
}

#define SPW_FLOAT_UNARY(name, expression)                                      \
  {name, [](FoldCall &call) {                                                  \
     return floatUnary(call, [](double x) -> double { return expression; });   \
   }}
#define SPW_NUMBER_UNARY(name, f, g)                                           \
  {name, [](FoldCall &call) {                                                  \
     return numberUnary(                                                       \
         call, [](double x) -> double { return f; },                           \
         [](int64_t x) -> int64_t { return g; });                              \
   }}
#define SPW_NUMBER_BINARY(name, f, g)                                          \
  {name, [](FoldCall &call) {                                                  \
     return numberBinary(                                                      \
         call, [](double a, double b) -> double { return f; },                 \
         [](int64_t a, int64_t b) -> int64_t { return g; });                   \
   }}
#define SPW_COMPARE(name, op)                                                  \
  {name, [](FoldCall &call) {                                                  \
     return compare(call, [](auto a, auto b) { return a op b; });              \
   }}
#define SPW_LOGICAL(name, op)                                                  \
  {name, [](FoldCall &call) {                                                  \
     return logical(call, [](bool a, bool b) -> bool { return a op b; });      \
   }}

// clang-format off
constexpr FoldEntry kFolds[] = {
    SPW_NUMBER_BINARY("Add", a + b, wrapAdd(a, b)),
    SPW_NUMBER_BINARY("Sub", a - b, wrapSub(a, b)),
    SPW_NUMBER_BINARY("Mul", a * b, wrapMul(a, b)),
    SPW_NUMBER_BINARY("Sum", a + b, wrapAdd(a, b)),
    SPW_NUMBER_BINARY("Max", std::max(a, b), std::max(a, b)),
    SPW_NUMBER_BINARY("Min", std::min(a, b), std::min(a, b)),
    {"Div", divide},
    {"Mod", modulo},
    {"Clip", clip},
    SPW_NUMBER_UNARY("Neg", -x, wrapSub(0, x)),
    SPW_NUMBER_UNARY("Abs", std::fabs(x), x < 0 ? wrapSub(0, x) : x),
    SPW_NUMBER_UNARY("Sign", (x > 0) - (x < 0), (x > 0) - (x < 0)),
    SPW_NUMBER_UNARY("Relu", std::max(x, 0.0), std::max<int64_t>(x, 0)),
    SPW_FLOAT_UNARY("Sqrt", std::sqrt(x)),
    SPW_FLOAT_UNARY("Exp", std::exp(x)),
    SPW_FLOAT_UNARY("Log", std::log(x)),
    SPW_FLOAT_UNARY("Sin", std::sin(x)),
    SPW_FLOAT_UNARY("Cos", std::cos(x)),
    SPW_FLOAT_UNARY("Tanh", std::tanh(x)),
    SPW_FLOAT_UNARY("Erf", std::erf(x)),
    SPW_FLOAT_UNARY("Sigmoid", 1 / (1 + std::exp(-x))),
    SPW_FLOAT_UNARY("Floor", std::floor(x)),
    SPW_FLOAT_UNARY("Ceil", std::ceil(x)),
    SPW_FLOAT_UNARY("Round", std::nearbyint(x)),
    SPW_FLOAT_UNARY("Reciprocal", 1 / x),
    SPW_COMPARE("Equal", ==),
    SPW_COMPARE("Less", <),
    SPW_COMPARE("LessOrEqual", <=),
    SPW_COMPARE("Greater", >),
    SPW_COMPARE("GreaterOrEqual", >=),
    SPW_LOGICAL("And", &&),
    SPW_LOGICAL("Or", ||),
    SPW_LOGICAL("Xor", !=),
    {"Not", [](FoldCall &call) { return toBool(call, [](double x) { return x == 0; }); }},
    {"IsNaN", [](FoldCall &call) { return toBool(call, [](double x) { return x != x; }); }},
    {"IsInf", [](FoldCall &call) { return toBool(call, [](double x) { return std::isinf(x); }); }},
    {"Where", where},
    {"Cast", [](FoldCall &call) { return convert(call, static_cast<OnnxType>(call.getInt("to", 0))); }},
    {"CastLike", [](FoldCall &call) { return convert(call, call.in(1).getType()); }},
    {"Pow", [](FoldCall &call) {
       // The exponent may be of another type than the base, which decides.
       if (call.in(0).getType() != call.in(1).getType()) {
         const ConstTensor *exponent[] = {&call.in(1)};
         FoldCall cast(call.node, call.opset, exponent);
         if (!convert(cast, call.in(0).getType()))
           return call.fail(cast.error);
         const ConstTensor *pair[] = {&call.in(0), &cast.outputs[0]};
         FoldCall inner(call.node, call.opset, pair);
         if (!numberBinary(inner, [](double a, double b) { return std::pow(a, b); }, power))
           return call.fail(inner.error);
         return call.give(inner.outputs[0]);
       }
       return numberBinary(call, [](double a, double b) { return std::pow(a, b); }, power);
     }},
};
// clang-format on

} // namespace

llvm::ArrayRef<FoldEntry> elementwiseFolds() { return kFolds; }

} // namespace spillway::onnximport
