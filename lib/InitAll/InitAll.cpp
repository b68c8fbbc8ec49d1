//===- InitAll.cpp - Everything the tools register ------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One line a dialect and one a group of passes, in alphabetical order.
//
//===----------------------------------------------------------------------===//

#include "spillway/InitAll.h"
#include "HW/HW.h"
#include "Offload/Offload.h"
#include "Sched/Sched.h"
#include "Train/Train.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "spillway/Conversion/Passes.h"
#include "spillway/Transforms/Passes.h"

void spillway::registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<hw::HWDialect, offload::OffloadDialect, sched::SchedDialect,
                  train::TrainDialect>();
}

void spillway::registerAllPasses() {
  mlir::registerTransformsPasses();
  registerSpillwayConversionPasses();
  registerTransformsPasses();
}
