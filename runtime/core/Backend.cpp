//===- Backend.cpp - What executes a schedule -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Backend.h"
#include "Error.h"
#include "File.h"

#include <algorithm>
#include <dlfcn.h>

using namespace spillway::rt;

/// The directory of the library that this code is in.
static std::string ownDirectory() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&ownDirectory), &info) ||
      !info.dli_fname)
    return ".";
  return directoryOf(info.dli_fname);
}

std::unique_ptr<Backend>
spillway::rt::createBackend(const std::string &name,
                            const BackendOptions &options) {
  if (name == "cpu")
    return createCpuBackend(options);
  bool plain =
      !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      });
  if (!plain)
    fail("unknown backend '%s': expected cpu or cuda", name.c_str());
  std::string module = "libspillway_" + name + ".so";
  std::string path = ownDirectory() + "/" + module;
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    fail("the backend '%s' is not part of this build (%s); use --backend=cpu",
         name.c_str(), dlerror());
  auto create = reinterpret_cast<CreateBackendFn *>(
      dlsym(library, "spillway_create_backend"));
  if (!create)
    fail("'%s' is not a backend: it does not export spillway_create_backend",
         path.c_str());
  char error[1024] = "";
  Backend *backend = create(options, error, sizeof(error));
  if (!backend)
    fail("the backend '%s' cannot start: %s", name.c_str(), error);
  return std::unique_ptr<Backend>(backend);
}
