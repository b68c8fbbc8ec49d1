//===- cpu_kernels.h - The CPU backend's kernels ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kernel of docs/kernels.md for the host processor.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_CPU_KERNELS_H
#define SPILLWAY_RUNTIME_KERNELS_CPU_KERNELS_H

#include "spillway/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gives every CPU kernel to `add(registry, kernel)`. On a processor without
   AVX2 and FMA the kernels are registered too, but each `prepare` fails with a
   message that says so. */
void spillway_register_cpu_kernels(void *registry, spw_register_fn add);

#ifdef __cplusplus
}
#endif

#endif /* SPILLWAY_RUNTIME_KERNELS_CPU_KERNELS_H */
