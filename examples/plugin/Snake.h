//===- Snake.h - An activation that the compiler does not know --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_EXAMPLES_PLUGIN_SNAKE_H
#define SPILLWAY_EXAMPLES_PLUGIN_SNAKE_H

#include "Train/Train.h"

#include "SnakeDialect.h.inc"
#define GET_OP_CLASSES
#include "SnakeOps.h.inc"

#endif // SPILLWAY_EXAMPLES_PLUGIN_SNAKE_H
