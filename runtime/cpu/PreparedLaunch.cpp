//===- PreparedLaunch.cpp - A kernel with its operands ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PreparedLaunch.h"
#include "../core/Error.h"

using namespace spillway;
using namespace spillway::rt;

static spw_attr toC(const plan::Attr &attr) {
  spw_attr to = {};
  to.name = attr.name()->c_str();
  to.kind = spw_attr_kind(attr.kind());
  to.i = attr.i();
  to.f = attr.f();
  // A kernel may read these without asking whether they are there.
  to.s = attr.s() ? attr.s()->c_str() : "";
  if (attr.kind() == plan::AttrKind::INTS && attr.ints()) {
    to.ints = attr.ints()->data();
    to.count = attr.ints()->size();
  } else if (attr.kind() == plan::AttrKind::BYTES && attr.bytes()) {
    to.bytes = attr.bytes()->data();
    to.count = attr.bytes()->size();
  }
  return to;
}

PreparedLaunch::PreparedLaunch(const Launch &launch,
                               const KernelRegistry &registry, spw_pool *pool,
                               const std::function<void *(Address)> &pointer) {
  const spw_kernel *found = registry.find(launch.op->kernel()->str());
  if (!found)
    fail("unknown %s: no such kernel is built in; load a library that has it "
         "with --load-kernels=LIB",
         launch.describe().c_str());
  kernel = *found;
  for (const auto *operands : {&launch.inputs, &launch.outputs})
    for (const Operand &operand : *operands)
      tensors.push_back({nullptr, spw_dtype(operand.dtype), operand.rank,
                         operand.sizes, operand.strides});
  if (launch.op->attrs())
    for (const plan::Attr *attr : *launch.op->attrs()) {
      if (attr->kind() > plan::AttrKind::BYTES)
        fail("plan is malformed: %s: attribute '%s' has an unknown kind",
             launch.describe().c_str(), attr->name()->c_str());
      attrs.push_back(toC(*attr));
    }
  face.inputs = tensors.data();
  face.num_inputs = int32_t(launch.inputs.size());
  face.outputs = tensors.data() + launch.inputs.size();
  face.num_outputs = int32_t(launch.outputs.size());
  face.attrs = attrs.data();
  face.num_attrs = int32_t(attrs.size());
  face.workspace_bytes = launch.op->workspace_bytes();
  face.pool = pool;
  char error[512] = "";
  if (kernel.prepare && kernel.prepare(&face, error, sizeof(error)) != 0)
    fail("%s: %s", launch.describe().c_str(), error);
  size_t next = 0;
  for (const auto *operands : {&launch.inputs, &launch.outputs})
    for (const Operand &operand : *operands)
      tensors[next++].data = pointer(operand.address);
  if (face.workspace_bytes)
    face.workspace = pointer(launch.workspace);
}

PreparedLaunch::~PreparedLaunch() {
  if (kernel.release)
    kernel.release(&face);
}
