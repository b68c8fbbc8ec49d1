//===- GapProgram.h - The linear program over gaps --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A relaxation of planning. Some operators that every valid order (or the given
// one) runs in the same sequence are pivots; they cut the steady step into
// windows, window k from the start of pivot k to the start of the next. A
// window takes at least the time of the operators that run in it, and of what
// each link direction moves in it. At each pivot, what is on the device is
// limited. Every gap between two uses of a part is kept over all pivots in it,
// swapped (leaving in one window, coming back in another) or made again in a
// window, with what is made for that only (GapBuilder.h).
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GAPPROGRAM_H
#define SPILLWAY_LIB_PLANNER_GAPPROGRAM_H

#include "Analysis.h"

namespace spillway::planner {

/// Windows and pivots count on over the step's end: `w` and `w + K` are the
/// same one of two steps. Window -1 is before the first pivot.
struct GapItem {
  /// The gap lies over pivots [firstPivot, lastPivot]; none if first > last.
  int32_t firstPivot = 0, lastPivot = -1;
  /// It begins in `fromWindow` or later and ends in `toWindow` or earlier.
  int32_t fromWindow = 0, toWindow = 0;
  /// What it is made of may have been stored from here on.
  int32_t storeFrom = 0;
  /// Pivots that lie in it somewhere, and extra rows: by number.
  uint64_t loose = 0;
  uint32_t extras = 0;
  double bytes = 0;
  double load = -1;   ///< ns; negative: cannot be swapped
  double remake = -1; ///< ns; negative: cannot be made again
  // For whoever reads the solution: the gap's storage part and first operator.
  uint32_t cell = 0, from = 0;
};

/// The gaps of one part: a store serves all of them.
struct GapItems {
  uint32_t begin = 0, end = 0;
  double store = 0; ///< ns
  /// The item at whose begin, or in which, the content changes: from pivot
  /// `heldFrom` on, until its store is done, the part is on the device. `none`:
  /// not known.
  uint32_t dirty = none;
  int32_t heldFrom = 0;
  /// So many other repetitions have such a part each, which costs as much
  /// again, in any window of `range`.
  double others = 0;
  uint32_t range = 0;
};

/// An update with the state that only it uses. Wherever it runs, that leaves in
/// a window behind it and comes back in one before the next step's, and is on
/// the device else. Beside the first engine it may run when the next step has
/// begun, up to where something uses what it changes: what it reads of this
/// step's has to wait with it, and nothing makes that again in the next step.
struct GapUpdate {
  int32_t from = 0, to = 0;    ///< windows, as long as the step lasts
  int32_t late = -1;           ///< the last one of the next step, if any
  double bytes = 0;            ///< of its state
  double gradient = 0;         ///< bytes that wait with it
  uint32_t extras = 0;         ///< rows in which its state may be
  std::vector<uint32_t> items; ///< of its state
  /// What it changes and others use. Late, it is not known when.
  std::vector<GapItems> groups;
  /// It may run off the device, of which alone is spoken then: its state is
  /// nowhere, what it alone reads goes out, from window `sentFrom` on, and what
  /// it changes comes back.
  bool either = false;
  double ns = 0;   ///< of the first engine, if there
  double sent = 0; ///< bytes
  int32_t sentFrom = 0;
};

/// Operators that run in one of the windows [from, to].
struct WindowWork {
  int32_t from = 0, to = 0;
  double ns = 0;
};

struct GapProgram {
  bool links = false;           ///< something can be swapped
  bool oneWire = false;         ///< what goes in and out takes turns
  std::vector<uint32_t> pivots; ///< operators, in order
  std::vector<uint32_t> extras; ///< operators with memory rows, at most 16
  std::vector<double> need;     ///< bytes, by pivot, then extra
  std::vector<GapItem> items;
  std::vector<GapItems> groups;
  std::vector<GapUpdate> updates;
  double loadNs = 0, storeNs = 0; ///< of a byte, by all links together
  std::vector<WindowWork> work;
  std::vector<std::pair<int32_t, int32_t>> ranges; ///< of windows
  double fed = 0; ///< ns of loads that every step needs

  uint32_t numWindows() const {
    return std::max<uint32_t>(uint32_t(pivots.size()), 1);
  }
  /// A window of any step as an index.
  uint32_t wrap(int32_t window) const {
    int32_t k = int32_t(numWindows());
    return uint32_t(window < 0 ? window + k : window < k ? window : window - k);
  }
};

/// `anyOrder`: what holds in every valid order; else in the problem's own.
/// Where operators repeat: of one repetition, while the others have as much to
/// do (spillway/Planner/RepeatBound.h says why). That needs to know nothing of
/// what others read of a repetition's own; where some do, it counts as the only
/// one.
GapProgram buildGapProgram(const Analysis &analysis, bool anyOrder);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GAPPROGRAM_H
