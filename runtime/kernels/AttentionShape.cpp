//===- AttentionShape.cpp - What attention and its gradient share ---------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention.h"

#include "spillway/KernelWorkspace.h"

#include <climits>
#include <cmath>

using namespace spillway::kernels;

HeadsOperand::HeadsOperand(const spw_tensor &tensor, const char *name) {
  int64_t size = tensor.sizes[3];
  if (size > 1 && tensor.strides[3] != 1)
    fail("%s: expected a last stride of 1, found %lld; copy it first", name,
         (long long)tensor.strides[3]);
  batchStride = tensor.strides[0];
  rowStride = tensor.sizes[1] > 1 ? tensor.strides[1] : size;
  headStride = tensor.strides[2];
  if (rowStride < size || rowStride > INT_MAX)
    fail("%s: expected a stride of at least %lld between rows, found %lld; "
         "copy it first",
         name, (long long)size, (long long)rowStride);
}

AttentionShape::AttentionShape(const Args &args, int first, int maskAt) {
  const spw_tensor &qt = args.input(first, "q", SPW_F32);
  const spw_tensor &kt = args.input(first + 1, "k", SPW_F32);
  const spw_tensor &vt = args.input(first + 2, "v", SPW_F32);
  args.expectRank(qt, "q", 4);
  args.expectRank(kt, "k", 4);
  batch = qt.sizes[0];
  queries = qt.sizes[1];
  heads = qt.sizes[2];
  size = qt.sizes[3];
  keys = kt.sizes[1];
  kvHeads = kt.sizes[2];
  args.expectShape(kt, "k", {batch, keys, kvHeads, size});
  args.expectShape(vt, "v", {batch, keys, kvHeads, size});
  if (size < 1 || heads < 1 || kvHeads < 1 || heads % kvHeads)
    fail("k: expected a number of heads that divides the %lld of q, and heads "
         "of at least 1 element, found %s",
         (long long)heads, describe(kt).c_str());
  q = {qt, "q"};
  k = {kt, "k"};
  v = {vt, "v"};
  scale = float(args.number("scale"));
  causal = args.integer("causal") != 0;
  lanes = args.lanes();
  queryBlock = std::max<int64_t>(1, workspace::attentionQueryBlock(queries));
  keyBlock = std::max<int64_t>(1, workspace::attentionKeyBlock(keys));
  scoreBytes = workspace::alignUp(queryBlock * keyBlock * 4);

  if (args.numInputs() <= maskAt)
    return;
  const spw_tensor &maskTensor = args.input(maskAt, "mask");
  if (maskTensor.dtype != SPW_F32 && maskTensor.dtype != SPW_BOOL)
    fail("mask: expected f32 or bool, found %s", dtypeName(maskTensor.dtype));
  mask = maskTensor.dtype == SPW_BOOL ? BOOLS : FLOATS;
  args.expectShape(maskTensor, "mask", {batch, heads, queries, keys});
  for (int i = 0; i < 4; ++i)
    maskStride[i] = maskTensor.strides[i];
}

void AttentionShape::maskRow(const void *data, float *scores, int64_t b,
                             int64_t head, int64_t query, int64_t key,
                             int64_t n) const {
  int64_t at = b * maskStride[0] + head * maskStride[1] +
               query * maskStride[2] + key * maskStride[3];
  int64_t step = maskStride[3];
  if (mask == BOOLS) {
    const uint8_t *row = static_cast<const uint8_t *>(data) + at;
    for (int64_t i = 0; i < n; ++i)
      scores[i] = row[i * step] ? scores[i] : -INFINITY;
  } else if (mask == FLOATS) {
    const float *row = static_cast<const float *>(data) + at;
    for (int64_t i = 0; i < n; ++i)
      scores[i] += row[i * step];
  }
}
