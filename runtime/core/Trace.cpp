//===- Trace.cpp - A run as a timeline --------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Reports.h"

#include "nlohmann/json.hpp"

using namespace spillway;
using namespace spillway::rt;

namespace {

class TraceWriter {
public:
  TraceWriter(const Session &session, OutputFile &file)
      : session(session), schedule(session.schedule()), file(file) {}

  void run() {
    text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
    nameProcess(1, "measured");
    nameProcess(2, "predicted");
    const Recorder &recorder = *session.record();
    if (recorder.hasSpans())
      for (int64_t step = recorder.firstSpanStep(); step < recorder.steps();
           ++step)
        addStep(step);
    text += "\n]}\n";
    file.write(text);
  }

private:
  static std::string quoted(const std::string &s) {
    return nlohmann::json(s).dump(-1, ' ', false,
                                  nlohmann::json::error_handler_t::replace);
  }

  void add(const std::string &event) {
    text += (first ? "\n" : ",\n") + event;
    first = false;
    if (text.size() < (1 << 20))
      return;
    file.write(text);
    text.clear();
  }

  void nameProcess(int process, const char *name) {
    add(format("{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%d,\"tid\":0,"
               "\"args\":{\"name\":\"%s\"}}",
               process, name));
    for (uint32_t i = 0; i < schedule.streams.size(); ++i) {
      std::string stream = quoted(schedule.streams[i].name);
      add(format("{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%d,\"tid\":%u,"
                 "\"args\":{\"name\":%s}}",
                 process, i + 1, stream.c_str()));
      add(format("{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":%d,"
                 "\"tid\":%u,\"args\":{\"sort_index\":%u}}",
                 process, i + 1, i));
    }
  }

  void addStep(int64_t step) {
    const Recorder &recorder = *session.record();
    int64_t origin = recorder.start;
    int64_t begin = step ? recorder.stepEnd(step - 1) : recorder.start;
    const auto &body = *session.plan().plan().body();
    for (uint32_t i = 0; i < schedule.streams.size(); ++i)
      for (const Instruction &instruction : schedule.streams[i].instructions) {
        std::string what = describe(instruction, step);
        const Recorder::Span &span = recorder.span(step, instruction.index);
        addSpan(1, i, what, double(span.begin - origin),
                double(span.end - span.begin));
        const plan::Instruction *planned = body.Get(instruction.index);
        addSpan(2, i, what,
                double(begin - origin) + double(planned->start_ns()),
                double(planned->duration_ns()));
      }
  }

  void addSpan(int process, uint32_t stream, const std::string &what,
               double beginNs, double durationNs) {
    add(format("{\"ph\":\"X\",\"pid\":%d,\"tid\":%u,\"ts\":%.3f,\"dur\":%.3f,",
               process, stream + 1, beginNs * 1e-3, durationNs * 1e-3) +
        what + "}");
  }

  /// Name and arguments of an instruction's events.
  std::string describe(const Instruction &instruction, int64_t step) {
    const plan::Program &program = session.plan().program();
    std::string name, more;
    switch (instruction.kind) {
    case ActionKind::Launch: {
      const Launch &launch = schedule.launches[instruction.subject];
      name = launch.op->name()->str();
      more = format(",\"id\":%u,\"recompute\":%s", launch.op->id(),
                    launch.recompute ? "true" : "false");
      if (launch.op->location())
        more += ",\"location\":" + quoted(launch.op->location()->str());
      break;
    }
    case ActionKind::Copy:
      name = "copy";
      break;
    case ActionKind::Feed:
      name =
          "feed " + program.tensors()->Get(instruction.subject)->name()->str();
      break;
    case ActionKind::Fetch:
      name =
          "fetch " + program.outputs()->Get(instruction.subject)->name()->str();
      break;
    }
    if (instruction.kind != ActionKind::Launch)
      more = format(",\"bytes\":%llu", (unsigned long long)instruction.bytes);
    return "\"name\":" + quoted(name) +
           format(",\"args\":{\"step\":%lld,\"instruction\":%u",
                  (long long)(step + 1), instruction.index) +
           more + "}";
  }

  const Session &session;
  const Schedule &schedule;
  OutputFile &file;
  std::string text;
  bool first = true;
};

} // namespace

void spillway::rt::writeTrace(const Session &session, OutputFile &file) {
  TraceWriter(session, file).run();
}
