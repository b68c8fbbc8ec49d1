//===- Execute.cpp - A hostile machine that runs small plans --------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execute.h"

#include <random>
#include <span>
#include <vector>

namespace spillway::test {
namespace {

using Bytes = std::vector<uint8_t>;

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x =
      (a ^ (b + 0x9e3779b97f4a7c15 + (a << 6) + (a >> 2))) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 29)) * 0x94d049bb133111eb;
  return x ^ (x >> 32);
}

uint64_t elementBytes(plan::DType dtype) {
  constexpr uint8_t bytes[] = {4, 2, 2, 8, 1, 1, 2, 4, 8, 1};
  return bytes[int(dtype)];
}

// Calls `visit(byte)` for each byte of each element, in row-major order,
// counted from the first element.
template <typename Visit>
void forEachByte(const plan::View &view, Visit visit) {
  uint32_t rank = view.sizes() ? view.sizes()->size() : 0;
  std::vector<int64_t> index(rank, 0);
  for (uint32_t i = 0; i < rank; ++i)
    if (view.sizes()->Get(i) == 0)
      return;
  while (true) {
    uint64_t element = 0;
    for (uint32_t i = 0; i < rank; ++i)
      element += uint64_t(index[i] * view.strides()->Get(i));
    for (uint64_t b = 0; b < elementBytes(view.dtype()); ++b)
      visit(element * elementBytes(view.dtype()) + b);
    uint32_t i = rank;
    while (i > 0 && ++index[i - 1] == view.sizes()->Get(i - 1))
      index[--i] = 0;
    if (i == 0)
      return;
  }
}

Bytes contentOf(uint64_t bytes, uint64_t seed) {
  Bytes content(bytes);
  for (uint64_t i = 0; i < bytes; ++i)
    content[i] = uint8_t(mix(seed, i));
  return content;
}
uint64_t initialSeed(uint32_t tensor) { return mix(1, tensor); }
uint64_t fedSeed(uint32_t tensor, int step) {
  return mix(mix(2, tensor), uint64_t(step));
}

bool isFed(const plan::Tensor &tensor) {
  return tensor.role() == plan::Role::INPUT ||
         tensor.role() == plan::Role::HYPER;
}

// The op's operands as pointers to their first elements, wherever they are.
uint64_t hashInputs(const plan::Op &op, std::span<uint8_t *const> operands) {
  uint64_t hash = mix(3, op.id());
  for (uint32_t k = 0; op.inputs() && k < op.inputs()->size(); ++k)
    forEachByte(*op.inputs()->Get(k),
                [&](uint64_t byte) { hash = mix(hash, operands[k][byte]); });
  return hash;
}
void writeOutputs(const plan::Op &op, std::span<uint8_t *const> operands,
                  uint64_t hash) {
  uint32_t first = op.inputs() ? op.inputs()->size() : 0;
  for (uint32_t k = 0; op.outputs() && k < op.outputs()->size(); ++k) {
    uint64_t i = 0;
    forEachByte(*op.outputs()->Get(k), [&](uint64_t byte) {
      operands[first + k][byte] = uint8_t(mix(mix(hash, k), i++));
    });
  }
}

// What the program says.
struct Reference {
  std::vector<std::vector<Bytes>> outputs; // by step
  std::vector<Bytes> state;                // by tensor, after the last step

  Reference(const plan::Program &program, int steps) {
    const auto *tensors = program.tensors();
    for (uint32_t i = 0; tensors && i < tensors->size(); ++i)
      state.push_back(
          contentOf(program.values()->Get(tensors->Get(i)->value_in())->bytes(),
                    initialSeed(i)));
    for (int step = 0; step < steps; ++step) {
      std::vector<Bytes> values;
      for (const plan::Value *value : *program.values())
        values.emplace_back(value->bytes());
      for (uint32_t i = 0; i < state.size(); ++i) {
        const plan::Tensor &tensor = *tensors->Get(i);
        values[tensor.value_in()] =
            isFed(tensor) ? contentOf(state[i].size(), fedSeed(i, step))
                          : state[i];
      }
      for (uint32_t i = 0; program.ops() && i < program.ops()->size(); ++i)
        run(*program.ops()->Get(i), values);
      outputs.emplace_back();
      for (uint32_t i = 0; program.outputs() && i < program.outputs()->size();
           ++i)
        outputs.back().push_back(values[program.outputs()->Get(i)->value()]);
      for (uint32_t i = 0; i < state.size(); ++i)
        state[i] = values[tensors->Get(i)->value_out()];
    }
  }

  static void run(const plan::Op &op, std::vector<Bytes> &values) {
    std::vector<uint8_t *> operands;
    for (const auto *views : {op.inputs(), op.outputs()})
      for (uint32_t k = 0; views && k < views->size(); ++k)
        operands.push_back(values[views->Get(k)->value()].data() +
                           views->Get(k)->offset());
    writeOutputs(op, operands, hashInputs(op, operands));
  }
};

class Machine {
public:
  Machine(const plan::Plan &plan, int steps, uint64_t seed)
      : plan(plan), program(*plan.program_nested_root()), steps(steps),
        random(seed), reference(program, steps),
        finished(plan.body()->size(), 0), streams(plan.streams()->size()) {
    for (const plan::Tier *tier : *plan.tiers())
      arenas.push_back(contentOf(tier->arena_bytes(), random()));
    for (uint32_t i = 0; i < plan.body()->size(); ++i)
      streams[plan.body()->Get(i)->stream()].instructions.push_back(i);
    for (Stream &stream : streams)
      stream.weight = 1 + random() % 64;
    for (uint32_t i = 0; plan.bindings() && i < plan.bindings()->size(); ++i) {
      const plan::Binding &binding = *plan.bindings()->Get(i);
      Bytes initial = contentOf(binding.value_offset() + binding.bytes(),
                                initialSeed(binding.tensor()));
      std::copy(initial.begin() + binding.value_offset(), initial.end(),
                at(*binding.location()));
    }
  }

  bool run() {
    while (true) {
      // What may happen next: the end of what runs, the start of what may.
      std::vector<Stream *> ready;
      uint64_t weight = 0;
      for (Stream &stream : streams)
        if (stream.isRunning || mayStart(stream)) {
          ready.push_back(&stream);
          weight += stream.weight;
        }
      if (ready.empty())
        break;
      uint64_t draw = random() % weight;
      for (Stream *stream : ready) {
        if (draw < stream->weight) {
          stream->isRunning ? end(*stream) : start(*stream);
          break;
        }
        draw -= stream->weight;
      }
    }
    for (int count : finished)
      if (count != steps)
        return false; // waits in a circle
    return isGood && bindingsAreGood();
  }

private:
  struct Stream {
    std::vector<uint32_t> instructions;
    size_t next = 0;
    int step = 0;
    uint64_t weight = 1;
    bool isRunning = false;
    uint64_t hash = 0; // what a launch read at its start
    Bytes bytes;       // what a copy or fetch read at its start
  };

  uint8_t *at(const plan::Location &location) {
    return arenas[location.tier()].data() + location.offset();
  }
  const plan::Instruction &current(const Stream &stream) const {
    return *plan.body()->Get(stream.instructions[stream.next]);
  }

  bool mayStart(const Stream &stream) const {
    if (stream.instructions.empty() || stream.step == steps)
      return false;
    uint32_t index = stream.instructions[stream.next];
    const auto *waits = current(stream).wait();
    for (uint32_t i = 0; waits && i < waits->size(); ++i) {
      uint32_t other = waits->Get(i);
      if (finished[other] < stream.step + (other < index ? 1 : 0))
        return false;
    }
    return true;
  }

  std::vector<uint8_t *> operandsOf(const plan::Launch &launch) {
    std::vector<uint8_t *> operands;
    for (uint32_t k = 0; launch.operands() && k < launch.operands()->size();
         ++k)
      operands.push_back(at(*launch.operands()->Get(k)));
    return operands;
  }

  void ruin(uint8_t *byte) { *byte = uint8_t(random()); }
  void ruin(uint8_t *bytes, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i)
      ruin(bytes + i);
  }

  void start(Stream &stream) {
    stream.isRunning = true;
    const plan::Instruction &instruction = current(stream);
    if (const plan::Launch *launch = instruction.action_as_Launch()) {
      const plan::Op &op = *program.ops()->Get(launch->op());
      std::vector<uint8_t *> operands = operandsOf(*launch);
      stream.hash = hashInputs(op, operands);
      ruin(at(*launch->workspace()), op.workspace_bytes());
      // Results that take no operand's place may be written at any time.
      uint32_t first = op.inputs() ? op.inputs()->size() : 0;
      for (uint32_t k = 0; op.outputs() && k < op.outputs()->size(); ++k) {
        bool isInPlace = false;
        for (uint32_t i = 0; i < first; ++i)
          isInPlace |= operands[i] == operands[first + k];
        if (!isInPlace)
          forEachByte(*op.outputs()->Get(k),
                      [&](uint64_t byte) { ruin(operands[first + k] + byte); });
      }
    } else if (const plan::Copy *copy = instruction.action_as_Copy()) {
      const uint8_t *source = at(*copy->source());
      stream.bytes.assign(source, source + copy->bytes());
      ruin(at(*copy->destination()), copy->bytes());
    } else if (const plan::Feed *feed = instruction.action_as_Feed()) {
      ruin(at(*feed->destination()), reference.state[feed->tensor()].size());
    } else if (const plan::Fetch *fetch = instruction.action_as_Fetch()) {
      const uint8_t *source = at(*fetch->source());
      stream.bytes.assign(
          source, source + reference.outputs[0][fetch->output()].size());
    }
  }

  void end(Stream &stream) {
    const plan::Instruction &instruction = current(stream);
    if (const plan::Launch *launch = instruction.action_as_Launch()) {
      const plan::Op &op = *program.ops()->Get(launch->op());
      std::vector<uint8_t *> operands = operandsOf(*launch);
      uint64_t hash = hashInputs(op, operands);
      writeOutputs(op, operands,
                   hash == stream.hash ? hash : mix(hash, stream.hash));
    } else if (const plan::Copy *copy = instruction.action_as_Copy()) {
      const uint8_t *source = at(*copy->source());
      uint8_t *target = at(*copy->destination());
      for (uint64_t i = 0; i < copy->bytes(); ++i)
        target[i] = random() % 2 ? source[i] : stream.bytes[i];
    } else if (const plan::Feed *feed = instruction.action_as_Feed()) {
      Bytes content = contentOf(reference.state[feed->tensor()].size(),
                                fedSeed(feed->tensor(), stream.step));
      std::copy(content.begin(), content.end(), at(*feed->destination()));
    } else if (const plan::Fetch *fetch = instruction.action_as_Fetch()) {
      const Bytes &expected = reference.outputs[stream.step][fetch->output()];
      isGood &=
          stream.bytes == expected &&
          std::equal(expected.begin(), expected.end(), at(*fetch->source()));
    }
    stream.isRunning = false;
    ++finished[stream.instructions[stream.next]];
    if (++stream.next == stream.instructions.size()) {
      stream.next = 0;
      ++stream.step;
    }
  }

  bool bindingsAreGood() {
    for (uint32_t i = 0; plan.bindings() && i < plan.bindings()->size(); ++i) {
      const plan::Binding &binding = *plan.bindings()->Get(i);
      auto from =
          reference.state[binding.tensor()].begin() + binding.value_offset();
      if (!std::equal(from, from + binding.bytes(), at(*binding.location())))
        return false;
    }
    return true;
  }

  const plan::Plan &plan;
  const plan::Program &program;
  int steps;
  std::mt19937_64 random;
  Reference reference;
  std::vector<Bytes> arenas;
  std::vector<int> finished; // steps, by instruction
  std::vector<Stream> streams;
  bool isGood = true;
};

} // namespace

bool computesItsProgram(const plan::Plan &plan, int steps, uint64_t seed) {
  return Machine(plan, steps, seed).run();
}

} // namespace spillway::test
