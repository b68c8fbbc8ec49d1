//===- Safetensors.cpp - Tensors in files -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Safetensors.h"
#include "Error.h"

#include "nlohmann/json.hpp"

#include <cstring>
#include <set>

using namespace spillway::rt;
using Json = nlohmann::ordered_json;

/// The format's own limit.
static constexpr uint64_t maxHeaderBytes = 100000000;

SafetensorsFile::SafetensorsFile(const std::string &path, const char *what)
    : filePath(path) {
  if (path.size() > 5 && path.compare(path.size() - 5, 5, ".json") == 0)
    addIndex(path, what);
  else
    addFile(path, what);
}

const FileTensor *SafetensorsFile::find(const std::string &name) const {
  auto found = byName.find(name);
  return found == byName.end() ? nullptr : &found->second;
}

static bool isUnsigned(const Json &json) { return json.is_number_unsigned(); }

static FileTensor parseEntry(const std::string &name, const Json &entry,
                             const InputFile &file, uint64_t dataStart) {
  auto bad = [&](const std::string &why) {
    fail("'%s' is not a valid safetensors file: tensor '%s': %s",
         file.path().c_str(), name.c_str(), why.c_str());
  };
  if (!entry.is_object() || !entry.contains("dtype") ||
      !entry["dtype"].is_string() || !entry.contains("shape") ||
      !entry["shape"].is_array() || !entry.contains("data_offsets") ||
      !entry["data_offsets"].is_array() || entry["data_offsets"].size() != 2)
    bad("expected dtype, shape and data_offsets");
  FileTensor tensor;
  tensor.file = &file;
  std::string type = entry["dtype"].get<std::string>();
  auto dtype = fromSafetensorsName(type);
  if (!dtype)
    bad("unknown type '" + type + "'");
  tensor.dtype = *dtype;
  for (const Json &size : entry["shape"]) {
    if (!isUnsigned(size) || size.get<uint64_t>() > INT64_MAX)
      bad("a size is no natural number");
    tensor.sizes.push_back(size.get<int64_t>());
  }
  const Json &begin = entry["data_offsets"][0], &end = entry["data_offsets"][1];
  if (!isUnsigned(begin) || !isUnsigned(end))
    bad("its offsets are no natural numbers");
  uint64_t first = begin.get<uint64_t>(), last = end.get<uint64_t>();
  if (first > last)
    bad("it ends before it begins");
  if (last > file.size() - dataStart)
    bad(format("it ends at byte %llu of the data, of which there are %llu: the "
               "file is cut",
               (unsigned long long)last,
               (unsigned long long)(file.size() - dataStart)));
  tensor.offset = dataStart + first;
  tensor.bytes = last - first;
  auto count = countElements(tensor.sizes);
  uint64_t bytes;
  if (!count ||
      __builtin_mul_overflow(*count, elementBytes(tensor.dtype), &bytes) ||
      bytes != tensor.bytes)
    bad(format("%llu bytes do not make %s %s", (unsigned long long)tensor.bytes,
               type.c_str(), dimensions(tensor.sizes).c_str()));
  return tensor;
}

void SafetensorsFile::addFile(const std::string &path, const char *what) {
  const InputFile &file =
      *files.emplace_back(std::make_unique<InputFile>(path, what));
  uint64_t headerBytes = 0;
  if (file.size() < 8)
    fail("'%s' is not a safetensors file: expected at least 8 bytes, found "
         "%llu",
         path.c_str(), (unsigned long long)file.size());
  file.readExactly(&headerBytes, 8, 0);
  if (headerBytes > file.size() - 8 || headerBytes > maxHeaderBytes)
    fail("'%s' is not a safetensors file: a header of %llu bytes in a file of "
         "%llu",
         path.c_str(), (unsigned long long)headerBytes,
         (unsigned long long)file.size());
  std::string text(headerBytes, '\0');
  file.readExactly(text.data(), headerBytes, 8);
  Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object())
    fail("'%s' is not a safetensors file: its header is not a JSON object",
         path.c_str());
  for (const auto &[name, entry] : header.items())
    if (name != "__metadata__")
      byName[name] = parseEntry(name, entry, file, 8 + headerBytes);
}

void SafetensorsFile::addIndex(const std::string &path, const char *what) {
  InputFile file(path, what);
  if (file.size() > maxHeaderBytes)
    fail("'%s' is too large for an index of shards", path.c_str());
  std::vector<uint8_t> text = file.readAll();
  Json index = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!index.is_object() || !index.contains("weight_map") ||
      !index["weight_map"].is_object())
    fail("'%s' is not an index of safetensors files: expected an object with "
         "'weight_map'",
         path.c_str());
  std::set<std::string> shards;
  for (const auto &[name, shard] : index["weight_map"].items()) {
    if (!shard.is_string())
      fail("'%s': the shard of '%s' is not a string", path.c_str(),
           name.c_str());
    shards.insert(shard.get<std::string>());
  }
  for (const std::string &shard : shards)
    addFile(directoryOf(path) + "/" + shard, what);
  for (const auto &[name, shard] : index["weight_map"].items())
    if (!find(name))
      fail("'%s' says that tensor '%s' is in '%s', which does not have it",
           path.c_str(), name.c_str(), shard.get<std::string>().c_str());
}

std::string spillway::rt::safetensorsHeader(
    const std::vector<TensorHeader> &tensors,
    const std::map<std::string, std::string> &metadata) {
  Json header = Json::object();
  header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const TensorHeader &tensor : tensors) {
    header[tensor.name] = {{"dtype", safetensorsName(tensor.dtype)},
                           {"shape", tensor.sizes},
                           {"data_offsets", {offset, offset + tensor.bytes}}};
    offset += tensor.bytes;
  }
  std::string text =
      header.dump(-1, ' ', false, Json::error_handler_t::replace);
  // Data begins at a multiple of 8.
  text.append((8 - text.size() % 8) % 8, ' ');
  uint64_t length = text.size();
  std::string result(8, '\0');
  std::memcpy(result.data(), &length, 8);
  return result + text;
}
