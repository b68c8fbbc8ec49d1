//===- Feeders.h - Where a step's inputs come from --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_FEEDERS_H
#define SPILLWAY_RUNTIME_CORE_FEEDERS_H

#include "LrSchedule.h"
#include "PlanFile.h"
#include "Safetensors.h"

#include <memory>
#include <string>
#include <vector>

namespace spillway::rt {

/// Room for a message that is made in a step, where nothing may be allocated.
struct FeedError {
  char message[512] = "";
};

/// Fills one fed tensor. Everything is acquired by the constructor.
class Feeder {
public:
  virtual ~Feeder() = default;
  /// Writes the content of a step, counting from 0, to `to`. False, with a
  /// message, where the data is unfit; what is written then is harmless.
  virtual bool feed(int64_t step, void *to, FeedError &error) = 0;
  /// Steps after which the same content comes again, or -1 where it cannot be
  /// unfit: that many are looked at before a run.
  virtual int64_t period() const { return -1; }
};

/// What the feeders of one plan share.
struct FeedContext {
  const plan::Program &program;
  const LrSchedule &lr;
  std::string data; // as given to --data; may be empty
  /// By tensor: whether the schedule feeds it; what it does not needs no data.
  const std::vector<bool> &fed;

  bool needs(uint32_t tensor) const {
    return fed[tensor] &&
           program.tensors()->Get(tensor)->role() == plan::Role::INPUT;
  }
};

/// One feeder a tensor, null for those that are not fed. Throws a Failure that
/// names the input that has no data, or data that does not make one batch.
std::vector<std::unique_ptr<Feeder>> createFeeders(const FeedContext &context);

/// "lr" and "step", and any other number, which keeps its `fill`.
std::unique_ptr<Feeder> createHyperFeeder(const plan::Tensor &tensor,
                                          const LrSchedule &lr);

/// Samples along the first axis of `from`, in order, wrapping.
std::unique_ptr<Feeder> createSampleFeeder(const plan::Tensor &tensor,
                                           const FileTensor &from);

/// Windows of a file of raw tokens: sample s is tokens [s * length + shift, +
/// length), wrapping after the last whole window.
struct TokenWindows {
  std::shared_ptr<InputFile> file;
  DType dtype;      // of the file: U8, U16 (as I16, unsigned) or I32
  uint64_t samples; // windows in the file, `shift` tokens beyond them included
  uint64_t length;  // tokens a window
};
std::unique_ptr<Feeder> createTokenFeeder(const plan::Tensor &tensor,
                                          const TokenWindows &windows,
                                          uint64_t shift);

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_FEEDERS_H
