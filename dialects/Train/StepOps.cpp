//===- StepOps.cpp - The step and its terminator - -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Train.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace spillway::train;

//===----------------------------------------------------------------------===//
// StepOp
//===----------------------------------------------------------------------===//

void StepOp::build(OpBuilder &builder, OperationState &state, StringRef name) {
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getRolesAttrName(state.name), builder.getDenseI32ArrayAttr({}));
  state.addAttribute(getArgsAttrName(state.name), builder.getArrayAttr({}));
  state.addRegion()->emplaceBlock();
}

ReturnOp StepOp::getReturn() { return cast<ReturnOp>(getBlock().getTerminator()); }

void StepOp::setRole(unsigned index, Role role) {
  SmallVector<int32_t> roles(getRoles());
  roles[index] = static_cast<int32_t>(role);
  setRoles(roles);
}

DictionaryAttr StepOp::getArgDict(unsigned index) { return cast<DictionaryAttr>(getArgs()[index]); }

Attribute StepOp::getArgAttr(unsigned index, StringRef name) { return getArgDict(index).get(name); }

StringRef StepOp::getArgName(unsigned index) {
  auto name = dyn_cast_or_null<StringAttr>(getArgAttr(index, "name"));
  return name ? name.getValue() : StringRef();
}

void StepOp::setArgAttr(unsigned index, StringRef name, Attribute value) {
  SmallVector<Attribute> dicts(getArgs().getValue());
  NamedAttrList list(getArgDict(index));
  if (value)
    list.set(name, value);
  else
    list.erase(name);
  dicts[index] = list.getDictionary(getContext());
  setArgsAttr(ArrayAttr::get(getContext(), dicts));
}

BlockArgument StepOp::findArgument(StringRef name) {
  for (BlockArgument arg : getBlock().getArguments())
    if (getArgName(arg.getArgNumber()) == name)
      return arg;
  return {};
}

BlockArgument StepOp::addArgument(Type type, Location loc, Role role, DictionaryAttr dict) {
  SmallVector<int32_t> roles(getRoles());
  roles.push_back(static_cast<int32_t>(role));
  setRoles(roles);
  SmallVector<Attribute> dicts(getArgs().getValue());
  dicts.push_back(dict);
  setArgsAttr(ArrayAttr::get(getContext(), dicts));
  return getBlock().addArgument(type, loc);
}

void StepOp::eraseArgument(unsigned index) {
  SmallVector<int32_t> roles(getRoles());
  roles.erase(roles.begin() + index);
  setRoles(roles);
  SmallVector<Attribute> dicts(getArgs().getValue());
  dicts.erase(dicts.begin() + index);
  setArgsAttr(ArrayAttr::get(getContext(), dicts));
  getBlock().eraseArgument(index);
}

void StepOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setNameFn) {
  for (BlockArgument arg : region.getArguments()) {
    std::string name;
    for (char c : getArgName(arg.getArgNumber()))
      name += isalnum(static_cast<unsigned char>(c)) ? c : '_';
    if (name.empty() || isdigit(static_cast<unsigned char>(name[0])))
      name = "arg_" + name;
    setNameFn(arg, name);
  }
}

ParseResult StepOp::parse(OpAsmParser &parser, OperationState &state) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  if (parser.parseSymbolName(name, getSymNameAttrName(state.name), state.attributes))
    return failure();
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<int32_t> roles;
  SmallVector<Attribute> dicts;
  auto parseArgument = [&]() -> ParseResult {
    StringRef keyword;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&keyword))
      return failure();
    std::optional<Role> role = symbolizeRole(keyword);
    if (!role)
      return parser.emitError(loc, "expects a role (input, param, state, hyper or constant), but got '")
             << keyword << "'";
    OpAsmParser::Argument &argument = arguments.emplace_back();
    std::string argName;
    NamedAttrList dict;
    if (parser.parseArgument(argument) || parser.parseOptionalLocationSpecifier(argument.sourceLoc) ||
        parser.parseString(&argName) || parser.parseColonType(argument.type) || parser.parseOptionalAttrDict(dict))
      return failure();
    if (dict.get("name"))
      return parser.emitError(loc, "expects the name of an argument once, as a string behind it, but got a 'name' "
                                   "for \"")
             << argName << "\" too";
    dict.set("name", builder.getStringAttr(argName));
    roles.push_back(static_cast<int32_t>(*role));
    dicts.push_back(dict.getDictionary(builder.getContext()));
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, parseArgument, " in the list of arguments"))
    return failure();
  state.addAttribute(getRolesAttrName(state.name), builder.getDenseI32ArrayAttr(roles));
  state.addAttribute(getArgsAttrName(state.name), builder.getArrayAttr(dicts));
  if (parser.parseOptionalAttrDictWithKeyword(state.attributes))
    return failure();
  return parser.parseRegion(*state.addRegion(), arguments);
}

void StepOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << '(';
  llvm::interleave(
      getBlock().getArguments(),
      [&](BlockArgument arg) {
        unsigned index = arg.getArgNumber();
        printer.printNewline();
        printer << "    " << stringifyRole(getRole(index)) << ' ';
        printer.printRegionArgument(arg, /*argAttrs=*/{}, /*omitType=*/true); // with its location, if asked for
        printer << ' ';
        printer.printAttribute(getArgAttr(index, "name"));
        printer << " : " << arg.getType();
        printer.printOptionalAttrDict(getArgDict(index).getValue(), {"name"});
      },
      [&] { printer << ','; });
  printer << ')';
  NamedAttrList attributes((*this)->getAttrs());
  for (StringRef shown : {"sym_name", "roles", "args"})
    attributes.erase(shown);
  auto isDefault = [&](StringRef name, int64_t value) {
    auto integer = dyn_cast_or_null<IntegerAttr>(attributes.get(name));
    return integer && integer.getInt() == value;
  };
  for (auto [name, value] : {std::pair<StringRef, int64_t>{"micro_batches", 1}, {"tokens", 0}, {"lanes", 1}})
    if (isDefault(name, value))
      attributes.erase(name);
  printer.printOptionalAttrDictWithKeyword(attributes);
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

/// The entries of an argument's dictionary that the compiler and the runtime read.
static LogicalResult verifyArgDict(StepOp step, unsigned index) {
  auto isName = [](Attribute attribute) { return isa<StringAttr>(attribute); };
  auto fits = [&](StringRef key, Attribute value) {
    if (key == "source")
      return isa<SourceAttr>(value);
    if (key == "fill")
      return isa<FloatAttr, IntegerAttr>(value);
    if (key == "value")
      return isa<ElementsAttr>(value);
    if (key == "vocabulary" || key == "ignore_index")
      return isa<IntegerAttr>(value);
    if (key == "frozen")
      return isa<UnitAttr>(value);
    if (key == "tied")
      return isa<ArrayAttr>(value) && llvm::all_of(cast<ArrayAttr>(value), isName);
    return true;
  };
  for (NamedAttribute entry : step.getArgDict(index))
    if (!fits(entry.getName(), entry.getValue()))
      return step.emitOpError("expects another kind of value for '")
             << entry.getName().getValue() << "' of argument '" << step.getArgName(index) << "', but got "
             << entry.getValue();
  return success();
}

LogicalResult StepOp::verify() {
  Block &block = getBlock();
  if (getRoles().size() != block.getNumArguments() || getArgs().size() != block.getNumArguments())
    return emitOpError("expects one role and one dictionary for each of ")
           << block.getNumArguments() << " arguments, but got " << getRoles().size() << " and " << getArgs().size();
  llvm::StringSet<> names;
  for (unsigned i = 0; i < block.getNumArguments(); ++i) {
    if (!symbolizeRole(getRoles()[i]))
      return emitOpError("expects a role of argument ") << i << " in [0, 4], but got " << getRoles()[i];
    if (!isa<DictionaryAttr>(getArgs()[i]) || getArgName(i).empty())
      return emitOpError("expects a dictionary with a name for argument ") << i;
    if (!names.insert(getArgName(i)).second)
      return emitOpError("expects unique names of arguments, but got '") << getArgName(i) << "' twice";
    auto type = dyn_cast<RankedTensorType>(block.getArgument(i).getType());
    if (!type || !type.hasStaticShape())
      return emitOpError("expects a static tensor for argument '") << getArgName(i) << "', but got "
             << block.getArgument(i).getType();
    if (failed(verifyArgDict(*this, i)))
      return failure();
  }
  auto microBatches = static_cast<int64_t>(getMicroBatches()), tokens = static_cast<int64_t>(getTokens()),
       lanes = static_cast<int64_t>(getLanes());
  if (microBatches < 1 || tokens < 0 || lanes < 1)
    return emitOpError("expects at least 1 micro-batch, 0 tokens and 1 lane, but got ")
           << microBatches << ", " << tokens << " and " << lanes;
  if (block.empty() || !isa<ReturnOp>(block.back()))
    return emitOpError("expects train.return at its end");
  return success();
}

//===----------------------------------------------------------------------===//
// ReturnOp
//===----------------------------------------------------------------------===//

void ReturnOp::build(OpBuilder &builder, OperationState &state) {
  state.getOrAddProperties<Properties>().operandSegmentSizes = {0, 0, 0, 0};
  state.getOrAddProperties<Properties>().output_names = builder.getStrArrayAttr({});
}

LogicalResult ReturnOp::verify() {
  if (getLoss() && tensorType(getLoss()).getNumElements() != 1)
    return emitOpError("expects a loss of one element, but got ") << getLoss().getType();
  if (getOutputs().size() != getOutputNames().size())
    return emitOpError("expects one name for each of ") << getOutputs().size() << " outputs, but got "
           << getOutputNames().size();
  if (getTargets().size() != getValues().size())
    return emitOpError("expects one value for each of ") << getTargets().size() << " targets, but got "
           << getValues().size();
  llvm::SmallPtrSet<Value, 8> seen;
  for (auto [target, value] : llvm::zip(getTargets(), getValues())) {
    auto argument = dyn_cast<BlockArgument>(target);
    if (!argument)
      return emitOpError("expects arguments of the step as targets of the update, but got ") << target;
    if (!seen.insert(target).second)
      return emitOpError("expects each argument to be updated once, but argument ")
             << argument.getArgNumber() << " is updated twice";
    if (target.getType() != value.getType())
      return emitOpError("expects the type ") << target.getType() << " of the updated value, but got "
             << value.getType();
  }
  return success();
}
