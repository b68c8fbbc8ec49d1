//===- ResidenceTest.cpp - What stays where the host is short ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/Residence.h"
#include "PlacedTest.h"
#include "Planner/GapGreedy.h"
#include "Planner/HomeTiers.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

TEST(Residence, TheHostIsShortWhereItCannotHoldTheState) {
  LayerChain c = makeLayerChain(
      {.layers = 4, .parameter = 100, .state = 200, .nvme = true});
  Analysis a(c.problem); // 1200 bytes, and those that are live with them
  EXPECT_TRUE(hostIsShort(a, {0, 1250, unlimited}));
  EXPECT_FALSE(hostIsShort(a, {0, 10000, unlimited}));
  EXPECT_FALSE(hostIsShort(a, {0, unlimited, unlimited}));
  LayerChain two = makeLayerChain({.layers = 4});
  EXPECT_FALSE(hostIsShort(Analysis(two.problem), {0, 1}));
}

TEST(Residence, ParametersStayFirstThenStateOfEachStretch) {
  LayerChain c = makeLayerChain(
      {.layers = 8, .parameter = 100, .state = 200, .nvme = true});
  Analysis a(c.problem);
  auto stays = [&](const std::vector<uint32_t> &list, uint64_t bytes,
                   uint32_t first, uint32_t last) {
    std::vector<Residence> r = chooseResidence(a, bytes);
    uint32_t n = 0;
    for (uint32_t l = first; l < last; ++l)
      n += r[list[l]] == Residence::Stays;
    return n;
  };
  EXPECT_EQ(stays(c.w, 0, 0, 8), 0u);
  EXPECT_EQ(stays(c.w, 400, 0, 8), 4u);
  EXPECT_EQ(stays(c.w, 400, 0, 4), 2u);
  EXPECT_EQ(stays(c.m, 400, 0, 8), 0u);
  EXPECT_EQ(stays(c.w, 1600, 0, 8), 8u);
  EXPECT_EQ(stays(c.m, 1600, 0, 8), 4u);
  EXPECT_EQ(stays(c.m, 1600, 4, 8), 2u);
  // What has a home is not asked; what is made in the step neither.
  c.problem.storages[c.w[0]].home = 1;
  std::vector<Residence> r = chooseResidence(Analysis(c.problem), 800);
  EXPECT_EQ(r[c.w[0]], Residence::Open);
  EXPECT_EQ(r[c.y[0]], Residence::Open);
}

TEST(Residence, WhatStaysIsKeptAndTheRestLeaves) {
  LayerChain c = makeLayerChain({.layers = 8,
                                 .activation = 10,
                                 .inner = 10,
                                 .parameter = 100,
                                 .state = 200,
                                 .nvme = true});
  for (Operator &op : c.problem.operators)
    op.costNs = {1000};
  Analysis a(c.problem);
  std::vector<Residence> residence = chooseResidence(a, 800);
  GreedyOptions options;
  options.residence = &residence;
  Decisions d = chooseGaps(a, options, {1600, 900, unlimited});
  uint32_t home[3] = {};
  for (uint32_t l = 0; l < 8; ++l) {
    EXPECT_EQ(d.home[c.w[l]], 0u) << l;
    EXPECT_NE(d.home[c.m[l]], 0u) << l;
    ++home[d.home[c.m[l]]];
  }
  EXPECT_GE(home[1], 3u);
  EXPECT_GE(home[2], 3u);
  // The drive gets some of either half: it is used throughout.
  uint32_t early = 0;
  for (uint32_t l = 0; l < 4; ++l)
    early += d.home[c.m[l]] == 2;
  EXPECT_NEAR(early, home[2] / 2.0, 1);
}
