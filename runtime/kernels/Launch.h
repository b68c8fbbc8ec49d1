//===- Launch.h - What a kernel's prepare asks of a launch ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel of this library is a class:
//
//   struct Softmax {
//     explicit Softmax(const Args &args);       // checks; throws KernelError
//     void run(const spw_launch &launch) const; // allocates nothing
//   };
//
// `kernelOf<Softmax>("softmax")` makes the C interface of it. Exceptions carry
// messages from checks to `prepare` and never cross the C interface.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_LAUNCH_H
#define SPILLWAY_RUNTIME_KERNELS_LAUNCH_H

#include "spillway/kernel.h"

#include <cstdint>
#include <cstdio>
#include <exception>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace spillway::kernels {

/// The most dimensions that an operand may have.
inline constexpr int kMaxRank = 8;

struct KernelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws a KernelError with a message formatted as printf does.
[[noreturn]] [[gnu::format(printf, 1, 2)]] void fail(const char *format, ...);

const char *dtypeName(spw_dtype dtype);
/// Bytes of one element.
int64_t dtypeBytes(spw_dtype dtype);
int64_t numElements(const spw_tensor &tensor);
/// Product of the sizes of dimensions [begin, end).
int64_t product(const spw_tensor &tensor, int begin, int end);
/// Row-major with no gaps (a dimension of size 1 may have any stride).
bool isDense(const spw_tensor &tensor);
/// "f32[2, 3]".
std::string describe(const spw_tensor &tensor);

/// The launch as `prepare` sees it. Every query checks, and throws KernelError
/// with what was expected and what was found.
class Args {
public:
  explicit Args(const spw_launch &launch);

  const spw_launch &launch;

  int numInputs() const { return launch.num_inputs; }
  int numOutputs() const { return launch.num_outputs; }
  void expectInputs(int count) const { expectInputs(count, count); }
  void expectInputs(int least, int most) const;
  void expectOutputs(int count) const;

  /// An operand with its type checked; `name` is for messages. Any strides.
  const spw_tensor &input(int index, const char *name) const;
  const spw_tensor &input(int index, const char *name, spw_dtype dtype) const;
  /// The same, and it must be dense.
  const spw_tensor &dense(int index, const char *name, spw_dtype dtype) const;
  const spw_tensor &output(int index, const char *name) const;
  const spw_tensor &output(int index, const char *name, spw_dtype dtype) const;
  /// Labels or token ids: i32 or i64.
  const spw_tensor &ids(int index, const char *name) const;

  void expectRank(const spw_tensor &tensor, const char *name, int rank) const;
  void expectShape(const spw_tensor &tensor, const char *name,
                   std::initializer_list<int64_t> sizes) const;
  void expectShape(const spw_tensor &tensor, const char *name,
                   const int64_t *sizes, int rank) const;
  void expectSameShape(const spw_tensor &tensor, const char *name,
                       const spw_tensor &other) const;
  void expectWorkspace(int64_t bytes) const;

  const spw_attr *find(const char *name) const;
  int64_t integer(const char *name) const;
  int64_t integerOr(const char *name, int64_t otherwise) const;
  double number(const char *name) const;
  std::string_view text(const char *name) const;
  std::vector<int64_t> integers(const char *name) const;
  /// The attribute `lanes`, at least 1.
  int64_t lanes() const;
};

/// Says why the processor cannot run the kernels; empty if it can.
std::string unsupportedProcessor();

template <typename Kernel> struct KernelThunks {
  static int prepare(spw_launch *launch, char *error, uint64_t errorSize) {
    std::string message = unsupportedProcessor();
    if (message.empty()) {
      try {
        launch->state = new Kernel(Args(*launch));
        return 0;
      } catch (const std::exception &caught) {
        message = caught.what();
      }
    }
    if (error && errorSize)
      std::snprintf(error, errorSize, "%s", message.c_str());
    return 1;
  }
  static void run(const spw_launch *launch) {
    static_cast<const Kernel *>(launch->state)->run(*launch);
  }
  static void release(spw_launch *launch) {
    delete static_cast<Kernel *>(launch->state);
    launch->state = nullptr;
  }
};

template <typename Kernel> spw_kernel kernelOf(const char *name) {
  return {name, KernelThunks<Kernel>::prepare, KernelThunks<Kernel>::run,
          KernelThunks<Kernel>::release};
}

template <typename T> T *data(const spw_tensor &tensor) {
  return static_cast<T *>(tensor.data);
}

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_LAUNCH_H
