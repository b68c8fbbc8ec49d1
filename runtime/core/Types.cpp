//===- Types.cpp - Element types and sizes ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Types.h"

using namespace spillway::rt;

namespace {
struct Info {
  DType dtype;
  const char *name;
  uint64_t bytes;
  bool integer;
};
} // namespace

static constexpr Info infos[] = {
    {DType::F32, "F32", 4, false},   {DType::F16, "F16", 2, false},
    {DType::BF16, "BF16", 2, false}, {DType::F64, "F64", 8, false},
    {DType::I8, "I8", 1, true},      {DType::U8, "U8", 1, true},
    {DType::I16, "I16", 2, true},    {DType::I32, "I32", 4, true},
    {DType::I64, "I64", 8, true},    {DType::BOOL, "BOOL", 1, true},
};

static const Info *find(DType dtype) {
  for (const Info &info : infos)
    if (info.dtype == dtype)
      return &info;
  return nullptr;
}

uint64_t spillway::rt::elementBytes(DType dtype) {
  const Info *info = find(dtype);
  return info ? info->bytes : 0;
}

const char *spillway::rt::safetensorsName(DType dtype) {
  const Info *info = find(dtype);
  return info ? info->name : "?";
}

bool spillway::rt::isInteger(DType dtype) {
  const Info *info = find(dtype);
  return info && info->integer;
}

std::optional<DType> spillway::rt::fromSafetensorsName(std::string_view name) {
  for (const Info &info : infos)
    if (name == info.name)
      return info.dtype;
  return std::nullopt;
}
