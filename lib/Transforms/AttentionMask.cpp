//===- AttentionMask.cpp - What a mask of attention says ------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionMask.h"
#include "FusePatterns.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace spillway::train {
namespace {

/// Looks at each element once; `allows` says of one whether it allows, or
/// nothing where it does neither allow nor forbid.
template <typename Range, typename Allows>
MaskKind scan(Range values, ArrayRef<int64_t> shape, int64_t queries,
              int64_t keys, Allows allows) {
  int64_t rank = static_cast<int64_t>(shape.size());
  int64_t columns = rank >= 1 ? shape[rank - 1] : 1,
          rows = rank >= 2 ? shape[rank - 2] : 1;
  bool full = rows == queries && columns == keys;
  bool all = true, causal = full;
  int64_t row = 0, column = 0;
  for (const auto &value : values) {
    std::optional<bool> allowed = allows(value);
    if (!allowed)
      return MaskKind::Other;
    all &= *allowed;
    causal &= *allowed == (column <= row + keys - queries);
    if (!all && !causal)
      return MaskKind::Other;
    if (++column == columns) {
      column = 0;
      row = row + 1 == rows ? 0 : row + 1;
    }
  }
  return all      ? MaskKind::AllowsAll
         : causal ? MaskKind::Causal
                  : MaskKind::Other;
}

} // namespace

MaskKind MaskClassifier::classify(Value mask, int64_t queries, int64_t keys) {
  if (std::optional<double> splat = matchSplat(mask))
    return *splat == 0 ? MaskKind::AllowsAll : MaskKind::Other;
  // Dimensions of size 1 may come and go, and a batch repeat its masks.
  while (Operation *view = mask.getDefiningOp()) {
    auto broadcast = dyn_cast<BroadcastOp>(view);
    auto reshape = dyn_cast<ReshapeOp>(view);
    bool sameMatrix =
        reshape && tensorType(mask).getRank() >= 2 &&
        tensorType(reshape.getInput()).getRank() >= 2 &&
        tensorType(mask).getShape().take_back(2) ==
            tensorType(reshape.getInput()).getShape().take_back(2);
    if (!broadcast && !sameMatrix)
      break;
    mask = view->getOperand(0);
  }
  auto constant = mask.getDefiningOp<ConstantOp>();
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue())
                        : DenseElementsAttr();
  if (!dense)
    return MaskKind::Other;
  auto [it, inserted] = known.try_emplace(dense, MaskKind::Other);
  if (!inserted)
    return it->second;
  ArrayRef<int64_t> shape = dense.getType().getShape();
  if (dense.getElementType().isInteger(1))
    it->second = scan(dense.getValues<bool>(), shape, queries, keys,
                      [](bool value) { return std::optional(value); });
  else if (dense.getElementType().isF32())
    it->second = scan(dense.getValues<float>(), shape, queries, keys,
                      [](float value) -> std::optional<bool> {
                        if (value == 0)
                          return true;
                        if (forbids(value))
                          return false;
                        return std::nullopt;
                      });
  else if (isa<FloatType>(dense.getElementType()))
    it->second = scan(dense.getValues<APFloat>(), shape, queries, keys,
                      [](const APFloat &number) -> std::optional<bool> {
                        APFloat wide = number;
                        bool loses = false;
                        wide.convert(APFloat::IEEEdouble(),
                                     APFloat::rmNearestTiesToEven, &loses);
                        double value = wide.convertToDouble();
                        if (value == 0)
                          return true;
                        if (forbids(value))
                          return false;
                        return std::nullopt;
                      });
  return it->second;
}

bool splitMask(Value &mask, bool &causal, int64_t queries, int64_t keys,
               MaskClassifier &classifier) {
  if (!mask)
    return false;
  switch (classifier.classify(mask, queries, keys)) {
  case MaskKind::AllowsAll:
    mask = {};
    return true;
  case MaskKind::Causal:
    mask = {};
    causal = true;
    return true;
  case MaskKind::Other:
    break;
  }
  // allowed = causal and the rest: the rest alone is smaller.
  auto both = mask.getDefiningOp<LogicalOp>();
  if (!both || both.getFn() != "and")
    return false;
  for (auto [part, rest] : {std::pair(both.getLhs(), both.getRhs()),
                            std::pair(both.getRhs(), both.getLhs())}) {
    Value remaining = part;
    bool partCausal = false;
    if (!splitMask(remaining, partCausal, queries, keys, classifier) ||
        remaining)
      continue;
    causal |= partCausal;
    mask = rest;
    splitMask(mask, causal, queries, keys, classifier);
    return true;
  }
  return false;
}

bool isLearned(Value mask) {
  llvm::SetVector<Value> work;
  work.insert(mask);
  for (size_t i = 0; i < work.size(); ++i) {
    Value value = work[i];
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto step = dyn_cast<StepOp>(argument.getOwner()->getParentOp());
      if (step && step.getRole(argument.getArgNumber()) == Role::param &&
          !step.getArgAttr(argument.getArgNumber(), "frozen"))
        return true;
    } else if (!isa<CompareOp, LogicalOp>(value.getDefiningOp())) {
      for (Value operand : value.getDefiningOp()->getOperands())
        work.insert(operand);
    }
  }
  return false;
}

} // namespace spillway::train
