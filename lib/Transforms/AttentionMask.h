//===- AttentionMask.h - What a mask of attention says ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_TRANSFORMS_ATTENTIONMASK_H
#define SPILLWAY_LIB_TRANSFORMS_ATTENTIONMASK_H

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/DenseMap.h"

namespace spillway::train {

enum class MaskKind { Other, AllowsAll, Causal };

/// Classifies known masks: a float one is added to the scores (0 allows, -1e4
/// and less forbids), a boolean one allows where true. Each constant is looked
/// through once, however many layers share it.
class MaskClassifier {
public:
  /// `queries` x `keys` is the size of the score matrix. Causal: query t sees
  /// exactly the keys s <= t + keys - queries.
  MaskKind classify(mlir::Value mask, int64_t queries, int64_t keys);

private:
  llvm::DenseMap<mlir::Attribute, MaskKind> known;
};

/// A number that, added to a score, forbids it.
inline bool forbids(double value) { return value <= -1e4; }

/// Splits what a mask says into `causal` and the rest: `mask` is replaced by
/// what remains to be given to the kernel (null: nothing). Returns whether
/// anything changed.
bool splitMask(mlir::Value &mask, bool &causal, int64_t queries, int64_t keys,
               MaskClassifier &classifier);

/// Whether a gradient would have to flow through `mask` (it depends on a
/// trained parameter): such a sum is no mask.
bool isLearned(mlir::Value mask);

} // namespace spillway::train

#endif // SPILLWAY_LIB_TRANSFORMS_ATTENTIONMASK_H
