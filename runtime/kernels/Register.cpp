//===- Register.cpp - Gives the CPU kernels to a registry -----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled for any x86-64, unlike the kernels, so that an old processor gets a
// message and not an illegal instruction.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "cpu_kernels.h"

using namespace spillway::kernels;

std::string spillway::kernels::unsupportedProcessor() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("f16c"))
    return "the CPU kernels need a processor with AVX2, FMA, BMI2 and F16C "
           "(x86-64-v3), found one without";
#endif
  return "";
}

extern "C" void spillway_register_cpu_kernels(void *registry,
                                              spw_register_fn add) {
  AddKernel adder = [&](const spw_kernel &kernel) { add(registry, &kernel); };
  addUnaryKernels(adder);
  addBinaryKernels(adder);
  addCastKernels(adder);
  addCopyKernels(adder);
  addReduceKernels(adder);
  addMatmulKernels(adder);
  addSoftmaxKernels(adder);
  addNormKernels(adder);
  addEmbeddingKernels(adder);
  addAttentionKernels(adder);
  addAttentionGradKernels(adder);
  addRopeKernels(adder);
  addCrossEntropyKernels(adder);
  addScalarKernels(adder);
  addOptimizerKernels(adder);
}
