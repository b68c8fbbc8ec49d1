//===- WireScanner.cpp - Finds payloads in a serialized ONNX model --------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnnxFile.h"

namespace spillway::onnximport {
namespace {

// Field numbers of onnx.proto.
enum : uint32_t {
  kModelGraph = 7,
  kGraphInitializer = 5,
  kTensorFloatData = 4,
  kTensorName = 8,
  kTensorRawData = 9,
  kTensorDoubleData = 10,
};

enum : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  uint32_t number = 0, wire = 0;
  std::string_view whole; ///< Tag, length and content.
  std::string_view body;  ///< Content, where the wire type is kBytes.
};

bool readVarint(std::string_view bytes, size_t &at, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at >= bytes.size())
      return false;
    auto byte = static_cast<uint8_t>(bytes[at++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return true;
  }
  return false;
}

bool readField(std::string_view bytes, size_t &at, Field &field) {
  size_t start = at;
  uint64_t tag, length = 0;
  if (!readVarint(bytes, at, tag) || (tag >> 3) == 0 || (tag >> 3) > 0x1fffffff)
    return false;
  field.number = static_cast<uint32_t>(tag >> 3);
  field.wire = tag & 7;
  switch (field.wire) {
  case kVarint:
    if (!readVarint(bytes, at, length))
      return false;
    length = 0;
    break;
  case kFixed64:
    length = 8;
    break;
  case kFixed32:
    length = 4;
    break;
  case kBytes:
    if (!readVarint(bytes, at, length))
      return false;
    break;
  default: // Groups are not in ONNX.
    return false;
  }
  if (length > bytes.size() - at)
    return false;
  field.body = bytes.substr(at, length);
  at += length;
  field.whole = bytes.substr(start, at - start);
  return true;
}

void appendVarint(std::string &out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void appendBytes(std::string &out, uint32_t number, std::string_view body) {
  appendVarint(out, number << 3 | kBytes);
  appendVarint(out, body.size());
  out.append(body);
}

class Scanner {
public:
  Scanner(std::string_view file, uint64_t keepBytes,
          std::map<std::string, Payload> &payloads)
      : file(file), keepBytes(keepBytes), payloads(payloads) {}

  bool tensor(std::string_view bytes, std::string &out) {
    std::string name;
    Payload payload;
    Field field;
    for (size_t at = 0; at < bytes.size();) {
      if (!readField(bytes, at, field))
        return false;
      bool data = field.wire == kBytes && (field.number == kTensorRawData ||
                                           field.number == kTensorFloatData ||
                                           field.number == kTensorDoubleData);
      if (field.wire == kBytes && field.number == kTensorName)
        name = field.body;
      if (data) {
        payload.offset = field.body.data() - file.data();
        payload.bytes = field.body.size();
      }
      if (!data || field.body.size() <= keepBytes)
        out.append(field.whole);
    }
    if (payload.bytes)
      payloads[name] = payload;
    return true;
  }

  bool graph(std::string_view bytes, std::string &out) {
    return rewrite(bytes, kGraphInitializer, out, &Scanner::tensor);
  }

  bool model(std::string_view bytes, std::string &out) {
    return rewrite(bytes, kModelGraph, out, &Scanner::graph);
  }

private:
  /// Copies a message, its fields `number` through `inner`.
  bool rewrite(std::string_view bytes, uint32_t number, std::string &out,
               bool (Scanner::*inner)(std::string_view, std::string &)) {
    Field field;
    for (size_t at = 0; at < bytes.size();) {
      if (!readField(bytes, at, field))
        return false;
      if (field.wire != kBytes || field.number != number) {
        out.append(field.whole);
        continue;
      }
      std::string body;
      if (!(this->*inner)(field.body, body))
        return false;
      appendBytes(out, number, body);
    }
    return true;
  }

  std::string_view file;
  uint64_t keepBytes;
  std::map<std::string, Payload> &payloads;
};

} // namespace

bool scanModel(std::string_view bytes, uint64_t keepBytes,
               std::string &stripped,
               std::map<std::string, Payload> &payloads) {
  return Scanner(bytes, keepBytes, payloads).model(bytes, stripped);
}

} // namespace spillway::onnximport
