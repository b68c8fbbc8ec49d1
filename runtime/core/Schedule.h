//===- Schedule.h - The steady step, ready to run ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan's body turned into what the loop needs: one list an stream, waits as
// positions on streams, operands as checked addresses. Building it rejects
// every index, size and address that leads out of the plan or of an arena, so
// that running a schedule cannot. (That its order makes sense is what the plan
// verifier proves.)
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_SCHEDULE_H
#define SPILLWAY_RUNTIME_CORE_SCHEDULE_H

#include "PlanFile.h"
#include "Types.h"

#include <cstdint>
#include <string>
#include <vector>

namespace spillway::rt {

struct Address {
  uint32_t tier = 0;
  uint64_t offset = 0;
};

/// `position` instructions of `stream` must be done, in this step or, where
/// `previousStep`, in the one before.
struct Wait {
  uint32_t stream;
  uint32_t position;
  bool previousStep;
};

/// The last byte but one that an instruction touches on a tier.
struct Touch {
  uint32_t tier;
  uint64_t end;
};

enum class ActionKind : uint8_t { Launch, Copy, Feed, Fetch };

struct Instruction {
  ActionKind kind;
  uint32_t index;      // in Plan.body
  uint32_t subject;    // of launches, tensors or outputs
  Address source;      // Copy, Fetch
  Address destination; // Copy, Feed
  uint64_t bytes = 0;
  std::vector<Wait> waits; // at most one a stream and step
  std::vector<Touch> touches;
};

struct Operand {
  Address address;
  DType dtype;
  // Into the program; as many as `rank`.
  const int64_t *sizes;
  const int64_t *strides;
  int32_t rank;
};

struct Launch {
  const plan::Op *op;
  std::vector<Operand> inputs;
  std::vector<Operand> outputs;
  Address workspace;
  uint32_t stream;
  bool recompute;

  /// "kernel 'k' of op train.k (id 3, at model.onnx:node)", for diagnostics.
  std::string describe() const;
};

struct Stream {
  std::string name;
  int32_t link = -1; // index into Schedule::links, or -1
  std::vector<Instruction> instructions;
};

struct Link {
  std::string name;
  double bytesPerSecond;
  uint64_t latencyNs;
  uint32_t group;
};

struct Tier {
  std::string name;
  uint64_t arenaBytes;
};

/// Bytes [valueOffset, valueOffset + bytes) of a tensor are at `address`
/// between steps.
struct Binding {
  uint32_t tensor;
  uint64_t valueOffset;
  uint64_t bytes;
  Address address;
};

struct Schedule {
  /// Throws a Failure that names the instruction where the plan is wrong.
  explicit Schedule(const PlanFile &plan);

  std::vector<Tier> tiers;
  std::vector<Link> links;
  std::vector<Stream> streams;
  std::vector<Launch> launches;
  std::vector<Binding> bindings; // by tensor, then by offset
  std::vector<bool> fed;         // by tensor
  uint32_t numInstructions = 0;
  /// The stream whose waiting is a stall: the first that launches kernels.
  uint32_t computeStream = 0;
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_SCHEDULE_H
