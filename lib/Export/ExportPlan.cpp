//===- ExportPlan.cpp - The schedule of a plan file -----------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Export/Export.h"
#include "spillway/Plan/PlanFile.h"
#include "spillway/Plan/Seal.h"
#include "spillway/Plan/Sha256.h"
#include "spillway/Plan/plan_generated.h"
#include "spillway/Verify/Verify.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace spillway;

namespace {
/// Names become indices, signals positions.
class PlanWriter {
public:
  PlanWriter(const StepTable &table, sched::ProgramOp program)
      : table(table), program(program) {}

  FailureOr<plan::PlanT> write();

private:
  plan::Location convert(sched::AddressAttr address) {
    return {uint8_t(*program.findTier(address.getTier())), address.getOffset()};
  }
  void addMachine();
  LogicalResult addPrologue();
  LogicalResult addBody();
  LogicalResult setAction(Operation *op, plan::ActionUnion &action);
  LogicalResult setLaunch(sched::LaunchOp op, plan::ActionUnion &action);

  const StepTable &table;
  sched::ProgramOp program;
  plan::PlanT result;
};
} // namespace

void PlanWriter::addMachine() {
  for (auto tier : program.getTiers().getAsRange<sched::TierAttr>()) {
    auto &entry = result.tiers.emplace_back(std::make_unique<plan::TierT>());
    entry->name = tier.getName().str();
    entry->capacity_bytes = tier.getCapacity();
    entry->arena_bytes = tier.getArena();
  }
  for (auto link : program.getLinks().getAsRange<sched::LinkAttr>()) {
    auto &entry = result.links.emplace_back(std::make_unique<plan::LinkT>());
    entry->name = link.getName().str();
    entry->source = uint8_t(*program.findTier(link.getSource()));
    entry->destination = uint8_t(*program.findTier(link.getDestination()));
    entry->bytes_per_second = link.getRate().getValueAsDouble();
    entry->latency_ns = link.getLatency();
    entry->group = link.getGroup();
  }
  for (auto stream : program.getStreams().getAsRange<sched::StreamAttr>()) {
    auto &entry =
        result.streams.emplace_back(std::make_unique<plan::StreamT>());
    entry->name = stream.getName().str();
    entry->link = stream.getLink()
                      ? int32_t(*program.findLink(stream.getLink().getValue()))
                      : -1;
  }
}

LogicalResult PlanWriter::addPrologue() {
  llvm::StringMap<uint32_t> valueOfName;
  for (auto [index, value] : llvm::enumerate(table.values))
    valueOfName.try_emplace(value.name, uint32_t(index));
  for (Operation &op : program.getPrologue().front()) {
    if (auto bind = dyn_cast<sched::BindOp>(op)) {
      std::optional<uint32_t> tensor = table.findTensor(bind.getTensor());
      if (!tensor)
        return bind.emitOpError() << "names \"" << bind.getTensor()
                                  << "\", which is no argument of the step";
      auto &entry =
          result.bindings.emplace_back(std::make_unique<plan::BindingT>());
      entry->tensor = *tensor;
      entry->value_offset = bind.getValueOffset();
      entry->bytes = bind.getBytes();
      entry->location =
          std::make_unique<plan::Location>(convert(bind.getLocation()));
      continue;
    }
    auto buffer = cast<sched::BufferOp>(op);
    auto &entry =
        result.buffers.emplace_back(std::make_unique<plan::BufferT>());
    entry->location =
        std::make_unique<plan::Location>(convert(buffer.getLocation()));
    entry->bytes = buffer.getBytes();
    entry->first = uint32_t(buffer.getFirst());
    entry->last = uint32_t(buffer.getLast());
    entry->category = buffer.getCategory().str();
    entry->value = valueOfName.lookup(buffer.getName());
  }
  return success();
}

LogicalResult PlanWriter::setLaunch(sched::LaunchOp op,
                                    plan::ActionUnion &action) {
  std::optional<uint32_t> index = table.findOp(uint32_t(op.getId()));
  if (!index)
    return op.emitOpError() << "launches the op with the id " << op.getId()
                            << ", which the step does not have";
  const TableOp &entry = table.ops[*index];
  if (entry.inputs.size() != op.getInputs().size() ||
      entry.outputs.size() != op.getOutputs().size())
    return op.emitOpError()
           << "expects " << entry.inputs.size() << " inputs and "
           << entry.outputs.size()
           << " outputs, as the op of the step has, but got "
           << op.getInputs().size() << " and " << op.getOutputs().size();
  plan::LaunchT launch;
  launch.op = *index;
  for (ArrayAttr list : {op.getInputs(), op.getOutputs()})
    for (auto address : list.getAsRange<sched::AddressAttr>())
      launch.operands.push_back(convert(address));
  if (entry.workspaceBytes && !op.getWorkspaceAttr())
    return op.emitOpError() << "expects a workspace of " << entry.workspaceBytes
                            << " bytes, but got none";
  launch.workspace = std::make_unique<plan::Location>(
      op.getWorkspaceAttr() ? convert(op.getWorkspaceAttr())
                            : plan::Location());
  launch.recompute = op.getRecompute();
  action.Set(std::move(launch));
  return success();
}

LogicalResult PlanWriter::setAction(Operation *op, plan::ActionUnion &action) {
  if (auto launch = dyn_cast<sched::LaunchOp>(op))
    return setLaunch(launch, action);
  if (auto copy = dyn_cast<sched::CopyOp>(op)) {
    plan::CopyT entry;
    entry.source = std::make_unique<plan::Location>(convert(copy.getSource()));
    entry.destination =
        std::make_unique<plan::Location>(convert(copy.getDestination()));
    entry.bytes = copy.getBytes();
    action.Set(std::move(entry));
    return success();
  }
  if (auto feed = dyn_cast<sched::FeedOp>(op)) {
    std::optional<uint32_t> tensor = table.findTensor(feed.getTensor());
    if (!tensor)
      return feed.emitOpError() << "names \"" << feed.getTensor()
                                << "\", which is no argument of the step";
    plan::FeedT entry;
    entry.tensor = *tensor;
    entry.destination =
        std::make_unique<plan::Location>(convert(feed.getDestination()));
    action.Set(std::move(entry));
    return success();
  }
  auto fetch = cast<sched::FetchOp>(op);
  std::optional<uint32_t> output = table.findOutput(fetch.getOutput());
  if (!output)
    return fetch.emitOpError() << "names \"" << fetch.getOutput()
                               << "\", which is no output of the step";
  plan::FetchT entry;
  entry.output = *output;
  entry.source = std::make_unique<plan::Location>(convert(fetch.getSource()));
  action.Set(std::move(entry));
  return success();
}

LogicalResult PlanWriter::addBody() {
  DenseMap<int64_t, uint32_t> positionOfSignal;
  uint32_t position = 0;
  for (Operation &op : program.getBody().front()) {
    if (auto signal = cast<sched::InstructionOpInterface>(op).getSignal())
      positionOfSignal[int64_t(*signal)] = position;
    ++position;
  }
  for (Operation &op : program.getBody().front()) {
    auto instruction = cast<sched::InstructionOpInterface>(op);
    auto &entry =
        result.body.emplace_back(std::make_unique<plan::InstructionT>());
    entry->stream = uint16_t(*program.findStream(instruction.getStream()));
    for (int64_t signal : instruction.getWaits())
      entry->wait.push_back(positionOfSignal.lookup(signal));
    llvm::sort(entry->wait);
    entry->start_ns = instruction.getStartNs().value_or(0);
    entry->duration_ns = instruction.getDurationNs().value_or(0);
    if (failed(setAction(&op, entry->action)))
      return failure();
  }
  return success();
}

FailureOr<plan::PlanT> PlanWriter::write() {
  result.version = plan::kPlanVersion;
  addMachine();
  if (failed(addPrologue()) || failed(addBody()))
    return failure();
  return std::move(result);
}

FailureOr<std::vector<uint8_t>>
spillway::exportPlan(const StepTable &table, sched::ProgramOp program,
                     const ExportReport &report) {
  FailureOr<std::vector<uint8_t>> step = exportProgram(table);
  if (failed(step))
    return failure();
  FailureOr<plan::PlanT> plan = PlanWriter(table, program).write();
  if (failed(plan))
    return failure();
  Sha256::Digest digest = Sha256::of(step->data(), step->size());
  plan->program_sha256.assign(digest.begin(), digest.end());
  plan->program = std::move(*step);
  plan->report = std::make_unique<plan::ReportT>();
  plan->report->target = report.target;
  plan->report->policy = report.policy;
  plan->report->predicted_step_ns = report.predictedStepNs;
  plan->report->lower_bound_ns = report.lowerBoundNs;
  plan->report->unconstrained_peak_bytes = report.unconstrainedPeakBytes;
  plan->report->num_recomputed = report.numRecomputed;
  plan->report->num_swapped = report.numSwapped;

  flatbuffers::FlatBufferBuilder builder;
  plan::FinishPlanBuffer(builder, plan::Plan::Pack(builder, &*plan));
  std::vector<uint8_t> file(builder.GetBufferPointer(),
                            builder.GetBufferPointer() + builder.GetSize());
  plan::sealPlan(file);
  if (auto error = verify::verifyPlan(file))
    return program.emitOpError()
           << "is no valid plan: " << error->message << " ("
           << verify::codeName(error->code) << ')';
  return file;
}
