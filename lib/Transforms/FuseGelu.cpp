//===- FuseGelu.cpp - Recognise GELU and SiLU -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINFUSEGELU
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

constexpr double kInverseSqrt2 = 0.70710678118654752,
                 kSqrt2OverPi = 0.79788456080286536, kCubic = 0.044715;

/// Factors of a product, and the number that scales it. Products are looked
/// into but for `whole`, which counts as one factor.
void collectFactors(Value value, Value whole, double &scale,
                    SmallVectorImpl<Value> &factors, int depth = 0) {
  double a = 1;
  Value lhs, rhs;
  if (value == whole || depth == 4) {
    factors.push_back(value);
  } else if (Value x = matchScaled(value, a)) {
    scale *= a;
    collectFactors(x, whole, scale, factors, depth + 1);
  } else if (Value x = matchSquare(value)) {
    collectFactors(x, whole, scale, factors, depth + 1);
    collectFactors(x, whole, scale, factors, depth + 1);
  } else if (Value x = matchUnary(value, "pow_scalar", a); x && a == 3) {
    for (int i = 0; i < 3; ++i)
      collectFactors(x, whole, scale, factors, depth + 1);
  } else if (matchBinary(value, "mul", lhs, rhs) &&
             lhs.getType() == rhs.getType()) {
    collectFactors(lhs, whole, scale, factors, depth + 1);
    collectFactors(rhs, whole, scale, factors, depth + 1);
  } else {
    factors.push_back(value);
  }
}

/// value = scale * x^power
bool isMonomial(Value value, Value x, double scale, size_t power) {
  double found = 1;
  SmallVector<Value> factors;
  collectFactors(value, x, found, factors);
  return isNear(found, scale) && factors.size() == power &&
         llvm::all_equal(factors) && (power == 0 || factors[0] == x);
}

/// inner = sqrt(2 / pi) * (x + 0.044715 x^3), which is x (1 + 0.044715 x^2)
/// too.
bool isTanhArgument(Value inner, Value x) {
  double scale = 1;
  SmallVector<Value> factors;
  collectFactors(inner, x, scale, factors);
  if (!isNear(scale, kSqrt2OverPi))
    return false;
  Value lhs, rhs;
  double one = 0;
  if (factors.size() == 1 && matchBinary(factors[0], "add", lhs, rhs))
    return (lhs == x && isMonomial(rhs, x, kCubic, 3)) ||
           (rhs == x && isMonomial(lhs, x, kCubic, 3));
  if (factors.size() != 2 || !llvm::is_contained(factors, x))
    return false;
  Value polynomial = factors[0] == x ? factors[1] : factors[0];
  Value square = matchUnary(polynomial, "add_scalar", one);
  return square && one == 1 && isMonomial(square, x, kCubic, 2);
}

/// The x that a factor 1 + erf(x / sqrt(2)) or 1 + tanh(...) speaks of; which
/// of the two in `fn`. For tanh the candidates are tried by the caller.
bool matchGate(Value factor, Value x, llvm::StringRef &fn) {
  double one = 0;
  Value sigmoid = matchUnary(factor, "add_scalar", one);
  if (!sigmoid || one != 1)
    return false;
  if (Value inner = matchUnary(sigmoid, "erf");
      inner && isMonomial(inner, x, kInverseSqrt2, 1)) {
    fn = "gelu_erf";
    return true;
  }
  if (Value inner = matchUnary(sigmoid, "tanh");
      inner && isTanhArgument(inner, x)) {
    fn = "gelu_tanh";
    return true;
  }
  return false;
}

/// root = 1/2 * x * gate(x), the three factors in any order; or x * sigmoid(x).
LogicalResult fuse(Operation *root, PatternRewriter &rewriter) {
  Value result = root->getResult(0);
  double scale = 1;
  SmallVector<Value> leaves;
  collectFactors(result, Value(), scale, leaves);
  for (Value gate : leaves) {
    // Which value is x, the gate says.
    Value inner;
    SmallVector<Value> candidates;
    double ignored = 0;
    if (Value x = matchUnary(gate, "sigmoid")) {
      candidates.push_back(x);
    } else if (Value function = matchUnary(gate, "add_scalar", ignored)) {
      inner = matchUnary(function, "erf");
      if (!inner)
        inner = matchUnary(function, "tanh");
      if (!inner)
        continue;
      double unused = 1;
      Value scaled = matchScaled(inner, unused), lhs, rhs;
      Value sum = scaled ? scaled : inner;
      candidates.push_back(sum);
      if (matchBinary(sum, "add", lhs, rhs) ||
          matchBinary(sum, "mul", lhs, rhs))
        for (Value part : {lhs, rhs}) {
          candidates.push_back(part);
          if (Value x = matchScaled(part, unused))
            candidates.push_back(x);
        }
    }
    for (Value x : candidates) {
      scale = 1;
      SmallVector<Value> factors;
      collectFactors(result, x, scale, factors);
      if (factors.size() != 2 || !llvm::is_contained(factors, x) ||
          !llvm::is_contained(factors, gate))
        continue;
      llvm::StringRef fn;
      bool silu = matchUnary(gate, "sigmoid") == x && scale == 1;
      if (!silu && !(isNear(scale, 0.5) && matchGate(gate, x, fn)))
        continue;
      if (x.getType() != result.getType())
        continue;
      rewriter.replaceOpWithNewOp<UnaryOp>(root, x, silu ? "silu" : fn);
      return success();
    }
  }
  return failure();
}

struct FuseProduct : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op,
                                PatternRewriter &rewriter) const override {
    return op.getFn() == "mul" ? fuse(op, rewriter) : failure();
  }
};

struct FuseScaledProduct : OpRewritePattern<UnaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(UnaryOp op,
                                PatternRewriter &rewriter) const override {
    return op.getFn() == "mul_scalar" ? fuse(op, rewriter) : failure();
  }
};

struct FuseGeluPass : impl::TrainFuseGeluBase<FuseGeluPass> {
  void runOnOperation() override {
    if (failed(fuse<FuseProduct, FuseScaledProduct>(getOperation())))
      signalPassFailure();
  }
};

} // namespace
} // namespace spillway
