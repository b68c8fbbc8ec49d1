//===- spillwayc.cpp - From a model and a budget to a plan --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "spillway/Driver/Compiler.h"
#include "spillway/Driver/Stats.h"
#include "spillway/InitAll.h"
#include "spillway/Support/Bytes.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"

namespace cl = llvm::cl;
using namespace spillway;

namespace {

cl::OptionCategory modelOptions("The model and the training step");
cl::OptionCategory machineOptions("The machine and its budgets");
cl::OptionCategory outputOptions("What comes out");

cl::opt<std::string> inputPath(cl::Positional, cl::Required, cl::desc("MODEL (.onnx, or .mlir with a train.step)"),
                               cl::cat(modelOptions));
cl::list<std::string> dims("dim", cl::value_desc("NAME=VALUE"), cl::desc("Bind a symbolic dimension"),
                           cl::cat(modelOptions));
cl::opt<std::string> loss("loss", cl::value_desc("LOSS"), cl::cat(modelOptions),
                          cl::desc("cross_entropy(OUTPUT), cross_entropy(OUTPUT,shift), mse(OUTPUT), output(NAME)"));
cl::opt<std::string> optimizer("optimizer", cl::value_desc("OPTIMIZER"), cl::init("adamw()"), cl::cat(modelOptions),
                               cl::desc("adamw(lr=1e-3,beta1=0.9,beta2=0.999,eps=1e-8,weight_decay=0.01) or "
                                        "sgd(lr=1e-3,momentum=0,weight_decay=0)"));
cl::opt<double> clipNorm("clip-norm", cl::value_desc("X"), cl::init(0), cl::cat(modelOptions),
                         cl::desc("Clip gradients to a global norm of X"));
cl::opt<std::string> noDecay("no-decay", cl::value_desc("REGEX"), cl::cat(modelOptions),
                             cl::desc("Parameters without weight decay"));
cl::list<std::string> freeze("freeze", cl::value_desc("REGEX"), cl::cat(modelOptions),
                             cl::desc("Initializers that are not trained"));
cl::list<std::string> trainable("trainable", cl::value_desc("REGEX"), cl::cat(modelOptions),
                                cl::desc("Initializers that are trained whatever the rule says"));
cl::opt<int64_t> microBatches("micro-batches", cl::value_desc("M"), cl::init(1), cl::cat(modelOptions),
                              cl::desc("Gradient accumulation over M micro-batches; only 1 can be compiled so far"));

cl::opt<std::string> target("target", cl::value_desc("FILE|NAME"), cl::init("cpu-emulated"), cl::cat(machineOptions),
                            cl::desc("The machine: a file, or a name under targets/"));
cl::opt<std::string> deviceBudget("device-budget", cl::value_desc("SIZE"), cl::cat(machineOptions),
                                  cl::desc("Device memory to use (512MiB, 8GB; default: what the tier has)"));
cl::opt<std::string> hostBudget("host-budget", cl::value_desc("SIZE"), cl::cat(machineOptions),
                                cl::desc("Host memory to use"));
cl::opt<std::string> nvmeBudget("nvme-budget", cl::value_desc("SIZE"), cl::cat(machineOptions),
                                cl::desc("NVMe space to use"));
cl::opt<std::string> profile("profile", cl::value_desc("FILE"), cl::cat(machineOptions),
                             cl::desc("Measured kernel times (spillway-run --profile) instead of the target's rates"));
cl::opt<std::string> policy("policy", cl::value_desc("NAME"), cl::init("joint"), cl::cat(machineOptions),
                            cl::desc("The planner's policy; --policy=help lists them"));
cl::opt<bool> allPolicies("all-policies", cl::cat(machineOptions), cl::desc("Compare all policies in a table"));
cl::opt<std::string> planFile("plan", cl::value_desc("FILE"), cl::cat(machineOptions),
                              cl::desc("Apply a plan made elsewhere (JSON)"));
cl::opt<unsigned> iterations("plan-iterations", cl::value_desc("N"), cl::init(64), cl::cat(machineOptions),
                             cl::desc("How hard the planner searches; the same number gives the same plan everywhere"));
cl::opt<double> planSeconds("plan-seconds", cl::value_desc("S"), cl::init(0), cl::cat(machineOptions),
                            cl::desc("Search for S seconds instead: the plan then depends on the machine that made it"));

cl::opt<std::string> outputPath("o", cl::value_desc("FILE"), cl::cat(outputOptions),
                                cl::desc("The plan file to write (with --emit: the text; default: standard output)"));
/// Registered once LLVM's own --stats, which it adds late, has gone.
std::string statsPath;
cl::opt<EmitLevel> emit("emit", cl::init(EmitLevel::File), cl::cat(outputOptions), cl::desc("Stop earlier and print:"),
                        cl::values(clEnumValN(EmitLevel::Train, "train", "the frozen training step"),
                                   clEnumValN(EmitLevel::Problem, "problem", "the planning problem (JSON)"),
                                   clEnumValN(EmitLevel::Offload, "offload", "what moves"),
                                   clEnumValN(EmitLevel::Sched, "sched", "when and where"),
                                   clEnumValN(EmitLevel::Plan, "plan", "the planner's answer (JSON)")));
cl::opt<bool> quiet("quiet", cl::cat(outputOptions), cl::desc("No summary on standard error"));
cl::list<std::string> dialectPlugins("load-dialect-plugin", cl::value_desc("LIB"), cl::cat(modelOptions),
                                     cl::desc("Load a dialect plugin"));
cl::list<std::string> passPlugins("load-pass-plugin", cl::value_desc("LIB"), cl::cat(modelOptions),
                                  cl::desc("Load a pass plugin; --extra-passes runs its passes"));
cl::list<std::string> extraPasses("extra-passes", cl::value_desc("[POINT:]PIPELINE"), cl::cat(modelOptions),
                                  cl::desc("Run passes at a point: forward (default; the forward graph), step (loss, "
                                           "gradients and updates are there), frozen (may look, not change)"));

/// The usage is wrong: the user gets one line and exit status 2.
int usageError(const llvm::Twine &message) {
  llvm::errs() << "spillwayc: error: " << message << "; see spillwayc --help\n";
  return 2;
}

int pluginError(llvm::StringRef kind, llvm::StringRef path, llvm::Error why) {
  llvm::errs() << path << ": error: cannot load the " << kind << " plugin: " << llvm::toString(std::move(why))
               << "; expected a shared object that add_spillway_plugin built, with the entry point of a " << kind
               << " plugin\n";
  return 1;
}

/// `path:line:column: error: message`, without places that say nothing.
void printDiagnostic(mlir::Diagnostic &diagnostic) {
  if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Note)
    return;
  llvm::raw_ostream &os = llvm::errs();
  mlir::Location loc = diagnostic.getLocation();
  if (auto file = mlir::dyn_cast<mlir::FileLineColLoc>(loc)) {
    os << file.getFilename().getValue() << ':';
    if (file.getLine())
      os << file.getLine() << ':' << file.getColumn() << ':';
    os << ' ';
  } else if (!mlir::isa<mlir::UnknownLoc>(loc)) {
    if (std::string place = describeLocation(loc); !place.empty())
      os << place << ": ";
  }
  switch (diagnostic.getSeverity()) {
  case mlir::DiagnosticSeverity::Error: os << "error: "; break;
  case mlir::DiagnosticSeverity::Warning: os << "warning: "; break;
  default: os << "remark: "; break;
  }
  os << diagnostic << '\n';
}

std::error_code writeAll(llvm::raw_fd_ostream &os, llvm::StringRef bytes) {
  os << bytes;
  os.flush();
  std::error_code error = os.error();
  os.clear_error();
  return error;
}

/// A regular file appears complete or not at all; a device or a pipe is
/// written in place.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes) {
  namespace fs = llvm::sys::fs;
  fs::file_status status;
  std::error_code error;
  if (path == "-" || (!fs::status(path, status) && fs::exists(status) && !fs::is_regular_file(status))) {
    llvm::raw_fd_ostream os(path, error, fs::CD_OpenExisting);
    return llvm::errorCodeToError(error ? error : writeAll(os, bytes));
  }
  llvm::Expected<fs::TempFile> file =
      fs::TempFile::create(path + ".tmp-%%%%%%", fs::all_read | fs::all_write, fs::OF_None);
  if (!file)
    return file.takeError();
  llvm::raw_fd_ostream os(file->FD, /*shouldClose=*/false);
  error = writeAll(os, bytes);
  if (!error)
    return file->keep(path);
  llvm::consumeError(file->discard());
  return llvm::errorCodeToError(error);
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  if (auto own = cl::getRegisteredOptions().find("stats"); own != cl::getRegisteredOptions().end())
    own->second->removeArgument();
  cl::opt<std::string, true> stats("stats", cl::value_desc("FILE.json"), cl::cat(outputOptions),
                                   cl::desc("Write the compilation's figures"), cl::location(statsPath));
  cl::HideUnrelatedOptions({&modelOptions, &machineOptions, &outputOptions});
  for (int i = 1; i < argc; ++i)
    if (llvm::StringRef(argv[i]).ltrim('-') == "policy=help") {
      for (const planner::PolicyInfo &info : planner::policies())
        llvm::outs() << llvm::left_justify(info.name, 20) << info.summary << '\n';
      return 0;
    }
  if (!cl::ParseCommandLineOptions(argc, argv,
                                   "Compiles one training step of a model into a static offload schedule\n\n"
                                   "  spillwayc model.onnx --dim batch=8 --dim sequence=256 --loss='cross_entropy(logits,shift)' \\\n"
                                   "    --optimizer='adamw(lr=3e-4)' --target=rtx4090-24g --device-budget=8GiB -o plan.spill\n",
                                   &llvm::errs()))
    return 2;

  CompileOptions options;
  options.target = target;
  options.loss = loss;
  options.optimizer = optimizer;
  options.clipNorm = clipNorm;
  options.noDecay = noDecay;
  options.freeze = freeze;
  options.trainable = trainable;
  options.policy = policy;
  options.planFile = planFile;
  options.profileFile = profile;
  options.iterations = iterations;
  options.planSeconds = planSeconds;
  for (const std::string &dim : dims) {
    auto [name, text] = llvm::StringRef(dim).rsplit('=');
    int64_t value = 0;
    if (name.empty() || text.getAsInteger(10, value) || value < 1)
      return usageError("expected --dim NAME=VALUE with a positive number, found '" + dim + "'");
    if (!options.dims.try_emplace(name.str(), value).second)
      return usageError("expected one --dim " + name + ", found several");
  }
  for (const std::string &text : extraPasses) {
    std::string error;
    mlir::FailureOr<ExtraPasses> extra = parseExtraPasses(text, error);
    if (mlir::failed(extra))
      return usageError("--extra-passes: " + error);
    options.extraPasses.push_back(*extra);
  }
  for (auto [tier, text] : {std::pair<const char *, const std::string &>{"device", deviceBudget},
                            {"host", hostBudget},
                            {"nvme", nvmeBudget}}) {
    if (text.empty())
      continue;
    llvm::Expected<uint64_t> bytes = parseBytes(text);
    if (!bytes)
      return usageError("--" + llvm::Twine(tier) + "-budget: " + llvm::toString(bytes.takeError()));
    options.budgets[tier] = *bytes;
  }
  if (!(planSeconds >= 0 && planSeconds <= 1e6))
    return usageError("expected a number of seconds from 0 to 1000000 for --plan-seconds");
  for (const std::string &path : {outputPath.getValue(), statsPath})
    if (!path.empty() && llvm::sys::fs::equivalent(path, inputPath))
      return usageError("expected another file to write to, '" + path + "' is the model");
  if (microBatches < 1)
    return usageError("expected a number of at least 1 for --micro-batches");
  if (microBatches > 1) {
    llvm::errs() << "error: --micro-batches=" << microBatches
                 << ": gradient accumulation cannot be compiled yet, expected 1; a smaller batch (--dim) or "
                    "--device-budget lowers memory as well\n";
    return 1;
  }
  if (emit == EmitLevel::File && outputPath.empty() && !allPolicies && statsPath.empty())
    return usageError("nothing to write: give -o FILE, --stats=FILE or --emit=LEVEL");

  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  for (const std::string &path : dialectPlugins) {
    llvm::Expected<mlir::DialectPlugin> plugin = mlir::DialectPlugin::load(path);
    if (!plugin)
      return pluginError("dialect", path, plugin.takeError());
    plugin->registerDialectRegistryCallbacks(registry);
  }
  if (!extraPasses.empty())
    registerAllPasses();
  for (const std::string &path : passPlugins) {
    llvm::Expected<mlir::PassPlugin> plugin = mlir::PassPlugin::load(path);
    if (!plugin)
      return pluginError("pass", path, plugin.takeError());
    plugin->registerPassRegistryCallbacks();
  }
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) {
    printDiagnostic(diagnostic);
    return mlir::success();
  });

  CompileResult result;
  bool ok = mlir::succeeded(compile(inputPath, options, emit, allPolicies, context, result));
  if (!statsPath.empty() && result.stats)
    if (llvm::Error error = writeFile(statsPath, llvm::formatv("{0:2}\n", *result.stats).str())) {
      llvm::errs() << statsPath << ": error: cannot write: " << llvm::toString(std::move(error)) << '\n';
      return 1;
    }
  if (!ok)
    return 1;
  if (!quiet)
    llvm::errs() << result.summary;
  if (result.output.empty() || (emit == EmitLevel::File && outputPath.empty()))
    return 0;
  if (llvm::Error error = writeFile(outputPath.empty() ? "-" : outputPath.getValue(), result.output)) {
    llvm::errs() << outputPath << ": error: cannot write: " << llvm::toString(std::move(error)) << '\n';
    return 1;
  }
  return 0;
}
