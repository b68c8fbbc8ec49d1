//===- Order.cpp - What happens before what -------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Order.h"

#include "Fields.h"

#include <algorithm>

namespace spillway::verify {

Order::Order(const plan::Plan &plan)
    : numInstructions(sizeOf(plan.body())), numStreams(sizeOf(plan.streams())) {
  streams.reserve(numInstructions);
  for (uint32_t i = 0; i < numInstructions; ++i)
    streams.push_back(plan.body()->Get(i)->stream());

  clocks.assign((2 * size_t(numInstructions) + 1) * numStreams, 0);
  std::vector<Moment> lastOnStream(numStreams, 0);
  for (uint32_t step = 0; step < 2; ++step)
    for (uint32_t i = 0; i < numInstructions; ++i) {
      Moment now = moment(step, i);
      Moment *clock = &clocks[size_t(now) * numStreams];
      auto join = [&](Moment earlier) {
        const Moment *other = &clocks[size_t(earlier) * numStreams];
        for (uint32_t s = 0; s < numStreams; ++s)
          clock[s] = std::max(clock[s], other[s]);
      };
      join(lastOnStream[streams[i]]);
      const auto *waits = plan.body()->Get(i)->wait();
      for (uint32_t k = 0; k < sizeOf(waits); ++k) {
        uint32_t other = waits->Get(k);
        // At or after this instruction's own place: that of the step before.
        if (other < i)
          join(moment(step, other));
        else if (step > 0)
          join(moment(step - 1, other));
      }
      clock[streams[i]] = now;
      lastOnStream[streams[i]] = now;
    }
}

} // namespace spillway::verify
