//===- OffloadToSched.cpp - From offload to sched -------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nothing is decided here: every op that acts becomes one instruction, at its
// place in the order, on the stream that its kind names.
//
//===----------------------------------------------------------------------===//

#include "spillway/Conversion/OffloadToSched.h"
#include "spillway/Conversion/OffloadBuffers.h"
#include "spillway/Conversion/Passes.h"
#include "spillway/Export/StepTable.h"

namespace spillway {
#define GEN_PASS_DEF_CONVERTOFFLOADTOSCHED
#include "spillway/Conversion/Passes.h.inc"
} // namespace spillway

using namespace mlir;
using namespace spillway;

namespace {
constexpr llvm::StringLiteral kComputeStream = "compute", kHostStream = "host";
/// Waits are inserted later.
constexpr ArrayRef<int64_t> none;

/// The first and the last instruction that use a buffer; -1: none. A buffer
/// that is reborn within the step is used first behind its rebirth and last
/// before its end.
struct Touched {
  int64_t first = -1, last = -1;
};

class Converter {
public:
  Converter(offload::StepOp step, const StepTable &table,
            OffloadBuffers &buffers)
      : step(step), table(table), buffers(buffers), builder(step) {}

  FailureOr<sched::ProgramOp> convert();

private:
  LogicalResult readAddresses();
  sched::LinkAttr stagingLink(bool isLoad);
  static std::string stagedStream(sched::LinkAttr link) {
    return link.getName().str() + ".staged";
  }
  void makeProgram();
  void setArenas();
  LogicalResult addFeeds();
  LogicalResult addOp(Operation &op);
  LogicalResult addLaunch(Operation &op, train::KernelOpInterface kernel);
  LogicalResult addCopy(Operation &op, Value from, uint64_t fromOffset,
                        Value to, uint64_t toOffset, uint64_t bytes);
  LogicalResult addStagedCopy(Operation &op, sched::AddressAttr source,
                              sched::AddressAttr destination, uint64_t bytes);
  LogicalResult addFetches();
  LogicalResult addPrologue();

  sched::AddressAttr addressOf(Value value, uint64_t offset = 0);
  /// Start and duration that the planner predicted for an op; null if it did
  /// not.
  std::pair<IntegerAttr, IntegerAttr> timeOf(Operation &op);
  /// The instruction that is added next touches the buffer of `value`.
  void touch(unsigned buffer);
  std::pair<std::string, std::string> describe(unsigned buffer);

  offload::StepOp step;
  const StepTable &table;
  OffloadBuffers &buffers;
  OpBuilder builder;
  sched::ProgramOp program;
  /// By buffer.
  std::vector<uint64_t> addresses;
  std::vector<Touched> touched;
  /// Of the staging slots for stores and loads.
  unsigned turns[2] = {0, 0};
  /// Of the next instruction, and of the op that it comes from.
  int64_t position = 0;
  uint32_t opPosition = 0;
  /// By tier, the end of the highest buffer.
  llvm::StringMap<uint64_t> arenas;
};
} // namespace

LogicalResult Converter::readAddresses() {
  addresses.assign(buffers.buffers.size(), 0);
  touched.assign(buffers.buffers.size(), {});
  for (auto [index, buffer] : llvm::enumerate(buffers.buffers)) {
    std::optional<uint64_t> address;
    for (const OffloadBuffer::Origin &origin : buffer.origins) {
      std::optional<uint64_t> here = OffloadBuffer::getAddress(origin);
      if (!here)
        return origin.owner->emitOpError()
               << "has a buffer without an address: assign offsets first";
      if (address && *address != *here)
        return origin.owner->emitOpError()
               << "expects the address " << *address
               << ", at which the buffer is in the other step, but got "
               << *here;
      address = here;
    }
    if (!address)
      continue;
    addresses[index] = *address;
    if (llvm::is_contained(buffers.staging, index))
      continue; // counts as far as it is used
    uint64_t &arena = arenas[buffer.tier];
    arena = std::max(arena, sched::alignUp(*address + buffer.bytes));
  }
  return success();
}

/// The link between the device and the tier that stages, if there is one.
sched::LinkAttr Converter::stagingLink(bool isLoad) {
  if (buffers.staging.empty())
    return {};
  StringRef tier = buffers.buffers[buffers.staging[0]].tier;
  return isLoad ? step.findLink(tier, step.getDevice())
                : step.findLink(step.getDevice(), tier);
}

void Converter::makeProgram() {
  MLIRContext *context = step.getContext();
  builder.setInsertionPointAfter(step);
  SmallVector<Attribute> streams;
  streams.push_back(sched::StreamAttr::get(context, kComputeStream, {}));
  streams.push_back(sched::StreamAttr::get(context, kHostStream, {}));
  for (auto link : step.getLinks().getAsRange<sched::LinkAttr>())
    streams.push_back(sched::StreamAttr::get(
        context, link.getName(), builder.getStringAttr(link.getName())));
  for (bool isLoad : {true, false})
    if (sched::LinkAttr link = stagingLink(isLoad))
      streams.push_back(sched::StreamAttr::get(
          context, stagedStream(link), builder.getStringAttr(link.getName())));
  program = sched::ProgramOp::create(
      builder, step.getLoc(),
      builder.getStringAttr(step.getSymName() + "_program"), step.getStepAttr(),
      step.getTiers(), step.getLinks(), builder.getArrayAttr(streams));
  program.getPrologue().emplaceBlock();
  builder.setInsertionPointToStart(&program.getBody().emplaceBlock());
}

void Converter::setArenas() {
  SmallVector<Attribute> tiers;
  for (auto tier : step.getTiers().getAsRange<sched::TierAttr>())
    tiers.push_back(sched::TierAttr::get(builder.getContext(), tier.getName(),
                                         tier.getCapacity(),
                                         arenas.lookup(tier.getName())));
  program.setTiersAttr(builder.getArrayAttr(tiers));
}

sched::AddressAttr Converter::addressOf(Value value, uint64_t offset) {
  OffloadBuffers::Place place = buffers.getPlace(value);
  touch(place.buffer);
  return sched::AddressAttr::get(
      builder.getContext(), buffers.buffers[place.buffer].tier,
      addresses[place.buffer] + place.offset + offset);
}

std::pair<IntegerAttr, IntegerAttr> Converter::timeOf(Operation &op) {
  auto time = op.getAttrOfType<DenseI64ArrayAttr>(kTimeAttr);
  if (!time || time.size() != 2)
    return {};
  return {builder.getI64IntegerAttr(time[0]),
          builder.getI64IntegerAttr(time[1])};
}

void Converter::touch(unsigned index) {
  const OffloadBuffer &buffer = buffers.buffers[index];
  Touched &use = touched[index];
  bool isReborn = buffer.wraps && buffer.first != buffer.end;
  if (use.first < 0 && (!isReborn || opPosition >= buffer.first))
    use.first = position;
  if (!isReborn || opPosition < buffer.end)
    use.last = position;
}

LogicalResult Converter::addFeeds() {
  for (BlockArgument arg : step.getBlock().getArguments()) {
    offload::HoldAttr hold = step.getHold(arg.getArgNumber());
    if (!hold.getFed())
      continue;
    sched::FeedOp::create(builder, arg.getLoc(), hold.getTensor(),
                          addressOf(arg), kHostStream, none, {}, {}, {});
    ++position;
  }
  return success();
}

LogicalResult Converter::addLaunch(Operation &op,
                                   train::KernelOpInterface kernel) {
  auto id = op.getAttrOfType<IntegerAttr>(train::kIdAttr);
  auto again = op.getAttrOfType<IntegerAttr>(offload::kRecomputeOfAttr);
  if (bool(id) == bool(again))
    return op.emitOpError() << "expects either '" << train::kIdAttr << "' or '"
                            << offload::kRecomputeOfAttr << "'";
  if (!table.findOp(uint32_t((id ? id : again).getInt())))
    return op.emitOpError()
           << "has the id " << (id ? id : again).getInt() << ", which no op of "
           << step.getStepAttr() << " has";
  SmallVector<Attribute> inputs, outputs;
  for (Value operand : op.getOperands())
    inputs.push_back(addressOf(operand));
  for (Value result : op.getResults())
    outputs.push_back(addressOf(result));
  sched::AddressAttr workspace;
  if (auto it = buffers.workspaces.find(&op); it != buffers.workspaces.end()) {
    touch(it->second);
    workspace = sched::AddressAttr::get(builder.getContext(), step.getDevice(),
                                        addresses[it->second]);
  }
  auto [start, duration] = timeOf(op);
  sched::LaunchOp::create(
      builder, op.getLoc(), kernel.getKernelName(), (id ? id : again).getInt(),
      builder.getArrayAttr(inputs), builder.getArrayAttr(outputs), workspace,
      /*recompute=*/!id, kComputeStream, none, {}, start, duration);
  ++position;
  return success();
}

LogicalResult Converter::addCopy(Operation &op, Value from, uint64_t fromOffset,
                                 Value to, uint64_t toOffset, uint64_t bytes) {
  sched::AddressAttr source = addressOf(from, fromOffset),
                     destination = addressOf(to, toOffset);
  if (sched::LinkAttr link =
          step.findLink(source.getTier(), destination.getTier())) {
    auto [start, duration] = timeOf(op);
    sched::CopyOp::create(builder, op.getLoc(), source, destination, bytes,
                          link.getName(), none, {}, start, duration);
    ++position;
    return success();
  }
  return addStagedCopy(op, source, destination, bytes);
}

/// Chunk by chunk through the slots of the tier between.
LogicalResult Converter::addStagedCopy(Operation &op, sched::AddressAttr source,
                                       sched::AddressAttr destination,
                                       uint64_t bytes) {
  sched::LinkAttr in, out;
  if (!buffers.staging.empty()) {
    StringRef tier = buffers.buffers[buffers.staging[0]].tier;
    in = step.findLink(source.getTier(), tier);
    out = step.findLink(tier, destination.getTier());
  }
  if (!in || !out)
    return op.emitOpError() << "expects a link from \"" << source.getTier()
                            << "\" to \"" << destination.getTier()
                            << "\", or two through a tier that stages, but "
                               "the machine has none";
  unsigned slots = buffers.staging.size() / 2;
  bool isLoad = destination.getTier() == step.getDevice();
  unsigned &turn = turns[isLoad];
  // The device's link is the faster one as a rule: others go between the
  // chunks, which would not do in one queue.
  std::string stream = stagedStream(isLoad ? out : in);
  StringRef staged = stream;
  auto at = [&](sched::AddressAttr base, uint64_t offset) {
    return sched::AddressAttr::get(builder.getContext(), base.getTier(),
                                   base.getOffset() + offset);
  };
  uint64_t chunk = buffers.buffers[buffers.staging[0]].bytes;
  for (uint64_t offset = 0; offset < bytes; offset += chunk) {
    unsigned slot = buffers.staging[(isLoad ? 0 : slots) + turn++ % slots];
    auto between = sched::AddressAttr::get(
        builder.getContext(), buffers.buffers[slot].tier, addresses[slot]);
    uint64_t part = std::min(chunk, bytes - offset);
    touch(slot);
    uint64_t &arena = arenas[buffers.buffers[slot].tier];
    arena = std::max(arena, sched::alignUp(addresses[slot] + part));
    sched::CopyOp::create(builder, op.getLoc(), at(source, offset), between,
                          part, isLoad ? StringRef(in.getName()) : staged, none,
                          {}, {}, {});
    ++position;
    sched::CopyOp::create(
        builder, op.getLoc(), between, at(destination, offset), part,
        isLoad ? staged : StringRef(out.getName()), none, {}, {}, {});
    ++position;
  }
  return success();
}

LogicalResult Converter::addOp(Operation &op) {
  if (auto kernel = dyn_cast<train::KernelOpInterface>(op))
    return addLaunch(op, kernel);
  if (auto load = dyn_cast<offload::LoadStartOp>(op)) {
    Type tensor = load.getTransfer().getType().getValue();
    return addCopy(op, load.getStash(), load.getOffset(), load.getTransfer(), 0,
                   uint64_t(train::getByteSize(tensor)));
  }
  if (auto store = dyn_cast<offload::StoreStartOp>(op)) {
    FailureOr<train::ViewOf> view = train::traceView(store.getTensor());
    if (failed(view) || !view->layout.isDense())
      return op.emitOpError("expects a tensor without gaps");
    return addCopy(op, store.getTensor(), 0, store.getTransfer(),
                   store.getOffset(),
                   uint64_t(train::getByteSize(store.getTensor().getType())));
  }
  // Views, awaits, frees: their meaning is in the addresses.
  return success();
}

LogicalResult Converter::addFetches() {
  offload::ReturnOp ret = step.getReturn();
  if (ret.getOutputs().size() != table.outputs.size())
    return ret.emitOpError()
           << "expects " << table.outputs.size()
           << " outputs, as the step has, but got " << ret.getOutputs().size();
  for (auto [output, value] : llvm::zip(table.outputs, ret.getOutputs())) {
    sched::FetchOp::create(builder, ret.getLoc(), output.name, addressOf(value),
                           kHostStream, none, {}, {}, {});
    ++position;
  }
  return success();
}

/// The name and the category of what a buffer holds.
std::pair<std::string, std::string> Converter::describe(unsigned index) {
  const OffloadBuffer::Origin &origin = buffers.buffers[index].origins.back();
  if (origin.owner == step &&
      *origin.index >= step.getBlock().getNumArguments())
    return {"staging", "workspace"};
  if (origin.owner == step) {
    StringRef tensor = step.getHold(*origin.index).getTensor();
    std::optional<uint32_t> entry = table.findTensor(tensor);
    if (!entry)
      return {tensor.str(), "input"};
    switch (table.tensors[*entry].role) {
    case train::Role::param:
      return {tensor.str(), "parameter"};
    case train::Role::state:
      return {tensor.str(), "state"};
    default:
      return {tensor.str(), "input"};
    }
  }
  // A transfer's buffer is what it was made of.
  Value source;
  if (auto load = dyn_cast<offload::LoadStartOp>(origin.owner))
    source = load.getStash();
  if (auto store = dyn_cast<offload::StoreStartOp>(origin.owner))
    source = store.getTensor();
  if (source) {
    unsigned from = buffers.getPlace(source).buffer;
    if (from != index)
      return describe(from);
  }
  auto id = origin.owner->getAttrOfType<IntegerAttr>(train::kIdAttr);
  if (!id)
    id = origin.owner->getAttrOfType<IntegerAttr>(offload::kRecomputeOfAttr);
  std::optional<uint32_t> op =
      id ? table.findOp(uint32_t(id.getInt())) : std::nullopt;
  if (!op)
    return {"", "activation"};
  // A workspace goes by the name of what is computed in it.
  uint32_t value = table.ops[*op].outputs[origin.index.value_or(0)].value;
  if (!origin.index)
    return {table.values[value].name, "workspace"};
  // What comes behind the loss in the frozen order belongs to its gradient.
  bool backward = false;
  if (!table.outputs.empty())
    if (Operation *loss =
            table.values[table.outputs[0].value].root.getDefiningOp())
      backward = loss->isBeforeInBlock(table.ops[*op].op);
  return {table.values[value].name, backward ? "gradient" : "activation"};
}

LogicalResult Converter::addPrologue() {
  builder.setInsertionPointToEnd(&program.getPrologue().front());
  for (BlockArgument arg : step.getBlock().getArguments()) {
    offload::HoldAttr hold = step.getHold(arg.getArgNumber());
    if (hold.getFed())
      continue;
    unsigned buffer = buffers.getPlace(arg).buffer;
    sched::BindOp::create(builder, arg.getLoc(), hold.getTensor(),
                          uint64_t(hold.getOffset()),
                          buffers.buffers[buffer].bytes,
                          sched::AddressAttr::get(builder.getContext(),
                                                  buffers.buffers[buffer].tier,
                                                  addresses[buffer]));
  }
  for (auto [index, buffer] : llvm::enumerate(buffers.buffers)) {
    auto [first, last] = touched[index];
    if (buffer.origins.empty())
      continue;
    // What is always there, or is not used where it lives, spans the step.
    if ((buffer.wraps && buffer.first == buffer.end) || first < 0 || last < 0) {
      first = 0;
      last = std::max<int64_t>(position - 1, 0);
    }
    auto [name, category] = describe(index);
    sched::BufferOp::create(builder, step.getLoc(), name, category,
                            sched::AddressAttr::get(builder.getContext(),
                                                    buffer.tier,
                                                    addresses[index]),
                            buffer.bytes, first, last);
  }
  return success();
}

FailureOr<sched::ProgramOp> Converter::convert() {
  if (failed(readAddresses()))
    return failure();
  makeProgram();
  auto fill = [&]() -> LogicalResult {
    if (failed(addFeeds()))
      return failure();
    for (Operation &op : step.getBlock()) {
      if (failed(addOp(op)))
        return failure();
      ++opPosition;
    }
    if (failed(addFetches()) || failed(addPrologue()))
      return failure();
    setArenas();
    return success();
  };
  if (failed(fill())) {
    program.erase();
    return failure();
  }
  return program;
}

FailureOr<sched::ProgramOp>
spillway::convertOffloadToSched(offload::StepOp step, const StepTable &table) {
  FailureOr<OffloadBuffers> buffers = OffloadBuffers::build(step);
  if (failed(buffers))
    return failure();
  return Converter(step, table, *buffers).convert();
}

namespace {
struct ConvertOffloadToSchedPass
    : spillway::impl::ConvertOffloadToSchedBase<ConvertOffloadToSchedPass> {
  void runOnOperation() override {
    auto steps = llvm::to_vector(getOperation().getOps<offload::StepOp>());
    for (offload::StepOp step : steps) {
      auto original = SymbolTable::lookupNearestSymbolFrom<train::StepOp>(
          step, step.getStepAttr());
      if (!original) {
        step.emitOpError() << "expects " << step.getStepAttr()
                           << " to be a train.step";
        return signalPassFailure();
      }
      FailureOr<StepTable> table = StepTable::build(original);
      if (failed(table) || failed(convertOffloadToSched(step, *table)))
        return signalPassFailure();
    }
  }
};
} // namespace
