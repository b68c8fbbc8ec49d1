//===- ExtraPasses.cpp - A user's passes in the pipeline -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Driver/ExtraPasses.h"
#include "Train/Train.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace spillway {

FailureOr<ExtraPasses> parseExtraPasses(StringRef text, std::string &error) {
  ExtraPasses out;
  // A colon may stand in a pipeline's options as well: a point is a bare word.
  size_t word = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz");
  if (word != StringRef::npos && text[word] == ':') {
    StringRef point = text.take_front(word);
    if (point != "forward" && point != "step" && point != "frozen") {
      error = ("expected forward:, step: or frozen: before a pipeline, found '" + point + ":'").str();
      return failure();
    }
    out.point = llvm::StringSwitch<PassPoint>(point)
                    .Case("step", PassPoint::Step)
                    .Case("frozen", PassPoint::Frozen)
                    .Default(PassPoint::Forward);
    text = text.drop_front(word + 1);
  }
  out.pipeline = text.trim().str();
  if (out.pipeline.empty()) {
    error = "expected a pipeline of passes, found nothing";
    return failure();
  }
  return out;
}

LogicalResult addExtraPasses(OpPassManager &manager, ArrayRef<ExtraPasses> extras, PassPoint point,
                             MLIRContext &context) {
  for (const ExtraPasses &extra : extras) {
    if (extra.point != point)
      continue;
    StringRef text = extra.pipeline;
    std::string said;
    llvm::raw_string_ostream os(said);
    bool onModule = text.consume_front("builtin.module(");
    if (onModule && !text.consume_back(")"))
      text = extra.pipeline; // the parser says what is wrong with it
    bool nested = onModule || text.starts_with("train.step(");
    OpPassManager &into = nested ? manager : manager.nest<train::StepOp>();
    if (succeeded(parsePassPipeline(text, into, os)))
      continue;
    // The parser's message has a place, a copy of the text, and a mark below it.
    StringRef message = StringRef(said).split("error: ").second.split('\n').first;
    return emitError(UnknownLoc::get(&context))
           << "the pipeline '" << extra.pipeline << "' of --extra-passes: " << (message.empty() ? said : message.str())
           << "; --load-pass-plugin=LIB loads the passes of a plugin";
  }
  return success();
}

LogicalResult runFrozenPasses(ModuleOp module, ArrayRef<ExtraPasses> extras) {
  if (llvm::none_of(extras, [](const ExtraPasses &e) { return e.point == PassPoint::Frozen; }))
    return success();
  auto print = [&] {
    std::string text;
    llvm::raw_string_ostream os(text);
    module.print(os);
    return text;
  };
  PassManager manager(module.getContext());
  if (failed(addExtraPasses(manager, extras, PassPoint::Frozen, *module.getContext())))
    return failure();
  std::string before = print();
  if (failed(manager.run(module)))
    return failure();
  if (print() != before)
    return emitError(UnknownLoc::get(module.getContext()))
           << "passes at the point 'frozen' may look at the step but not change it: arithmetic is fixed there; "
              "give --extra-passes=step:... instead";
  return success();
}

} // namespace spillway
