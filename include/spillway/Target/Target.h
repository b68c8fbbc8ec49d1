//===- Target.h - A machine description, loaded -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the compiler takes from a file under targets/: the planner's machine,
// and the rates that the cost model reads. Nothing else knows a bandwidth.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TARGET_TARGET_H
#define SPILLWAY_TARGET_TARGET_H

#include "mlir/Support/LLVM.h"
#include "spillway/Planner/Machine.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace mlir {
class MLIRContext;
class Type;
} // namespace mlir

namespace spillway {

/// Rates of the engine of the same index in `Target::machine.engines`, with
/// the efficiencies applied: what programs reach, not the data sheet's figures.
struct EngineRates {
  struct Rate {
    std::string work; ///< "gemm", "attention", "elementwise"
    std::string type; ///< as MLIR prints it: "f32", "bf16"
    double flopsPerSecond;
  };

  std::string name;
  /// Between the engine and its tier.
  double memoryBytesPerSecond = 0;
  /// Fixed cost of one operator.
  uint64_t launchOverheadNs = 0;
  /// Threads that a kernel may use, hence slices of workspace it is given.
  uint32_t lanes = 1;
  std::vector<Rate> rates;

  /// Flops a second for a kind of work. A type that is not given counts as f32
  /// (the machine converts), a kind that is not given as gemm. Always above 0.
  double flops(llvm::StringRef work, mlir::Type type) const;
  double gemmFlops(mlir::Type type) const { return flops("gemm", type); }
  double attentionFlops(mlir::Type type) const {
    return flops("attention", type);
  }
  double elementwiseFlops(mlir::Type type) const {
    return flops("elementwise", type);
  }
};

struct Target {
  std::string name;
  /// Tier 0 is the device's and engine 0 is on it. Capacities are the tiers'
  /// less their reserves, bandwidths what transfers reach.
  planner::Machine machine;
  /// One an engine of `machine`, in its order.
  std::vector<EngineRates> engines;

  const EngineRates &compute() const { return engines.front(); }
};

/// Loads a target by the path of a file, or by a name that is looked up as
/// NAME.mlir in each directory of `targetDirectories()`. On failure emits one
/// error through the context, with the place in the file where there is one.
mlir::FailureOr<Target> loadTarget(mlir::MLIRContext &context,
                                   llvm::StringRef nameOrPath);

/// Where names are looked up: ../share/spillway/targets from the running
/// program (an installation), then targets/ of the source tree.
std::vector<std::string> targetDirectories();

/// Every name that `loadTarget` knows, in alphabetical order.
std::vector<std::string> targetNames();

} // namespace spillway

#endif // SPILLWAY_TARGET_TARGET_H
