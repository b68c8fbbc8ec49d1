//===- Parameters.h - Which initializers are trained ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_IMPORT_ONNX_PARAMETERS_H
#define SPILLWAY_LIB_IMPORT_ONNX_PARAMETERS_H

#include "llvm/Support/Error.h"
#include <onnx/onnx_pb.h>
#include <set>
#include <string>
#include <vector>

namespace spillway::onnximport {

/// What becomes of the float initializers of rank 1 and more.
struct ParameterSets {
  /// To be trained: they reach an output otherwise than only through sin, cos,
  /// a comparison, an index, or as the mask of an attention; and are no running
  /// statistic. Nothing here is ever folded.
  std::set<std::string> trained;
  /// Frozen by the user: arguments that keep their name, never folded either.
  std::set<std::string> frozen;
};

/// Chooses by the rule above, then applies the regular expressions: first
/// `trainable` adds, then `freeze` removes. Fails where one is malformed or
/// matches no float initializer.
llvm::Expected<ParameterSets>
chooseParameters(const onnx::GraphProto &graph,
                 const std::vector<std::string> &trainable,
                 const std::vector<std::string> &freeze);

} // namespace spillway::onnximport

#endif // SPILLWAY_LIB_IMPORT_ONNX_PARAMETERS_H
