//===- OffsetCsv.cpp - Offset assignment as CSV -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Quoted.h"
#include "spillway/Planner/Formats.h"

#include <charconv>

using namespace spillway::planner;

static std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    size_t comma = line.find(',');
    out.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos)
      return out;
    line.remove_prefix(comma + 1);
  }
}

std::optional<OffsetInstance>
spillway::planner::readOffsetCsv(std::string_view text, std::string &error) {
  OffsetInstance out;
  uint64_t total = 0;
  size_t columns[3] = {SIZE_MAX, SIZE_MAX, SIZE_MAX}, width = 0;
  const std::string_view names[3] = {"lower", "upper", "size"};
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    if (line.empty() && text.empty())
      break;
    out.lines.emplace_back(line);
    auto fail = [&](const std::string &what) {
      error = "line " + std::to_string(out.lines.size()) + ": " + what;
      return std::nullopt;
    };
    auto fields = split(line);
    if (out.lines.size() == 1) {
      width = fields.size();
      for (size_t i = 0; i < width; ++i)
        for (int k = 0; k < 3; ++k)
          if (fields[i] == names[k]) {
            if (columns[k] != SIZE_MAX)
              return fail("expected '" + std::string(names[k]) +
                          "' once, found it twice");
            columns[k] = i;
          }
      for (int k = 0; k < 3; ++k)
        if (columns[k] == SIZE_MAX)
          return fail("expected a header with 'lower', 'upper' and 'size', "
                      "found no '" +
                      std::string(names[k]) + "'");
      continue;
    }
    if (fields.size() != width)
      return fail("expected " + std::to_string(width) + " fields, found " +
                  std::to_string(fields.size()));
    uint64_t values[3];
    for (int k = 0; k < 3; ++k) {
      std::string_view f = fields[columns[k]];
      auto [stop, bad] =
          std::from_chars(f.data(), f.data() + f.size(), values[k]);
      if (bad != std::errc() || stop != f.data() + f.size() ||
          (k < 2 && values[k] >= UINT32_MAX) || values[k] > uint64_t(1) << 50)
        return fail("expected '" + std::string(names[k]) +
                    "' to be an integer of at least 0, found " + inQuotes(f));
    }
    if (values[0] >= values[1])
      return fail("expected lower < upper, found " + std::to_string(values[0]) +
                  " >= " + std::to_string(values[1]));
    if ((total += values[2]) > uint64_t(1) << 60)
      return fail("expected at most 2^60 bytes in all");
    OffsetItem item;
    item.bytes = values[2];
    item.live = {{uint32_t(values[0]), uint32_t(values[1])}};
    out.items.push_back(std::move(item));
  }
  if (out.lines.empty()) {
    error = "line 1: expected a header, found an empty file";
    return std::nullopt;
  }
  return out;
}
