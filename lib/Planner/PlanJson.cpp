//===- PlanJson.cpp - The JSON form of a plan -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JsonReader.h"
#include "spillway/Planner/Loops.h"

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

/// How many further iterations the loops that end before an action have, by
/// repeat: a file counts them, a plan's numbers do not.
class Ahead {
public:
  Ahead(const Problem &problem, const Plan &plan)
      : plan(plan), by(problem.repeats.size(), 0) {}
  /// Actions are asked about in order.
  void reach(uint32_t at) {
    for (; next < plan.loops.size() && plan.loops[next].last < at; ++next)
      by[plan.loops[next].repeat] +=
          (plan.loops[next].count - 1) * plan.loops[next].repetitions;
  }
  uint32_t of(int32_t repeat) const {
    return repeat < 0 ? 0 : by[uint32_t(repeat)];
  }

private:
  const Plan &plan;
  std::vector<uint32_t> by;
  uint32_t next = 0;
};

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
    top.expectFields({"kind", "version", "problem", "policy", "initial",
                      "actions", "loops"});
    std::string print = hex(problem.fingerprint());
    if (top["problem"].string() != print)
      top["problem"].fail("\"" + print +
                          "\", the fingerprint of this problem (the plan is "
                          "for another problem)");
    Plan plan;
    if (top.has("policy"))
      plan.policy = top["policy"].string();
    JsonReader initial = top["initial"], actions = top["actions"];
    plan.actions.resize(actions.size());
    if (top.has("loops"))
      for (size_t i = 0; i < top["loops"].size(); ++i)
        plan.loops.push_back(loop(top["loops"].at(i)));
    std::string fault = checkLoops(problem, plan);
    if (!fault.empty())
      top["loops"].fail("loops that fit the plan (" + fault + ")");
    folded = unrollFor(problem, plan);
    Ahead before(problem, plan);
    ahead = &before;
    for (size_t i = 0; i < initial.size(); ++i) {
      Instance first = instance(initial.at(i), 0, 3);
      // What belongs to repetitions is named once for all of them.
      Copy c = folded.storages[first.storage];
      int32_t r = folded.repeatOfStorage(c.index);
      for (uint32_t k = 0; k < (r < 0 ? 1 : folded.counts[uint32_t(r)]); ++k)
        plan.initial.push_back(
            {folded.storage(c.index, k), first.part, first.tier});
    }
    std::sort(plan.initial.begin(), plan.initial.end());
    for (size_t i = 0; i < actions.size(); ++i) {
      before.reach(uint32_t(i));
      plan.actions[i] = action(actions.at(i));
    }
    ahead = nullptr;
    return plan;
  }

private:
  Loop loop(const JsonReader &field) {
    field.expectFields({"repeat", "first", "last", "count", "repetitions"});
    return {field["repeat"].id(), field["first"].id(), field["last"].id(),
            field["count"].id(),
            field.has("repetitions") ? field["repetitions"].id() : 1};
  }

  /// An id, or [id, repetition] for what belongs to a repetition; without a
  /// repetition it is that of the first.
  uint32_t find(const JsonReader &field, bool ofStorage) {
    auto &ids = ofStorage ? storageIds : opIds;
    bool pair = field.isArray();
    if (pair && field.size() != 2)
      field.fail("an id, or [id, repetition]");
    JsonReader id = pair ? field.at(0) : field;
    auto it = ids.find(id.id());
    if (it == ids.end())
      id.fail(ofStorage ? "the id of a storage" : "the id of an operator");
    uint32_t repetition = pair ? field.at(1).id() : 0;
    int32_t r = ofStorage ? folded.repeatOfStorage(it->second)
                          : folded.repeatOfOp(it->second);
    uint32_t from = ahead->of(r);
    uint32_t count = r < 0 ? 1 : folded.counts[uint32_t(r)];
    if (pair && (repetition < from || repetition - from >= count))
      field.at(1).fail("a repetition from " + std::to_string(from) + " to " +
                       std::to_string(from + count - 1));
    uint32_t k = pair ? repetition - from : 0;
    return ofStorage ? folded.storage(it->second, k) : folded.op(it->second, k);
  }
  uint32_t storage(const JsonReader &field) { return find(field, true); }

  Instance instance(const JsonReader &field, size_t at, size_t size) {
    if (field.size() != size)
      field.fail("[..., storage, part, tier]");
    Instance out;
    out.storage = storage(field.at(at));
    int64_t part = field.at(at + 1).integer();
    if (part < -1 || part >= folded.problem.storages[out.storage].numParts())
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
      auto make = kind == "load"   ? &Action::load
                  : kind == "free" ? &Action::free
                                   : nullptr;
      if (!make && kind != "store")
        field.at(0).fail("\"run\", \"load\", \"store\" or \"free\"");
      bool apart = kind == "store" && field.size() == 5;
      if (kind == "store" && !apart && field.size() != 4)
        field.fail("[\"store\", storage, part, tier], and the tier that it is "
                   "copied from if that is not the device");
      Instance i = instance(field, 1, apart ? 5 : 4);
      if (make)
        return make(i.storage, i.part, i.tier);
      std::optional<uint32_t> from = 0;
      if (apart)
        from = problem.machine.findTier(field.at(4).string());
      if (!from)
        field.at(4).fail("the name of a tier");
      return Action::store(i.storage, i.part, i.tier, *from);
    }
    if (field.size() < 2 || field.size() > 4)
      field.fail("[\"run\", operator, engine, in_place]");
    Action out = Action::run(find(field.at(1), false));
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
  Unrolled folded;
  const Ahead *ahead = nullptr;
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
  Unrolled u = unrollFor(problem, plan);
  Ahead ahead(problem, plan);
  // Where there is one repetition only, it is not told.
  auto named = [&](uint32_t id, uint32_t repetition, int32_t repeat) {
    return repeat < 0 || problem.repeats[uint32_t(repeat)].count == 1
               ? Json(id)
               : Json::array({id, repetition + ahead.of(repeat)});
  };
  auto id = [&](uint32_t storage) {
    Copy c = u.storages[storage];
    return named(problem.storages[c.index].id, c.repetition,
                 u.repeatOfStorage(c.index));
  };
  auto tier = [&](uint32_t t) { return problem.machine.tiers[t].name; };
  std::string out =
      "{\"kind\": \"spillway-plan\", \"version\": 1, \"problem\": \"" +
      hex(problem.fingerprint()) +
      "\", \"policy\": " + Json(plan.policy).dump() + ",\n\"initial\": [";
  const char *separator = "";
  for (const Instance &i : plan.initial) {
    Copy c = u.storages[i.storage]; // the first stands for all repetitions
    if (c.repetition > 0)
      continue;
    out += separator +
           Json::array({problem.storages[c.index].id, i.part, tier(i.tier)})
               .dump();
    separator = ", ";
  }
  out += "],\n\"actions\": [";
  separator = "\n";
  for (uint32_t at = 0; at < plan.actions.size(); ++at) {
    const Action &a = plan.actions[at];
    ahead.reach(at);
    Json line = Json::array();
    if (a.kind == ActionKind::Run) {
      Json pairs = Json::array();
      for (const InPlacePair &p : a.inPlace)
        pairs.push_back(Json::array({id(p.written), id(p.read)}));
      Copy c = u.operators[a.op];
      line = Json::array({"run",
                          named(problem.operators[c.index].id, c.repetition,
                                u.repeatOfOp(c.index)),
                          problem.machine.engines[a.engine].name, pairs});
    } else {
      const char *name = a.kind == ActionKind::Load    ? "load"
                         : a.kind == ActionKind::Store ? "store"
                                                       : "free";
      line = Json::array({name, id(a.storage), a.part, tier(a.tier)});
      if (a.kind == ActionKind::Store && a.from != 0)
        line.push_back(tier(a.from));
    }
    out += separator + line.dump();
    separator = ",\n";
  }
  if (plan.loops.empty())
    return out + "]}\n";
  out += "],\n\"loops\": [";
  separator = "";
  for (const Loop &l : plan.loops) {
    out += separator + Json({{"repeat", l.repeat},
                             {"first", l.first},
                             {"last", l.last},
                             {"count", l.count},
                             {"repetitions", l.repetitions}})
                           .dump();
    separator = ", ";
  }
  return out + "]}\n";
}
