//===- LrSchedule.cpp - The learning rate over the steps --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LrSchedule.h"
#include "Error.h"
#include "Numbers.h"

#include <algorithm>
#include <cmath>

using namespace spillway::rt;

LrSchedule::LrSchedule(const std::string &text, int64_t totalSteps)
    : steps(totalSteps) {
  auto bad = [&](const std::string &why) {
    fail("--lr-schedule=%s: %s; expected constant, linear or cosine, then "
         "optionally (warmup=W,steps=S)",
         text.c_str(), why.c_str());
  };
  size_t open = text.find('(');
  std::string name = text.substr(0, open);
  if (name == "linear")
    shape = Linear;
  else if (name == "cosine")
    shape = Cosine;
  else if (name != "constant")
    bad("unknown schedule '" + name + "'");
  if (open != std::string::npos) {
    if (text.back() != ')')
      bad("the parenthesis is not closed");
    std::string rest = text.substr(open + 1, text.size() - open - 2);
    while (!rest.empty()) {
      size_t comma = rest.find(',');
      std::string part = rest.substr(0, comma);
      rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
      size_t equals = part.find('=');
      std::string key = part.substr(0, equals);
      int64_t value;
      if (equals == std::string::npos ||
          !parseInteger(part.substr(equals + 1), value) || value < 0)
        bad("'" + part + "' is not a name and a number of steps");
      if (key == "warmup")
        warmup = value;
      else if (key == "steps")
        steps = value;
      else
        bad("unknown name '" + key + "'");
    }
  }
  if (shape != Constant && steps <= warmup)
    bad(format("%lld steps do not outlast a warm-up of %lld", (long long)steps,
               (long long)warmup));
}

double LrSchedule::factor(int64_t step) const {
  int64_t done = step - 1;
  if (done < warmup)
    return double(done + 1) / double(warmup);
  if (shape == Constant)
    return 1;
  double p = std::min(1.0, double(done - warmup) / double(steps - warmup));
  return shape == Linear ? 1 - p : 0.5 * (1 + std::cos(3.141592653589793 * p));
}
