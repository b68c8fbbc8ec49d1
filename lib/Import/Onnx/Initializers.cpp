//===- Initializers.cpp - Initializers as references ----------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include "Importer.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace spillway::onnximport {
namespace {

/// Bytes [offset, offset + size) of a file, or null.
std::unique_ptr<llvm::MemoryBuffer> readSlice(const std::string &folder,
                                              const DataSource &source) {
  llvm::SmallString<256> path(folder);
  llvm::sys::path::append(path, source.file);
  uint64_t size = 0;
  if (llvm::sys::fs::file_size(path, size) ||
      size < static_cast<uint64_t>(source.offset) +
                 static_cast<uint64_t>(source.bytes))
    return nullptr;
  auto buffer =
      llvm::MemoryBuffer::getFileSlice(path, source.bytes, source.offset);
  return buffer ? std::move(*buffer) : nullptr;
}

/// External files lie in the model's folder or below it: a model must not
/// read files elsewhere.
bool isInside(llvm::StringRef file) {
  if (file.empty() || llvm::sys::path::is_absolute(file))
    return false;
  for (auto it = llvm::sys::path::begin(file), end = llvm::sys::path::end(file);
       it != end; ++it)
    if (*it == "..")
      return false;
  return true;
}

} // namespace

FailureOr<std::optional<DataSource>>
Importer::findSource(const onnx::TensorProto &tensor) {
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  int64_t expected = countElements(shape) * getElementBytes(tensor.data_type());
  auto wrong = [&](int64_t found) {
    return fail(
        "initializer '" + tensor.name() + "' of shape " + toString(shape) +
        " and type " + getTypeName(tensor.data_type()) + " needs " +
        llvm::Twine(expected) + " bytes, but has " + llvm::Twine(found));
  };
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL) {
    DataSource source{"", 0, expected};
    for (const onnx::StringStringEntryProto &entry : tensor.external_data()) {
      int64_t number = 0;
      bool isNumber =
          !llvm::StringRef(entry.value()).getAsInteger(10, number) &&
          number >= 0;
      if (entry.key() == "location")
        source.file = entry.value();
      if ((entry.key() == "offset" || entry.key() == "length") && !isNumber)
        return fail("initializer '" + tensor.name() + "' has the " +
                    entry.key() + " '" + entry.value() +
                    "' in its external data, expected a number");
      if (entry.key() == "offset")
        source.offset = number;
      if (entry.key() == "length" && number != expected)
        return wrong(number);
    }
    if (!isInside(source.file))
      return fail("initializer '" + tensor.name() + "' refers to the file '" +
                  source.file + "', expected a file in the model's folder");
    return std::optional(source);
  }
  auto it = file.inlineData.find(tensor.name());
  if (it == file.inlineData.end())
    return std::optional<DataSource>();
  if (it->second.bytes != expected)
    return wrong(it->second.bytes);
  return std::optional(it->second);
}

std::optional<ConstTensor>
Importer::readInitializer(const onnx::TensorProto &tensor) {
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  if (countElements(shape) > kMaxFoldedElements)
    return std::nullopt;
  ConstTensor value;
  std::string error;
  if (tensor.data_location() != onnx::TensorProto::EXTERNAL &&
      readTensor(tensor, value, error))
    return value;
  FailureOr<std::optional<DataSource>> source = findSource(tensor);
  if (failed(source) || !*source)
    return std::nullopt;
  std::unique_ptr<llvm::MemoryBuffer> bytes = readSlice(file.folder, **source);
  if (!bytes)
    return std::nullopt;
  return ConstTensor::fromBytes(tensor.data_type(), shape, bytes->getBuffer());
}

LogicalResult Importer::declareInitializers() {
  llvm::StringSet<> names;
  for (const onnx::TensorProto &tensor : file.model.graph().initializer()) {
    // One of the name of an input is that input's default.
    if (!names.insert(tensor.name()).second)
      return fail("there are two initializers '" + tensor.name() +
                  "', expected one");
    ValueState *state = define(top, tensor.name());
    state->type = tensor.data_type();
    state->shape.assign(tensor.dims().begin(), tensor.dims().end());
    state->initializer = &tensor;
    if (!getStorage(state->type))
      return fail("initializer '" + tensor.name() + "' has element type " +
                  llvm::Twine(state->type) + ", which is not supported");
    for (int64_t size : state->shape)
      if (size < 0)
        return fail("initializer '" + tensor.name() + "' has the shape " +
                    toString(state->shape));
    // A reference that contradicts the shape is an error even if it is unused.
    if (FailureOr<std::optional<DataSource>> source = findSource(tensor);
        failed(source))
      return failure();
    if (parameters.trained.count(tensor.name()) ||
        parameters.frozen.count(tensor.name()))
      continue;
    state->constant = readInitializer(tensor);
  }
  if (file.model.graph().sparse_initializer_size())
    return fail("the model has sparse initializers, which are not supported");
  return success();
}

Value Importer::addInitializerArgument(const onnx::TensorProto &tensor,
                                       Location loc) {
  FailureOr<std::optional<DataSource>> source = findSource(tensor);
  if (failed(source))
    return {};
  bool trained = parameters.trained.count(tensor.name()) != 0;
  bool frozen = parameters.frozen.count(tensor.name()) != 0;
  auto type =
      RankedTensorType::get(Shape(tensor.dims().begin(), tensor.dims().end()),
                            convertType(tensor.data_type(), context));
  if (*source)
    for (auto &[other, index] : sources)
      if (other == **source &&
          step.getBlock().getArgument(index).getType() == type) {
        // The same bytes under another name: one parameter.
        SmallVector<Attribute> tied;
        if (auto names = llvm::dyn_cast_or_null<ArrayAttr>(
                step.getArgAttr(index, "tied")))
          tied.assign(names.begin(), names.end());
        tied.push_back(builder.getStringAttr(tensor.name()));
        step.setArgAttr(index, "tied", builder.getArrayAttr(tied));
        if (trained || frozen)
          step.setRole(index, train::Role::param);
        // Who freezes it by one of its names means all of it.
        if (frozen)
          step.setArgAttr(index, "frozen", builder.getUnitAttr());
        return step.getBlock().getArgument(index);
      }
  NamedAttrList dict;
  dict.set("name", builder.getStringAttr(tensor.name()));
  if (*source)
    dict.set("source", train::SourceAttr::get(
                           context, builder.getStringAttr((*source)->file),
                           (*source)->offset, (*source)->bytes));
  if (frozen)
    dict.set("frozen", builder.getUnitAttr());
  Value argument = step.addArgument(
      type, NameLoc::get(builder.getStringAttr(tensor.name())),
      trained || frozen ? train::Role::param : train::Role::constant,
      dict.getDictionary(context));
  if (*source)
    sources.push_back({**source, step.getBlock().getNumArguments() - 1});
  return argument;
}

} // namespace spillway::onnximport
