//===- PlanJson.cpp - The JSON form of a plan -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JsonReader.h"
#include "spillway/Planner/Plan.h"

#include <algorithm>
#include <unordered_map>

using namespace spillway::planner;
using Json = nlohmann::ordered_json;

namespace {

std::string hex(uint64_t value) {
  static const char digits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4)
    out[i] = digits[value & 15];
  return out;
}

class PlanReader {
public:
  explicit PlanReader(const Problem &problem) : problem(problem) {
    for (uint32_t i = 0; i < problem.storages.size(); ++i)
      storageIds.emplace(problem.storages.at(i).id, i);
    for (uint32_t i = 0; i < problem.operators.size(); ++i)
      opIds.emplace(problem.operators.at(i).id, i);
  }

  Plan read(const JsonReader &top) {
    top.expectKind("spillway-plan");
    top.expectFields(
        {"kind", "version", "problem", "policy", "initial", "actions"});
    std::string print = hex(problem.fingerprint());
    if (top["problem"].string() != print)
      top["problem"].fail("\"" + print +
                          "\", the fingerprint of this problem (the plan is "
                          "for another problem)");
    Plan plan;
    if (top.has("policy"))
      plan.policy = top["policy"].string();
    JsonReader initial = top["initial"], actions = top["actions"];
    for (size_t i = 0; i < initial.size(); ++i)
      plan.initial.push_back(instance(initial.at(i), 0, 3));
    std::sort(plan.initial.begin(), plan.initial.end());
    for (size_t i = 0; i < actions.size(); ++i)
      plan.actions.push_back(action(actions.at(i)));
    return plan;
  }

private:
  uint32_t storage(const JsonReader &field) {
    auto it = storageIds.find(field.id());
    if (it == storageIds.end())
      field.fail("the id of a storage");
    return it->second;
  }

  Instance instance(const JsonReader &field, size_t at, size_t size) {
    if (field.size() != size)
      field.fail("[..., storage, part, tier]");
    Instance out;
    out.storage = storage(field.at(at));
    int64_t part = field.at(at + 1).integer();
    if (part < -1 || part >= problem.storages[out.storage].numParts())
      field.at(at + 1).fail("a part of the storage, or -1");
    out.part = int32_t(part);
    auto tier = problem.machine.findTier(field.at(at + 2).string());
    if (!tier)
      field.at(at + 2).fail("the name of a tier");
    out.tier = *tier;
    return out;
  }

  Action action(const JsonReader &field) {
    if (field.size() < 1)
      field.fail("an action");
    std::string kind = field.at(0).string();
    if (kind != "run") {
      auto make = kind == "load"    ? &Action::load
                  : kind == "store" ? &Action::store
                  : kind == "free"  ? &Action::free
                                    : nullptr;
      if (!make)
        field.at(0).fail("\"run\", \"load\", \"store\" or \"free\"");
      Instance i = instance(field, 1, 4);
      return make(i.storage, i.part, i.tier);
    }
    if (field.size() < 2 || field.size() > 4)
      field.fail("[\"run\", operator, engine, in_place]");
    auto it = opIds.find(field.at(1).id());
    if (it == opIds.end())
      field.at(1).fail("the id of an operator");
    Action out = Action::run(it->second);
    if (field.size() > 2) {
      auto engine = problem.machine.findEngine(field.at(2).string());
      if (!engine)
        field.at(2).fail("the name of an engine");
      out.engine = *engine;
    }
    if (field.size() > 3)
      for (size_t i = 0; i < field.at(3).size(); ++i) {
        JsonReader pair = field.at(3).at(i);
        if (pair.size() != 2)
          pair.fail("[written, read]");
        out.inPlace.push_back({storage(pair.at(0)), storage(pair.at(1))});
      }
    return out;
  }

  const Problem &problem;
  std::unordered_map<uint32_t, uint32_t> storageIds, opIds;
};

} // namespace

std::optional<Plan> spillway::planner::parsePlan(std::string_view text,
                                                 const Problem &problem,
                                                 std::string &error) {
  try {
    auto json = JsonReader::parse(text);
    return PlanReader(problem).read(JsonReader(json, ""));
  } catch (const JsonError &e) {
    error = e.what();
    return std::nullopt;
  }
}

std::string spillway::planner::printPlan(const Plan &plan,
                                         const Problem &problem) {
  auto id = [&](uint32_t storage) { return problem.storages[storage].id; };
  auto tier = [&](uint32_t t) { return problem.machine.tiers[t].name; };
  std::string out =
      "{\"kind\": \"spillway-plan\", \"version\": 1, \"problem\": \"" +
      hex(problem.fingerprint()) +
      "\", \"policy\": " + Json(plan.policy).dump() + ",\n\"initial\": [";
  const char *separator = "";
  for (const Instance &i : plan.initial) {
    out +=
        separator + Json::array({id(i.storage), i.part, tier(i.tier)}).dump();
    separator = ", ";
  }
  out += "],\n\"actions\": [";
  separator = "\n";
  for (const Action &a : plan.actions) {
    Json line = Json::array();
    if (a.kind == ActionKind::Run) {
      Json pairs = Json::array();
      for (const InPlacePair &p : a.inPlace)
        pairs.push_back(Json::array({id(p.written), id(p.read)}));
      line = Json::array({"run", problem.operators[a.op].id,
                          problem.machine.engines[a.engine].name, pairs});
    } else {
      const char *name = a.kind == ActionKind::Load    ? "load"
                         : a.kind == ActionKind::Store ? "store"
                                                       : "free";
      line = Json::array({name, id(a.storage), a.part, tier(a.tier)});
    }
    out += separator + line.dump();
    separator = ",\n";
  }
  return out + "]}\n";
}
