//===- Safetensors.h - Tensors in files -------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Format: https://github.com/huggingface/safetensors (8 bytes of header length,
// a JSON header, the raw little-endian data).
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_SAFETENSORS_H
#define SPILLWAY_RUNTIME_CORE_SAFETENSORS_H

#include "File.h"
#include "Types.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace spillway::rt {

struct FileTensor {
  DType dtype;
  std::vector<int64_t> sizes;
  const InputFile *file;
  uint64_t offset; // of the first byte, in the file
  uint64_t bytes;
};

/// The header of one file, or of all the shards that an index (`*.json`) names.
/// Data stays on disk until it is read to its place.
class SafetensorsFile {
public:
  /// Throws a Failure naming the file, and the tensor where it is one's fault.
  SafetensorsFile(const std::string &path, const char *what);

  const std::string &path() const { return filePath; }
  const FileTensor *find(const std::string &name) const;
  const std::map<std::string, FileTensor> &tensors() const { return byName; }

private:
  void addFile(const std::string &path, const char *what);
  void addIndex(const std::string &path, const char *what);

  std::string filePath;
  std::vector<std::unique_ptr<InputFile>> files;
  std::map<std::string, FileTensor> byName;
};

/// One tensor of a file to be written.
struct TensorHeader {
  std::string name;
  DType dtype;
  std::vector<int64_t> sizes;
  uint64_t bytes;
};

/// The header (length included) of a file that holds `tensors` in this order.
std::string
safetensorsHeader(const std::vector<TensorHeader> &tensors,
                  const std::map<std::string, std::string> &metadata);

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_SAFETENSORS_H
