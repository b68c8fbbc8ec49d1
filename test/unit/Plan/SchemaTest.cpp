//===- SchemaTest.cpp - The plan schema and what it must agree with -------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Plan/plan_generated.h"
#include "spillway/kernel.h"
#include "gtest/gtest.h"
#include <cstring>
#include <utility>

using namespace spillway::plan;

namespace {

// A launch hands the plan's types to a kernel as numbers, so they must agree.
TEST(PlanSchema, TypesHaveTheNumbersOfTheKernelInterface) {
  const std::pair<DType, spw_dtype> types[] = {
      {DType::F32, SPW_F32},  {DType::F16, SPW_F16}, {DType::BF16, SPW_BF16},
      {DType::F64, SPW_F64},  {DType::I8, SPW_I8},   {DType::U8, SPW_U8},
      {DType::I16, SPW_I16},  {DType::I32, SPW_I32}, {DType::I64, SPW_I64},
      {DType::BOOL, SPW_BOOL}};
  EXPECT_EQ(std::size(types), std::size(EnumValuesDType()));
  for (auto [inPlan, inKernel] : types)
    EXPECT_EQ(static_cast<int>(inPlan), static_cast<int>(inKernel))
        << EnumNameDType(inPlan);
}

TEST(PlanSchema, AttributesHaveTheNumbersOfTheKernelInterface) {
  const std::pair<AttrKind, spw_attr_kind> kinds[] = {
      {AttrKind::INT, SPW_ATTR_INT},
      {AttrKind::FLOAT, SPW_ATTR_FLOAT},
      {AttrKind::STRING, SPW_ATTR_STRING},
      {AttrKind::INTS, SPW_ATTR_INTS},
      {AttrKind::BYTES, SPW_ATTR_BYTES}};
  EXPECT_EQ(std::size(kinds), std::size(EnumValuesAttrKind()));
  for (auto [inPlan, inKernel] : kinds)
    EXPECT_EQ(static_cast<int>(inPlan), static_cast<int>(inKernel))
        << EnumNameAttrKind(inPlan);
}

TEST(PlanSchema, FileIdentifier) {
  EXPECT_STREQ(PlanIdentifier(), "SPIL");
  EXPECT_STREQ(PlanExtension(), "spill");
}

} // namespace
