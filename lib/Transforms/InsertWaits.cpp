//===- InsertWaits.cpp - Waits from byte ranges ---------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The body is walked as the steps follow one another. A map of each arena knows
// for every byte who wrote it last and who read it since; an instruction
// depends on those. Of its dependences only those become waits that are not yet
// implied by what its stream and its other waits are known to be behind, which
// vector clocks tell (Mattern 1989).
//
//===----------------------------------------------------------------------===//

#include "spillway/Export/StepTable.h"
#include "spillway/Transforms/Passes.h"
#include "spillway/Transforms/Schedule.h"
#include <map>

namespace spillway {
#define GEN_PASS_DEF_SCHEDINSERTWAITS
#include "spillway/Transforms/Passes.h.inc"
} // namespace spillway

using namespace mlir;
using namespace spillway;

namespace {

struct Access {
  unsigned tier;
  uint64_t begin, end;
  bool write;
};

/// Who used which bytes of one arena last. Instructions are counted over all
/// steps; -1 is none.
class ArenaHistory {
public:
  explicit ArenaHistory(unsigned numStreams) : numStreams(numStreams) {
    segments[0] = {-1, SmallVector<int64_t, 4>(numStreams, -1)};
  }

  /// Adds to `dependences` what an access must come after, and records it.
  void access(const Access &access, int64_t instruction, unsigned stream,
              SmallVectorImpl<int64_t> &dependences) {
    auto first = split(access.begin), last = split(access.end);
    for (auto it = first; it != last; ++it) {
      if (it->second.writer >= 0)
        dependences.push_back(it->second.writer);
      if (!access.write) {
        it->second.readers[stream] = instruction;
        continue;
      }
      for (int64_t reader : it->second.readers)
        if (reader >= 0)
          dependences.push_back(reader);
    }
    if (!access.write || first == last)
      return;
    first->second = {instruction, SmallVector<int64_t, 4>(numStreams, -1)};
    segments.erase(std::next(first), last);
  }

private:
  struct Segment {
    int64_t writer;
    /// By stream, the last reader since.
    SmallVector<int64_t, 4> readers;
  };
  using Map = std::map<uint64_t, Segment>;

  /// The segment that starts at `address`.
  Map::iterator split(uint64_t address) {
    auto it = std::prev(segments.upper_bound(address));
    if (it->first == address)
      return it;
    return segments.emplace_hint(std::next(it), address, it->second);
  }

  unsigned numStreams;
  Map segments; ///< by first byte, up to the next one's
};

class WaitInserter {
public:
  WaitInserter(sched::ProgramOp program, const StepTable &table)
      : program(program), table(table) {}

  LogicalResult run();

private:
  LogicalResult collect();
  LogicalResult collectAccesses(Operation *op, SmallVectorImpl<Access> &list);
  void addAccess(SmallVectorImpl<Access> &list, sched::AddressAttr address,
                 uint64_t bytes, bool write) {
    list.push_back({*program.findTier(address.getTier()), address.getOffset(),
                    address.getOffset() + bytes, write});
  }
  void walkStep(int64_t round);

  sched::ProgramOp program;
  const StepTable &table;
  SmallVector<sched::InstructionOpInterface> body;
  std::vector<SmallVector<Access, 6>> accesses;
  std::vector<unsigned> streams;

  std::vector<ArenaHistory> arenas;
  /// By stream, the last instruction.
  std::vector<int64_t> lastOnStream;
  /// By instruction: when it is done, the last instruction of each stream that
  /// is known to be done.
  std::vector<SmallVector<int64_t, 4>> clocks;
  /// By position: what the last walk found.
  std::vector<SmallVector<int64_t, 2>> waits;
};
} // namespace

LogicalResult WaitInserter::collectAccesses(Operation *op,
                                            SmallVectorImpl<Access> &list) {
  if (auto copy = dyn_cast<sched::CopyOp>(op)) {
    addAccess(list, copy.getSource(), copy.getBytes(), false);
    addAccess(list, copy.getDestination(), copy.getBytes(), true);
    return success();
  }
  if (auto feed = dyn_cast<sched::FeedOp>(op)) {
    std::optional<uint32_t> tensor = table.findTensor(feed.getTensor());
    if (!tensor)
      return op->emitOpError() << "names \"" << feed.getTensor()
                               << "\", which is no argument of the step";
    addAccess(list, feed.getDestination(),
              table.values[table.tensors[*tensor].valueIn].bytes, true);
    return success();
  }
  if (auto fetch = dyn_cast<sched::FetchOp>(op)) {
    std::optional<uint32_t> output = table.findOutput(fetch.getOutput());
    if (!output)
      return op->emitOpError() << "names \"" << fetch.getOutput()
                               << "\", which is no output of the step";
    addAccess(list, fetch.getSource(),
              table.values[table.outputs[*output].value].bytes, false);
    return success();
  }
  auto launch = cast<sched::LaunchOp>(op);
  std::optional<uint32_t> index = table.findOp(uint32_t(launch.getId()));
  if (!index)
    return op->emitOpError() << "launches the op with the id " << launch.getId()
                             << ", which the step does not have";
  const TableOp &entry = table.ops[*index];
  if (entry.inputs.size() != launch.getInputs().size() ||
      entry.outputs.size() != launch.getOutputs().size())
    return op->emitOpError() << "expects " << entry.inputs.size()
                             << " inputs and " << entry.outputs.size()
                             << " outputs, as the op of the step has, but got "
                             << launch.getInputs().size() << " and "
                             << launch.getOutputs().size();
  auto addAll = [&](ArrayAttr addresses, ArrayRef<TableView> views,
                    bool write) {
    for (auto [address, view] :
         llvm::zip(addresses.getAsRange<sched::AddressAttr>(), views))
      addAccess(list, address, view.extent(), write);
  };
  addAll(launch.getInputs(), entry.inputs, false);
  addAll(launch.getOutputs(), entry.outputs, true);
  if (sched::AddressAttr workspace = launch.getWorkspaceAttr())
    addAccess(list, workspace, entry.workspaceBytes, true);
  return success();
}

LogicalResult WaitInserter::collect() {
  for (Operation &op : program.getBody().front()) {
    auto instruction = cast<sched::InstructionOpInterface>(op);
    body.push_back(instruction);
    streams.push_back(*program.findStream(instruction.getStream()));
    if (failed(collectAccesses(&op, accesses.emplace_back())))
      return failure();
  }
  return success();
}

void WaitInserter::walkStep(int64_t round) {
  int64_t n = int64_t(body.size());
  for (int64_t position = 0; position < n; ++position) {
    int64_t self = round * n + position;
    unsigned stream = streams[position];
    SmallVector<int64_t> dependences;
    // All reads first: an in-place result does not depend on its own operand.
    for (bool write : {false, true})
      for (const Access &access : accesses[position])
        if (access.write == write && access.begin != access.end)
          arenas[access.tier].access(access, self, stream, dependences);
    llvm::sort(dependences, std::greater<>());
    dependences.erase(llvm::unique(dependences), dependences.end());

    SmallVector<int64_t, 4> known(program.getStreams().size(), -1);
    if (lastOnStream[stream] >= 0)
      known = clocks[lastOnStream[stream]];
    waits[position].clear();
    // From the latest to the earliest: a later one may imply an earlier.
    for (int64_t other : dependences) {
      if (other == self || other <= known[streams[other % n]])
        continue;
      waits[position].push_back(other % n);
      for (auto [mine, theirs] : llvm::zip(known, clocks[other]))
        mine = std::max(mine, theirs);
    }
    known[stream] = self;
    clocks.push_back(std::move(known));
    lastOnStream[stream] = self;
  }
}

LogicalResult WaitInserter::run() {
  if (failed(collect()))
    return failure();
  unsigned numStreams = program.getStreams().size();
  arenas.assign(program.getTiers().size(), ArenaHistory(numStreams));
  lastOnStream.assign(numStreams, -1);
  waits.resize(body.size());
  // The first step knows nothing of one before it; from the second on, the
  // waits repeat once what is known at the start of a step repeats.
  std::vector<SmallVector<int64_t, 2>> before;
  for (int64_t round = 0; round < 8; ++round) {
    before = waits;
    walkStep(round);
    if (round >= 2 && waits == before)
      break;
  }
  Builder builder(program.getContext());
  std::vector<bool> awaited(body.size());
  for (auto &list : waits)
    for (int64_t position : list)
      awaited[position] = true;
  for (auto [position, instruction] : llvm::enumerate(body)) {
    SmallVector<int64_t> sorted(waits[position].begin(), waits[position].end());
    llvm::sort(sorted);
    instruction.setWaits(sorted);
    instruction.setSignal(awaited[position] ? std::optional<uint64_t>(position)
                                            : std::nullopt);
  }
  return success();
}

LogicalResult spillway::insertWaits(sched::ProgramOp program,
                                    const StepTable &table) {
  return WaitInserter(program, table).run();
}

namespace {
struct InsertWaitsPass : spillway::impl::SchedInsertWaitsBase<InsertWaitsPass> {
  void runOnOperation() override {
    for (auto program : getOperation().getOps<sched::ProgramOp>()) {
      auto step = SymbolTable::lookupNearestSymbolFrom<train::StepOp>(
          program, program.getStepAttr());
      if (!step) {
        program.emitOpError()
            << "expects " << program.getStepAttr() << " to be a train.step";
        return signalPassFailure();
      }
      FailureOr<StepTable> table = StepTable::build(step);
      if (failed(table) || failed(insertWaits(program, *table)))
        return signalPassFailure();
    }
  }
};
} // namespace
