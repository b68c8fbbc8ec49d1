//===- ProblemJson.cpp - The JSON form of a problem -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JsonReader.h"
#include "Quoted.h"
#include "spillway/Planner/Problem.h"

#include <unordered_map>

using namespace spillway::planner;
using Json = nlohmann::ordered_json;

namespace {

using Ids = std::unordered_map<uint32_t, uint32_t>;

uint32_t readTier(const JsonReader &field, const Machine &machine) {
  auto tier = machine.findTier(field.string());
  if (!tier)
    field.fail("the name of a tier of the machine");
  return *tier;
}

Machine readMachine(const JsonReader &m) {
  Machine machine;
  m.expectFields({"kind", "version", "tiers", "links", "engines"});
  JsonReader tiers = m["tiers"];
  for (size_t i = 0; i < tiers.size(); ++i) {
    tiers.at(i).expectFields({"name", "capacity"});
    JsonReader capacity = tiers.at(i)["capacity"];
    machine.tiers.push_back({tiers.at(i)["name"].string(),
                             capacity.isNull() ? unlimited : capacity.bytes()});
  }
  if (m.has("links")) {
    JsonReader links = m["links"];
    for (size_t i = 0; i < links.size(); ++i) {
      JsonReader l = links.at(i);
      l.expectFields(
          {"name", "from", "to", "bytes_per_second", "latency_ns", "group"});
      Link link;
      link.name = l["name"].string();
      link.from = readTier(l["from"], machine);
      link.to = readTier(l["to"], machine);
      link.bytesPerSecond = l["bytes_per_second"].bytes();
      link.latencyNs = l.has("latency_ns") ? l["latency_ns"].integer() : 0;
      link.group = l.has("group") ? l["group"].id() : 0;
      machine.links.push_back(std::move(link));
    }
  }
  JsonReader engines = m["engines"];
  for (size_t i = 0; i < engines.size(); ++i) {
    engines.at(i).expectFields({"name", "tier"});
    machine.engines.push_back({engines.at(i)["name"].string(),
                               readTier(engines.at(i)["tier"], machine)});
  }
  return machine;
}

StorageKind readKind(const JsonReader &field) {
  std::string kind = field.string();
  if (kind == "temporary")
    return StorageKind::Temporary;
  if (kind == "persistent")
    return StorageKind::Persistent;
  if (kind == "fed")
    return StorageKind::Fed;
  field.fail("\"temporary\", \"persistent\" or \"fed\"");
}

Storage readStorage(const JsonReader &s, const Machine &machine) {
  s.expectFields({"id", "name", "bytes", "kind", "parts", "home", "output"});
  Storage storage;
  storage.id = s["id"].id();
  if (s.has("name"))
    storage.name = s["name"].string();
  storage.bytes = s["bytes"].bytes();
  storage.kind = readKind(s["kind"]);
  if (s.has("parts"))
    for (size_t i = 0; i < s["parts"].size(); ++i)
      storage.parts.push_back(s["parts"].at(i).bytes());
  if (s.has("home") && !s["home"].isNull())
    storage.home = readTier(s["home"], machine);
  if (s.has("output"))
    storage.output = s["output"].boolean();
  return storage;
}

uint32_t readStorageId(const JsonReader &field, const Ids &ids) {
  auto it = ids.find(field.id());
  if (it == ids.end())
    field.fail("the id of a storage");
  return it->second;
}

std::vector<Access> readAccesses(const JsonReader &op, const char *name,
                                 const Ids &ids) {
  std::vector<Access> list;
  if (!op.has(name))
    return list;
  JsonReader field = op[name];
  for (size_t i = 0; i < field.size(); ++i) {
    JsonReader a = field.at(i);
    if (!a.isArray()) {
      list.push_back({readStorageId(a, ids), -1});
      continue;
    }
    if (a.size() != 2)
      a.fail("[id, part]");
    int64_t part = a.at(1).integer();
    if (part < -1 || part > INT32_MAX)
      a.at(1).fail("a part");
    list.push_back({readStorageId(a.at(0), ids), int32_t(part)});
  }
  return list;
}

Operator readOperator(const JsonReader &o, const Machine &machine,
                      const Ids &ids) {
  o.expectFields({"id", "name", "cost_ns", "flops", "reads", "writes",
                  "updates", "workspace", "recomputable", "in_place"});
  Operator op;
  op.id = o["id"].id();
  if (o.has("name"))
    op.name = o["name"].string();
  JsonReader costs = o["cost_ns"];
  if (!costs.json().is_object())
    costs.fail("an object from engine to ns");
  op.costNs.assign(machine.engines.size(), -1);
  for (auto &[engine, ns] : costs.json().items()) {
    auto index = machine.findEngine(engine);
    if (!index)
      costs.fail("engines of the machine", inQuotes(engine));
    JsonReader cost = costs[engine.c_str()];
    if ((op.costNs[*index] = cost.integer()) < 0)
      cost.fail("a cost of at least 0 ns");
  }
  if (o.has("flops"))
    op.flops = o["flops"].bytes();
  op.reads = readAccesses(o, "reads", ids);
  op.writes = readAccesses(o, "writes", ids);
  op.updates = readAccesses(o, "updates", ids);
  if (o.has("workspace"))
    op.workspace = o["workspace"].bytes();
  if (o.has("recomputable"))
    op.recomputable = o["recomputable"].boolean();
  if (o.has("in_place"))
    for (size_t i = 0; i < o["in_place"].size(); ++i) {
      JsonReader pair = o["in_place"].at(i);
      if (pair.size() != 2)
        pair.fail("[written, read]");
      op.inPlace.push_back(
          {readStorageId(pair.at(0), ids), readStorageId(pair.at(1), ids)});
    }
  return op;
}

Problem readProblem(const JsonReader &top) {
  top.expectKind("spillway-problem");
  top.expectFields({"kind", "version", "name", "alignment", "machine",
                    "storages", "operators", "repeats"});
  Problem problem;
  if (top.has("name"))
    problem.name = top["name"].string();
  if (top.has("alignment"))
    problem.alignment = top["alignment"].bytes();
  problem.machine = readMachine(top["machine"]);
  Ids storageIds, opIds;
  JsonReader storages = top["storages"];
  for (size_t i = 0; i < storages.size(); ++i) {
    problem.storages.push_back(readStorage(storages.at(i), problem.machine));
    storageIds.emplace(problem.storages.back().id, uint32_t(i));
  }
  JsonReader operators = top["operators"];
  for (size_t i = 0; i < operators.size(); ++i) {
    problem.operators.push_back(
        readOperator(operators.at(i), problem.machine, storageIds));
    opIds.emplace(problem.operators.back().id, uint32_t(i));
  }
  if (top.has("repeats"))
    for (size_t i = 0; i < top["repeats"].size(); ++i) {
      JsonReader r = top["repeats"].at(i);
      r.expectFields({"first", "last", "count"});
      auto op = [&](const char *name) {
        auto it = opIds.find(r[name].id());
        if (it == opIds.end())
          r[name].fail("the id of an operator");
        return it->second;
      };
      problem.repeats.push_back({op("first"), op("last"), r["count"].id()});
    }
  return problem;
}

Json printMachine(const Machine &machine) {
  Json tiers = Json::array(), links = Json::array(), engines = Json::array();
  for (const Tier &t : machine.tiers)
    tiers.push_back(
        {{"name", t.name},
         {"capacity", t.capacity == unlimited ? Json() : Json(t.capacity)}});
  for (const Link &l : machine.links)
    links.push_back({{"name", l.name},
                     {"from", machine.tiers[l.from].name},
                     {"to", machine.tiers[l.to].name},
                     {"bytes_per_second", l.bytesPerSecond},
                     {"latency_ns", l.latencyNs},
                     {"group", l.group}});
  for (const Engine &e : machine.engines)
    engines.push_back({{"name", e.name}, {"tier", machine.tiers[e.tier].name}});
  return {{"tiers", tiers}, {"links", links}, {"engines", engines}};
}

} // namespace

std::optional<Problem> spillway::planner::parseProblem(std::string_view text,
                                                       std::string &error) {
  try {
    auto json = JsonReader::parse(text);
    return readProblem(JsonReader(json, ""));
  } catch (const JsonError &e) {
    error = e.what();
    return std::nullopt;
  }
}

std::optional<Machine> spillway::planner::parseMachine(std::string_view text,
                                                       std::string &error) {
  try {
    auto json = JsonReader::parse(text);
    return readMachine(JsonReader(json, ""));
  } catch (const JsonError &e) {
    error = e.what();
    return std::nullopt;
  }
}

std::string spillway::planner::printProblem(const Problem &problem) {
  // One line for each storage and operator: readable, and friendly to diff.
  auto access = [&](const Access &a) {
    uint32_t id = problem.storages[a.storage].id;
    return a.part < 0 ? Json(id) : Json::array({id, a.part});
  };
  auto list = [&](const std::vector<Access> &accesses) {
    Json out = Json::array();
    for (const Access &a : accesses)
      out.push_back(access(a));
    return out;
  };
  static const char *const kinds[] = {"temporary", "persistent", "fed"};
  auto utf8 = Json::error_handler_t::replace;
  std::string out =
      "{\"kind\": \"spillway-problem\", \"version\": 1, \"name\": " +
      Json(problem.name).dump(-1, ' ', false, utf8) +
      ", \"alignment\": " + std::to_string(problem.alignment) +
      ",\n\"machine\": " + printMachine(problem.machine).dump() +
      ",\n\"storages\": [";
  const char *separator = "\n";
  for (const Storage &s : problem.storages) {
    Json j = {{"id", s.id},
              {"name", s.name},
              {"bytes", s.bytes},
              {"kind", kinds[int(s.kind)]}};
    if (!s.parts.empty())
      j["parts"] = s.parts;
    if (s.home)
      j["home"] = problem.machine.tiers[*s.home].name;
    if (s.output)
      j["output"] = true;
    out += separator + j.dump(-1, ' ', false, utf8);
    separator = ",\n";
  }
  out += "],\n\"operators\": [";
  separator = "\n";
  for (const Operator &op : problem.operators) {
    Json cost = Json::object();
    for (uint32_t e = 0; e < op.costNs.size(); ++e)
      if (op.costNs[e] >= 0)
        cost[problem.machine.engines[e].name] = op.costNs[e];
    Json j = {{"id", op.id},
              {"name", op.name},
              {"cost_ns", cost},
              {"flops", op.flops},
              {"reads", list(op.reads)},
              {"writes", list(op.writes)}};
    if (!op.updates.empty())
      j["updates"] = list(op.updates);
    if (op.workspace)
      j["workspace"] = op.workspace;
    if (!op.recomputable)
      j["recomputable"] = false;
    if (!op.inPlace.empty()) {
      Json pairs = Json::array();
      for (const InPlacePair &p : op.inPlace)
        pairs.push_back(
            {problem.storages[p.written].id, problem.storages[p.read].id});
      j["in_place"] = pairs;
    }
    out += separator + j.dump(-1, ' ', false, utf8);
    separator = ",\n";
  }
  out += "],\n\"repeats\": [";
  separator = "";
  for (const Repeat &r : problem.repeats) {
    out += separator + Json({{"first", problem.operators[r.first].id},
                             {"last", problem.operators[r.last].id},
                             {"count", r.count}})
                           .dump();
    separator = ", ";
  }
  return out + "]}\n";
}
