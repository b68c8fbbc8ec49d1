//===- Case.cpp - A recorded case of a kernel -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "conformance/Case.h"

#include "spillway/KernelWorkspace.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

using namespace spillway;
using namespace spillway::conformance;
using nlohmann::json;

static spw_dtype dtypeFrom(const std::string &name) {
  static const std::map<std::string, spw_dtype> names = {
      {"f32", SPW_F32}, {"f16", SPW_F16},  {"bf16", SPW_BF16}, {"f64", SPW_F64},
      {"i8", SPW_I8},   {"u8", SPW_U8},    {"i16", SPW_I16},   {"i32", SPW_I32},
      {"i64", SPW_I64}, {"bool", SPW_BOOL}};
  auto found = names.find(name);
  if (found == names.end())
    throw std::runtime_error("expected an element type, found '" + name + "'");
  return found->second;
}

static Attribute attributeFrom(const std::string &name, const json &value) {
  Attribute attribute{name, SPW_ATTR_INT};
  if (value.is_number_integer()) {
    attribute.i = value;
  } else if (value.is_number()) {
    attribute.kind = SPW_ATTR_FLOAT;
    attribute.f = value;
  } else if (value.is_string()) {
    attribute.kind = SPW_ATTR_STRING;
    attribute.s = value;
  } else {
    attribute.kind = SPW_ATTR_INTS;
    attribute.ints = value.get<std::vector<int64_t>>();
  }
  return attribute;
}

namespace {
struct File {
  json header;
  std::vector<char> data;

  explicit File(const std::string &path) {
    std::ifstream stream(path, std::ios::binary);
    uint64_t length = 0;
    if (!stream.read(reinterpret_cast<char *>(&length), 8) ||
        length > (uint64_t(1) << 30))
      throw std::runtime_error(path + ": expected a safetensors file");
    std::string text(length, '\0');
    if (!stream.read(text.data(), std::streamsize(length)))
      throw std::runtime_error(path + ": expected " + std::to_string(length) +
                               " bytes of header, found fewer");
    header = json::parse(text);
    data.assign(std::istreambuf_iterator<char>(stream), {});
  }

  std::vector<uint8_t> tensor(const std::string &name) const {
    auto offsets = header.at(name).at("data_offsets");
    size_t begin = offsets.at(0), end = offsets.at(1);
    if (begin > end || end > data.size())
      throw std::runtime_error("tensor " + name + " ends behind the file");
    return {data.begin() + std::ptrdiff_t(begin),
            data.begin() + std::ptrdiff_t(end)};
  }
};
} // namespace

/// A pattern that is shorter than the operand is repeated.
static std::vector<uint8_t> tiled(std::vector<uint8_t> pattern,
                                  const Operand &operand) {
  static const size_t widths[] = {4, 2, 2, 8, 1, 1, 2, 4, 8, 1};
  size_t elements = 1;
  for (size_t i = 0; i < operand.sizes.size(); ++i) {
    if (operand.sizes[i] == 0)
      return pattern;
    elements += size_t((operand.sizes[i] - 1) * operand.strides[i]);
  }
  size_t period = pattern.size(), bytes = elements * widths[operand.dtype];
  if (period == 0)
    throw std::runtime_error("expected a tensor with elements");
  pattern.reserve(bytes);
  while (pattern.size() < bytes)
    pattern.push_back(pattern[pattern.size() - period]);
  return pattern;
}

std::vector<Case> conformance::loadCases(const std::string &path) {
  File file(path);
  std::string list = file.header.at("__metadata__").at("cases");
  std::vector<Case> cases;
  for (const json &from : json::parse(list)) {
    Case test;
    test.name = from.at("name");
    test.kernel = from.at("kernel");
    for (const auto &[name, value] : from.at("attrs").items())
      test.attributes.push_back(attributeFrom(name, value));
    for (const char *side : {"inputs", "outputs"}) {
      for (const json &operand : from.at(side)) {
        Operand to;
        to.dtype = dtypeFrom(operand.at("dtype"));
        to.sizes = operand.at("sizes").get<std::vector<int64_t>>();
        int64_t stride = 1;
        to.strides.resize(to.sizes.size());
        for (size_t i = to.sizes.size(); i-- > 0; stride *= to.sizes[i])
          to.strides[i] = stride;
        if (operand.contains("strides"))
          to.strides = operand.at("strides").get<std::vector<int64_t>>();
        to.bytes = tiled(file.tensor(operand.at("tensor")), to);
        to.rtol = operand.value("rtol", 0.0);
        to.atol = operand.value("atol", 0.0);
        (side[0] == 'i' ? test.inputs : test.outputs).push_back(std::move(to));
      }
    }
    for (const json &pair : from.value("alias", json::array()))
      test.aliases.emplace_back(pair.at(0).get<int>(), pair.at(1).get<int>());
    cases.push_back(std::move(test));
  }
  return cases;
}

int64_t Case::integer(const std::string &name) const {
  for (const Attribute &attribute : attributes)
    if (attribute.name == name)
      return attribute.i;
  return 1;
}

static int64_t elements(const std::vector<int64_t> &sizes, size_t end) {
  int64_t result = 1;
  for (size_t i = 0; i < end; ++i)
    result *= sizes.at(i);
  return result;
}

static int64_t workspaceOf(const Case &test) {
  auto input = [&](size_t i) -> const std::vector<int64_t> & {
    return test.inputs.at(i).sizes;
  };
  auto rows = [&](size_t i) { return elements(input(i), input(i).size() - 1); };
  auto last = [&](size_t i) { return input(i).at(input(i).size() - 1); };
  int64_t lanes = test.integer("lanes");
  if (test.kernel == "layer_norm_grad")
    return workspace::layerNormGradBytes(rows(1), last(1));
  if (test.kernel == "rms_norm_grad")
    return workspace::rmsNormGradBytes(rows(1), last(1));
  if (test.kernel == "reduce") {
    int64_t outputs = elements(test.outputs.at(0).sizes, input(0).size());
    int64_t all = elements(input(0), input(0).size());
    return workspace::reduceBytes(outputs, outputs ? all / outputs : 0);
  }
  if (test.kernel == "sum_squares")
    return workspace::sumSquaresBytes();
  if (test.kernel == "cross_entropy")
    return workspace::crossEntropyBytes();
  if (test.kernel == "attention")
    return workspace::attentionBytes(input(0).at(1), input(1).at(1), lanes);
  if (test.kernel == "attention_grad")
    return workspace::attentionGradBytes(input(1).at(1), input(2).at(1), lanes);
  return 0;
}

int64_t conformance::workspaceBytes(const Case &test) {
  try {
    return workspaceOf(test);
  } catch (const std::out_of_range &) {
    return 0; // a case that was spoiled; its kernel says so
  }
}

static double elementOf(const Operand &operand,
                        const std::vector<uint8_t> &bytes, size_t i) {
  float f;
  double d;
  int32_t i32;
  int64_t i64;
  switch (operand.dtype) {
  case SPW_F32:
    std::memcpy(&f, &bytes[i * 4], 4);
    return f;
  case SPW_F64:
    std::memcpy(&d, &bytes[i * 8], 8);
    return d;
  case SPW_I32:
    std::memcpy(&i32, &bytes[i * 4], 4);
    return i32;
  case SPW_I64:
    std::memcpy(&i64, &bytes[i * 8], 8);
    return double(i64);
  default:
    // Compared bit by bit: a byte each.
    return bytes[i];
  }
}

std::string conformance::compare(const Operand &expected,
                                 const std::vector<uint8_t> &found) {
  if (found.size() != expected.bytes.size())
    return "expected " + std::to_string(expected.bytes.size()) +
           " bytes, found " + std::to_string(found.size());
  size_t width = 1;
  if (expected.dtype == SPW_F32 || expected.dtype == SPW_I32)
    width = 4;
  else if (expected.dtype == SPW_F64 || expected.dtype == SPW_I64)
    width = 8;
  for (size_t i = 0; i < found.size() / width; ++i) {
    double e = elementOf(expected, expected.bytes, i);
    double f = elementOf(expected, found, i);
    bool same =
        e == f || (std::isnan(e) && std::isnan(f)) ||
        std::fabs(e - f) <= expected.atol + expected.rtol * std::fabs(e);
    // An infinite tolerance would accept anything for an infinite value.
    if (std::isinf(e) || std::isinf(f))
      same = e == f;
    if (same)
      continue;
    std::ostringstream text;
    text.precision(9);
    text << "element " << i << ": expected " << e << ", found " << f
         << " (rtol " << expected.rtol << ", atol " << expected.atol << ")";
    return text.str();
  }
  return "";
}
