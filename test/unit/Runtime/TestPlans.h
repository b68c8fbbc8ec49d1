//===- TestPlans.h - Plans that the runtime's tests run ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_UNIT_RUNTIME_TESTPLANS_H
#define SPILLWAY_TEST_UNIT_RUNTIME_TESTPLANS_H

#include "../Support/PlanBuilder.h"

namespace spillway::test {

constexpr int64_t tinyVocabulary = 16, tinyWidth = 4, tinyBatch = 2,
                  tinyLength = 4;

/// What a test may want to change in `tinyPlan`.
struct TinyIndices {
  uint32_t ids, labels, w, m, lr, step; // tensors
  uint32_t gradOp, updateOp;
  uint32_t loadM, grad, update, storeM, fetch; // instructions
};

/// One parameter "w" on the device, its moment "w.exp_avg" on the host, loaded
/// and stored in each step; tokens and labels fed through the host. "w" has no
/// initial values.
inline PlanBuilder tinyPlan(TinyIndices *indices = nullptr) {
  using plan::DType;
  using plan::Role;
  TinyIndices at;
  PlanBuilder b(4096, 4096);
  PlanBuilder::Sizes tokens = {tinyBatch, tinyLength};
  PlanBuilder::Sizes matrix = {tinyVocabulary, tinyWidth};
  at.ids = b.tensor("input_ids", Role::INPUT, DType::I32, tokens);
  b.tensorAt(at.ids).vocabulary = tinyVocabulary;
  at.labels = b.tensor("labels", Role::INPUT, DType::I32, tokens);
  b.tensorAt(at.labels).vocabulary = tinyVocabulary;
  b.tensorAt(at.labels).ignore_index = -100;
  at.w = b.tensor("w", Role::PARAM, DType::F32, matrix);
  at.m = b.tensor("w.exp_avg", Role::STATE, DType::F32, matrix);
  at.lr = b.tensor("lr", Role::HYPER, DType::F32, {}, 0.125);
  at.step = b.tensor("step", Role::HYPER, DType::I64, {});
  b.program.tokens_per_step = uint64_t(tinyBatch * tinyLength);

  uint32_t g = b.value(256, "g"), loss = b.value(4, "loss");
  uint32_t newW = b.value(256, "w'"), newM = b.value(256, "m'");
  b.tensorAt(at.w).value_out = newW;
  b.tensorAt(at.m).value_out = newM;
  b.output("loss", loss);
  auto ints = [&](uint32_t tensor) {
    return b.view(b.valueOf(tensor), tokens, DType::I32);
  };
  auto scalar = [&](uint32_t tensor, DType dtype) {
    return b.view(b.valueOf(tensor), {}, dtype);
  };
  at.gradOp =
      b.op("test_grad",
           {b.view(b.valueOf(at.w), matrix), ints(at.ids), ints(at.labels)},
           {b.view(g, matrix), b.view(loss, {})});
  at.updateOp = b.op("test_update",
                     {scalar(at.lr, DType::F32), scalar(at.step, DType::I64),
                      b.view(b.valueOf(at.w), matrix), b.view(g, matrix),
                      b.view(b.valueOf(at.m), matrix)},
                     {b.view(newW, matrix), b.view(newM, matrix)});
  b.opAt(at.updateOp).in_place = {plan::InPlace(2, 0), plan::InPlace(4, 1)};
  b.opAt(at.updateOp).recomputable = false;

  // Device: w, m, g, loss, ids, labels, lr, step. Host: m, then the fed ones.
  auto device = [&](uint64_t slot) { return b.at(0, slot * 256); };
  auto host = [&](uint64_t slot) { return b.at(1, slot * 256); };
  b.bind(at.w, device(0));
  b.bind(at.m, host(0));
  // A wait for a later instruction is one for the step before: what is fed was
  // read by a copy then, what is copied by a kernel.
  const uint32_t grad = 9, update = 10, storeM = 11, fetch = 12;
  uint32_t feedIds = b.feed(at.ids, host(1), {4});
  uint32_t feedLabels = b.feed(at.labels, host(2), {5});
  uint32_t feedLr = b.feed(at.lr, host(3), {6});
  uint32_t feedStep = b.feed(at.step, host(4), {7});
  b.copy(host(1), device(4), 32, {feedIds, grad});
  b.copy(host(2), device(5), 32, {feedLabels, grad});
  b.copy(host(3), device(6), 4, {feedLr, update});
  b.copy(host(4), device(7), 8, {feedStep, update});
  at.loadM = b.copy(host(0), device(1), 256, {storeM});
  at.grad = b.launch(at.gradOp,
                     {device(0), device(4), device(5), device(2), device(3)},
                     {5, fetch});
  at.update = b.launch(at.updateOp,
                       {device(6), device(7), device(0), device(2), device(1),
                        device(0), device(1)},
                       {at.loadM});
  at.storeM = b.copy(device(1), host(0), 256, {at.update});
  at.fetch = b.fetch(0, device(3), {at.grad});
  if (indices)
    *indices = at;
  return b;
}

/// Lets a tensor of floats start as `start` everywhere, inline in the plan.
inline void setInline(PlanBuilder &b, uint32_t tensor, float start) {
  std::vector<float> data(
      b.program.values[b.valueOf(tensor)]->bytes / sizeof(float), start);
  b.setData(tensor, data.data(), data.size() * sizeof(float));
}

/// `n` (even, or 1) kernels of `busyNs` each, each of which reads one of `n`
/// weights of `bytes` each, loaded in turn into two slots. The loss is n.
inline PlanBuilder overlapPlan(uint32_t n, int64_t busyNs, uint64_t bytes,
                               double bytesPerSecond,
                               const std::string &kernel = "test_busy") {
  using plan::DType;
  using plan::Role;
  uint64_t slot = (bytes + 255) / 256 * 256;
  PlanBuilder b(2 * slot + (n + 1) * 256, n * slot, bytesPerSecond);
  auto count = int64_t(bytes / 4);
  std::vector<uint32_t> weights;
  for (uint32_t i = 0; i < n; ++i) {
    weights.push_back(
        b.tensor("w" + std::to_string(i), Role::PARAM, DType::F32, {count}));
    setInline(b, weights[i], 1);
    b.bind(weights[i], b.at(1, i * slot));
  }
  uint32_t zero = b.tensor("zero", Role::CONSTANT, DType::F32, {});
  setInline(b, zero, 0);
  auto scalarAt = [&](uint32_t i) {
    return b.at(0, 2 * slot + uint64_t(i) * 256);
  };
  b.bind(zero, scalarAt(0));
  uint32_t y = b.valueOf(zero);
  // Copy i is instruction 2 i, kernel i is 2 i + 1; the fetch is the last.
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t next = b.value(4, "y" + std::to_string(i));
    uint32_t op =
        b.op(kernel, {b.view(b.valueOf(weights[i]), {count}), b.view(y, {})},
             {b.view(next, {})});
    b.attr(op, "busy_ns", busyNs);
    y = next;
    uint32_t lastReader = 2 * ((i + n - 2) % n) + 1;
    b.copy(b.at(1, i * slot), b.at(0, i % 2 * slot), bytes, {lastReader});
    std::vector<uint32_t> wait = {2 * i};
    if (i + 1 == n)
      wait.push_back(2 * n);
    b.launch(op, {b.at(0, i % 2 * slot), scalarAt(i), scalarAt(i + 1)}, wait);
  }
  b.output("loss", y);
  b.fetch(0, scalarAt(n), {2 * n - 1});
  return b;
}

} // namespace spillway::test

#endif // SPILLWAY_TEST_UNIT_RUNTIME_TESTPLANS_H
