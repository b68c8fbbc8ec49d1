//===- Kernels.h - The groups of kernels ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each source file of kernels adds its own; Register.cpp calls them all.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_KERNELS_H
#define SPILLWAY_RUNTIME_KERNELS_KERNELS_H

#include "Launch.h"

#include <functional>

namespace spillway::kernels {

using AddKernel = std::function<void(const spw_kernel &)>;

void addUnaryKernels(const AddKernel &add);
void addBinaryKernels(const AddKernel &add);
void addCastKernels(const AddKernel &add);
void addCopyKernels(const AddKernel &add);
void addReduceKernels(const AddKernel &add);
void addMatmulKernels(const AddKernel &add);
void addSoftmaxKernels(const AddKernel &add);
void addNormKernels(const AddKernel &add);
void addEmbeddingKernels(const AddKernel &add);
void addAttentionKernels(const AddKernel &add);
void addAttentionGradKernels(const AddKernel &add);
void addRopeKernels(const AddKernel &add);
void addCrossEntropyKernels(const AddKernel &add);
void addScalarKernels(const AddKernel &add);
void addOptimizerKernels(const AddKernel &add);

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_KERNELS_H
