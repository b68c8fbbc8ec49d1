//===- Program.cpp - The fields of the data-flow table --------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "Fields.h"

#include <algorithm>
#include <unordered_set>

namespace spillway::verify {
namespace {

// Enough for each view of a 100,000-op program to be a few dozen pieces; a
// bound on what a hostile file can make us store.
constexpr uint64_t maxRuns = uint64_t(1) << 23;
// So that the sum of any two offsets and sizes stays below 2^64.
constexpr uint64_t maxValueBytes = uint64_t(1) << 62;

Error at(const std::string &place, Error error) {
  error.message = place + ": " + error.message;
  return error;
}

// The order in which a view walks through its bytes: (size, stride), outermost
// first, without dimensions of size 1 and with those merged that are one.
std::vector<std::pair<int64_t, int64_t>> walkOf(const plan::View &view) {
  std::vector<std::pair<int64_t, int64_t>> walk;
  for (uint32_t i = 0; i < sizeOf(view.sizes()); ++i) {
    int64_t size = view.sizes()->Get(i), stride = view.strides()->Get(i);
    if (size == 1)
      continue;
    int64_t span, merged;
    if (!walk.empty() && !__builtin_mul_overflow(size, stride, &span) &&
        walk.back().second == span &&
        !__builtin_mul_overflow(walk.back().first, size, &merged))
      walk.back() = {merged, stride};
    else
      walk.emplace_back(size, stride);
  }
  return walk;
}

class Reader {
public:
  explicit Reader(ProgramInfo &program) : program(program) {}

  std::optional<Error> read() {
    if (auto error = readValues())
      return error;
    if (auto error = readTensors())
      return error;
    if (auto error = readOps())
      return error;
    return readOutputs();
  }

private:
  std::optional<Error> readValues();
  std::optional<Error> readTensors();
  std::optional<Error> readTensor(const plan::Tensor &table);
  std::optional<Error> readOps();
  std::optional<Error> readView(const plan::View &view, bool isOutput,
                                OpInfo &op);
  std::optional<Error> readInPlace(const OpInfo &op);
  std::optional<Error> readAttrs(const plan::Op &op);
  std::optional<Error> readOutputs();

  std::optional<Error> checkValue(uint32_t value) {
    if (value < program.valueBytes.size())
      return std::nullopt;
    return Error{Code::IndexOutOfRange,
                 "value " + std::to_string(value) + ", expected one of " +
                     std::to_string(program.valueBytes.size())};
  }

  ProgramInfo &program;
  uint64_t runBudget = maxRuns;
};

std::optional<Error> Reader::readValues() {
  const auto *values = program.table->values();
  for (uint32_t i = 0; i < sizeOf(values); ++i) {
    uint64_t bytes = values->Get(i)->bytes();
    if (bytes >= maxValueBytes)
      return Error{Code::Overflow, "value " + std::to_string(i) + " has " +
                                       std::to_string(bytes) +
                                       " bytes, expected less than 2^62"};
    program.valueBytes.push_back(bytes);
  }
  program.tensorOfValue.assign(program.valueBytes.size(), none);
  return std::nullopt;
}

std::optional<Error> Reader::readTensors() {
  const auto *tensors = program.table->tensors();
  Names names("tensor");
  for (uint32_t i = 0; i < sizeOf(tensors); ++i) {
    const plan::Tensor &tensor = *tensors->Get(i);
    if (auto error = names.add(tensor.name()))
      return error;
    if (auto error = readTensor(tensor))
      return at("tensor '" + std::string(textOf(tensor.name())) + "'", *error);
  }
  return std::nullopt;
}

std::optional<Error> Reader::readTensor(const plan::Tensor &table) {
  if (uint8_t(table.role()) > uint8_t(plan::Role::MAX))
    return Error{Code::UnknownEnumValue,
                 "role " + std::to_string(int(table.role())) + " is unknown"};
  if (elementBytes(table.dtype()) == 0)
    return Error{Code::UnknownEnumValue,
                 "type " + std::to_string(int(table.dtype())) + " is unknown"};
  if (!isAligned(table.sizes(), 8))
    return Error{Code::MalformedBuffer, "sizes are not aligned"};
  for (uint32_t value : {table.value_in(), table.value_out()})
    if (auto error = checkValue(value))
      return error;
  auto bytes = denseBytes(table.dtype(), table.sizes());
  if (!bytes)
    return Error{Code::BadShape, "expected at most 16 sizes, none below 0, "
                                 "and less than 2^62 bytes in all"};
  for (uint32_t value : {table.value_in(), table.value_out()})
    if (program.valueBytes[value] != *bytes)
      return Error{Code::TensorSizeMismatch,
                   "it has " + std::to_string(*bytes) +
                       " bytes, but its value " + program.valueName(value) +
                       " has " + std::to_string(program.valueBytes[value])};

  bool isFed =
      table.role() == plan::Role::INPUT || table.role() == plan::Role::HYPER;
  bool mayChange =
      table.role() == plan::Role::PARAM || table.role() == plan::Role::STATE;
  if (!mayChange && table.value_in() != table.value_out())
    return Error{Code::BadTensor,
                 "only parameters and optimizer state may be updated, but its "
                 "value at the end, " +
                     program.valueName(table.value_out()) +
                     ", is not the one at the start"};
  if (program.tensorOfValue[table.value_in()] != none)
    return Error{Code::BadTensor, "another tensor starts as the same value " +
                                      program.valueName(table.value_in())};
  if (table.data() && table.data()->size() != 0 &&
      table.data()->size() != *bytes)
    return Error{Code::TensorSizeMismatch,
                 "it has " + std::to_string(*bytes) + " bytes, but " +
                     std::to_string(table.data()->size()) +
                     " bytes of initial data"};
  uint64_t fileEnd;
  if (__builtin_add_overflow(table.file_offset(), table.file_bytes(), &fileEnd))
    return Error{Code::Overflow, "offset and size in its file are beyond 2^64"};

  program.tensorOfValue[table.value_in()] = uint32_t(program.tensors.size());
  program.tensors.push_back({&table, *bytes, isFed});
  return std::nullopt;
}

std::optional<Error> Reader::readOps() {
  const auto *ops = program.table->ops();
  std::unordered_set<uint32_t> ids;
  for (uint32_t i = 0; i < sizeOf(ops); ++i) {
    const plan::Op &table = *ops->Get(i);
    program.ops.push_back({&table, {}, sizeOf(table.inputs())});
    OpInfo &op = program.ops.back();
    if (!ids.insert(table.id()).second)
      return Error{Code::DuplicateName,
                   "two ops have the id " + std::to_string(table.id())};
    if (textOf(table.kernel()).empty())
      return Error{Code::MissingField, program.opName(i) + " names no kernel"};
    if (table.workspace_bytes() >= maxValueBytes)
      return Error{Code::Overflow, program.opName(i) + " wants " +
                                       std::to_string(table.workspace_bytes()) +
                                       " bytes of workspace"};
    op.operands.reserve(op.numInputs + sizeOf(table.outputs()));
    for (uint32_t k = 0; k < op.numInputs; ++k)
      if (auto error = readView(*table.inputs()->Get(k), false, op))
        return at(program.opName(i) + ", input " + std::to_string(k), *error);
    for (uint32_t k = 0; k < sizeOf(table.outputs()); ++k)
      if (auto error = readView(*table.outputs()->Get(k), true, op))
        return at(program.opName(i) + ", output " + std::to_string(k), *error);
    if (auto error = readInPlace(op))
      return at(program.opName(i), *error);
    if (auto error = readAttrs(table))
      return at(program.opName(i), *error);
  }
  return std::nullopt;
}

std::optional<Error> Reader::readView(const plan::View &view, bool isOutput,
                                      OpInfo &op) {
  if (auto error = checkValue(view.value()))
    return error;
  if (!isAligned(view.sizes(), 8) || !isAligned(view.strides(), 8))
    return Error{Code::MalformedBuffer, "sizes or strides are not aligned"};
  Operand operand{view.value(), {}};
  if (auto error = footprintOf(view, program.valueBytes[view.value()], isOutput,
                               runBudget, operand.footprint)) {
    error->message += " (value " + program.valueName(view.value()) + ")";
    return error;
  }
  op.operands.push_back(std::move(operand));
  return std::nullopt;
}

std::optional<Error> Reader::readInPlace(const OpInfo &op) {
  if (sizeOf(op.table->in_place()) > op.operands.size() * 4)
    return Error{Code::LimitExceeded,
                 std::to_string(sizeOf(op.table->in_place())) +
                     " in-place pairs, expected at most four an operand"};
  for (uint32_t i = 0; i < sizeOf(op.table->in_place()); ++i) {
    const plan::InPlace &pair = *op.table->in_place()->Get(i);
    std::string text = "in-place pair (" + std::to_string(pair.input()) + ", " +
                       std::to_string(pair.output()) + ")";
    if (pair.input() >= op.numInputs || pair.output() >= op.numOutputs())
      return Error{Code::IndexOutOfRange,
                   text + " names no operands, expected " +
                       std::to_string(op.numInputs) + " inputs and " +
                       std::to_string(op.numOutputs()) + " outputs"};
    const Footprint &in = op.operands[pair.input()].footprint;
    const Footprint &out = op.operands[op.numInputs + pair.output()].footprint;
    const plan::View &inView = *op.table->inputs()->Get(pair.input());
    const plan::View &outView = *op.table->outputs()->Get(pair.output());
    bool isEqual = in.elementBytes == out.elementBytes &&
                   in.numElements == out.numElements &&
                   walkOf(inView) == walkOf(outView);
    if (!isEqual)
      return Error{Code::BadInPlace,
                   text + " has footprints " + toString(in.hull) + " and " +
                       toString(out.hull) +
                       ", expected the same bytes in the same order"};
  }
  return std::nullopt;
}

std::optional<Error> Reader::readAttrs(const plan::Op &op) {
  for (uint32_t i = 0; i < sizeOf(op.attrs()); ++i) {
    const plan::Attr &attr = *op.attrs()->Get(i);
    std::string text = "attribute '" + std::string(textOf(attr.name())) + "'";
    if (uint8_t(attr.kind()) > uint8_t(plan::AttrKind::MAX))
      return Error{Code::UnknownEnumValue,
                   text + " has the unknown kind " +
                       std::to_string(int(attr.kind()))};
    if (!isAligned(attr.ints(), 8))
      return Error{Code::MalformedBuffer, text + " is not aligned"};
  }
  return std::nullopt;
}

std::optional<Error> Reader::readOutputs() {
  const auto *outputs = program.table->outputs();
  Names names("output");
  for (uint32_t i = 0; i < sizeOf(outputs); ++i) {
    const plan::Output &output = *outputs->Get(i);
    if (auto error = names.add(output.name()))
      return error;
    std::string place = "output '" + std::string(textOf(output.name())) + "'";
    if (!isAligned(output.sizes(), 8))
      return Error{Code::MalformedBuffer, place + ": sizes are not aligned"};
    if (elementBytes(output.dtype()) == 0)
      return Error{Code::UnknownEnumValue,
                   place + " has the unknown type " +
                       std::to_string(int(output.dtype()))};
    if (auto error = checkValue(output.value()))
      return at(place, *error);
    auto bytes = denseBytes(output.dtype(), output.sizes());
    if (!bytes || *bytes != program.valueBytes[output.value()])
      return Error{Code::TensorSizeMismatch,
                   place + " does not have the " +
                       std::to_string(program.valueBytes[output.value()]) +
                       " bytes of its value " +
                       program.valueName(output.value())};
    program.outputs.push_back({&output, *bytes});
  }
  return std::nullopt;
}

} // namespace

bool OpInfo::mayBeInPlace(uint32_t input, uint32_t output) const {
  for (uint32_t i = 0; i < sizeOf(table->in_place()); ++i)
    if (table->in_place()->Get(i)->input() == input &&
        table->in_place()->Get(i)->output() == output)
      return true;
  return false;
}

std::string ProgramInfo::valueName(uint32_t value) const {
  std::string_view name = textOf(table->values()->Get(value)->name());
  if (name.empty())
    return "#" + std::to_string(value);
  return "'" + std::string(name) + "'";
}

std::string ProgramInfo::opName(uint32_t op) const {
  const plan::Op &table = *ops[op].table;
  std::string text = "op " + std::to_string(table.id()) + " (" +
                     std::string(textOf(table.name()));
  if (std::string_view location = textOf(table.location()); !location.empty())
    text += " at " + std::string(location);
  return text + ")";
}

std::optional<Error> readProgram(const plan::Program &table,
                                 ProgramInfo &program) {
  program.table = &table;
  return Reader(program).read();
}

} // namespace spillway::verify
