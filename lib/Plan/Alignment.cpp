//===- Alignment.cpp - What FlatBuffers' verifier leaves out --------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Plan/Alignment.h"
#include "spillway/Plan/plan_generated.h"

#include <algorithm>

using namespace spillway;
using namespace spillway::plan;

/// All of schema type [long], [ulong], [double] or of structs that hold one.
template <typename T> static bool isAligned(const flatbuffers::Vector<T> *v) {
  return !v || reinterpret_cast<uintptr_t>(v->Data()) % 8 == 0;
}

template <typename T, typename Predicate>
static bool all(const flatbuffers::Vector<flatbuffers::Offset<T>> *tables,
                Predicate holds) {
  return !tables || std::all_of(tables->begin(), tables->end(), holds);
}

bool plan::hasAlignedVectors(const Plan &plan) {
  return all(plan.body(), [](const Instruction *instruction) {
    const Launch *launch = instruction->action_as_Launch();
    return !launch || isAligned(launch->operands());
  });
}

bool plan::hasAlignedVectors(const Program &program) {
  auto view = [](const View *v) {
    return isAligned(v->sizes()) && isAligned(v->strides());
  };
  auto sizes = [](const auto *table) { return isAligned(table->sizes()); };
  auto op = [&](const Op *o) {
    return all(o->inputs(), view) && all(o->outputs(), view) &&
           all(o->attrs(), [](const Attr *a) { return isAligned(a->ints()); });
  };
  return all(program.ops(), op) && all(program.tensors(), sizes) &&
         all(program.outputs(), sizes);
}
