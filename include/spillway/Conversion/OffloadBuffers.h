//===- OffloadBuffers.h - The buffers of an offload.step --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which bytes the values of an `offload.step` are: a buffer begins at the op
// that makes it, is handed on by results that are computed in place and by
// awaits, and ends at `offload.free`. All of it follows from the IR; nothing is
// decided here. Time is counted in ops of the body.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_CONVERSION_OFFLOADBUFFERS_H
#define SPILLWAY_CONVERSION_OFFLOADBUFFERS_H

#include "Offload/Offload.h"
#include "Train/Train.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>
#include <vector>

namespace spillway {

/// The address of each result of an op that begins a buffer (of each argument,
/// on the step), in bytes from the start of its tier's arena; -1: begins none.
inline constexpr llvm::StringLiteral kAddressesAttr = "offload.addresses";

/// The address of an op's workspace.
inline constexpr llvm::StringLiteral kWorkspaceAttr = "offload.workspace";

/// When an op starts in the steady step and how long it takes, in ns, as the
/// planner predicts; for reports and pictures.
inline constexpr llvm::StringLiteral kTimeAttr = "offload.time";

/// On a step: `{tier, slots, bytes}`. Transfers between tiers without a link go
/// through `tier` in chunks of at most `bytes`, by turns through `slots` slots
/// for each direction. The slots' addresses follow those of the arguments.
inline constexpr llvm::StringLiteral kStagingAttr = "offload.staging";

struct OffloadBuffer {
  llvm::StringRef tier;
  uint64_t bytes = 0;
  /// Live at the ops [first, end) of the body; where it wraps around the end of
  /// the step (end <= first), at [first, n) and at [0, end).
  uint32_t first = 0, end = 0;
  bool wraps = false;
  /// What begins it: result `index` of `owner`, or, if that is the step, its
  /// argument `index`; no index: the workspace of `owner`. A buffer that wraps
  /// has more than one.
  struct Origin {
    mlir::Operation *owner;
    std::optional<unsigned> index;
  };
  llvm::SmallVector<Origin, 1> origins;

  /// What an origin says about the address; none where it says nothing. The
  /// setter is for origins that are not the step.
  static std::optional<uint64_t> getAddress(const Origin &origin);
  static void setAddress(const Origin &origin, uint64_t address);
  /// Those of all arguments and staging slots of a step at once; -1: none.
  static void setAddresses(offload::StepOp step,
                           llvm::ArrayRef<int64_t> addresses);
};

class OffloadBuffers {
public:
  /// Fails after an error at the op: a use of a buffer that has ended, pieces
  /// that do not lie side by side, a carried value that is not its argument.
  static mlir::FailureOr<OffloadBuffers> build(offload::StepOp step);

  struct Place {
    unsigned buffer;
    uint64_t offset;
  };

  /// Where the first element of a tensor, the first byte of a stash, or the
  /// destination of a transfer is.
  Place getPlace(mlir::Value value) const;

  std::vector<OffloadBuffer> buffers;
  /// The buffer of an op's workspace.
  llvm::DenseMap<mlir::Operation *, unsigned> workspaces;
  uint32_t numPositions = 0;
  /// Buffers of the staging slots: of loads, then as many of stores.
  llvm::SmallVector<unsigned> staging;

private:
  unsigned begin(mlir::Type type, OffloadBuffer::Origin origin);
  mlir::LogicalResult visit(mlir::Operation &op);
  mlir::LogicalResult visitKernel(mlir::Operation &op);
  mlir::LogicalResult visitAssemble(train::AssembleOp op);
  mlir::LogicalResult checkUses(mlir::Operation &op);
  mlir::LogicalResult closeStep();

  offload::StepOp step;
  int64_t lanes = 1;
  uint32_t position = 0;
  llvm::DenseMap<mlir::Value, Place> roots;
  /// A buffer that is reborn within the step is the one that it was before.
  llvm::DenseMap<unsigned, unsigned> mergedInto;
  /// By buffer, the op that freed it.
  std::vector<mlir::Operation *> freedBy;
};

} // namespace spillway

#endif // SPILLWAY_CONVERSION_OFFLOADBUFFERS_H
