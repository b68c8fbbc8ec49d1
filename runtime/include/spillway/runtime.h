//===- runtime.h - The C interface of the runtime ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One session is one plan with its memory: `spw_open` loads and acquires
// everything, `spw_run` runs steps and allocates nothing, `spw_close` gives it
// all back. A session is used from one thread at a time.
//
// Functions that can fail return 0, or nonzero with a message in `error` (of
// `error_size` bytes, NUL-terminated; lower case, names the place and the
// remedy). Strings are copied. No C++ exception leaves the library.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_H
#define SPILLWAY_RUNTIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPW_RUNTIME_ABI_VERSION 1
#define SPW_API __attribute__((visibility("default")))

typedef struct spw_session spw_session;

/* Zero is a default everywhere; null strings mean "not given". Fields are only
   ever added at the end. */
typedef struct {
  uint64_t struct_size;    /* sizeof(spw_options) */
  const char *backend;     /* "cpu" (the default), "cuda" */
  int32_t threads;         /* lanes of the compute stream; 0: one a processor */
  int32_t emulate_links;   /* copies take the time of the plan's links */
  uint64_t seed;           /* of `init` and of random operators */
  const char *weights;     /* safetensors file, or index of shards */
  const char *init;        /* "normal:STD" */
  const char *data;        /* safetensors file, or "tokens:FILE[:u8|u16|i32]" */
  const char *lr_schedule; /* "constant" (the default), "cosine(warmup=10)" */
  const char *save;        /* where `spw_save` writes; its space is taken now */
  const char *const *kernel_libraries;
  int32_t num_kernel_libraries;
  int32_t record; /* when each instruction ran, for trace and profile */
  int64_t
      planned_steps; /* the end of a learning-rate schedule that names none */
  /* Calls to allocate memory so far in this process, if the host counts them.
   */
  uint64_t (*allocation_count)(void);
} spw_options;

typedef struct {
  int64_t step; /* counting from 1 */
  int64_t steps;
  double loss; /* NaN where the program has none */
  double learning_rate;
  double seconds;           /* of this step */
  double tokens_per_second; /* 0 where there are no tokens */
} spw_step;

/* Called after each step on the thread that called `spw_run`, while the next
   one already runs. Must not allocate, if allocations are counted. */
typedef void (*spw_step_fn)(void *context, const spw_step *step);

SPW_API int spw_open(const char *plan, const spw_options *options,
                     spw_session **session, char *error, uint64_t error_size);

/* Runs the next `steps` steps. After a failure the session is good for nothing
   but `spw_close`. */
SPW_API int spw_run(spw_session *session, int64_t steps, spw_step_fn done,
                    void *context, char *error, uint64_t error_size);

/* Writes parameters and optimizer state to `options.save`, whole or not at all;
   once a session. */
SPW_API int spw_save(spw_session *session, char *error, uint64_t error_size);

/* Describe the last `spw_run`: JSON figures; a timeline for Perfetto; measured
   kernel times. Whole or not at all. */
SPW_API int spw_write_stats(spw_session *session, const char *file, char *error,
                            uint64_t error_size);
SPW_API int spw_write_trace(spw_session *session, const char *file, char *error,
                            uint64_t error_size);
SPW_API int spw_write_profile(spw_session *session, const char *file,
                              char *error, uint64_t error_size);

/* A readable summary of the last run; valid until the next call. */
SPW_API const char *spw_summary(spw_session *session);

/* Accepts null. */
SPW_API void spw_close(spw_session *session);

SPW_API int spw_abi_version(void);

#ifdef __cplusplus
}
#endif

#endif /* SPILLWAY_RUNTIME_H */
