//===- Report.cpp - What spillway-plan tells --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include <cmath>
#include <cstdio>

using namespace spillway::planner;
using namespace spillway::plantool;
using Json = nlohmann::ordered_json;

static int64_t units(const ImportedProblem &input, int64_t ns) {
  return input.unitsPerNs == 1
             ? ns
             : int64_t(std::llround(double(ns) * input.unitsPerNs));
}

static double overhead(const Outcome &o) {
  return o.baseNs ? 100.0 * double(o.result.simulation.stepNs - o.baseNs) /
                        double(o.baseNs)
                  : 0;
}

Json spillway::plantool::statsOf(const ImportedProblem &input,
                                 const Outcome &o) {
  const Machine &m = input.problem.machine;
  Json out;
  out["feasible"] = o.result.feasible;
  out["policy"] = o.policy;
  out["budget_bytes"] = o.budgets[0] == unlimited ? Json() : Json(o.budgets[0]);
  out["base_cost"] = units(input, o.baseNs);
  out["lower_bound"] = units(input, o.boundNs);
  out["fixed_order_lower_bound"] = units(input, o.fixedOrderBoundNs);
  out["plan_seconds"] = o.seconds;
  if (!o.result.feasible) {
    const Infeasible &no = o.result.infeasible;
    out["reason"] = no.reason;
    out["applies"] = no.applies;
    out["tier"] = m.tiers[no.tier].name;
    out["floor_bytes"] = no.floorBytes;
    if (no.smallestFoundBytes)
      out["smallest_found_bytes"] = no.smallestFoundBytes;
    return out;
  }
  const Simulation &s = o.result.simulation;
  out["cost"] = units(input, s.stepNs);
  out["overhead_percent"] = overhead(o);
  out["peak_bytes"] = o.result.peakBytes[0];
  Json peaks, links;
  for (uint32_t t = 0; t < m.tiers.size(); ++t)
    peaks[m.tiers[t].name] = o.result.peakBytes[t];
  for (uint32_t l = 0; l < m.links.size(); ++l)
    links[m.links[l].name] = s.linkBytes[l];
  out["peak_bytes_by_tier"] = peaks;
  if (!m.links.empty())
    out["link_bytes"] = links;
  out["recomputed_cost"] = units(input, o.result.recomputedNs);
  out["num_recomputed"] = o.result.numRecomputed;
  out["num_swapped"] = o.result.numSwapped;
  return out;
}

void spillway::plantool::printOutcome(const ImportedProblem &input,
                                      const Outcome &o) {
  const Machine &m = input.problem.machine;
  const Simulation &s = o.result.simulation;
  std::printf("policy      %s\n", o.policy.c_str());
  std::printf("cost        %lld (base %lld, %+.4f %%)\n",
              (long long)units(input, s.stepNs),
              (long long)units(input, o.baseNs), overhead(o));
  std::printf("lower bound %lld in any order, %lld in the given order\n",
              (long long)units(input, o.boundNs),
              (long long)units(input, o.fixedOrderBoundNs));
  for (uint32_t t = 0; t < m.tiers.size(); ++t)
    std::printf("%-11s %llu bytes at most\n", m.tiers[t].name.c_str(),
                (unsigned long long)o.result.peakBytes[t]);
  for (uint32_t l = 0; l < m.links.size(); ++l)
    std::printf("%-11s %llu bytes a step\n", m.links[l].name.c_str(),
                (unsigned long long)s.linkBytes[l]);
  std::printf("recomputed  %u operators; swapped %u storages; planned in "
              "%.2f s\n",
              o.result.numRecomputed, o.result.numSwapped, o.seconds);
}

void spillway::plantool::printTable(const ImportedProblem &input,
                                    const std::vector<Outcome> &outcomes) {
  const Machine &m = input.problem.machine;
  std::printf("%-16s %-9s %9s %9s %16s", "policy", "feasible", "step/base",
              "step/bound", "peak bytes");
  for (const Link &l : m.links)
    std::printf(" %14s", l.name.c_str());
  std::printf(" %8s\n", "seconds");
  for (const Outcome &o : outcomes) {
    std::printf("%-16s ", o.policy.c_str());
    if (!o.result.feasible) {
      std::printf("%-9s %s\n", o.result.infeasible.applies ? "no" : "n/a",
                  o.result.infeasible.reason.c_str());
      continue;
    }
    const Simulation &s = o.result.simulation;
    std::printf("%-9s %9.4f %10.4f %16llu", "yes",
                double(s.stepNs) / double(std::max<int64_t>(o.baseNs, 1)),
                double(s.stepNs) / double(std::max<int64_t>(o.boundNs, 1)),
                (unsigned long long)o.result.peakBytes[0]);
    for (uint32_t l = 0; l < m.links.size(); ++l)
      std::printf(" %14llu", (unsigned long long)s.linkBytes[l]);
    std::printf(" %8.2f\n", o.seconds);
  }
}

std::string spillway::plantool::plotSvg(const Problem &problem,
                                        const Outcome &o) {
  static const char *const names[] = {"temporary", "persistent", "fed",
                                      "workspace"};
  static const char *const colours[] = {"#4c78a8", "#f58518", "#54a24b",
                                        "#b3b3b3"};
  const Plan &plan = o.result.plan;
  size_t n = plan.actions.size();
  std::vector<double> level[4];
  for (auto &l : level)
    l.assign(n + 1, 0);
  for (const Buffer &b : o.result.buffers) {
    const Lifetime &l = b.lifetime;
    if (l.instance.tier != 0)
      continue;
    auto &sum = level[int(problem.storages[l.instance.storage].kind)];
    double bytes = double(problem.aligned(b.bytes));
    auto add = [&](size_t from, size_t to) {
      sum[from] += bytes;
      sum[to] -= bytes;
    };
    if (!l.wraps)
      add(l.first, l.end);
    else
      add(l.first, n), add(0, l.end);
  }
  for (int k = 0; k < 3; ++k)
    for (size_t i = 1; i <= n; ++i)
      level[k][i] += level[k][i - 1];
  for (size_t i = 0; i < n; ++i)
    if (plan.actions[i].kind == ActionKind::Run)
      level[3][i] = double(
          problem.aligned(problem.operators[plan.actions[i].op].workspace));
  double budget = o.budgets[0] == unlimited ? 0 : double(o.budgets[0]);
  double top = std::max(budget, double(o.result.peakBytes[0])) * 1.05 + 1;
  const double width = 960, height = 360, left = 90, base = 320;
  auto x = [&](size_t i) {
    return left +
           (width - left - 20) * double(i) / double(std::max<size_t>(n, 1));
  };
  auto y = [&](double bytes) { return base - (base - 30) * bytes / top; };
  char line[256];
  std::string svg;
  std::snprintf(line, sizeof(line),
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" "
                "height=\"%g\" font-family=\"sans-serif\" font-size=\"12\">\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                width, height);
  svg += line;
  std::vector<double> below(n + 1);
  for (int k : {1, 0, 2, 3}) {
    std::string path;
    for (size_t i = 0; i < n; ++i) {
      std::snprintf(line, sizeof(line), "%s%.1f %.1f L%.1f %.1f ",
                    i ? "L" : "M", x(i), y(below[i] + level[k][i]), x(i + 1),
                    y(below[i] + level[k][i]));
      path += line;
    }
    for (size_t i = n; i-- > 0;) {
      std::snprintf(line, sizeof(line), "L%.1f %.1f L%.1f %.1f ", x(i + 1),
                    y(below[i]), x(i), y(below[i]));
      path += line;
      below[i] += level[k][i];
    }
    svg += "<path d=\"" + path + "Z\" fill=\"" + colours[k] + "\"/>\n";
  }
  for (int k = 0; k < 4; ++k) {
    std::snprintf(line, sizeof(line),
                  "<rect x=\"%g\" y=\"336\" width=\"12\" height=\"12\" "
                  "fill=\"%s\"/><text x=\"%g\" y=\"347\">%s</text>\n",
                  left + 130 * k, colours[k], left + 130 * k + 18, names[k]);
    svg += line;
  }
  if (budget > 0) {
    std::snprintf(line, sizeof(line),
                  "<line x1=\"%g\" x2=\"%g\" y1=\"%g\" y2=\"%g\" "
                  "stroke=\"#d62728\" stroke-dasharray=\"6 3\"/>\n",
                  left, width - 20, y(budget), y(budget));
    svg += line;
  }
  std::snprintf(line, sizeof(line),
                "<text x=\"4\" y=\"%g\">%.4g MB</text>"
                "<text x=\"4\" y=\"%g\">0</text>"
                "<text x=\"%g\" y=\"18\">device memory over the issue order, "
                "%s</text>\n</svg>\n",
                y(double(o.result.peakBytes[0])) + 4,
                double(o.result.peakBytes[0]) / 1e6, base, left,
                o.policy.c_str());
  return svg + line;
}

std::string spillway::plantool::traceJson(const Problem &problem,
                                          const Outcome &o) {
  const Machine &m = problem.machine;
  const Plan &plan = o.result.plan;
  const Simulation &s = o.result.simulation;
  Json events = Json::array();
  uint32_t engines = uint32_t(m.engines.size());
  auto named = [&](uint32_t stream, const std::string &name) {
    events.push_back({{"ph", "M"},
                      {"pid", 1},
                      {"tid", stream},
                      {"name", "thread_name"},
                      {"args", {{"name", name}}}});
  };
  for (uint32_t e = 0; e < engines; ++e)
    named(e, m.engines[e].name);
  for (uint32_t l = 0; l < m.links.size(); ++l)
    named(engines + l, m.links[l].name);
  for (size_t i = 0; i < plan.actions.size(); ++i) {
    const Action &a = plan.actions[i];
    if (a.kind == ActionKind::Free)
      continue;
    std::vector<uint32_t> streams = {a.engine};
    std::string name;
    if (a.kind == ActionKind::Run) {
      const Operator &op = problem.operators[a.op];
      name = op.name.empty() ? "operator " + std::to_string(op.id) : op.name;
    } else {
      bool load = a.kind == ActionKind::Load;
      const Storage &st = problem.storages[a.storage];
      name = (load ? "load " : "store ") +
             (st.name.empty() ? std::to_string(st.id) : st.name);
      streams.clear();
      for (uint32_t l : load ? m.route(a.tier, 0) : m.route(a.from, a.tier))
        streams.push_back(engines + l);
    }
    for (uint32_t stream : streams)
      events.push_back({{"ph", "X"},
                        {"pid", 1},
                        {"tid", stream},
                        {"name", name},
                        {"ts", double(s.startNs[i]) / 1e3},
                        {"dur", double(s.durationNs[i]) / 1e3}});
    if (!s.occupancy.empty())
      events.push_back({{"ph", "C"},
                        {"pid", 1},
                        {"name", m.tiers[0].name + " bytes"},
                        {"ts", double(s.startNs[i]) / 1e3},
                        {"args", {{"bytes", s.occupancy[0][i]}}}});
  }
  return Json({{"traceEvents", events}})
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}
