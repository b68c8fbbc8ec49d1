//===- Target.cpp - A machine description, loaded -------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Target/Target.h"
#include "HW/HW.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include <cmath>
#include <set>

using namespace mlir;
using namespace spillway;

namespace {

std::string printType(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// The path of a file or of a named target; empty where there is none.
std::string findTarget(StringRef nameOrPath) {
  if (llvm::sys::fs::is_regular_file(nameOrPath))
    return nameOrPath.str();
  // A name is no path: `../x` is not looked up under targets/.
  if (llvm::sys::path::filename(nameOrPath) != nameOrPath)
    return {};
  for (const std::string &directory : targetDirectories()) {
    SmallString<128> path(directory);
    llvm::sys::path::append(path, nameOrPath + ".mlir");
    if (llvm::sys::fs::is_regular_file(path))
      return path.str().str();
  }
  return {};
}

uint64_t reached(double bytesPerSecond) {
  return std::max<uint64_t>(1, static_cast<uint64_t>(bytesPerSecond));
}

/// Reads a verified machine. The device tier and its first engine come first,
/// the others follow in the order of the file.
Target convert(hw::MachineOp op) {
  Target target;
  target.name = op.getSymName().str();
  Block &body = op.getBody().front();

  llvm::MapVector<StringRef, hw::TierOp> tiers;
  auto device = [&](hw::TierOp tier) {
    return tier.getSymName() == op.getDevice();
  };
  for (bool first : {true, false})
    for (auto tier : body.getOps<hw::TierOp>())
      if (device(tier) == first)
        tiers.insert({tier.getSymName(), tier});
  auto tierIndex = [&](StringRef name) -> uint32_t {
    return tiers.find(name) - tiers.begin();
  };
  for (auto &[name, tier] : tiers)
    target.machine.tiers.push_back(
        {name.str(), static_cast<uint64_t>(tier.getCapacityBytes() -
                                           tier.getReserveBytes())});

  // Wires get numbers from 1 in the order in which they appear.
  llvm::MapVector<StringRef, uint32_t> wires;
  for (auto link : body.getOps<hw::LinkOp>()) {
    planner::Link converted;
    converted.name = link.getSymName().str();
    converted.from = tierIndex(link.getSource());
    converted.to = tierIndex(link.getDestination());
    converted.bytesPerSecond = reached(link.getReachedBytesPerSecond());
    converted.latencyNs = link.getLatencyNs();
    if (std::optional<StringRef> wire = link.getWire())
      converted.group = wires.insert({*wire, wires.size() + 1}).first->second;
    target.machine.links.push_back(converted);
  }

  SmallVector<hw::EngineOp> engines(body.getOps<hw::EngineOp>());
  std::rotate(engines.begin(),
              llvm::find_if(engines,
                            [&](hw::EngineOp engine) {
                              return engine.getTier() == op.getDevice();
                            }),
              engines.end());
  for (hw::EngineOp engine : engines) {
    target.machine.engines.push_back(
        {engine.getSymName().str(), tierIndex(engine.getTier())});
    EngineRates rates;
    rates.name = engine.getSymName().str();
    rates.memoryBytesPerSecond = engine.getReachedBytesPerSecond();
    rates.launchOverheadNs = engine.getLaunchNs();
    rates.lanes = engine.getLanes();
    for (auto rate : engine.getRates().getAsRange<hw::RateAttr>())
      rates.rates.push_back(
          {rate.getWork().str(), printType(rate.getType()),
           static_cast<double>(rate.getFlopsPerSecond()) *
               rate.getEfficiency().getValue().convertToDouble()});
    target.engines.push_back(std::move(rates));
  }
  return target;
}

} // namespace

double EngineRates::flops(StringRef work, Type type) const {
  auto find = [&](StringRef wanted, StringRef typeName) {
    const auto it = llvm::find_if(rates, [&](const Rate &rate) {
      return rate.work == wanted && rate.type == typeName;
    });
    return it == rates.end() ? 0 : it->flopsPerSecond;
  };
  std::string typeName = printType(type);
  for (StringRef wanted : {work, StringRef("gemm")})
    for (StringRef name : {StringRef(typeName), StringRef("f32")})
      if (double found = find(wanted, name); found > 0)
        return found;
  // The verifier of hw.engine asks for gemm f32.
  return 1e9;
}

std::vector<std::string> spillway::targetDirectories() {
  std::vector<std::string> directories;
  // The address of any function of the program locates it.
  std::string program = llvm::sys::fs::getMainExecutable(
      nullptr, reinterpret_cast<void *>(&targetNames));
  SmallString<128> installed(llvm::sys::path::parent_path(program));
  llvm::sys::path::append(installed, "..", "share", "spillway", "targets");
  llvm::sys::path::remove_dots(installed, /*remove_dot_dot=*/true);
  for (StringRef directory :
       {StringRef(installed), StringRef(SPILLWAY_TARGETS)})
    if (llvm::sys::fs::is_directory(directory))
      directories.push_back(directory.str());
  return directories;
}

std::vector<std::string> spillway::targetNames() {
  std::set<std::string> names;
  for (const std::string &directory : targetDirectories()) {
    std::error_code error;
    for (llvm::sys::fs::directory_iterator it(directory, error), end;
         !error && it != end; it.increment(error))
      if (llvm::sys::path::extension(it->path()) == ".mlir")
        names.insert(llvm::sys::path::stem(it->path()).str());
  }
  return {names.begin(), names.end()};
}

FailureOr<Target> spillway::loadTarget(MLIRContext &context,
                                       StringRef nameOrPath) {
  context.loadDialect<hw::HWDialect>();
  std::string path = findTarget(nameOrPath);
  if (path.empty())
    return emitError(UnknownLoc::get(&context))
           << "no target '" << nameOrPath << "'; expected a file or one of "
           << llvm::join(targetNames(), ", ");

  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return emitError(FileLineColLoc::get(&context, path, 0, 0))
           << "cannot read the target: " << buffer.getError().message();
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return failure();

  SmallVector<hw::MachineOp> machines(module->getOps<hw::MachineOp>());
  if (machines.size() != 1)
    return emitError(FileLineColLoc::get(&context, path, 1, 1))
           << "expects one hw.machine in a target, but got " << machines.size();
  return convert(machines.front());
}
