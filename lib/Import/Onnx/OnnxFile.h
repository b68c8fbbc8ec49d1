//===- OnnxFile.h - An ONNX file without its weights ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensor payloads above 64 KiB are left in the file: the wire format is walked
// once, each such payload's place is noted, and only the rest is given to the
// protobuf parser. So a model with gigabytes of inline weights parses in
// milliseconds, and a reference into the file is all that the IR gets.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_IMPORT_ONNX_ONNXFILE_H
#define SPILLWAY_LIB_IMPORT_ONNX_ONNXFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <map>
#include <onnx/onnx_pb.h>
#include <string>
#include <string_view>

namespace spillway::onnximport {

/// Where the bytes of a tensor are.
struct DataSource {
  std::string file; ///< Relative to the model's folder.
  int64_t offset = 0;
  int64_t bytes = 0;
  bool operator==(const DataSource &) const = default;
};

struct OnnxFile {
  std::string path;   ///< As given by the user.
  std::string folder; ///< Of the model; external files are relative to it.
  std::string name;   ///< Of the file in that folder.
  onnx::ModelProto model;
  /// Place of the payload of each initializer of the main graph that has one
  /// in this file as raw little-endian bytes.
  std::map<std::string, DataSource> inlineData;
};

/// Opens and parses `path`. Fails, with a message that names the file, where
/// it cannot be read, is no ONNX model, or is cut.
llvm::Expected<OnnxFile> openOnnxFile(llvm::StringRef path);

/// A payload found in a file's bytes.
struct Payload {
  uint64_t offset = 0, bytes = 0;
};

/// Walks the wire format of a ModelProto. `stripped` is the message without
/// initializer payloads (raw_data, packed float_data and double_data) of more
/// than `keepBytes`; `payloads` has the place of every payload, kept or not,
/// by initializer name. Returns false where the bytes are no protobuf message.
bool scanModel(std::string_view bytes, uint64_t keepBytes,
               std::string &stripped, std::map<std::string, Payload> &payloads);

} // namespace spillway::onnximport

#endif // SPILLWAY_LIB_IMPORT_ONNX_ONNXFILE_H
