//===- LowerElementwise.cpp - Elementwise operators -----------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Lowering.h"
#include <algorithm>
#include <cmath>

using namespace mlir;

namespace spillway::onnximport {
namespace {

LogicalResult checkBroadcast(NodeLowering &n, size_t first = 0) {
  Shape shape(n.shape(first));
  for (size_t i = first + 1; i < n.numInputs(); ++i) {
    if (!n.has(i))
      return n.fail("has no input " + llvm::Twine(i));
    std::optional<Shape> both = broadcastShapes(shape, n.shape(i));
    if (!both)
      return n.fail("expected operands that broadcast, but found shapes " +
                    toString(n.shape(first)) + " and " + toString(n.shape(i)));
    shape = *both;
  }
  return success();
}

LogicalResult expectInputs(NodeLowering &n, size_t count) {
  if (n.numInputs() == count)
    return success();
  return n.fail("expected " + llvm::Twine(count) + " inputs, found " +
                llvm::Twine(n.numInputs()));
}

LogicalResult expectOneType(NodeLowering &n, size_t a, size_t b) {
  if (n.type(a) == n.type(b))
    return success();
  return n.fail("expected operands of one type, but found " +
                getTypeName(n.type(a)) + " and " + getTypeName(n.type(b)));
}

/// A function's name as a template argument.
struct Fn {
  char name[12] = {};
  template <size_t N> consteval Fn(const char (&text)[N]) {
    std::copy_n(text, N, name);
  }
};

template <Fn fn> LogicalResult lowerUnary(NodeLowering &n) {
  Value x = n.value(0);
  if (!x)
    return failure();
  if (!isa<FloatType>(NodeLowering::elementOf(x)))
    return n.fail("expected a float operand, but found " +
                  getTypeName(n.type(0)));
  return n.give(n.unary(fn.name, x));
}

/// A known operand that is one number, and whose shape does not enlarge the
/// result, becomes a scalar attribute.
std::optional<double> scalarOperand(NodeLowering &n, size_t i, size_t other) {
  if (!n.isFloat(other) || n.rank(i) > n.rank(other))
    return std::nullopt;
  std::optional<Shape> both = broadcastShapes(n.shape(i), n.shape(other));
  if (!both || ArrayRef<int64_t>(*both) != n.shape(other))
    return std::nullopt;
  return n.splat(i);
}

LogicalResult lowerBinary(NodeLowering &n, llvm::StringRef fn) {
  if (failed(checkBroadcast(n)))
    return failure();
  Value left = n.broadcastable(0);
  if (!left)
    return failure();
  for (size_t i = 1; i < n.numInputs(); ++i) {
    if (failed(expectOneType(n, 0, i)))
      return failure();
    Value right = n.broadcastable(i);
    if (!right)
      return failure();
    if (n.type(0) == 9)
      return n.fail("expected numbers, but found bool");
    left = n.binary(fn, left, right);
  }
  // Two operands may both be smaller than what their repeated dimensions say.
  Shape shape(n.shape(0));
  for (size_t i = 1; i < n.numInputs(); ++i)
    shape = *broadcastShapes(shape, n.shape(i));
  return n.give(n.broadcast(left, shape));
}

template <Fn fn> LogicalResult lowerVariadic(NodeLowering &n) {
  if (n.numInputs() == 1)
    return n.give(n.value(0));
  return lowerBinary(n, fn.name);
}

LogicalResult lowerAdd(NodeLowering &n) {
  if (failed(expectInputs(n, 2)) || failed(checkBroadcast(n)) ||
      failed(expectOneType(n, 0, 1)))
    return failure();
  for (size_t i : {1, 0})
    if (std::optional<double> a = scalarOperand(n, i, 1 - i)) {
      Value x = n.value(1 - i);
      if (!x)
        return failure();
      return n.give(*a == 0 ? x : n.unary("add_scalar", x, *a));
    }
  return lowerBinary(n, "add");
}

LogicalResult lowerSub(NodeLowering &n) {
  if (failed(expectInputs(n, 2)) || failed(checkBroadcast(n)) ||
      failed(expectOneType(n, 0, 1)))
    return failure();
  if (std::optional<double> a = scalarOperand(n, 1, 0)) {
    Value x = n.value(0);
    return !x ? failure() : n.give(*a == 0 ? x : n.unary("add_scalar", x, -*a));
  }
  if (std::optional<double> a = scalarOperand(n, 0, 1)) {
    Value x = n.value(1);
    return !x ? failure()
              : n.give(n.unary("add_scalar", n.unary("neg", x), *a));
  }
  return lowerBinary(n, "sub");
}

LogicalResult lowerMul(NodeLowering &n) {
  if (failed(expectInputs(n, 2)) || failed(checkBroadcast(n)) ||
      failed(expectOneType(n, 0, 1)))
    return failure();
  for (size_t i : {1, 0})
    if (std::optional<double> a = scalarOperand(n, i, 1 - i)) {
      Value x = n.value(1 - i);
      return !x ? failure()
                : n.give(*a == 1 ? x : n.unary("mul_scalar", x, *a));
    }
  return lowerBinary(n, "mul");
}

LogicalResult lowerDiv(NodeLowering &n) {
  if (failed(expectInputs(n, 2)) || failed(checkBroadcast(n)) ||
      failed(expectOneType(n, 0, 1)))
    return failure();
  // Only a power of two has an exact reciprocal: any other quotient stays one.
  if (std::optional<double> a = scalarOperand(n, 1, 0);
      a && std::isfinite(*a) && *a != 0) {
    int exponent = 0;
    if (std::fabs(std::frexp(*a, &exponent)) == 0.5) {
      Value x = n.value(0);
      return !x ? failure()
                : n.give(*a == 1 ? x : n.unary("mul_scalar", x, 1 / *a));
    }
  }
  if (std::optional<double> a = scalarOperand(n, 0, 1); a && *a == 1) {
    Value x = n.value(1);
    return !x ? failure() : n.give(n.unary("reciprocal", x));
  }
  return lowerBinary(n, "div");
}

LogicalResult lowerPow(NodeLowering &n) {
  if (failed(expectInputs(n, 2)) || failed(checkBroadcast(n)))
    return failure();
  std::optional<double> a = n.splat(1);
  std::optional<Shape> both = broadcastShapes(n.shape(0), n.shape(1));
  if (a && n.isFloat(0) && both && ArrayRef<int64_t>(*both) == n.shape(0)) {
    Value x = n.value(0);
    if (!x)
      return failure();
    if (*a == 1)
      return n.give(x);
    if (*a == 2)
      return n.give(n.unary("square", x));
    if (*a == 0.5)
      return n.give(n.unary("sqrt", x));
    if (*a == -1)
      return n.give(n.unary("reciprocal", x));
    if (*a == -0.5)
      return n.give(n.unary("rsqrt", x));
    return n.give(n.unary("pow_scalar", x, *a));
  }
  if (failed(expectOneType(n, 0, 1)))
    return failure();
  return lowerBinary(n, "pow");
}

template <Fn fn> LogicalResult lowerCompare(NodeLowering &n) {
  if (failed(expectInputs(n, 2)) || failed(checkBroadcast(n)) ||
      failed(expectOneType(n, 0, 1)))
    return failure();
  Value a = n.broadcastable(0), b = n.broadcastable(1);
  if (!a || !b)
    return failure();
  Type i32 = n.builder.getI32Type();
  if (n.type(0) == 9) {
    a = n.cast(a, i32);
    b = n.cast(b, i32);
  }
  return n.give(
      n.broadcast(train::CompareOp::create(n.builder, n.loc, fn.name, a, b),
                  *broadcastShapes(n.shape(0), n.shape(1))));
}

template <Fn fn> LogicalResult lowerLogical(NodeLowering &n) {
  if (failed(expectInputs(n, 2)) || failed(checkBroadcast(n)))
    return failure();
  if (n.type(0) != 9 || n.type(1) != 9)
    return n.fail("expected bool operands, but found " +
                  getTypeName(n.type(0)) + " and " + getTypeName(n.type(1)));
  Shape shape = *broadcastShapes(n.shape(0), n.shape(1));
  // What is known to be neutral goes: and with true, or and xor with false.
  bool neutral = llvm::StringRef(fn.name) == "and";
  for (size_t i : {0, 1})
    if (std::optional<double> known = n.splat(i);
        known && (*known != 0) == neutral) {
      Value other = n.value(1 - i);
      return !other ? failure() : n.give(n.broadcast(other, shape));
    }
  Value a = n.broadcastable(0), b = n.broadcastable(1);
  if (!a || !b)
    return failure();
  return n.give(n.broadcast(
      train::LogicalOp::create(n.builder, n.loc, fn.name, a, b), shape));
}

LogicalResult lowerNot(NodeLowering &n) {
  Value x = n.value(0);
  if (!x)
    return failure();
  if (n.type(0) != 9)
    return n.fail("expected a bool operand, but found " +
                  getTypeName(n.type(0)));
  Value truth = n.importer.materialize(ConstTensor::splat(9, {}, 1), n.loc);
  return n.give(train::LogicalOp::create(n.builder, n.loc, "xor", x, truth));
}

LogicalResult lowerIsNaN(NodeLowering &n) {
  Value x = n.value(0);
  return !x ? failure()
            : n.give(train::CompareOp::create(n.builder, n.loc, "ne", x, x));
}

LogicalResult lowerWhere(NodeLowering &n) {
  if (failed(expectInputs(n, 3)) || failed(checkBroadcast(n)) ||
      failed(expectOneType(n, 1, 2)))
    return failure();
  if (n.type(0) != 9)
    return n.fail("expected a bool condition, but found " +
                  getTypeName(n.type(0)));
  Shape shape =
      *broadcastShapes(*broadcastShapes(n.shape(0), n.shape(1)), n.shape(2));
  // A condition that is known and the same everywhere chooses now.
  if (std::optional<double> condition = n.splat(0)) {
    Value chosen = n.value(*condition != 0 ? 1 : 2);
    return !chosen ? failure() : n.give(n.broadcast(chosen, shape));
  }
  Value c = n.broadcastable(0), a = n.broadcastable(1), b = n.broadcastable(2);
  if (!c || !a || !b)
    return failure();
  return n.give(
      n.broadcast(train::SelectOp::create(n.builder, n.loc, c, a, b), shape));
}

LogicalResult castTo(NodeLowering &n, OnnxType to) {
  Value x = n.value(0);
  if (!x)
    return failure();
  Type element = convertType(to, n.builder.getContext());
  if (!element)
    return n.fail("casts to element type " + llvm::Twine(to) +
                  ", which is not supported");
  if (to == 9 && n.type(0) != 9) {
    Value zero =
        n.importer.materialize(ConstTensor::splat(n.type(0), {}, 0), n.loc);
    return !zero ? failure()
                 : n.give(train::CompareOp::create(n.builder, n.loc, "ne", x,
                                                   zero));
  }
  return n.give(n.cast(x, element));
}

LogicalResult lowerCast(NodeLowering &n) {
  return castTo(n, static_cast<OnnxType>(n.getInt("to", 0)));
}

LogicalResult lowerCastLike(NodeLowering &n) {
  if (failed(expectInputs(n, 2)))
    return failure();
  return castTo(n, n.type(1));
}

LogicalResult lowerGelu(NodeLowering &n) {
  Value x = n.value(0);
  if (!x)
    return failure();
  llvm::StringRef form = n.getString("approximate", "none");
  if (form != "none" && form != "tanh")
    return n.fail("expected approximate to be 'none' or 'tanh', but found '" +
                  form + "'");
  return n.give(n.unary(form == "tanh" ? "gelu_tanh" : "gelu_erf", x));
}

/// Of com.microsoft: the tanh form, with an optional bias.
LogicalResult lowerFastGelu(NodeLowering &n) {
  Value x = n.value(0);
  if (x && n.has(1)) {
    if (failed(checkBroadcast(n)))
      return failure();
    Value bias = n.value(1);
    x = bias ? n.binary("add", x, bias) : Value();
  }
  return !x ? failure() : n.give(n.unary("gelu_tanh", x));
}

LogicalResult lowerLeakyRelu(NodeLowering &n) {
  Value x = n.value(0);
  return !x ? failure()
            : n.give(n.unary("leaky_relu", x, n.getFloat("alpha", 0.01)));
}

/// x * sigmoid(alpha * x). QuickGelu is the same with another default.
LogicalResult lowerSwish(NodeLowering &n) {
  Value x = n.value(0);
  if (!x)
    return failure();
  double alpha =
      n.getFloat("alpha", n.node.op_type() == "QuickGelu" ? 1.702 : 1.0);
  if (alpha == 1.0)
    return n.give(n.unary("silu", x));
  return n.give(
      n.binary("mul", x, n.unary("sigmoid", n.unary("mul_scalar", x, alpha))));
}

LogicalResult lowerClip(NodeLowering &n) {
  Value x = n.value(0);
  if (!x)
    return failure();
  for (size_t i : {1, 2}) {
    if (!n.has(i))
      continue;
    if (n.rank(i) != 0 && countElements(n.shape(i)) != 1)
      return n.fail("expected scalar bounds, but found shape " +
                    toString(n.shape(i)));
    if (failed(expectOneType(n, 0, i)))
      return failure();
    if (i == 1 && n.isFloat(0) && n.splat(i) == 0.0) {
      x = n.unary("relu", x);
      continue;
    }
    Value bound = n.value(i);
    if (!bound)
      return failure();
    x = n.binary(i == 1 ? "max" : "min", x, n.reshape(bound, {}));
  }
  return n.give(x);
}

LogicalResult lowerIdentity(NodeLowering &n) { return n.give(n.value(0)); }

LogicalResult lowerDropout(NodeLowering &n) {
  bool training = n.has(2) && (!n.splat(2) || *n.splat(2) != 0);
  bool drops = !n.has(1) || !n.splat(1) || *n.splat(1) != 0;
  if (training && drops)
    return n.fail("drops elements in training, which is not supported: export "
                  "with dropout 0 "
                  "or in evaluation mode");
  return n.give(n.value(0));
}

constexpr LowerEntry kLowerings[] = {
    {"Neg", lowerUnary<"neg">},
    {"Abs", lowerUnary<"abs">},
    {"Sign", lowerUnary<"sign">},
    {"Floor", lowerUnary<"floor">},
    {"Sqrt", lowerUnary<"sqrt">},
    {"Reciprocal", lowerUnary<"reciprocal">},
    {"Exp", lowerUnary<"exp">},
    {"Log", lowerUnary<"log">},
    {"Sin", lowerUnary<"sin">},
    {"Cos", lowerUnary<"cos">},
    {"Tanh", lowerUnary<"tanh">},
    {"Sigmoid", lowerUnary<"sigmoid">},
    {"Softplus", lowerUnary<"softplus">},
    {"Erf", lowerUnary<"erf">},
    {"Relu", lowerUnary<"relu">},
    {"LeakyRelu", lowerLeakyRelu},
    {"Add", lowerAdd},
    {"Sub", lowerSub},
    {"Mul", lowerMul},
    {"Div", lowerDiv},
    {"Pow", lowerPow},
    {"Sum", lowerVariadic<"add">},
    {"Max", lowerVariadic<"max">},
    {"Min", lowerVariadic<"min">},
    {"Clip", lowerClip},
    {"Equal", lowerCompare<"eq">},
    {"Less", lowerCompare<"lt">},
    {"LessOrEqual", lowerCompare<"le">},
    {"Greater", lowerCompare<"gt">},
    {"GreaterOrEqual", lowerCompare<"ge">},
    {"And", lowerLogical<"and">},
    {"Or", lowerLogical<"or">},
    {"Xor", lowerLogical<"xor">},
    {"Not", lowerNot},
    {"IsNaN", lowerIsNaN},
    {"Where", lowerWhere},
    {"Cast", lowerCast},
    {"CastLike", lowerCastLike},
    {"Gelu", lowerGelu},
    {"Gelu", lowerGelu, "com.microsoft"},
    {"FastGelu", lowerFastGelu, "com.microsoft"},
    {"QuickGelu", lowerSwish, "com.microsoft"},
    {"Swish", lowerSwish},
    {"Identity", lowerIdentity},
    {"Dropout", lowerDropout},
};

} // namespace

llvm::ArrayRef<LowerEntry> elementwiseLowerings() { return kLowerings; }

} // namespace spillway::onnximport
