//===- asan_options.cpp - For programs that link libMLIR ------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's headers poison what an arena has not given out. Code of ours that is
// compiled from them does, and Debian's libMLIR.so, which takes bytes of the
// same arenas, does not undo it: every such poison is a false alarm.
//
//===----------------------------------------------------------------------===//

extern "C" __attribute__((visibility("default"))) const char *
__asan_default_options();

extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}
