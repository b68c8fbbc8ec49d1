//===- LowerContraction.cpp - Matrix products and reductions --------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Lowering.h"

using namespace mlir;

namespace spillway::onnximport {
namespace {

LogicalResult expectFloats(NodeLowering &n, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!n.has(i))
      return n.fail("has no input " + llvm::Twine(i));
    if (!n.isFloat(i) || n.type(i) != n.type(0))
      return n.fail("expected float operands of one type, but found " +
                    getTypeName(n.type(0)) + " and " + getTypeName(n.type(i)));
  }
  return success();
}

/// NumPy's matmul of a (rank 1 and more) and b.
LogicalResult giveProduct(NodeLowering &n, Value a, Value b, bool transposeA,
                          bool transposeB) {
  Shape aShape(NodeLowering::shapeOf(a)), bShape(NodeLowering::shapeOf(b));
  bool rowVector = aShape.size() == 1, columnVector = bShape.size() == 1;
  if (rowVector)
    aShape.insert(aShape.begin(), 1);
  if (columnVector)
    bShape.push_back(1);
  size_t ra = aShape.size(), rb = bShape.size();
  int64_t depthA = aShape[ra - (transposeA ? 2 : 1)],
          depthB = bShape[rb - (transposeB ? 1 : 2)];
  std::optional<Shape> batch =
      broadcastShapes(ArrayRef<int64_t>(aShape).drop_back(2),
                      ArrayRef<int64_t>(bShape).drop_back(2));
  if (depthA != depthB || !batch)
    return n.fail(
        "expected operands whose inner sizes agree, but found shapes " +
        toString(NodeLowering::shapeOf(a)) + " and " +
        toString(NodeLowering::shapeOf(b)));
  a = n.reshape(a, aShape);
  b = n.reshape(b, bShape);
  int64_t rows = aShape[ra - (transposeA ? 1 : 2)],
          columns = bShape[rb - (transposeB ? 2 : 1)];
  Shape result = *batch;
  if (!rowVector)
    result.push_back(rows);
  if (!columnVector)
    result.push_back(columns);

  Value product;
  bool oneMatrix = countElements(ArrayRef<int64_t>(bShape).drop_back(2)) == 1;
  if (oneMatrix && !transposeA && ra >= rb) {
    // One weight for all rows of all batches: a plain matrix product.
    a = n.reshape(
        a, {countElements(ArrayRef<int64_t>(aShape).drop_back()), depthA});
    b = n.reshape(b, ArrayRef<int64_t>(bShape).take_back(2));
    product =
        train::MatmulOp::create(n.builder, n.loc, a, b, false, transposeB);
  } else {
    Shape wideA = *batch, wideB = *batch;
    wideA.append(aShape.end() - 2, aShape.end());
    wideB.append(bShape.end() - 2, bShape.end());
    product =
        train::MatmulOp::create(n.builder, n.loc, n.broadcast(a, wideA),
                                n.broadcast(b, wideB), transposeA, transposeB);
  }
  return n.give(n.reshape(product, result));
}

LogicalResult lowerMatMul(NodeLowering &n) {
  if (failed(expectFloats(n, 2)))
    return failure();
  if (n.rank(0) < 1 || n.rank(1) < 1)
    return n.fail("expected operands of rank 1 or more");
  Value a = n.value(0), b = n.value(1);
  return !a || !b ? failure() : giveProduct(n, a, b, false, false);
}

LogicalResult lowerFusedMatMul(NodeLowering &n) {
  if (failed(expectFloats(n, 2)))
    return failure();
  if (n.rank(0) < 2 || n.rank(1) < 2 || n.getInt("transBatchA", 0) ||
      n.getInt("transBatchB", 0))
    return n.fail("expected matrices, and no transposed batch dimensions");
  Value a = n.value(0), b = n.value(1);
  if (!a || !b ||
      failed(giveProduct(n, a, b, n.getInt("transA", 0) != 0,
                         n.getInt("transB", 0) != 0)))
    return failure();
  double alpha = n.getFloat("alpha", 1.0);
  if (alpha != 1.0)
    n.outputs[0] = n.unary("mul_scalar", n.outputs[0], alpha);
  return success();
}

LogicalResult lowerGemm(NodeLowering &n) {
  if (failed(expectFloats(n, n.has(2) ? 3 : 2)))
    return failure();
  bool transposeA = n.getInt("transA", 0) != 0,
       transposeB = n.getInt("transB", 0) != 0;
  double alpha = n.getFloat("alpha", 1.0), beta = n.getFloat("beta", 1.0);
  if (n.rank(0) != 2 || n.rank(1) != 2)
    return n.fail("expected matrices, but found shapes " +
                  toString(n.shape(0)) + " and " + toString(n.shape(1)));
  int64_t rows = n.shape(0)[transposeA ? 1 : 0],
          columns = n.shape(1)[transposeB ? 0 : 1];
  if (n.shape(0)[transposeA ? 0 : 1] != n.shape(1)[transposeB ? 1 : 0])
    return n.fail(
        "expected operands whose inner sizes agree, but found shapes " +
        toString(n.shape(0)) + " and " + toString(n.shape(1)));
  Value a = n.value(0), b = n.value(1), c;
  if (!a || !b)
    return failure();
  bool rowBias = false;
  if (n.has(2) && beta != 0) {
    std::optional<Shape> both = broadcastShapes(n.shape(2), {rows, columns});
    if (!both || *both != Shape({rows, columns}))
      return n.fail("expected a third operand that broadcasts to [" +
                    llvm::Twine(rows) + ", " + llvm::Twine(columns) +
                    "], but found shape " + toString(n.shape(2)));
    rowBias = beta == 1 && alpha == 1 && n.rank(2) >= 1 &&
              n.shape(2).back() == columns &&
              countElements(n.shape(2)) == columns;
    c = n.value(2);
    if (!c)
      return failure();
  }
  Value bias = rowBias ? n.reshape(c, {columns}) : Value();
  Value y = train::MatmulOp::create(n.builder, n.loc, a, b, transposeA,
                                    transposeB, bias);
  if (alpha != 1)
    y = n.unary("mul_scalar", y, alpha);
  if (c && !rowBias)
    y = n.binary("add", y, beta == 1 ? c : n.unary("mul_scalar", c, beta));
  return n.give(y);
}

/// The dimensions that a reduction takes away, ascending.
FailureOr<SmallVector<int64_t>> reducedDims(NodeLowering &n) {
  FailureOr<std::optional<Shape>> axes = n.intsOf(1, "axes");
  if (failed(axes))
    return failure();
  bool all = !*axes || (*axes)->empty();
  SmallVector<bool> reduced(n.rank(0),
                            all && !n.getInt("noop_with_empty_axes", 0));
  if (!all)
    for (int64_t axis : **axes) {
      std::optional<int64_t> dim = normalizeAxis(axis, n.rank(0));
      if (!dim)
        return n.fail("expected axes of a tensor of rank " +
                      llvm::Twine(n.rank(0)) + ", but found " +
                      llvm::Twine(axis));
      reduced[*dim] = true;
    }
  SmallVector<int64_t> dims;
  for (int64_t i = 0; i < n.rank(0); ++i)
    if (reduced[i])
      dims.push_back(i);
  return dims;
}

LogicalResult giveReduced(NodeLowering &n, Value x, train::Reduction kind,
                          ArrayRef<int64_t> dims) {
  if (dims.empty())
    return n.give(x);
  Value y = train::ReduceOp::create(n.builder, n.loc, x, kind, dims);
  if (!n.getInt("keepdims", 1)) {
    Shape to;
    for (int64_t i = 0; i < n.rank(0); ++i)
      if (!llvm::is_contained(dims, i))
        to.push_back(n.shape(0)[i]);
    y = n.reshape(y, to);
  }
  return n.give(y);
}

template <train::Reduction kind, bool squares = false>
LogicalResult lowerReduce(NodeLowering &n) {
  if (!n.isFloat(0))
    return n.fail("expected a float operand, but found " +
                  getTypeName(n.type(0)));
  FailureOr<SmallVector<int64_t>> dims = reducedDims(n);
  Value x = succeeded(dims) ? n.value(0) : Value();
  if (!x)
    return failure();
  return giveReduced(n, squares ? n.unary("square", x) : x, kind, *dims);
}

/// The smallest element is the negated largest of the negated.
LogicalResult lowerReduceMin(NodeLowering &n) {
  if (!n.isFloat(0))
    return n.fail("expected a float operand, but found " +
                  getTypeName(n.type(0)));
  FailureOr<SmallVector<int64_t>> dims = reducedDims(n);
  Value x = succeeded(dims) ? n.value(0) : Value();
  if (!x ||
      failed(giveReduced(n, n.unary("neg", x), train::Reduction::max, *dims)))
    return failure();
  n.outputs[0] = n.unary("neg", n.outputs[0]);
  return success();
}

LogicalResult lowerReduceL2(NodeLowering &n) {
  if (failed(lowerReduce<train::Reduction::sum, true>(n)))
    return failure();
  n.outputs[0] = n.unary("sqrt", n.outputs[0]);
  return success();
}

constexpr LowerEntry kLowerings[] = {
    {"MatMul", lowerMatMul},
    {"Gemm", lowerGemm},
    {"FusedMatMul", lowerFusedMatMul, "com.microsoft"},
    {"ReduceSum", lowerReduce<train::Reduction::sum>},
    {"ReduceMean", lowerReduce<train::Reduction::mean>},
    {"ReduceMax", lowerReduce<train::Reduction::max>},
    {"ReduceMin", lowerReduceMin},
    {"ReduceSumSquare", lowerReduce<train::Reduction::sum, true>},
    {"ReduceL2", lowerReduceL2},
};

} // namespace

llvm::ArrayRef<LowerEntry> contractionLowerings() { return kLowerings; }

} // namespace spillway::onnximport
