//===- Footprint.h - The bytes that a strided view touches ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_VERIFY_FOOTPRINT_H
#define SPILLWAY_LIB_VERIFY_FOOTPRINT_H

#include "spillway/Plan/plan_generated.h"
#include "spillway/Verify/Verify.h"

#include <vector>

namespace spillway::verify {

/// Bytes [begin, end).
struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;

  uint64_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
  bool overlaps(const Range &other) const {
    return begin < other.end && other.begin < end;
  }
  bool operator==(const Range &) const = default;
};

/// "[begin, end)".
std::string toString(const Range &range);

/// The bytes of a value that a view touches.
struct Footprint {
  /// From the first byte to the last, relative to the value's first byte.
  Range hull;
  /// The bytes themselves, ascending and disjoint; empty where they are all of
  /// the hull, and where `isHullOnly`.
  std::vector<Range> runs;
  /// The bytes are too many pieces to list (inputs only): some unknown part of
  /// the hull. All of it is then taken to be read.
  bool isHullOnly = false;
  uint8_t elementBytes = 0;
  /// Elements, counting a broadcast one once for each use.
  uint64_t numElements = 0;
};

/// Bytes of an element; 0 for a number that is no type.
uint8_t elementBytes(plan::DType dtype);

/// Bytes of a dense tensor; nothing where there are too many to count or too
/// many dimensions, or where a size is negative.
std::optional<uint64_t> denseBytes(plan::DType dtype,
                                   const flatbuffers::Vector<int64_t> *sizes);

/// Computes the footprint of `view` in a value of `valueBytes`. For an output,
/// elements must not share bytes. `runBudget` is what is left of the ranges
/// that one program may be described by. Errors do not say whose view it is.
std::optional<Error> footprintOf(const plan::View &view, uint64_t valueBytes,
                                 bool isOutput, uint64_t &runBudget,
                                 Footprint &result);

/// Whether two footprints, each moved by a distance (mod 2^64), share a byte.
bool overlap(const Footprint &a, uint64_t moveA, const Footprint &b,
             uint64_t moveB);

} // namespace spillway::verify

#endif // SPILLWAY_LIB_VERIFY_FOOTPRINT_H
