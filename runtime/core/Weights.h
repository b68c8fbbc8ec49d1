//===- Weights.h - What tensors hold before the first step ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_WEIGHTS_H
#define SPILLWAY_RUNTIME_CORE_WEIGHTS_H

#include "Backend.h"
#include "PlanFile.h"
#include "Safetensors.h"

#include <optional>
#include <string>

namespace spillway::rt {

struct WeightOptions {
  std::string weights; // a safetensors file or index; empty: none
  std::string init;    // "normal:STD"; empty: none
  uint64_t seed = 0;
};

/// Knows where each parameter, state and constant begins:
///  * a parameter: in `weights` where given; by `init` where given (rank 2 and
///    more: normal; less: its inline bytes, else 0 for a name that ends with
///    "bias" or "beta", else 1); else in the plan, else where the model's
///    initializer is;
///  * a state: in the plan, or its fill;
///  * a constant: in the plan, else where the model's initializer is, else in
///    `weights`.
/// The constructor finds them all, without reading any, and throws a Failure
/// that names file, tensor, needed and found where one is missing.
class Weights {
public:
  Weights(const PlanFile &plan, const WeightOptions &options);

  /// Brings all bound bytes to their places; reads go straight there.
  void load(const Schedule &schedule, Backend &backend) const;

private:
  struct Source {
    enum Kind { None, Inline, File, Fill, Normal } kind = None;
    const uint8_t *data = nullptr;   // Inline
    const InputFile *file = nullptr; // File
    uint64_t offset = 0;             // File
    double fill = 0;                 // Fill
  };

  Source sourceOf(const plan::Tensor &tensor);
  bool fromPlan(const plan::Tensor &tensor, Source &source) const;
  bool fromModel(const plan::Tensor &tensor, Source &source);
  bool fromWeights(const plan::Tensor &tensor, Source &source) const;
  Source randomly(const plan::Tensor &tensor) const;
  const InputFile &modelFile(const plan::Tensor &tensor);
  void write(const plan::Tensor &tensor, const Source &source, uint64_t offset,
             uint64_t bytes, uint8_t *to, Backend &backend) const;
  void writeElements(const plan::Tensor &tensor, const Source &source,
                     uint64_t first, uint64_t count, uint8_t *to) const;

  const PlanFile &plan;
  std::optional<SafetensorsFile> weights;
  std::optional<double> deviation; // of `init`
  uint64_t seed;
  std::map<std::string, std::unique_ptr<InputFile>> files;
  std::vector<Source> sources; // by tensor
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_WEIGHTS_H
