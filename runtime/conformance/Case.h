//===- Case.h - A recorded case of a kernel ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// make_cases.py records cases with PyTorch in double precision: operands,
// attributes, and what must come out. A file is in the safetensors format; its
// metadata `cases` is a JSON list:
//
//   {"name": "layer_norm/3x5x37", "kernel": "layer_norm",
//    "attrs": {"eps": 1e-5},
//    "inputs": [{"tensor": "t0", "dtype": "f32", "sizes": [3], "strides":
//    [1]}], "outputs": [{"tensor": "t1", "dtype": "f32", "sizes": [3],
//                 "rtol": 1e-5, "atol": 1e-6}],
//    "alias": [[0, 0]]}
//
// `alias` lists (output, input) pairs that are one buffer. A tensor with fewer
// elements than its operand is a pattern to repeat. A backend that runs
// every case conforms.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CONFORMANCE_CASE_H
#define SPILLWAY_RUNTIME_CONFORMANCE_CASE_H

#include "spillway/kernel.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace spillway::conformance {

struct Operand {
  spw_dtype dtype = SPW_F32;
  std::vector<int64_t> sizes, strides;
  /// The storage: an input's content, or what an output must be.
  std::vector<uint8_t> bytes;
  /// |found - expected| <= atol + rtol * |expected|. Integers are exact.
  double rtol = 0, atol = 0;
};

struct Attribute {
  std::string name;
  spw_attr_kind kind;
  int64_t i = 0;
  double f = 0;
  std::string s;
  std::vector<int64_t> ints;
};

struct Case {
  std::string name, kernel;
  std::vector<Attribute> attributes;
  std::vector<Operand> inputs, outputs;
  std::vector<std::pair<int, int>> aliases;

  /// The value of an int attribute, 1 if there is none.
  int64_t integer(const std::string &name) const;
};

/// The cases of a file. Throws std::runtime_error if it is not what it should
/// be.
std::vector<Case> loadCases(const std::string &path);

/// The workspace that the kernel of the case takes (KernelWorkspace.h).
int64_t workspaceBytes(const Case &test);

/// Compares an output with what was expected; empty if it agrees, else the
/// first difference.
std::string compare(const Operand &expected, const std::vector<uint8_t> &found);

} // namespace spillway::conformance

#endif // SPILLWAY_RUNTIME_CONFORMANCE_CASE_H
