//===- Weights.cpp - What tensors hold before the first step ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "Error.h"
#include "Numbers.h"
#include "Philox.h"

#include <algorithm>
#include <cstring>
#include <unistd.h>

using namespace spillway;
using namespace spillway::rt;

static double parseInit(const std::string &text) {
  const std::string prefix = "normal:";
  double value = 0;
  if (text.compare(0, prefix.size(), prefix) != 0 ||
      !parseNumber(text.substr(prefix.size()), value) || value < 0)
    fail("--init=%s: expected normal:STD with a standard deviation, for "
         "example normal:0.02",
         text.c_str());
  return value;
}

static uint64_t bytesOf(const plan::Tensor &tensor) {
  uint64_t count = tensor.sizes() ? *countElements(*tensor.sizes()) : 1;
  return count * elementBytes(tensor.dtype());
}

static size_t rankOf(const plan::Tensor &tensor) {
  return tensor.sizes() ? tensor.sizes()->size() : 0;
}

static std::vector<int64_t> sizesOf(const plan::Tensor &tensor) {
  if (!tensor.sizes())
    return {};
  return {tensor.sizes()->begin(), tensor.sizes()->end()};
}

Weights::Weights(const PlanFile &plan, const WeightOptions &options)
    : plan(plan), seed(options.seed) {
  if (!options.weights.empty() && !options.init.empty())
    fail("--weights and --init exclude each other");
  if (!options.weights.empty())
    weights.emplace(options.weights, "weights");
  if (!options.init.empty())
    deviation = parseInit(options.init);
  if (plan.program().tensors())
    for (const plan::Tensor *tensor : *plan.program().tensors())
      sources.push_back(sourceOf(*tensor));
}

Weights::Source Weights::sourceOf(const plan::Tensor &tensor) {
  Source source;
  switch (tensor.role()) {
  case plan::Role::PARAM:
    if (deviation)
      return randomly(tensor);
    if (weights) {
      if (fromWeights(tensor, source))
        return source;
      fail(
          "weights '%s' have no tensor '%s'%s", weights->path().c_str(),
          tensor.name()->c_str(),
          tensor.tied_to() && tensor.tied_to()->size()
              ? (", nor '" + tensor.tied_to()->str() + "', to which it is tied")
                    .c_str()
              : "");
    }
    if (fromPlan(tensor, source) || fromModel(tensor, source))
      return source;
    fail("parameter '%s' has no initial values: the model has none; give "
         "--weights=FILE or --init=normal:STD",
         tensor.name()->c_str());
  case plan::Role::CONSTANT:
    if (fromPlan(tensor, source) || fromModel(tensor, source) ||
        (weights && fromWeights(tensor, source)))
      return source;
    fail("constant '%s' has no values: neither the plan nor the model has "
         "them; compile the model again",
         tensor.name()->c_str());
  case plan::Role::STATE:
    if (fromPlan(tensor, source) || fromModel(tensor, source))
      return source;
    source.kind = Source::Fill;
    source.fill = tensor.fill();
    return source;
  default: // fed before it is read
    source.kind = Source::Fill;
    source.fill = tensor.role() == plan::Role::HYPER ? tensor.fill() : 0;
    return source;
  }
}

bool Weights::fromPlan(const plan::Tensor &tensor, Source &source) const {
  bool empty = bytesOf(tensor) == 0;
  if (!empty && (!tensor.data() || !tensor.data()->size()))
    return false;
  source.kind = Source::Inline;
  source.data = empty ? nullptr : tensor.data()->data();
  return true;
}

const InputFile &Weights::modelFile(const plan::Tensor &tensor) {
  std::string name = tensor.file()->str();
  auto &file = files[name];
  if (file)
    return *file;
  const auto *model = plan.program().model();
  std::string beside = directoryOf(model ? model->str() : "") + "/" + name;
  std::string path = name[0] == '/' ? name : beside;
  // A plan may have been moved together with its model.
  for (const std::string &other : {directoryOf(plan.path()) + "/" + name, name})
    if (access(path.c_str(), F_OK) != 0 && access(other.c_str(), F_OK) == 0)
      path = other;
  std::string what = "the initial values of '" + tensor.name()->str() + "' in";
  if (access(path.c_str(), F_OK) != 0)
    fail("missing external data: tensor '%s' needs %llu bytes of '%s', which "
         "does not exist; put it there, or give --weights=FILE or "
         "--init=normal:STD",
         tensor.name()->c_str(), (unsigned long long)bytesOf(tensor),
         path.c_str());
  file = std::make_unique<InputFile>(path, what.c_str());
  return *file;
}

bool Weights::fromModel(const plan::Tensor &tensor, Source &source) {
  if (!tensor.file() || !tensor.file()->size())
    return false;
  uint64_t needed = bytesOf(tensor);
  if (tensor.file_bytes() != needed)
    fail("external data of tensor '%s': its shape needs %llu bytes, the model "
         "says that '%s' has %llu",
         tensor.name()->c_str(), (unsigned long long)needed,
         tensor.file()->c_str(), (unsigned long long)tensor.file_bytes());
  const InputFile &file = modelFile(tensor);
  uint64_t offset = tensor.file_offset();
  uint64_t found = file.size() > offset ? file.size() - offset : 0;
  if (found < needed)
    fail("external data is short: tensor '%s' needs %llu bytes at offset %llu "
         "of '%s', found %llu",
         tensor.name()->c_str(), (unsigned long long)needed,
         (unsigned long long)offset, file.path().c_str(),
         (unsigned long long)found);
  source.kind = Source::File;
  source.file = &file;
  source.offset = offset;
  return true;
}

bool Weights::fromWeights(const plan::Tensor &tensor, Source &source) const {
  const FileTensor *found = weights->find(tensor.name()->str());
  if (!found && tensor.tied_to() && tensor.tied_to()->size())
    found = weights->find(tensor.tied_to()->str());
  if (!found)
    return false;
  if (found->dtype != tensor.dtype() || found->sizes != sizesOf(tensor))
    fail("weights '%s': tensor '%s': expected %s %s, found %s %s",
         weights->path().c_str(), tensor.name()->c_str(),
         safetensorsName(tensor.dtype()), dimensions(sizesOf(tensor)).c_str(),
         safetensorsName(found->dtype), dimensions(found->sizes).c_str());
  source.kind = Source::File;
  source.file = found->file;
  source.offset = found->offset;
  return true;
}

static bool endsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Weights::Source Weights::randomly(const plan::Tensor &tensor) const {
  Source source;
  std::string name = tensor.name()->str();
  if (isInteger(tensor.dtype()))
    fail("--init cannot make values for parameter '%s' of type %s; give "
         "--weights=FILE",
         name.c_str(), safetensorsName(tensor.dtype()));
  if (rankOf(tensor) >= 2) {
    source.kind = Source::Normal;
    return source;
  }
  if (fromPlan(tensor, source))
    return source;
  source.kind = Source::Fill;
  source.fill = endsWith(name, "bias") || endsWith(name, "beta") ? 0 : 1;
  return source;
}

void Weights::load(const Schedule &schedule, Backend &backend) const {
  for (const Binding &binding : schedule.bindings)
    if (binding.bytes)
      write(*plan.program().tensors()->Get(binding.tensor),
            sources[binding.tensor], binding.valueOffset, binding.bytes,
            static_cast<uint8_t *>(
                backend.hostPointer(binding.address, binding.bytes)),
            backend);
}

void Weights::write(const plan::Tensor &tensor, const Source &source,
                    uint64_t offset, uint64_t bytes, uint8_t *to,
                    Backend &backend) const {
  if (source.kind == Source::Inline) {
    std::memcpy(to, source.data + offset, bytes);
    return;
  }
  if (source.kind == Source::File) {
    source.file->readExactly(to, bytes, source.offset + offset);
    return;
  }
  uint64_t element = elementBytes(tensor.dtype());
  if (offset % element || bytes % element)
    fail("plan is malformed: a binding of '%s' cuts an element",
         tensor.name()->c_str());
  const uint64_t piece = 1 << 16; // elements
  uint64_t count = bytes / element;
  backend.parallelFor(int64_t((count + piece - 1) / piece), [&](int64_t i) {
    uint64_t first = uint64_t(i) * piece;
    writeElements(tensor, source, offset / element + first,
                  std::min(piece, count - first), to + first * element);
  });
}

void Weights::writeElements(const plan::Tensor &tensor, const Source &source,
                            uint64_t first, uint64_t count, uint8_t *to) const {
  uint64_t element = elementBytes(tensor.dtype());
  if (source.kind != Source::Normal) {
    if (source.fill == 0) {
      std::memset(to, 0, count * element);
      return;
    }
    for (uint64_t i = 0; i < count; ++i)
      storeNumber(tensor.dtype(), source.fill, to + i * element);
    return;
  }
  uint64_t stream = hashName(tensor.name()->string_view());
  std::array<double, 4> block = {};
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t number = first + i;
    if (i == 0 || number % 4 == 0)
      block = normals(seed, stream, number / 4);
    storeNumber(tensor.dtype(), block[number % 4] * *deviation,
                to + i * element);
  }
}
