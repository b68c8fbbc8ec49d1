//===- SchedVerify.cpp - What makes a sched.program well-formed -----------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Form only: names, ranges, directions. That a program computes its step is the
// plan verifier's to prove (lib/Verify), over the plan file.
//
//===----------------------------------------------------------------------===//

#include "Sched/Sched.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace spillway::sched;

template <typename AttrT>
static std::optional<unsigned> findByName(ArrayAttr list, StringRef name) {
  for (auto [index, attr] : llvm::enumerate(list))
    if (cast<AttrT>(attr).getName() == name)
      return index;
  return std::nullopt;
}

std::optional<unsigned> ProgramOp::findTier(StringRef name) {
  return findByName<TierAttr>(getTiers(), name);
}
std::optional<unsigned> ProgramOp::findLink(StringRef name) {
  return findByName<LinkAttr>(getLinks(), name);
}
std::optional<unsigned> ProgramOp::findStream(StringRef name) {
  return findByName<StreamAttr>(getStreams(), name);
}

LogicalResult ProgramOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!symbols.lookupNearestSymbolFrom(*this, getStepAttr()))
    return emitOpError() << "schedules " << getStepAttr()
                         << ", which is not in the module";
  return success();
}

template <typename AttrT>
static LogicalResult checkDistinct(Operation *op, ArrayAttr list,
                                   StringRef what) {
  llvm::StringSet<> seen;
  for (Attribute attr : list)
    if (!seen.insert(cast<AttrT>(attr).getName()).second)
      return op->emitOpError()
             << "expects distinct names of " << what << "s, but got \""
             << cast<AttrT>(attr).getName() << "\" twice";
  return success();
}

static LogicalResult checkMachine(ProgramOp program) {
  if (program.getTiers().empty())
    return program.emitOpError("expects at least one tier");
  if (failed(checkDistinct<TierAttr>(program, program.getTiers(), "tier")) ||
      failed(checkDistinct<LinkAttr>(program, program.getLinks(), "link")) ||
      failed(
          checkDistinct<StreamAttr>(program, program.getStreams(), "stream")))
    return failure();
  for (auto tier : program.getTiers().getAsRange<TierAttr>())
    if (tier.getArena() > tier.getCapacity())
      return program.emitOpError()
             << "expects the arena of tier \"" << tier.getName()
             << "\" within its capacity of " << tier.getCapacity()
             << " bytes, but got " << tier.getArena();
  for (auto link : program.getLinks().getAsRange<LinkAttr>())
    for (StringRef end : {link.getSource(), link.getDestination()})
      if (!program.findTier(end))
        return program.emitOpError()
               << "link \"" << link.getName() << "\" names an unknown tier \""
               << end << '"';
  for (auto stream : program.getStreams().getAsRange<StreamAttr>())
    if (stream.getLink() && !program.findLink(stream.getLink().getValue()))
      return program.emitOpError()
             << "stream \"" << stream.getName() << "\" names an unknown link "
             << stream.getLink();
  return success();
}

/// `bytes` bytes at `address` lie in the arena; of an operand only its first
/// byte is known here.
static LogicalResult checkAddress(ProgramOp program, Operation *op,
                                  AddressAttr address, int64_t bytes) {
  std::optional<unsigned> tier = program.findTier(address.getTier());
  if (!tier)
    return op->emitOpError()
           << "names an unknown tier \"" << address.getTier() << '"';
  if (bytes <= 0)
    return op->emitOpError()
           << "expects a positive number of bytes, but got " << bytes;
  uint64_t arena = program.getTier(*tier).getArena();
  if (address.getOffset() > arena ||
      uint64_t(bytes) > arena - address.getOffset())
    return op->emitOpError()
           << "expects addresses inside the arena of " << arena
           << " bytes of tier \"" << address.getTier() << "\", but got ["
           << address.getOffset() << ", "
           << address.getOffset() + uint64_t(bytes) << ')';
  return success();
}

static LogicalResult checkAddresses(ProgramOp program, Operation *op) {
  if (auto bind = dyn_cast<BindOp>(op)) {
    if (int64_t(bind.getValueOffset()) < 0)
      return op->emitOpError()
             << "expects a non-negative offset into the tensor, but got "
             << int64_t(bind.getValueOffset());
    return checkAddress(program, op, bind.getLocation(), bind.getBytes());
  }
  if (auto buffer = dyn_cast<BufferOp>(op))
    return checkAddress(program, op, buffer.getLocation(), buffer.getBytes());
  if (auto copy = dyn_cast<CopyOp>(op))
    return success(succeeded(checkAddress(program, op, copy.getSource(),
                                          copy.getBytes())) &&
                   succeeded(checkAddress(program, op, copy.getDestination(),
                                          copy.getBytes())));
  if (auto feed = dyn_cast<FeedOp>(op))
    return checkAddress(program, op, feed.getDestination(), 1);
  if (auto fetch = dyn_cast<FetchOp>(op))
    return checkAddress(program, op, fetch.getSource(), 1);
  auto launch = cast<LaunchOp>(op);
  for (ArrayAttr list : {launch.getInputs(), launch.getOutputs()})
    for (auto address : list.getAsRange<AddressAttr>())
      if (failed(checkAddress(program, op, address, 1)))
        return failure();
  if (AddressAttr workspace = launch.getWorkspaceAttr())
    return checkAddress(program, op, workspace, 1);
  return success();
}

static LogicalResult checkStream(ProgramOp program, InstructionOpInterface op) {
  std::optional<unsigned> index = program.findStream(op.getStream());
  if (!index)
    return op->emitOpError()
           << "names an unknown stream \"" << op.getStream() << '"';
  StringAttr linkName = program.getStream(*index).getLink();
  auto copy = dyn_cast<CopyOp>(*op);
  if (!copy) {
    if (linkName)
      return op->emitOpError() << "expects a stream without a link, but got \""
                               << op.getStream() << "\" over " << linkName;
    return success();
  }
  if (!linkName)
    return op->emitOpError() << "expects a stream with a link, but got \""
                             << op.getStream() << '"';
  LinkAttr link = program.getLink(*program.findLink(linkName.getValue()));
  if (link.getSource() != copy.getSource().getTier() ||
      link.getDestination() != copy.getDestination().getTier())
    return op->emitOpError()
           << "expects a link from \"" << copy.getSource().getTier()
           << "\" to \"" << copy.getDestination().getTier()
           << "\", but stream \"" << op.getStream() << "\" has one from \""
           << link.getSource() << "\" to \"" << link.getDestination() << '"';
  return success();
}

LogicalResult ProgramOp::verify() {
  if (failed(checkMachine(*this)))
    return failure();
  for (Operation &op : getPrologue().front()) {
    if (!isa<BindOp, BufferOp>(op))
      return op.emitOpError(
          "expects to be in the body, but stands in the prologue");
    if (failed(checkAddresses(*this, &op)))
      return failure();
  }
  llvm::DenseSet<int64_t> signals;
  for (Operation &op : getBody().front()) {
    auto instruction = dyn_cast<InstructionOpInterface>(op);
    if (!instruction)
      return op.emitOpError(
          "expects to be in the prologue, but stands in the body");
    if (failed(checkAddresses(*this, &op)) ||
        failed(checkStream(*this, instruction)))
      return failure();
    if (std::optional<uint64_t> signal = instruction.getSignal())
      if (!signals.insert(int64_t(*signal)).second)
        return op.emitOpError() << "gives signal " << *signal
                                << ", which another instruction gives already";
  }
  for (Operation &op : getBody().front())
    for (int64_t wait : cast<InstructionOpInterface>(op).getWaits())
      if (!signals.contains(wait))
        return op.emitOpError()
               << "waits for signal " << wait << ", which no instruction gives";
  return success();
}
