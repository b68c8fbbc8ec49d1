//===- Data.cpp - From --data to feeders ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Feeders.h"

#include <algorithm>

using namespace spillway;
using namespace spillway::rt;

static const std::string tokensPrefix = "tokens:";

static bool removeSuffix(std::string &text, const std::string &suffix) {
  if (text.size() < suffix.size() ||
      text.compare(text.size() - suffix.size(), suffix.size(), suffix) != 0)
    return false;
  text.resize(text.size() - suffix.size());
  return true;
}

/// The integer input of rank 2 that has a vocabulary, or the model's usual
/// name.
static const plan::Tensor *
findTokenInput(const std::vector<const plan::Tensor *> &inputs) {
  const plan::Tensor *found = nullptr;
  for (const plan::Tensor *input : inputs) {
    std::string name = input->name()->str();
    bool shaped = input->sizes() && input->sizes()->size() == 2 &&
                  isInteger(input->dtype());
    if (!shaped || name == "labels")
      continue;
    if (name == "input_ids")
      return input;
    if (input->vocabulary() > 0 && !found)
      found = input;
  }
  return found;
}

static TokenWindows openTokens(std::string path, const plan::Tensor &input,
                               bool withLabels) {
  TokenWindows windows;
  windows.dtype = DType::U8;
  if (removeSuffix(path, ":u16"))
    windows.dtype = DType::I16;
  else if (removeSuffix(path, ":i32"))
    windows.dtype = DType::I32;
  else
    removeSuffix(path, ":u8");
  windows.file = std::make_shared<InputFile>(path, "data");
  uint64_t element = elementBytes(windows.dtype);
  if (windows.file->size() % element)
    fail("data '%s': %llu bytes are no whole number of %llu-byte tokens",
         path.c_str(), (unsigned long long)windows.file->size(),
         (unsigned long long)element);
  uint64_t tokens = windows.file->size() / element, extra = withLabels ? 1 : 0;
  uint64_t batch = uint64_t(input.sizes()->Get(0));
  windows.length = uint64_t(input.sizes()->Get(1));
  if (!batch || !windows.length)
    fail("input '%s' is empty: there is nothing to feed",
         input.name()->c_str());
  windows.samples = (tokens - std::min(tokens, extra)) / windows.length;
  if (windows.samples < batch)
    fail("data '%s' is shorter than a batch: input '%s' needs %llu x %llu%s "
         "tokens, found %llu",
         path.c_str(), input.name()->c_str(), (unsigned long long)batch,
         (unsigned long long)windows.length, withLabels ? " + 1" : "",
         (unsigned long long)tokens);
  return windows;
}

static uint64_t elementsOf(const plan::Tensor &tensor) {
  return tensor.sizes() ? *countElements(*tensor.sizes()) : 1;
}

/// Raw tokens fill the token input and, as next tokens, `labels`.
static void feedTokens(const FeedContext &context,
                       const std::vector<const plan::Tensor *> &inputs,
                       std::vector<std::unique_ptr<Feeder>> &feeders) {
  const plan::Tensor *tokens = findTokenInput(inputs);
  if (!tokens)
    fail("--data=%s: the model has no input of tokens (integers, rank 2); give "
         "a safetensors file with one tensor an input",
         context.data.c_str());
  const plan::Tensor *labels = nullptr;
  for (const plan::Tensor *input : inputs)
    if (input->name()->str() == "labels")
      labels = input;
  if (labels && (!isInteger(labels->dtype()) ||
                 elementsOf(*labels) != elementsOf(*tokens)))
    fail("--data=%s: input 'labels' of %s is no label a token of '%s'; give a "
         "safetensors file",
         context.data.c_str(),
         labels->sizes() ? dimensions(*labels->sizes()).c_str() : "[]",
         tokens->name()->c_str());
  TokenWindows windows = openTokens(context.data.substr(tokensPrefix.size()),
                                    *tokens, labels != nullptr);
  for (uint32_t i = 0; i < context.program.tensors()->size(); ++i) {
    const plan::Tensor *tensor = context.program.tensors()->Get(i);
    if (tensor == tokens)
      feeders[i] = createTokenFeeder(*tensor, windows, 0);
    else if (tensor == labels)
      feeders[i] = createTokenFeeder(*tensor, windows, 1);
    else if (context.needs(i))
      fail("--data=%s: raw tokens do not fill input '%s'; give a safetensors "
           "file with one tensor an input",
           context.data.c_str(), tensor->name()->c_str());
  }
}

namespace {
/// Keeps the file open for as long as one of its tensors is fed.
class SafetensorsFeeder final : public Feeder {
public:
  SafetensorsFeeder(std::shared_ptr<SafetensorsFile> file,
                    std::unique_ptr<Feeder> feeder)
      : file(std::move(file)), feeder(std::move(feeder)) {}
  bool feed(int64_t step, void *to, FeedError &error) override {
    return feeder->feed(step, to, error);
  }
  int64_t period() const override { return feeder->period(); }

private:
  std::shared_ptr<SafetensorsFile> file;
  std::unique_ptr<Feeder> feeder;
};
} // namespace

static void feedSamples(const FeedContext &context,
                        std::vector<std::unique_ptr<Feeder>> &feeders) {
  auto file = std::make_shared<SafetensorsFile>(context.data, "data");
  for (uint32_t i = 0; i < context.program.tensors()->size(); ++i) {
    const plan::Tensor *tensor = context.program.tensors()->Get(i);
    if (!context.needs(i))
      continue;
    const FileTensor *found = file->find(tensor->name()->str());
    if (!found)
      fail("data '%s' has no tensor '%s', which the model takes as input %s %s",
           context.data.c_str(), tensor->name()->c_str(),
           safetensorsName(tensor->dtype()),
           tensor->sizes() ? dimensions(*tensor->sizes()).c_str() : "[]");
    feeders[i] = std::make_unique<SafetensorsFeeder>(
        file, createSampleFeeder(*tensor, *found));
  }
}

std::vector<std::unique_ptr<Feeder>>
spillway::rt::createFeeders(const FeedContext &context) {
  std::vector<std::unique_ptr<Feeder>> feeders;
  std::vector<const plan::Tensor *> inputs;
  if (!context.program.tensors())
    return feeders;
  feeders.resize(context.program.tensors()->size());
  for (uint32_t i = 0; i < feeders.size(); ++i) {
    const plan::Tensor *tensor = context.program.tensors()->Get(i);
    if (context.needs(i))
      inputs.push_back(tensor);
    else if (tensor->role() == plan::Role::HYPER)
      feeders[i] = createHyperFeeder(*tensor, context.lr);
  }
  if (inputs.empty())
    return feeders;
  if (context.data.empty())
    fail("the model takes input '%s': give --data=FILE.safetensors or "
         "--data=tokens:FILE",
         inputs[0]->name()->c_str());
  if (context.data.compare(0, tokensPrefix.size(), tokensPrefix) == 0)
    feedTokens(context, inputs, feeders);
  else
    feedSamples(context, feeders);
  return feeders;
}
