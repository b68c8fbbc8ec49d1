//===- Networkx.cpp - networkx node-link JSON -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../JsonReader.h"
#include "spillway/Planner/Formats.h"

#include <cmath>
#include <map>

using namespace spillway::planner;

namespace {

/// A count that some exporters write as a float.
uint64_t count(const JsonReader &field) {
  if (!field.json().is_number())
    field.fail("a number of at least 0");
  double value = field.json().get<double>();
  if (!(value >= 0) || value > 0x1p50)
    field.fail("a number in [0, 2^50]");
  return field.json().is_number_integer() ? field.bytes()
                                          : uint64_t(std::llround(value));
}

ImportedProblem read(const JsonReader &top) {
  ImportedProblem out;
  out.loadOnly = true;
  Problem &p = out.problem;
  p.machine = Machine::deviceOnly();
  p.alignment = 1;
  JsonReader nodes = top["nodes"];
  JsonReader links = top[top.has("links") ? "links" : "edges"];
  std::map<std::string, uint32_t> index;
  auto name = [](const JsonReader &field) {
    if (!field.json().is_string() && !field.json().is_number_integer())
      field.fail("the name of a node: an integer or a string");
    return field.json().dump();
  };
  uint32_t n = uint32_t(nodes.size());
  for (uint32_t i = 0; i < n; ++i) {
    JsonReader node = nodes.at(i);
    bool checkmate = node.has("cost_cpu");
    Operator op;
    Storage s;
    op.id = s.id = i;
    if (node.has("name") && node["name"].json().is_string())
      op.name = s.name = node["name"].string();
    op.costNs = {int64_t(count(node[checkmate ? "cost_cpu" : "duration"]))};
    s.bytes = count(node[checkmate ? "cost_ram" : "out_cost"]);
    op.writes = {{i, -1}};
    if (!index.emplace(name(node["id"]), i).second)
      node["id"].fail("an id of its own");
    p.operators.push_back(std::move(op));
    p.storages.push_back(std::move(s));
  }
  std::vector<uint32_t> waits(n);
  std::vector<std::vector<uint32_t>> readers(n);
  for (size_t i = 0; i < links.size(); ++i) {
    auto end = [&](const char *key) {
      JsonReader field = links.at(i)[key];
      auto it = index.find(name(field));
      if (it == index.end())
        field.fail("the id of a node");
      return it->second;
    };
    uint32_t from = end("source"), to = end("target");
    p.operators[to].reads.push_back({from, -1});
    readers[from].push_back(to);
    ++waits[to];
  }
  // As networkx sorts: generation by generation, each in the order of nodes or
  // of their last link.
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < n; ++i)
    if (waits[i] == 0)
      order.push_back(i);
  for (size_t k = 0; k < order.size(); ++k)
    for (uint32_t r : readers[order[k]])
      if (--waits[r] == 0)
        order.push_back(r);
  if (order.size() != n) {
    uint32_t stuck = 0;
    while (waits[stuck] == 0)
      ++stuck;
    throw JsonError("nodes[" + std::to_string(stuck) +
                    "]: expected a graph without cycles, found this node on or "
                    "behind one");
  }
  bool sorted = true;
  for (uint32_t i = 0; i < n; ++i)
    for (const Access &r : p.operators[i].reads)
      sorted &= r.storage < i;
  if (sorted)
    return out;
  std::vector<Operator> operators;
  for (uint32_t i : order)
    operators.push_back(std::move(p.operators[i]));
  p.operators = std::move(operators);
  return out;
}

} // namespace

std::optional<ImportedProblem>
spillway::planner::readNetworkx(std::string_view text, std::string &error) {
  try {
    auto json = JsonReader::parse(text);
    return read(JsonReader(json, ""));
  } catch (const JsonError &e) {
    error = e.what();
    return std::nullopt;
  }
}
