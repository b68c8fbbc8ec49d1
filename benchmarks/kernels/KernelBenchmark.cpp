//===- KernelBenchmark.cpp - Times of the CPU kernels ---------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shapes of two GPT-2 training steps: the demo's (batch 8 x 256, width 384,
// 6 heads) and 124M's (batch 4 x 512, width 768, 12 heads, vocabulary 50257).
// compare.py runs this program and PyTorch side by side. SPILLWAY_THREADS is
// the number of threads (default 2).
//
//===----------------------------------------------------------------------===//

#include "conformance/CpuBackend.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <memory>

using namespace spillway::conformance;

namespace {

CpuBackend &backend() {
  const char *threads = std::getenv("SPILLWAY_THREADS");
  static CpuBackend instance(threads ? std::atoi(threads) : 2);
  return instance;
}

using Sizes = std::vector<int64_t>;

Operand operand(Sizes sizes, spw_dtype dtype = SPW_F32, Sizes strides = {}) {
  Operand result;
  result.dtype = dtype;
  result.sizes = sizes;
  result.strides = strides;
  if (strides.empty()) {
    result.strides.resize(sizes.size());
    int64_t stride = 1;
    for (size_t i = sizes.size(); i-- > 0; stride *= sizes[i])
      result.strides[i] = stride;
  }
  return result;
}

Attribute attribute(const char *name, int64_t value) {
  return {name, SPW_ATTR_INT, value};
}
Attribute attribute(const char *name, double value) {
  return {name, SPW_ATTR_FLOAT, 0, value};
}
Attribute attribute(const char *name, const char *value) {
  return {name, SPW_ATTR_STRING, 0, 0, value};
}

size_t bytesOf(const Operand &operand) {
  size_t elements = 1;
  for (size_t i = 0; i < operand.sizes.size(); ++i)
    elements += size_t((operand.sizes[i] - 1) * operand.strides[i]);
  return elements * (operand.dtype == SPW_I64    ? 8
                     : operand.dtype == SPW_BOOL ? 1
                                                 : 4);
}

/// Buffers for a case with plausible values: floats in (0, 1), ids below 128.
class Buffers {
public:
  Buffers(const Case &test, CaseLaunch &launch) {
    for (size_t i = 0; i < test.inputs.size(); ++i)
      launch.inputs[i].data = fill(test.inputs[i]);
    for (size_t i = 0; i < test.outputs.size(); ++i)
      launch.outputs[i].data = allocate(bytesOf(test.outputs[i]));
    for (auto [output, input] : test.aliases)
      launch.outputs[size_t(output)].data = launch.inputs[size_t(input)].data;
    launch.launch.workspace = allocate(launch.launch.workspace_bytes + 1);
  }
  Buffers(const Buffers &) = delete;
  ~Buffers() {
    for (void *buffer : buffers)
      backend().release(buffer);
  }

private:
  /// As in a plan, buffers start at various multiples of 256: equal low bits
  /// of all addresses would be a case of its own.
  void *allocate(size_t bytes) {
    size_t shift = buffers.size() % 8 * 1280 + 256;
    buffers.push_back(backend().allocate(bytes + shift));
    void *data = static_cast<char *>(buffers.back()) + shift;
    std::memset(data, 0, bytes);
    return data;
  }
  void *fill(const Operand &from) {
    size_t bytes = bytesOf(from);
    void *data = allocate(bytes);
    uint32_t random = 12345;
    for (size_t i = 0; i < bytes / 4 && from.dtype == SPW_F32; ++i) {
      random = random * 1664525 + 1013904223;
      static_cast<float *>(data)[i] = float((random >> 8) + 1) * 0x1p-24f;
    }
    for (size_t i = 0; i < bytes / 8 && from.dtype == SPW_I64; ++i) {
      random = random * 1664525 + 1013904223;
      static_cast<int64_t *>(data)[i] = (random >> 16) & 127;
    }
    return data;
  }

  std::vector<void *> buffers;
};

void run(benchmark::State &state, const Case &test) {
  CaseLaunch launch(test, backend());
  std::string error = launch.prepare();
  if (!error.empty()) {
    state.SkipWithError(error.c_str());
    return;
  }
  Buffers buffers(test, launch);
  for (auto _ : state)
    launch.run();
}

void add(const char *name, const char *kernel,
         std::vector<Attribute> attributes, std::vector<Operand> inputs,
         std::vector<Operand> outputs,
         std::vector<std::pair<int, int>> aliases = {}) {
  Case test{name, kernel, attributes, inputs, outputs, aliases};
  benchmark::RegisterBenchmark(name, [test](benchmark::State &state) {
    run(state, test);
  })->UseRealTime();
}

void addMatmul(const char *name, int64_t m, int64_t n, int64_t k, bool ta,
               bool tb, bool bias) {
  std::vector<Operand> inputs = {operand(ta ? Sizes{k, m} : Sizes{m, k}),
                                 operand(tb ? Sizes{n, k} : Sizes{k, n})};
  if (bias)
    inputs.push_back(operand({n}));
  add(name, "matmul",
      {attribute("transpose_a", int64_t(ta)),
       attribute("transpose_b", int64_t(tb))},
      inputs, {operand({m, n})});
}

void addAttention(const char *name, const char *gradName, int64_t b, int64_t t,
                  int64_t h, int64_t d) {
  // q, k and v lie beside each other, as one projection leaves them.
  Operand q = operand({b, t, h, d}, SPW_F32, {t * 3 * h * d, 3 * h * d, d, 1});
  Operand dense = operand({b, t, h, d}), lse = operand({b, h, t});
  std::vector<Attribute> attributes = {attribute("scale", 0.125),
                                       attribute("causal", int64_t(1)),
                                       attribute("lanes", int64_t(16))};
  add(name, "attention", attributes, {q, q, q}, {dense, lse});
  add(gradName, "attention_grad", attributes, {dense, q, q, q, dense, lse},
      {dense, dense, dense});
}

void addModel(const std::string &model, int64_t batch, int64_t tokens,
              int64_t heads, int64_t width, int64_t vocabulary) {
  static std::vector<std::unique_ptr<std::string>> names;
  auto name = [&](const char *what) {
    names.push_back(std::make_unique<std::string>(model + "/" + what));
    return names.back()->c_str();
  };
  int64_t rows = batch * tokens, inner = 4 * width;
  Operand x = operand({rows, width}), h = operand({rows, inner});
  Operand vector = operand({width}), perRow = operand({rows});
  Operand ids = operand({rows}, SPW_I64);
  Operand table = operand({vocabulary, width});
  Operand logits = operand({rows, vocabulary}), scalar = operand({});

  addMatmul(name("matmul_qkv"), rows, 3 * width, width, false, false, true);
  addMatmul(name("matmul_fc"), rows, inner, width, false, false, true);
  addMatmul(name("matmul_proj"), rows, width, inner, false, false, true);
  addMatmul(name("matmul_fc_dx"), rows, width, inner, false, true, false);
  addMatmul(name("matmul_fc_dw"), width, inner, rows, true, false, false);
  addMatmul(name("matmul_proj_dw"), inner, width, rows, true, false, false);
  addMatmul(name("matmul_out_dw"), width, width, rows, true, false, false);
  addMatmul(name("matmul_head"), rows, vocabulary, width, false, true, false);
  addMatmul(name("matmul_head_dw"), vocabulary, width, rows, true, false,
            false);
  addAttention(name("attention"), name("attention_grad"), batch, tokens, heads,
               width / heads);
  add(name("gelu_tanh"), "unary", {attribute("fn", "gelu_tanh")}, {h}, {h});
  add(name("gelu_tanh_grad"), "unary_grad", {attribute("fn", "gelu_tanh")},
      {h, h}, {h});
  add(name("gelu_erf"), "unary", {attribute("fn", "gelu_erf")}, {h}, {h});
  add(name("exp"), "unary", {attribute("fn", "exp")}, {h}, {h});
  add(name("add"), "binary", {attribute("fn", "add")}, {x, x}, {x});
  add(name("add_row"), "binary", {attribute("fn", "add")},
      {h, operand({rows, inner}, SPW_F32, {0, 1})}, {h});
  Attribute dims{"dims", SPW_ATTR_INTS};
  dims.ints = {0};
  add(name("bias_grad"), "reduce", {attribute("fn", "sum"), dims}, {h},
      {operand({1, inner})});
  add(name("layer_norm"), "layer_norm", {attribute("eps", 1e-5)},
      {x, vector, vector}, {x, perRow, perRow});
  add(name("layer_norm_grad"), "layer_norm_grad", {},
      {x, x, vector, perRow, perRow}, {x, vector, vector});
  add(name("softmax"), "softmax", {}, {h}, {h});
  add(name("embedding"), "embedding", {}, {table, ids}, {x});
  add(name("embedding_grad"), "embedding_grad", {}, {x, ids}, {table});
  add(name("cross_entropy"), "cross_entropy",
      {attribute("ignore_index", int64_t(-100))}, {logits, ids},
      {scalar, perRow, scalar});
  add(name("cross_entropy_grad"), "cross_entropy_grad",
      {attribute("ignore_index", int64_t(-100))},
      {scalar, logits, ids, perRow, scalar}, {logits}, {{0, 1}});
  add(name("copy_heads"), "copy", {},
      {operand({batch, heads, tokens, width / heads}, SPW_F32,
               {tokens * width, width / heads, width, 1})},
      {operand({batch, heads, tokens, width / heads})});
  Operand parameters = operand({12 * width * width});
  add(name("adamw"), "adamw",
      {attribute("beta1", 0.9), attribute("beta2", 0.999),
       attribute("eps", 1e-8), attribute("weight_decay", 0.01),
       attribute("groups", int64_t(1)), attribute("scaled", int64_t(0))},
      {scalar, scalar, scalar, parameters, parameters, parameters, parameters},
      {parameters, parameters, parameters}, {{0, 3}, {1, 5}, {2, 6}});
  add(name("sum_squares"), "sum_squares", {}, {parameters}, {scalar});
}

} // namespace

int main(int argc, char **argv) {
  addModel("demo", 8, 256, 6, 384, 256);
  addModel("gpt2", 4, 512, 12, 768, 50257);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
