//===- LowerAttention.cpp - Attention and rotary embedding ----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Lowering.h"
#include <cmath>

using namespace mlir;

namespace spillway::onnximport {
namespace {

/// Operand `i` as [B, T, H, D]: from [B, H, T, D], or from [B, T, H * D] with
/// the number of heads as an attribute.
FailureOr<Value> headsOf(NodeLowering &n, size_t i, llvm::StringRef attribute) {
  ArrayRef<int64_t> shape = n.shape(i);
  int64_t heads = n.getInt(attribute, 0);
  if (n.rank(i) != 4 && (n.rank(i) != 3 || heads < 1 || shape[2] % heads))
    return n.fail("expected operand " + llvm::Twine(i) +
                  " of rank 4, or of rank 3 with heads (attribute " +
                  attribute + ") that divide its last size, but found shape " +
                  toString(shape));
  Value x = n.value(i);
  if (!x)
    return failure();
  if (n.rank(i) == 4)
    return n.transpose(x, {0, 2, 1, 3});
  return n.reshape(x, {shape[0], shape[1], heads, shape[2] / heads});
}

LogicalResult lowerAttention(NodeLowering &n) {
  if (!n.has(1) || !n.has(2))
    return n.fail("expected query, key and value");
  for (size_t i : {4, 5, 6})
    if (n.has(i))
      return n.fail(
          "has a cache of past keys and values, which a training step has not");
  if (n.getFloat("softcap", 0.0) != 0.0)
    return n.fail("has a softcap, which is not supported");
  for (size_t i : {0, 1, 2})
    if (!n.isFloat(i) || n.type(i) != n.type(0))
      return n.fail("expected float operands of one type");
  auto q = headsOf(n, 0, "q_num_heads");
  if (failed(q))
    return failure();
  auto k = headsOf(n, 1, "kv_num_heads");
  if (failed(k))
    return failure();
  auto v = headsOf(n, 2, "kv_num_heads");
  if (failed(v))
    return failure();
  ArrayRef<int64_t> qs = NodeLowering::shapeOf(*q),
                    ks = NodeLowering::shapeOf(*k),
                    vs = NodeLowering::shapeOf(*v);
  if (qs[0] != ks[0] || ks[0] != vs[0] || ks[1] != vs[1] || ks[2] != vs[2] ||
      qs[3] != ks[3] || ks[3] != vs[3] || ks[2] == 0 || qs[2] % ks[2])
    return n.fail("expected queries, keys and values [B, T, H, D] that agree, "
                  "but found " +
                  toString(qs) + ", " + toString(ks) + " and " + toString(vs));
  Value mask;
  if (n.has(3)) {
    Shape scores = {qs[0], qs[2], qs[1], ks[1]};
    std::optional<Shape> both = broadcastShapes(n.shape(3), scores);
    if (!both || *both != scores)
      return n.fail("expected a mask that broadcasts to " + toString(scores) +
                    ", but found shape " + toString(n.shape(3)));
    mask = n.broadcastable(3);
    if (!mask)
      return failure();
  }
  double scale = n.getFloat("scale", 0.0);
  if (scale == 0.0)
    scale = 1 / std::sqrt(static_cast<double>(qs[3]));
  auto attention = train::AttentionOp::create(
      n.builder, n.loc, *q, *k, *v, mask, n.builder.getF64FloatAttr(scale),
      n.builder.getBoolAttr(n.getInt("is_causal", 0) != 0));
  Value y = attention.getResult();
  if (n.rank(0) == 3)
    return n.give(n.reshape(y, n.shape(0)));
  return n.give(n.transpose(y, {0, 2, 1, 3}));
}

/// cos or sin [.., D / 2] as the kernel's [T, D] or [B, T, D].
Value widen(NodeLowering &n, Value half, bool interleaved) {
  Shape shape(NodeLowering::shapeOf(half));
  int64_t last = static_cast<int64_t>(shape.size()) - 1;
  if (!interleaved)
    return n.concat({half, half}, last);
  Shape pairs(shape), wide(shape);
  pairs.push_back(1);
  wide.push_back(2);
  shape[last] *= 2;
  return n.reshape(n.broadcast(n.reshape(half, pairs), wide), shape);
}

LogicalResult lowerRotary(NodeLowering &n) {
  if (!n.has(1) || !n.has(2) || n.shape(1) != n.shape(2))
    return n.fail("expected cos and sin caches of one shape");
  if (n.getInt("rotary_embedding_dim", 0))
    return n.fail("rotates a part of the head only, which is not supported");
  auto x = headsOf(n, 0, "num_heads");
  if (failed(x))
    return failure();
  ArrayRef<int64_t> shape = NodeLowering::shapeOf(*x);
  int64_t batch = shape[0], length = shape[1], half = shape[3] / 2;
  bool interleaved = n.getInt("interleaved", 0) != 0;
  SmallVector<Value> tables;
  for (size_t i : {1, 2}) {
    Value table = n.broadcastable(i);
    if (!table)
      return failure();
    if (n.has(3)) {
      // [positions, D / 2], looked up by position ids [B, T].
      Value table2 = n.value(i), ids = n.value(3);
      if (!table2 || !ids)
        return failure();
      if (n.rank(i) != 2 || n.shape(i).back() != half ||
          n.shape(3) != ArrayRef<int64_t>({batch, length}))
        return n.fail("expected caches [N, " + llvm::Twine(half) +
                      "] and position ids [" + llvm::Twine(batch) + ", " +
                      llvm::Twine(length) + "], but found " +
                      toString(n.shape(i)) + " and " + toString(n.shape(3)));
      table = train::EmbeddingOp::create(n.builder, n.loc, table2, ids);
    } else {
      Shape expected = {batch, length, half};
      // One row of positions may stand for the whole batch.
      std::optional<Shape> both = broadcastShapes(n.shape(i), expected);
      if (n.rank(i) != 3 || !both || *both != expected)
        return n.fail("expected caches " + toString(expected) + ", but found " +
                      toString(n.shape(i)));
      bool shared = NodeLowering::shapeOf(table)[0] == 1;
      table = shared ? n.reshape(n.broadcast(table, {1, length, half}),
                                 {length, half})
                     : n.broadcast(table, expected);
    }
    tables.push_back(widen(n, table, interleaved));
  }
  Value y = train::RopeOp::create(n.builder, n.loc, *x, tables[0], tables[1],
                                  n.builder.getBoolAttr(false),
                                  n.builder.getBoolAttr(interleaved));
  if (n.rank(0) == 3)
    return n.give(n.reshape(y, n.shape(0)));
  return n.give(n.transpose(y, {0, 2, 1, 3}));
}

constexpr LowerEntry kLowerings[] = {
    {"Attention", lowerAttention},
    {"RotaryEmbedding", lowerRotary},
};

} // namespace

llvm::ArrayRef<LowerEntry> attentionLowerings() { return kLowerings; }

} // namespace spillway::onnximport
