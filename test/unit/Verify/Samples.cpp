//===- Samples.cpp - Valid plans, built by hand ---------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Samples.h"

#include <algorithm>

namespace spillway::test {
namespace {

// Adds the update of w (and m) as op 6, or 6 and 7 where both are in two
// slices.
void addUpdate(Sample &s, int slices) {
  bool hasState = slices == 2;
  uint64_t bytes = 256 * slices;
  s.w1 = s.value(bytes, "w1");
  s.tensorAt(s.w).value_out = s.w1;
  if (hasState) {
    s.m = s.tensor("m", plan::Role::STATE, plan::DType::F32, {16, 8});
    s.m1 = s.value(bytes, "m1");
    s.tensorAt(s.m).value_out = s.m1;
  }
  for (int i = 0; i < slices; ++i) {
    uint64_t offset = 256 * i;
    std::vector<plan::ViewT> inputs = {Sample::scalar(s.valueOf(s.lr)),
                                       Sample::all(s.valueOf(s.w), offset),
                                       Sample::all(s.dw)};
    std::vector<plan::ViewT> outputs = {Sample::all(s.w1, offset)};
    if (hasState) {
      inputs.push_back(Sample::all(s.valueOf(s.m), offset));
      outputs.push_back(Sample::all(s.m1, offset));
    }
    uint32_t op = s.op("sgd", inputs, outputs);
    s.opAt(op).recomputable = false;
    s.inPlace(op, 1, 0);
    if (hasState)
      s.inPlace(op, 3, 1);
  }
}

} // namespace

Sample::Sample(uint64_t deviceBytes, uint64_t hostBytes)
    : PlanBuilder(deviceBytes, hostBytes) {
  addStream("results", -1);
  x = tensor("x", plan::Role::INPUT, plan::DType::F32, {8, 8});
  lr = tensor("lr", plan::Role::HYPER, plan::DType::F32, {});
  h = value(256, "h");
  y = value(256, "y");
  loss = value(4, "loss");
  dy = value(256, "dy");
  dh = value(256, "dh");
  dw = value(256, "dw");
  w = w1 = 0;
  lossOutput = output("loss", loss);
}

// Adds w and the ops up to the gradient.
static void addStep(Sample &s, int64_t rowsOfW = 8) {
  s.w = s.tensor("w", plan::Role::PARAM, plan::DType::F32, {rowsOfW, 8});
  uint32_t x = s.valueOf(s.x), w = s.valueOf(s.w);
  s.op("matmul", {s.all(x), s.all(w)}, {s.all(s.h)});
  s.op("unary", {s.all(s.h)}, {s.all(s.y)});
  s.op("reduce", {s.all(s.y)}, {s.scalar(s.loss)});
  s.op("fill", {}, {s.all(s.dy)});
  s.op("unary_grad", {s.all(s.dy), s.all(s.h)}, {s.all(s.dh)});
  s.inPlace(4, 0, 0);
  s.op("matmul", {s.all(x), s.all(s.dh)}, {s.all(s.dw)}, 512);
}

Sample residentStep() {
  Sample s(2560, 0);
  addStep(s);
  addUpdate(s, 1);
  // x 0, w 256, h 512, y 768, dy and dh 1024, dw 1280, loss 1536, lr 1792,
  // workspace 2048.
  s.bind(s.w, s.dev(256));
  s.feedX = s.feed(s.x, s.dev(0), {7});      // x is last read by 7
  s.feedLr = s.feed(s.lr, s.dev(1792), {8}); // lr by 8
  s.launch(0, {s.dev(0), s.dev(256), s.dev(512)}, {s.feedX});
  s.launch(1, {s.dev(512), s.dev(768)});
  s.launch(2, {s.dev(768), s.dev(1536)}, {9}); // the loss was fetched
  s.launch(3, {s.dev(1024)});
  s.launch(4, {s.dev(1024), s.dev(512), s.dev(1024)});
  s.launch(5, {s.dev(0), s.dev(1024), s.dev(1280)}, {}, s.compute, s.dev(2048));
  s.launch(6, {s.dev(1792), s.dev(256), s.dev(1280), s.dev(256)}, {s.feedLr});
  s.fetchLoss = s.fetch(s.lossOutput, s.dev(1536), {4}, s.results);
  return s;
}

Sample swapStep() {
  Sample s(2048, 256);
  addStep(s);
  addUpdate(s, 1);
  // x 0, w 256, h 512 and again 768, y 768, dy and dh 512, dw 768, loss 1024,
  // lr 1280, workspace 1536; the stored h is at host 0.
  s.bind(s.w, s.dev(256));
  s.feedX = s.feed(s.x, s.dev(0), {9});
  s.feedLr = s.feed(s.lr, s.dev(1280), {10});
  s.launch(0, {s.dev(0), s.dev(256), s.dev(512)}, {s.feedX});    // 2
  uint32_t store = s.copy(s.dev(512), s.mem(0), 256, {2});       // 3
  s.launch(1, {s.dev(512), s.dev(768)});                         // 4
  s.launch(2, {s.dev(768), s.dev(1024)}, {11});                  // 5
  s.launch(3, {s.dev(512)}, {store});                            // 6: h may go
  uint32_t load = s.copy(s.mem(0), s.dev(768), 256, {store, 5}); // 7: y may go
  s.launch(4, {s.dev(512), s.dev(768), s.dev(512)}, {load});     // 8
  s.launch(5, {s.dev(0), s.dev(512), s.dev(768)}, {}, s.compute,
           s.dev(1536)); // 9: dw takes the place of h
  s.launch(6, {s.dev(1280), s.dev(256), s.dev(768), s.dev(256)},
           {s.feedLr});                                             // 10
  s.fetchLoss = s.fetch(s.lossOutput, s.dev(1024), {5}, s.results); // 11
  return s;
}

Sample recomputeStep() {
  Sample s(2048, 0);
  addStep(s);
  addUpdate(s, 1);
  // x 0, w 256, h 512, y 768; dy 768, h again 1024, dw 512; loss 1024 until it
  // is fetched.
  s.bind(s.w, s.dev(256));
  s.feedX = s.feed(s.x, s.dev(0), {9});
  s.feedLr = s.feed(s.lr, s.dev(1280), {10});
  s.launch(0, {s.dev(0), s.dev(256), s.dev(512)}, {s.feedX});       // 2
  s.launch(1, {s.dev(512), s.dev(768)});                            // 3
  s.launch(2, {s.dev(768), s.dev(1024)});                           // 4
  s.fetchLoss = s.fetch(s.lossOutput, s.dev(1024), {4}, s.results); // 5
  s.launch(3, {s.dev(768)});                                        // 6
  s.launch(0, {s.dev(0), s.dev(256), s.dev(1024)}, {5}, s.compute, {},
           true);                                     // 7
  s.launch(4, {s.dev(768), s.dev(1024), s.dev(768)}); // 8
  s.launch(5, {s.dev(0), s.dev(768), s.dev(512)}, {}, s.compute,
           s.dev(1536)); // 9
  s.launch(6, {s.dev(1280), s.dev(256), s.dev(512), s.dev(256)},
           {s.feedLr}); // 10
  return s;
}

Sample slicedStep() {
  Sample s(3328, 0);
  addStep(s, 16);
  addUpdate(s, 2);
  // As residentStep from h on; w 2304 and m 2816 of 512 bytes each. The two
  // slices of w and m are updated in place, in the other order.
  s.bind(s.w, s.dev(2304));
  s.bind(s.m, s.dev(2816));
  s.feedX = s.feed(s.x, s.dev(0), {7});
  s.feedLr = s.feed(s.lr, s.dev(1536), {9});
  s.launch(0, {s.dev(0), s.dev(2304), s.dev(512)}, {s.feedX});
  s.launch(1, {s.dev(512), s.dev(768)});
  s.launch(2, {s.dev(768), s.dev(256)}, {10});
  s.launch(3, {s.dev(1024)});
  s.launch(4, {s.dev(1024), s.dev(512), s.dev(1024)});
  s.launch(5, {s.dev(0), s.dev(1024), s.dev(1280)}, {}, s.compute, s.dev(1792));
  s.launch(7,
           {s.dev(1536), s.dev(2560), s.dev(1280), s.dev(3072), s.dev(2560),
            s.dev(3072)},
           {s.feedLr});
  s.launch(6, {s.dev(1536), s.dev(2304), s.dev(1280), s.dev(2816), s.dev(2304),
               s.dev(2816)});
  s.fetchLoss = s.fetch(s.lossOutput, s.dev(256), {4}, s.results);
  return s;
}

Sample streamedStep() {
  Sample s(3328, 512);
  addStep(s, 16);
  addUpdate(s, 2);
  // As slicedStep; m is at host 0, its slices at device 2816 and 3072.
  s.bind(s.w, s.dev(2304));
  s.bind(s.m, s.mem(0));
  s.bind(s.m, 0, 256, s.dev(2816)); // for the next step's first update
  s.feedX = s.feed(s.x, s.dev(0), {7});
  s.feedLr = s.feed(s.lr, s.dev(1536), {11});
  s.launch(0, {s.dev(0), s.dev(2304), s.dev(512)}, {s.feedX}); // 2
  s.launch(1, {s.dev(512), s.dev(768)});
  s.launch(2, {s.dev(768), s.dev(256)}, {14});
  s.launch(3, {s.dev(1024)});
  s.launch(4, {s.dev(1024), s.dev(512), s.dev(1024)});
  s.launch(5, {s.dev(0), s.dev(1024), s.dev(1280)}, {}, s.compute,
           s.dev(1792)); // 7
  // The second buffer is free since the last step stored it: wait for 12.
  uint32_t load = s.copy(s.mem(256), s.dev(3072), 256, {12}); // 8
  s.launch(6,
           {s.dev(1536), s.dev(2304), s.dev(1280), s.dev(2816), s.dev(2304),
            s.dev(2816)},
           {s.feedLr, 13});                                 // 9
  uint32_t store = s.copy(s.dev(2816), s.mem(0), 256, {9}); // 10
  s.launch(7,
           {s.dev(1536), s.dev(2560), s.dev(1280), s.dev(3072), s.dev(2560),
            s.dev(3072)},
           {load});                                                // 11
  s.copy(s.dev(3072), s.mem(256), 256, {11});                      // 12
  s.copy(s.mem(0), s.dev(2816), 256, {store});                     // 13
  s.fetchLoss = s.fetch(s.lossOutput, s.dev(256), {4}, s.results); // 14
  return s;
}

Sample assembledStep() {
  Sample s(2560, 0);
  addStep(s);
  addUpdate(s, 1);
  // h = [left | right], each 8 x 4; the copy of the right half is op 7.
  plan::ViewT left = s.view(s.h, {8, 4});
  left.strides = {8, 1};
  plan::ViewT right = left;
  right.offset = 16;
  s.opAt(0).outputs[0] = std::make_unique<plan::ViewT>(left);
  uint32_t xv = s.valueOf(s.x);
  s.op("copy", {s.view(xv, {8, 4})}, {right});
  // Ops are in frozen order.
  std::rotate(s.program.ops.begin() + 1, s.program.ops.end() - 1,
              s.program.ops.end());
  s.bind(s.w, s.dev(256));
  s.feedX = s.feed(s.x, s.dev(0), {8});
  s.feedLr = s.feed(s.lr, s.dev(1792), {9});
  s.launch(0, {s.dev(0), s.dev(256), s.dev(512)}, {s.feedX});
  s.launch(1, {s.dev(0), s.dev(528)});
  s.launch(2, {s.dev(512), s.dev(768)});
  s.launch(3, {s.dev(768), s.dev(1536)}, {10});
  s.launch(4, {s.dev(1024)});
  s.launch(5, {s.dev(1024), s.dev(512), s.dev(1024)});
  s.launch(6, {s.dev(0), s.dev(1024), s.dev(1280)}, {}, s.compute, s.dev(2048));
  s.launch(7, {s.dev(1792), s.dev(256), s.dev(1280), s.dev(256)}, {s.feedLr});
  s.fetchLoss = s.fetch(s.lossOutput, s.dev(1536), {5}, s.results);
  return s;
}

} // namespace spillway::test
