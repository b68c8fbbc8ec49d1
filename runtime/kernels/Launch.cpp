//===- Launch.cpp - What a kernel's prepare asks of a launch --------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include <cstdarg>
#include <cstring>

using namespace spillway::kernels;

void spillway::kernels::fail(const char *format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  throw KernelError(buffer);
}

const char *spillway::kernels::dtypeName(spw_dtype dtype) {
  static const char *const names[] = {"f32", "f16", "bf16", "f64", "i8",
                                      "u8",  "i16", "i32",  "i64", "bool"};
  return unsigned(dtype) < std::size(names) ? names[dtype] : "unknown type";
}

int64_t spillway::kernels::dtypeBytes(spw_dtype dtype) {
  switch (dtype) {
  case SPW_F64:
  case SPW_I64:
    return 8;
  case SPW_F32:
  case SPW_I32:
    return 4;
  case SPW_F16:
  case SPW_BF16:
  case SPW_I16:
    return 2;
  case SPW_I8:
  case SPW_U8:
  case SPW_BOOL:
    return 1;
  }
  fail("expected an element type, found number %d", int(dtype));
}

int64_t spillway::kernels::product(const spw_tensor &tensor, int begin,
                                   int end) {
  int64_t result = 1;
  for (int i = begin; i < end; ++i)
    result *= tensor.sizes[i];
  return result;
}

int64_t spillway::kernels::numElements(const spw_tensor &tensor) {
  return product(tensor, 0, tensor.rank);
}

bool spillway::kernels::isDense(const spw_tensor &tensor) {
  if (numElements(tensor) == 0)
    return true;
  int64_t expected = 1;
  for (int i = tensor.rank - 1; i >= 0; --i) {
    if (tensor.sizes[i] != 1 && tensor.strides[i] != expected)
      return false;
    expected *= tensor.sizes[i];
  }
  return true;
}

std::string spillway::kernels::describe(const spw_tensor &tensor) {
  std::string text = dtypeName(tensor.dtype);
  text += '[';
  for (int i = 0; i < tensor.rank; ++i)
    text += (i ? ", " : "") + std::to_string(tensor.sizes[i]);
  text += ']';
  return text;
}

static void checkTensor(const spw_tensor &tensor, const char *kind, int index) {
  if (tensor.rank < 0 || tensor.rank > kMaxRank)
    fail("%s %d: expected a rank of 0 to %d, found %d", kind, index, kMaxRank,
         tensor.rank);
  dtypeBytes(tensor.dtype);
  for (int i = 0; i < tensor.rank; ++i)
    if (tensor.sizes[i] < 0 || tensor.strides[i] < 0)
      fail("%s %d: expected sizes and strides that are not negative, found "
           "size %lld and stride %lld in dimension %d",
           kind, index, (long long)tensor.sizes[i],
           (long long)tensor.strides[i], i);
}

Args::Args(const spw_launch &launch) : launch(launch) {
  if (!launch.pool || launch.pool->lanes < 1)
    fail("expected a pool of at least 1 lane");
  for (int i = 0; i < launch.num_inputs; ++i)
    checkTensor(launch.inputs[i], "input", i);
  for (int i = 0; i < launch.num_outputs; ++i) {
    checkTensor(launch.outputs[i], "output", i);
    if (!isDense(launch.outputs[i]))
      fail("output %d: expected a dense result, found %s with strides", i,
           describe(launch.outputs[i]).c_str());
  }
}

void Args::expectInputs(int least, int most) const {
  if (launch.num_inputs >= least && launch.num_inputs <= most)
    return;
  if (least == most)
    fail("expected %d inputs, found %d", least, launch.num_inputs);
  fail("expected %d to %d inputs, found %d", least, most, launch.num_inputs);
}

void Args::expectOutputs(int count) const {
  if (launch.num_outputs != count)
    fail("expected %d outputs, found %d", count, launch.num_outputs);
}

const spw_tensor &Args::input(int index, const char *name) const {
  if (index >= launch.num_inputs)
    fail("expected input %d (%s), found %d inputs", index, name,
         launch.num_inputs);
  return launch.inputs[index];
}

const spw_tensor &Args::input(int index, const char *name,
                              spw_dtype dtype) const {
  const spw_tensor &tensor = input(index, name);
  if (tensor.dtype != dtype)
    fail("%s: expected %s, found %s", name, dtypeName(dtype),
         dtypeName(tensor.dtype));
  return tensor;
}

const spw_tensor &Args::dense(int index, const char *name,
                              spw_dtype dtype) const {
  const spw_tensor &tensor = input(index, name, dtype);
  if (!isDense(tensor))
    fail("%s: expected a dense operand, found %s with strides; copy it first",
         name, describe(tensor).c_str());
  return tensor;
}

const spw_tensor &Args::output(int index, const char *name) const {
  if (index >= launch.num_outputs)
    fail("expected output %d (%s), found %d outputs", index, name,
         launch.num_outputs);
  return launch.outputs[index];
}

const spw_tensor &Args::output(int index, const char *name,
                               spw_dtype dtype) const {
  const spw_tensor &tensor = output(index, name);
  if (tensor.dtype != dtype)
    fail("%s: expected %s, found %s", name, dtypeName(dtype),
         dtypeName(tensor.dtype));
  return tensor;
}

const spw_tensor &Args::ids(int index, const char *name) const {
  const spw_tensor &tensor = input(index, name);
  if (tensor.dtype != SPW_I32 && tensor.dtype != SPW_I64)
    fail("%s: expected i32 or i64, found %s", name, dtypeName(tensor.dtype));
  if (!isDense(tensor))
    fail("%s: expected a dense operand, found %s with strides; copy it first",
         name, describe(tensor).c_str());
  return tensor;
}

void Args::expectRank(const spw_tensor &tensor, const char *name,
                      int rank) const {
  if (tensor.rank != rank)
    fail("%s: expected rank %d, found %s", name, rank,
         describe(tensor).c_str());
}

void Args::expectShape(const spw_tensor &tensor, const char *name,
                       const int64_t *sizes, int rank) const {
  bool same = tensor.rank == rank;
  for (int i = 0; same && i < rank; ++i)
    same = tensor.sizes[i] == sizes[i];
  if (same)
    return;
  spw_tensor expected = {nullptr, tensor.dtype, rank, sizes, sizes};
  fail("%s: expected %s, found %s", name, describe(expected).c_str(),
       describe(tensor).c_str());
}

void Args::expectShape(const spw_tensor &tensor, const char *name,
                       std::initializer_list<int64_t> sizes) const {
  expectShape(tensor, name, sizes.begin(), int(sizes.size()));
}

void Args::expectSameShape(const spw_tensor &tensor, const char *name,
                           const spw_tensor &other) const {
  expectShape(tensor, name, other.sizes, other.rank);
}

void Args::expectWorkspace(int64_t bytes) const {
  if (launch.workspace_bytes < uint64_t(bytes))
    fail("expected a workspace of %lld bytes, found %llu", (long long)bytes,
         (unsigned long long)launch.workspace_bytes);
}

const spw_attr *Args::find(const char *name) const {
  for (int i = 0; i < launch.num_attrs; ++i)
    if (!std::strcmp(launch.attrs[i].name, name))
      return &launch.attrs[i];
  return nullptr;
}

static const spw_attr &require(const Args &args, const char *name,
                               spw_attr_kind kind, const char *kindName) {
  const spw_attr *attr = args.find(name);
  if (!attr)
    fail("expected the attribute '%s' (%s), found none", name, kindName);
  if (attr->kind != kind)
    fail("attribute '%s': expected %s, found another kind", name, kindName);
  return *attr;
}

int64_t Args::integer(const char *name) const {
  return require(*this, name, SPW_ATTR_INT, "an int").i;
}

int64_t Args::integerOr(const char *name, int64_t otherwise) const {
  return find(name) ? integer(name) : otherwise;
}

double Args::number(const char *name) const {
  return require(*this, name, SPW_ATTR_FLOAT, "a float").f;
}

std::string_view Args::text(const char *name) const {
  return require(*this, name, SPW_ATTR_STRING, "a string").s;
}

std::vector<int64_t> Args::integers(const char *name) const {
  const spw_attr &attr = require(*this, name, SPW_ATTR_INTS, "ints");
  return {attr.ints, attr.ints + attr.count};
}

int64_t Args::lanes() const {
  int64_t lanes = integer("lanes");
  if (lanes < 1)
    fail("attribute 'lanes': expected at least 1, found %lld",
         (long long)lanes);
  return lanes;
}
