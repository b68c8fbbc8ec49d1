//===- OnnxFile.cpp - An ONNX file without its weights --------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnnxFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <limits>

namespace spillway::onnximport {
namespace {

constexpr uint64_t kKeepBytes = 64 * 1024;

llvm::Error fail(llvm::StringRef path, const llvm::Twine &reason) {
  return llvm::createStringError("cannot import '" + path + "': " + reason);
}

/// Parses without protobuf's own messages on stderr.
bool parse(const std::string &bytes, onnx::ModelProto &model) {
  google::protobuf::LogSilencer silencer;
  google::protobuf::io::ArrayInputStream array(bytes.data(),
                                               static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(std::numeric_limits<int>::max());
  stream.SetRecursionLimit(1000);
  return model.ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
}

} // namespace

llvm::Expected<OnnxFile> openOnnxFile(llvm::StringRef path) {
  // Mapped, so that only the pages of the structure are read.
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail(path, buffer.getError().message());

  OnnxFile file;
  file.path = path.str();
  file.folder = llvm::sys::path::parent_path(path).str();
  file.name = llvm::sys::path::filename(path).str();

  std::string stripped;
  std::map<std::string, Payload> payloads;
  std::string_view bytes((*buffer)->getBufferStart(),
                         (*buffer)->getBufferSize());
  if (!scanModel(bytes, kKeepBytes, stripped, payloads) ||
      stripped.size() > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !parse(stripped, file.model))
    return fail(path, "not an ONNX file, or cut short (" +
                          llvm::Twine(bytes.size()) +
                          " bytes are no complete protobuf message)");
  if (!file.model.has_graph())
    return fail(path,
                "not an ONNX file, or cut short (the model has no graph)");
  if (file.model.opset_import_size() == 0)
    return fail(
        path,
        "the model does not say which operator set it uses (no opset_import)");
  for (const auto &[name, payload] : payloads)
    file.inlineData[name] = {file.name, static_cast<int64_t>(payload.offset),
                             static_cast<int64_t>(payload.bytes)};
  return file;
}

} // namespace spillway::onnximport
