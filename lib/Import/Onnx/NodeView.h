//===- NodeView.h - Attributes of an ONNX node ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_IMPORT_ONNX_NODEVIEW_H
#define SPILLWAY_LIB_IMPORT_ONNX_NODEVIEW_H

#include "ConstTensor.h"
#include "llvm/ADT/StringRef.h"
#include <onnx/onnx_pb.h>
#include <optional>
#include <string>

namespace spillway::onnximport {

/// A node and the version of its operator set, with its attributes by name.
class NodeView {
public:
  NodeView(const onnx::NodeProto &node, int64_t opset)
      : node(node), opset(opset) {}

  const onnx::AttributeProto *find(llvm::StringRef name) const {
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.name() == name)
        return &attribute;
    return nullptr;
  }
  int64_t getInt(llvm::StringRef name, int64_t otherwise) const {
    const onnx::AttributeProto *attribute = find(name);
    return attribute ? attribute->i() : otherwise;
  }
  double getFloat(llvm::StringRef name, double otherwise) const {
    const onnx::AttributeProto *attribute = find(name);
    return attribute ? attribute->f() : otherwise;
  }
  llvm::StringRef getString(llvm::StringRef name,
                            llvm::StringRef otherwise) const {
    const onnx::AttributeProto *attribute = find(name);
    return attribute ? llvm::StringRef(attribute->s()) : otherwise;
  }
  std::optional<Shape> getInts(llvm::StringRef name) const {
    const onnx::AttributeProto *attribute = find(name);
    if (!attribute)
      return std::nullopt;
    return Shape(attribute->ints().begin(), attribute->ints().end());
  }

  const onnx::NodeProto &node;
  int64_t opset;
};

/// The values of a tensor that is stored in the message itself. Fails, with a
/// message, for types without numbers and where the payload has another size
/// than the shape says.
bool readTensor(const onnx::TensorProto &tensor, ConstTensor &result,
                std::string &error);

/// "[2, 3]"
std::string toString(llvm::ArrayRef<int64_t> shape);

/// `axis` counted from the front, or nothing if it is outside the rank.
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);

/// The shape that two shapes broadcast to, or nothing.
std::optional<Shape> broadcastShapes(llvm::ArrayRef<int64_t> a,
                                     llvm::ArrayRef<int64_t> b);

} // namespace spillway::onnximport

#endif // SPILLWAY_LIB_IMPORT_ONNX_NODEVIEW_H
