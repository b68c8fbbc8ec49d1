//===- DataFlow.cpp - Who produces which byte -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include <algorithm>
#include <tuple>

namespace spillway::verify {
namespace {

// Bytes of a value that one op writes.
struct Piece {
  uint32_t value;
  Range range;
  uint32_t op;
};

class DataFlow {
public:
  explicit DataFlow(ProgramInfo &program) : program(program) {}

  std::optional<Error> check() {
    collect();
    if (auto error = checkCoverage())
      return error;
    markReadTensors();
    return checkUses();
  }

private:
  void collect();
  std::optional<Error> checkCoverage();
  std::optional<Error> checkUses();
  void markReadTensors();

  ProgramInfo &program;
  std::vector<Piece> pieces;
  /// The first piece of each value; one entry more than there are values.
  std::vector<size_t> firstPiece;
  /// The last op that writes a piece of each value.
  std::vector<uint32_t> lastProducer;
};

void DataFlow::collect() {
  for (uint32_t i = 0; i < program.ops.size(); ++i) {
    const OpInfo &op = program.ops[i];
    for (uint32_t k = op.numInputs; k < op.operands.size(); ++k) {
      const Operand &operand = op.operands[k];
      const Footprint &footprint = operand.footprint;
      if (footprint.runs.empty() && !footprint.hull.empty())
        pieces.push_back({operand.value, footprint.hull, i});
      for (const Range &run : footprint.runs)
        pieces.push_back({operand.value, run, i});
    }
  }
  std::sort(pieces.begin(), pieces.end(), [](const Piece &a, const Piece &b) {
    return std::tuple(a.value, a.range.begin, a.op) <
           std::tuple(b.value, b.range.begin, b.op);
  });
  size_t numValues = program.valueBytes.size();
  firstPiece.assign(numValues + 1, 0);
  lastProducer.assign(numValues, 0);
  for (const Piece &piece : pieces) {
    ++firstPiece[piece.value + 1];
    lastProducer[piece.value] = std::max(lastProducer[piece.value], piece.op);
  }
  for (size_t i = 0; i < numValues; ++i)
    firstPiece[i + 1] += firstPiece[i];
}

std::optional<Error> DataFlow::checkCoverage() {
  for (uint32_t value = 0; value < program.valueBytes.size(); ++value) {
    size_t first = firstPiece[value], last = firstPiece[value + 1];
    uint32_t tensor = program.tensorOfValue[value];
    if (tensor != none) {
      if (first != last)
        return Error{Code::ProducedTwice,
                     program.opName(pieces[first].op) + " writes value " +
                         program.valueName(value) +
                         ", which is there when the step starts (tensor '" +
                         program.tensors[tensor].table->name()->str() + "')"};
      continue;
    }
    uint64_t end = 0;
    for (size_t i = first; i < last; ++i) {
      const Piece &piece = pieces[i];
      if (piece.range.begin < end)
        return Error{Code::ProducedTwice,
                     program.opName(pieces[i - 1].op) + " and " +
                         program.opName(piece.op) + " both write bytes from " +
                         std::to_string(piece.range.begin) + " on of value " +
                         program.valueName(value)};
      if (piece.range.begin > end)
        break;
      end = piece.range.end;
    }
    if (end < program.valueBytes[value])
      return Error{Code::NotProduced,
                   "no op writes byte " + std::to_string(end) + " of value " +
                       program.valueName(value) + ", which has " +
                       std::to_string(program.valueBytes[value])};
  }
  return std::nullopt;
}

std::optional<Error> DataFlow::checkUses() {
  for (uint32_t i = 0; i < program.ops.size(); ++i) {
    const OpInfo &op = program.ops[i];
    for (uint32_t k = 0; k < op.numInputs; ++k) {
      const Operand &operand = op.operands[k];
      const Range &hull = operand.footprint.hull;
      if (hull.empty())
        continue;
      if (program.tensorOfValue[operand.value] != none ||
          lastProducer[operand.value] < i)
        continue;
      // Some of the value comes later: then the pieces that are read must not.
      // A view in pieces is judged by its pieces, any other by its hull.
      auto begin = pieces.begin() + firstPiece[operand.value];
      auto end = pieces.begin() + firstPiece[operand.value + 1];
      std::span<const Range> runs(&hull, 1);
      if (!operand.footprint.runs.empty())
        runs = operand.footprint.runs;
      for (const Range &run : runs) {
        auto piece = std::partition_point(begin, end, [&](const Piece &p) {
          return p.range.end <= run.begin;
        });
        for (; piece != end && piece->range.begin < run.end; ++piece)
          if (piece->op >= i)
            return Error{Code::UsedBeforeProduced,
                         program.opName(i) + ", input " + std::to_string(k) +
                             ": reads bytes " + toString(run) + " of value " +
                             program.valueName(operand.value) +
                             ", which are written only by " +
                             program.opName(piece->op)};
      }
    }
  }
  return std::nullopt;
}

void DataFlow::markReadTensors() {
  auto mark = [&](uint32_t value) {
    if (program.tensorOfValue[value] != none)
      program.tensors[program.tensorOfValue[value]].isRead = true;
  };
  for (const OpInfo &op : program.ops)
    for (uint32_t k = 0; k < op.numInputs; ++k)
      if (!op.operands[k].footprint.hull.empty())
        mark(op.operands[k].value);
  for (const OutputInfo &output : program.outputs)
    mark(output.table->value());
  for (const TensorInfo &tensor : program.tensors)
    if (!tensor.isFed)
      mark(tensor.table->value_out());
}

} // namespace

std::optional<Error> checkDataFlow(ProgramInfo &program) {
  return DataFlow(program).check();
}

} // namespace spillway::verify
