//===- Flattened.cpp - The flattened text format ----------------*- C++ -*-===//
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
#include <stdexcept>

using namespace spillway::planner;

namespace {

struct FormatError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The lines of a text, each a row of integers.
class Lines {
public:
  explicit Lines(std::string_view text) : rest(text) {}

  /// The next line, which must have integers only.
  std::vector<uint64_t> next(const char *what) {
    ++number;
    if (rest.empty())
      fail(std::string("expected ") + what + ", found the end of the file");
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::vector<uint64_t> out;
    const char *p = line.data(), *stop = p + line.size();
    while (true) {
      while (p != stop && (*p == ' ' || *p == '\t' || *p == '\r'))
        ++p;
      if (p == stop)
        return out;
      uint64_t value = 0;
      auto [after, bad] = std::from_chars(p, stop, value);
      if (bad != std::errc())
        fail("expected integers of at least 0, found " +
             inQuotes({p, std::min<size_t>(size_t(stop - p), 20)}));
      p = after;
      out.push_back(value);
    }
  }
  /// Blank lines may follow.
  void expectEnd() {
    size_t more = rest.find_first_not_of(" \t\r\n");
    if (more == std::string_view::npos)
      return;
    number += 1 + uint32_t(std::count(rest.begin(), rest.begin() + more, '\n'));
    fail("expected the end of the file, found more");
  }
  [[noreturn]] void fail(const std::string &text) const {
    throw FormatError("line " + std::to_string(number) + ": " + text);
  }
  void expectSize(const std::vector<uint64_t> &line, uint64_t size,
                  const char *what) const {
    if (line.size() != size)
      fail("expected " + std::to_string(size) + " " + what + ", found " +
           std::to_string(line.size()));
  }

private:
  std::string_view rest;
  uint32_t number = 0;
};

ImportedProblem read(std::string_view text) {
  Lines lines(text);
  auto head = lines.next("`operators storages`");
  lines.expectSize(head, 2, "numbers (operators, storages)");
  if (head[0] > 10000000 || head[1] > 10000000)
    lines.fail("expected at most 10000000 operators and storages");
  ImportedProblem out;
  out.loadOnly = true;
  Problem &p = out.problem;
  p.machine = Machine::deviceOnly();
  p.alignment = 1;
  auto sizes = lines.next("the sizes of storages");
  lines.expectSize(sizes, head[1], "sizes");
  auto resident = lines.next("the resident bytes of steps");
  lines.expectSize(resident, head[0] + 1, "resident bytes");
  for (uint32_t i = 0; i < sizes.size(); ++i) {
    Storage s;
    s.id = i;
    s.bytes = sizes[i];
    p.storages.push_back(s);
  }
  std::vector<bool> made(sizes.size());
  for (uint32_t i = 0; i < head[0]; ++i) {
    auto line = lines.next("an operator");
    Operator op;
    op.id = i;
    size_t at = 0;
    auto take = [&](const char *what) {
      if (at >= line.size())
        lines.fail(std::string("expected ") + what +
                   ", found the end of the line");
      return line[at++];
    };
    auto list = [&](std::vector<Access> &accesses) {
      for (uint64_t n = take("a count"); n > 0; --n) {
        uint64_t s = take("a storage");
        if (s >= sizes.size())
          lines.fail("storage " + std::to_string(s) + " is not there");
        accesses.push_back({uint32_t(s), -1});
      }
    };
    uint64_t cost = take("a cost");
    if (cost > uint64_t(1) << 50)
      lines.fail("expected a cost of at most 2^50");
    op.costNs = {int64_t(cost)};
    list(op.reads);
    list(op.writes);
    if (at != line.size())
      lines.fail("expected the end of the line, found more");
    op.workspace = resident[i];
    for (const Access &r : op.reads)
      if (!made[r.storage])
        lines.fail("operator " + std::to_string(i) + " reads storage " +
                   std::to_string(r.storage) +
                   " before it is written: the order is not valid, or there "
                   "is a cycle");
    for (const Access &w : op.writes) {
      if (made[w.storage])
        lines.fail("storage " + std::to_string(w.storage) +
                   " is written by two operators");
      made[w.storage] = true;
    }
    p.operators.push_back(std::move(op));
  }
  auto end = lines.next("the storages that are live at the end");
  if (end.empty() || end.size() != end[0] + 1)
    lines.fail("expected a count and as many storages");
  for (size_t i = 1; i < end.size(); ++i) {
    if (end[i] >= sizes.size() || !made[end[i]])
      lines.fail("storage " + std::to_string(end[i]) +
                 " must be live at the end, but no operator writes it");
    p.storages[end[i]].output = true;
  }
  lines.expectEnd();
  return out;
}

} // namespace

std::optional<ImportedProblem>
spillway::planner::readFlattened(std::string_view text, std::string &error) {
  try {
    return read(text);
  } catch (const FormatError &e) {
    error = e.what();
    return std::nullopt;
  }
}

std::string spillway::planner::printSchedule(const Plan &plan) {
  std::string out;
  for (const Action &a : plan.actions)
    out += a.kind == ActionKind::Run
               ? "run " + std::to_string(a.op) + "\n"
               : "free " + std::to_string(a.storage) + "\n";
  return out;
}
