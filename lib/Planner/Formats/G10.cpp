//===- G10.cpp - G10's kernel lists -----------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Quoted.h"
#include "spillway/Planner/Formats.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>

using namespace spillway::planner;

namespace {

struct FormatError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Machine paperMachine() {
  Machine m = Machine::deviceOnly();
  m.tiers[0].capacity = uint64_t(40) << 30;
  m.tiers.push_back({"host", uint64_t(128) << 30});
  m.tiers.push_back({"nvme", uint64_t(2) << 40});
  m.links.push_back({"h2d", 1, 0, 15754000000, 0, 0});
  m.links.push_back({"d2h", 0, 1, 15754000000, 0, 0});
  m.links.push_back({"nvme_read", 2, 1, 3200000000, 20000, 0});
  m.links.push_back({"nvme_write", 1, 2, 3200000000, 20000, 0});
  return m;
}

class Reader {
public:
  explicit Reader(std::string_view text) : rest(text) {}
  ImportedProblem read();

private:
  [[noreturn]] void fail(const std::string &text) const {
    throw FormatError("line " + std::to_string(std::max(number, 1u)) + ": " +
                      text);
  }
  bool line(std::string_view &out) {
    if (rest.empty())
      return false;
    ++number;
    size_t end = std::min(rest.find('\n'), rest.size());
    out = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!out.empty() && out.back() == '\r')
      out.remove_suffix(1);
    return true;
  }
  uint64_t numberAfter(std::string_view text, std::string_view key) const {
    size_t at = text.find(key);
    if (at == std::string_view::npos)
      fail("expected '" + std::string(key) + "'");
    at = std::min(text.find_first_not_of(' ', at + key.size()), text.size());
    uint64_t value = 0;
    auto [end, bad] =
        std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (bad != std::errc())
      fail("expected a number after '" + std::string(key) + "'");
    return value;
  }
  uint32_t tensor(std::string_view text);
  void finish(Operator &op, std::vector<uint32_t> &in,
              std::vector<uint32_t> &out);

  std::string_view rest;
  uint32_t number = 0;
  ImportedProblem result;
  std::map<uint64_t, uint32_t> storages;
  std::vector<bool> made;
};

uint32_t Reader::tensor(std::string_view text) {
  uint64_t id = numberAfter(text, "tensor");
  auto [it, isNew] =
      storages.emplace(id, uint32_t(result.problem.storages.size()));
  if (isNew) {
    Storage s;
    s.id = it->second;
    s.name = "tensor" + std::to_string(id);
    s.bytes = numberAfter(text, "Size in byte:");
    if (numberAfter(text, "Is weight (global)?:"))
      s.kind = StorageKind::Persistent;
    result.problem.storages.push_back(s);
    made.push_back(s.kind == StorageKind::Persistent);
  }
  return it->second;
}

void Reader::finish(Operator &op, std::vector<uint32_t> &in,
                    std::vector<uint32_t> &out) {
  auto &all = result.problem.storages;
  auto add = [](std::vector<Access> &list, uint32_t s) {
    if (std::find(list.begin(), list.end(), Access{s, -1}) == list.end())
      list.push_back({s, -1});
  };
  for (uint32_t s : in) {
    // What nobody makes was there before the step: an input.
    if (!made[s])
      all[s].kind = StorageKind::Persistent, made[s] = true;
    if (std::find(out.begin(), out.end(), s) == out.end())
      add(op.reads, s);
  }
  for (uint32_t s : out) {
    if (made[s])
      add(op.updates, s), op.recomputable = false;
    else
      add(op.writes, s);
  }
  for (uint32_t s : out)
    made[s] = true;
  result.problem.operators.push_back(std::move(op));
  op = {};
  in.clear();
  out.clear();
}

ImportedProblem Reader::read() {
  result.unitsPerNs = 1.2; // cycles at 1.2 GHz
  result.problem.machine = paperMachine();
  Operator op;
  std::vector<uint32_t> in, out, *list = nullptr;
  bool open = false;
  std::string_view text;
  while (line(text)) {
    if (text.starts_with("Kernel ID:")) {
      if (open)
        finish(op, in, out);
      open = true;
      list = nullptr;
      uint64_t id = numberAfter(text, "Kernel ID:");
      if (id > UINT32_MAX)
        fail("expected a kernel id below 2^32");
      op.id = uint32_t(id);
      size_t name = text.find("Name: ");
      if (name != std::string_view::npos)
        op.name = text.substr(name + 6);
    } else if (text.starts_with("Execution Time:")) {
      if (!open)
        fail("expected 'Kernel ID:' before an execution time");
      uint64_t cycles = numberAfter(text, "Execution Time:");
      if (cycles > uint64_t(1) << 50)
        fail("expected an execution time of at most 2^50 cycles");
      op.costNs = {int64_t(double(cycles) / 1.2 + 0.5)};
    } else if (text.starts_with("Input Tensors:")) {
      list = &in;
    } else if (text.starts_with("Output Tensors:")) {
      list = &out;
    } else if (text.starts_with("tensor")) {
      if (!open || !list)
        fail("expected a kernel before a tensor");
      list->push_back(tensor(text));
    } else if (!text.empty() && !text.starts_with("Parent") &&
               !text.starts_with("____") && !text.starts_with("Workspace")) {
      fail("expected a kernel, found " + inQuotes(text));
    }
  }
  if (open)
    finish(op, in, out);
  if (result.problem.operators.empty())
    fail("expected at least one kernel, found none");
  return std::move(result);
}

} // namespace

std::optional<ImportedProblem> spillway::planner::readG10(std::string_view text,
                                                          std::string &error) {
  try {
    return Reader(text).read();
  } catch (const FormatError &e) {
    error = e.what();
    return std::nullopt;
  }
}
