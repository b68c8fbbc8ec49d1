//===- TrainOps.td - All ops of the train dialect -*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRAIN_OPS
#define SPILLWAY_TRAIN_OPS

include "Train/TrainStepOps.td"
include "Train/TrainViewOps.td"
include "Train/TrainElementwiseOps.td"
include "Train/TrainTensorOps.td"
include "Train/TrainNNOps.td"
include "Train/TrainOptimizerOps.td"

#endif // SPILLWAY_TRAIN_OPS
