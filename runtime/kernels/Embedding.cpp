//===- Embedding.cpp - embedding and embedding_grad -----------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ids are checked where they are loaded. One that is out of range all the same
// touches no memory: its row is NaN, which the loss shows, and its gradient
// goes nowhere.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"

#include <cmath>
#include <cstring>

namespace spillway::kernels {
namespace {

struct EmbeddingShape {
  int64_t vocabulary, columns, count;
  bool wide; // ids are i64

  /// `rows` is the tensor [ids..., D].
  EmbeddingShape(const Args &args, const spw_tensor &table,
                 const char *tableName, const spw_tensor &rows,
                 const char *rowsName) {
    const spw_tensor &ids = args.ids(1, "ids");
    args.expectInputs(2);
    args.expectOutputs(1);
    args.expectRank(table, tableName, 2);
    vocabulary = table.sizes[0];
    columns = table.sizes[1];
    count = numElements(ids);
    wide = ids.dtype == SPW_I64;
    std::vector<int64_t> sizes(ids.sizes, ids.sizes + ids.rank);
    sizes.push_back(columns);
    args.expectShape(rows, rowsName, sizes.data(), int(sizes.size()));
  }

  int64_t id(const void *ids, int64_t i) const {
    return wide ? static_cast<const int64_t *>(ids)[i]
                : static_cast<const int32_t *>(ids)[i];
  }
  bool isValid(int64_t id) const { return id >= 0 && id < vocabulary; }
};

struct Embedding : EmbeddingShape {
  explicit Embedding(const Args &args)
      : EmbeddingShape(args, args.dense(0, "table", SPW_F32), "table",
                       args.output(0, "y", SPW_F32), "y") {}

  void run(const spw_launch &launch) const {
    const float *table = data<float>(launch.inputs[0]);
    const void *ids = launch.inputs[1].data;
    float *y = data<float>(launch.outputs[0]);
    parallelRows(launch.pool, count, columns, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t row = id(ids, i);
        if (isValid(row))
          std::memcpy(y + i * columns, table + row * columns,
                      size_t(columns) * sizeof(float));
        else
          std::fill_n(y + i * columns, columns, NAN);
      }
    });
  }
};

/// Clears by rows, then each task adds a range of columns of every row of g in
/// the order of ids: even however the ids are distributed.
struct EmbeddingGrad : EmbeddingShape {
  explicit EmbeddingGrad(const Args &args)
      : EmbeddingShape(args, args.output(0, "dtable", SPW_F32), "dtable",
                       args.dense(0, "g", SPW_F32), "g") {}

  void run(const spw_launch &launch) const {
    const float *g = data<float>(launch.inputs[0]);
    const void *ids = launch.inputs[1].data;
    float *dtable = data<float>(launch.outputs[0]);
    parallelChunks(launch.pool, vocabulary * columns, 4 * kChunk,
                   [&](int64_t begin, int64_t end) {
                     std::memset(dtable + begin, 0,
                                 size_t(end - begin) * sizeof(float));
                   });
    constexpr int64_t kColumns = 64;
    parallelChunks(launch.pool, count ? columns : 0, kColumns,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = 0; i < count; ++i) {
                       int64_t row = id(ids, i);
                       if (!isValid(row))
                         continue;
                       float *to = dtable + row * columns;
                       const float *from = g + i * columns;
                       for (int64_t c = begin; c < end; ++c)
                         to[c] += from[c];
                     }
                   });
  }
};

} // namespace

void addEmbeddingKernels(const AddKernel &add) {
  add(kernelOf<Embedding>("embedding"));
  add(kernelOf<EmbeddingGrad>("embedding_grad"));
}

} // namespace spillway::kernels
