//===- Importer.h - Walks an ONNX graph -------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_IMPORT_ONNX_IMPORTER_H
#define SPILLWAY_LIB_IMPORT_ONNX_IMPORTER_H

#include "Lowering.h"
#include "OnnxFile.h"
#include "Parameters.h"
#include "spillway/Import/Onnx.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <deque>

namespace spillway::onnximport {

/// Operator sets of ai.onnx that are read.
inline constexpr int64_t kFirstOpset = 13, kLastOpset = 25;

/// Values by name; a branch or a function body sees those around it.
struct Scope {
  llvm::StringMap<ValueState *> values;
  Scope *parent = nullptr;

  ValueState *find(llvm::StringRef name) const {
    for (const Scope *scope = this; scope; scope = scope->parent)
      if (auto it = scope->values.find(name); it != scope->values.end())
        return it->second;
    return nullptr;
  }
};

class Importer {
public:
  Importer(OnnxFile file, const ImportOptions &options,
           mlir::MLIRContext *context);
  mlir::OwningOpRef<mlir::ModuleOp> run();

  /// The SSA value of a state, made on first use. Null after an error.
  mlir::Value materialize(ValueState &state, mlir::Location loc);
  mlir::Value materialize(const ConstTensor &constant, mlir::Location loc);
  mlir::OpBuilder &getBuilder() { return builder; }
  /// Says that `ids` index a table of `rows` rows: an input that they are read
  /// from has that vocabulary.
  void noteVocabulary(mlir::Value ids, int64_t rows);
  mlir::LogicalResult fail(const onnx::NodeProto &node,
                           const llvm::Twine &message);

private:
  using Opsets = llvm::StringMap<int64_t>;
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

  mlir::LogicalResult bindInputs();
  mlir::LogicalResult declareInitializers();
  mlir::LogicalResult walk(const Nodes &nodes, Scope &scope,
                           const Opsets &opsets, const llvm::StringSet<> *live);
  mlir::LogicalResult visit(const onnx::NodeProto &node, Scope &scope,
                            const Opsets &opsets);
  mlir::LogicalResult visitIf(const onnx::NodeProto &node, Scope &scope,
                              const Opsets &opsets);
  mlir::LogicalResult visitFunction(const onnx::NodeProto &node,
                                    const onnx::FunctionProto &function,
                                    Scope &scope);
  mlir::LogicalResult evaluate(const onnx::NodeProto &node, Scope &scope,
                               int64_t opset,
                               llvm::ArrayRef<ValueState *> inputs, bool &done);
  mlir::LogicalResult lower(const onnx::NodeProto &node, Scope &scope,
                            int64_t opset, llvm::ArrayRef<ValueState *> inputs);
  mlir::LogicalResult giveOutputs();
  mlir::LogicalResult reportUnsupported();
  /// Compares a result with what the model says of it.
  mlir::LogicalResult checkDeclared(const onnx::NodeProto &node,
                                    const std::string &name,
                                    const ValueState &state);

  /// The values of an initializer that is no parameter, if its bytes are here.
  std::optional<ConstTensor> readInitializer(const onnx::TensorProto &tensor);
  mlir::FailureOr<std::optional<DataSource>>
  findSource(const onnx::TensorProto &tensor);
  mlir::Value addInitializerArgument(const onnx::TensorProto &tensor,
                                     mlir::Location loc);

  ValueState *define(Scope &scope, llvm::StringRef name);
  void poison(const onnx::NodeProto &node, Scope &scope);
  void unsupported(const onnx::NodeProto &node, const llvm::Twine &remark = "");
  mlir::Location locate(const onnx::NodeProto &node);
  mlir::LogicalResult fail(const llvm::Twine &message);

  OnnxFile file;
  const ImportOptions &options;
  mlir::MLIRContext *context;
  mlir::OpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  train::StepOp step;
  Scope top;
  std::deque<ValueState> states; ///< Owns all states; addresses stay.
  ParameterSets parameters;
  std::map<std::string, int64_t> dims;
  llvm::StringMap<const onnx::ValueInfoProto *> declared;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  /// Arguments by where their bytes are, so that tied weights stay one.
  std::vector<std::pair<DataSource, unsigned>> sources;
  /// Operators that are not supported, in order of appearance, with their
  /// nodes.
  std::vector<std::pair<std::string, std::vector<std::string>>> missing;
  int depth = 0;
};

} // namespace spillway::onnximport

#endif // SPILLWAY_LIB_IMPORT_ONNX_IMPORTER_H
