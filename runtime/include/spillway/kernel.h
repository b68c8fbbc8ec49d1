//===- kernel.h - The C interface of a kernel ----------------------*- C -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel is a pair of functions. `prepare` runs once for each launch of a
// plan while it is loaded: it checks types, shapes and attributes, picks an
// implementation and acquires everything. `run` runs in a step: it allocates
// nothing, takes its scratch from the workspace that the plan gives it, and
// writes only its outputs and its workspace. Its bits depend on its inputs,
// shapes and attributes alone: never on an address, and never on how the work
// was spread over threads.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_KERNEL_H
#define SPILLWAY_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Same numbers as `DType` in plan.fbs. */
typedef enum {
  SPW_F32 = 0, SPW_F16 = 1, SPW_BF16 = 2, SPW_F64 = 3, SPW_I8 = 4, SPW_U8 = 5,
  SPW_I16 = 6, SPW_I32 = 7, SPW_I64 = 8, SPW_BOOL = 9
} spw_dtype;

/* A strided operand. `strides` count elements; inputs may have stride 0.
   `data` is null while `prepare` runs. */
typedef struct {
  void *data;
  spw_dtype dtype;
  int32_t rank;
  const int64_t *sizes;
  const int64_t *strides;
} spw_tensor;

typedef enum { SPW_ATTR_INT = 0, SPW_ATTR_FLOAT = 1, SPW_ATTR_STRING = 2, SPW_ATTR_INTS = 3, SPW_ATTR_BYTES = 4 } spw_attr_kind;

typedef struct {
  const char *name;
  spw_attr_kind kind;
  int64_t i;          /* INT (booleans are 0 or 1) */
  double f;           /* FLOAT */
  const char *s;      /* STRING */
  const int64_t *ints; /* INTS */
  const uint8_t *bytes; /* BYTES */
  uint64_t count;     /* of ints or bytes */
} spw_attr;

/* The backend's threads. Calls body(context, i) for every i in [0, tasks),
   each once, and returns when all are done. `lane` is in [0, lanes) and no two
   bodies run on one lane at a time, so it can index a slice of the workspace. */
typedef struct spw_pool {
  void (*parallel_for)(struct spw_pool *pool, int64_t tasks,
                       void (*body)(void *context, int64_t task, int32_t lane), void *context);
  int32_t lanes;
} spw_pool;

typedef struct {
  const spw_tensor *inputs;
  int32_t num_inputs;
  spw_tensor *outputs;
  int32_t num_outputs;
  const spw_attr *attrs;
  int32_t num_attrs;
  void *workspace;
  uint64_t workspace_bytes;
  spw_pool *pool;
  void *state; /* what prepare stored */
} spw_launch;

typedef struct {
  const char *name;
  /* Returns 0, or nonzero with a message in `error` (of `error_size` bytes,
     NUL-terminated): lower case, says what was expected and what was found. */
  int (*prepare)(spw_launch *launch, char *error, uint64_t error_size);
  void (*run)(const spw_launch *launch);
  void (*release)(spw_launch *launch); /* may be null */
} spw_kernel;

/* A kernel library exports this; `spillway-run --load-kernels=LIB` calls it.
   Registering a name again replaces it. */
#define SPW_KERNEL_ABI_VERSION 1
typedef void (*spw_register_fn)(void *registry, const spw_kernel *kernel);
typedef int (*spw_kernel_library_fn)(int abi_version, void *registry, spw_register_fn add);
/* int spillway_kernel_library(int abi_version, void *registry, spw_register_fn add); */

#ifdef __cplusplus
}
#endif

#endif /* SPILLWAY_KERNEL_H */
