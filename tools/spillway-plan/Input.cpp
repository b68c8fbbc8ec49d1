//===- Input.cpp - Files and formats of spillway-plan -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Input.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <zlib.h>

using namespace spillway::planner;
using namespace spillway::plantool;

std::string spillway::plantool::readFile(const std::string &path) {
  // Reads what is not compressed as it is.
  errno = 0;
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file)
    throw InputError("cannot read '" + path +
                     "': " + std::strerror(errno ? errno : ENOMEM));
  std::string out;
  char buffer[1 << 16];
  int got;
  while ((got = gzread(file, buffer, sizeof(buffer))) > 0)
    out.append(buffer, size_t(got));
  int status = Z_OK, reason = errno;
  gzerror(file, &status);
  int closed = gzclose_r(file);
  if (status == Z_ERRNO)
    throw InputError("cannot read '" + path + "': " + std::strerror(reason));
  if (got < 0 || status < 0 || closed == Z_BUF_ERROR)
    throw InputError("cannot read '" + path +
                     "': the file is cut short or damaged");
  return out;
}

/// What is there stays until all is written; a device is written in place.
void spillway::plantool::writeFile(const std::string &path,
                                   const std::string &text) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  bool inPlace =
      fs::exists(path, ignored) && !fs::is_regular_file(path, ignored);
  std::string written = inPlace ? path : path + ".tmp";
  auto failed = [&] {
    std::string reason = std::strerror(errno);
    if (!inPlace)
      fs::remove(written, ignored);
    throw InputError("cannot write '" + path + "': " + reason);
  };
  std::FILE *file = std::fopen(written.c_str(), "wb");
  if (!file)
    failed();
  bool good = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  good &= std::fflush(file) == 0;
  if (!good) {
    int reason = errno;
    std::fclose(file);
    errno = reason;
    failed();
  }
  if (std::fclose(file) != 0 ||
      (!inPlace && std::rename(written.c_str(), path.c_str()) != 0))
    failed();
}

static bool isInput(const std::string &path, const Options &options) {
  std::error_code ignored;
  for (const std::string *input :
       {&options.problem, &options.machine, &options.check})
    if (!input->empty() && std::filesystem::equivalent(path, *input, ignored))
      return true;
  return false;
}

void spillway::plantool::checkOutputs(const Options &options) {
  for (const std::string *path :
       {&options.output, &options.schedule, &options.plot, &options.trace,
        &options.stats})
    if (!path->empty() && isInput(*path, options))
      throw InputError("'" + *path +
                       "' is an input: expected another file to write to");
}

void spillway::plantool::removeOutput(const Options &options) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const std::string &path : {options.output, options.schedule})
    if (!path.empty() &&
        fs::is_regular_file(fs::symlink_status(path, ignored)) &&
        !isInput(path, options))
      fs::remove(path, ignored);
}

std::string spillway::plantool::formatOf(const Options &options) {
  static const char *const known[] = {"json", "networkx", "txt", "g10", "csv"};
  if (!options.format.empty()) {
    for (const char *name : known)
      if (options.format == name)
        return name;
    throw InputError("unknown format '" + options.format +
                     "', expected one of: json, networkx, txt, g10, csv");
  }
  const std::string &p = options.problem;
  auto ends = [&](const char *ending) { return p.ends_with(ending); };
  if (ends(".json"))
    return "json";
  if (ends(".txt"))
    return "txt";
  if (ends(".gz") || ends(".config"))
    return "g10";
  if (ends(".csv"))
    return "csv";
  throw InputError("cannot tell the format of '" + p +
                   "' by its ending: give --format");
}

ImportedProblem spillway::plantool::readProblem(const Options &options) {
  std::string format = formatOf(options), error;
  std::string text = readFile(options.problem);
  std::optional<ImportedProblem> out;
  if (format == "json") {
    if (auto problem = parseProblem(text, error)) {
      out.emplace();
      out->problem = std::move(*problem);
    }
  } else if (format == "networkx") {
    out = readNetworkx(text, error);
  } else if (format == "txt") {
    out = readFlattened(text, error);
  } else if (format == "g10") {
    out = readG10(text, error);
  } else {
    throw InputError("'" + options.problem +
                     "' holds buffers: give --offsets to place them");
  }
  if (!out)
    throw InputError(options.problem + ": " + error);
  Problem &p = out->problem;
  if (!options.machine.empty()) {
    auto machine = parseMachine(readFile(options.machine), error);
    if (!machine)
      throw InputError(options.machine + ": " + error);
    p.machine = std::move(*machine);
  }
  auto faults = p.check();
  if (!faults.empty())
    throw InputError(
        options.problem + ": " + faults.front() +
        (faults.size() > 1
             ? " (and " + std::to_string(faults.size() - 1) + " more)"
             : ""));
  return std::move(*out);
}
