//===- OffloadStep.cpp - offload.step: syntax and form --------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Offload/Offload.h"

using namespace mlir;
using namespace spillway;
using namespace spillway::offload;

/// %w: tensor<8x8xf32> hold "w"[128]
static ParseResult parseArgument(OpAsmParser &parser,
                                 SmallVectorImpl<OpAsmParser::Argument> &args,
                                 SmallVectorImpl<Attribute> &holds) {
  OpAsmParser::Argument &arg = args.emplace_back();
  if (parser.parseArgument(arg) || parser.parseColonType(arg.type))
    return failure();
  bool fed = succeeded(parser.parseOptionalKeyword("feed"));
  std::string tensor;
  int64_t offset = 0;
  if ((!fed && parser.parseKeyword("hold")) || parser.parseString(&tensor))
    return failure();
  if (succeeded(parser.parseOptionalLSquare()) &&
      (parser.parseInteger(offset) || parser.parseRSquare()))
    return failure();
  holds.push_back(HoldAttr::get(parser.getContext(), tensor, offset, fed));
  return success();
}

ParseResult StepOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  FlatSymbolRefAttr step;
  ArrayAttr tiers, links;
  SmallVector<OpAsmParser::Argument> args;
  SmallVector<Attribute> holds;
  auto parseList = [&](StringRef keyword, ArrayAttr &list) -> ParseResult {
    return failure(parser.parseKeyword(keyword) || parser.parseAttribute(list));
  };
  if (parser.parseSymbolName(name) || parser.parseKeyword("of") ||
      parser.parseAttribute(step) ||
      parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Paren,
          [&] { return parseArgument(parser, args, holds); }) ||
      parseList("tiers", tiers) || parseList("links", links) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  Builder &builder = parser.getBuilder();
  result.addAttribute(getSymNameAttrName(result.name), name);
  result.addAttribute(getStepAttrName(result.name), step);
  result.addAttribute(getHoldsAttrName(result.name),
                      builder.getArrayAttr(holds));
  result.addAttribute(getTiersAttrName(result.name), tiers);
  result.addAttribute(getLinksAttrName(result.name), links);
  return parser.parseRegion(*result.addRegion(), args);
}

void StepOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << " of " << getStepAttr() << " (";
  llvm::interleave(
      llvm::zip_equal(getBlock().getArguments(), getHolds()),
      printer.getStream(),
      [&](auto pair) {
        auto [arg, attr] = pair;
        auto hold = cast<HoldAttr>(attr);
        printer.printRegionArgument(arg);
        printer << (hold.getFed() ? " feed " : " hold ");
        printer.printString(hold.getTensor());
        if (hold.getOffset())
          printer << '[' << hold.getOffset() << ']';
      },
      ",\n      ");
  printer << ")\n      tiers " << getTiers() << "\n      links " << getLinks();
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getStepAttrName(), getHoldsAttrName(),
       getTiersAttrName(), getLinksAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

void StepOp::getAsmBlockArgumentNames(Region &region,
                                      OpAsmSetValueNameFn setName) {
  for (auto [arg, hold] : llvm::zip(region.getArguments(), getHolds()))
    setName(arg, cast<HoldAttr>(hold).getTensor());
}

ReturnOp StepOp::getReturn() { return cast<ReturnOp>(getBlock().back()); }

StringRef StepOp::getTierOf(Type type) {
  if (auto stash = dyn_cast<StashType>(type))
    return stash.getTier();
  return getDevice();
}

sched::LinkAttr StepOp::findLink(StringRef source, StringRef destination) {
  for (auto link : getLinks().getAsRange<sched::LinkAttr>())
    if (link.getSource() == source && link.getDestination() == destination)
      return link;
  return {};
}

LogicalResult StepOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!symbols.lookupNearestSymbolFrom(*this, getStepAttr()))
    return emitOpError() << "plans " << getStepAttr()
                         << ", which is not in the module";
  return success();
}

LogicalResult StepOp::verify() {
  if (getTiers().empty())
    return emitOpError("expects at least one tier");
  Block &block = getBlock();
  if (getHolds().size() != block.getNumArguments())
    return emitOpError() << "expects one hold for each argument, but got "
                         << getHolds().size() << " for "
                         << block.getNumArguments();
  for (BlockArgument arg : block.getArguments())
    if (!isa<RankedTensorType, StashType>(arg.getType()))
      return emitOpError() << "expects argument " << arg.getArgNumber()
                           << " to be a tensor or a stash, but got "
                           << arg.getType();
  return success();
}

/// Whether the tier of a stash is known and not the device.
static LogicalResult checkStash(StepOp step, Operation *op, Type type) {
  if (auto transfer = dyn_cast<TransferType>(type))
    type = transfer.getValue();
  auto stash = dyn_cast<StashType>(type);
  if (!stash)
    return success();
  for (auto tier : step.getTiers().getAsRange<sched::TierAttr>())
    if (tier.getName() == stash.getTier()) {
      if (tier.getName() != step.getDevice())
        return success();
      return op->emitOpError() << "expects a stash on another tier than \""
                               << step.getDevice() << "\", which is the device";
    }
  return op->emitOpError() << "names an unknown tier \"" << stash.getTier()
                           << '"';
}

LogicalResult StepOp::verifyRegions() {
  Block &block = getBlock();
  for (BlockArgument arg : block.getArguments())
    if (failed(checkStash(*this, *this, arg.getType())))
      return failure();
  for (Operation &op : block)
    for (Type type : op.getResultTypes())
      if (failed(checkStash(*this, &op, type)))
        return failure();
  auto ret = dyn_cast<ReturnOp>(block.back());
  if (!ret)
    return emitOpError("expects to end with an offload.return");
  SmallVector<Type> held;
  for (auto [arg, hold] : llvm::zip(block.getArguments(), getHolds()))
    if (!cast<HoldAttr>(hold).getFed())
      held.push_back(arg.getType());
  if (held.size() != ret.getCarried().size())
    return ret.emitOpError() << "expects to carry " << held.size()
                             << " values, one for each held argument, but got "
                             << ret.getCarried().size();
  for (auto [index, types] :
       llvm::enumerate(llvm::zip(held, ret.getCarried().getTypes())))
    if (std::get<0>(types) != std::get<1>(types))
      return ret.emitOpError()
             << "expects carried value " << index << " to be "
             << std::get<0>(types) << ", but got " << std::get<1>(types);
  return success();
}
