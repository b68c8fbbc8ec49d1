# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the export scripts share: run PyTorch's exporter, and take the weights
out of the file that it wrote, so that the file is small enough to keep.

Nothing of the graph is touched: nodes, names, types and shapes stay as the
exporter left them. A stripped initializer becomes a reference (file, offset,
length) to a weight file that is not shipped.
"""

import os
import sys
import tempfile
import warnings

import onnx
import torch


def export(module, args, kwargs, path, *, dynamo, opset, input_names, output_names, dims, weights,
           optimize=True):
    """Exports `module` to `path`, then strips it (see `strip`).

    `dims` maps an input's name to {axis: symbolic name}. The exporter's optimizer
    transposes small weights and drops their names; real ones are above its
    limit, and `optimize` false keeps the names of small ones.
    """
    module.eval()
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = os.path.join(scratch, "raw.onnx")
        options = {}
        if dynamo:
            symbols = {}
            for axes in dims.values():
                for name in axes.values():
                    symbols.setdefault(name, torch.export.Dim(name, min=2, max=1 << 20))
            shapes = {
                name: {axis: symbols[symbol] for axis, symbol in dims[name].items()}
                for name in input_names
            }
            options = {"dynamic_shapes": shapes, "optimize": optimize, "external_data": False,
                       "verbose": False}
        else:
            options = {"dynamic_axes": dims, "do_constant_folding": True}
        torch.onnx.export(module, args, raw, kwargs=kwargs, dynamo=dynamo, opset_version=opset,
                          input_names=input_names, output_names=output_names, **options)
        model = onnx.load(raw)
    strip(model, weights)
    onnx.save(model, path)
    print(f"{path}: {os.path.getsize(path)} bytes, {len(model.graph.node)} nodes, "
          f"opset {model.opset_import[0].version}", file=sys.stderr)
    return model


def randomize(module):
    """Makes all parameters differ. The exporter merges initializers that are
    equal and drops biases that are zero, as they are in a fresh model."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0.0, 0.02)


def strip(model, weights, keep=1024):
    """Replaces every float initializer of more than `keep` bytes, or of a
    name with a dot (a parameter of a module), by a reference into `weights`;
    drops the stack traces that the exporter keeps for each node."""
    offset = 0
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16,
              onnx.TensorProto.DOUBLE)
    for tensor in model.graph.initializer:
        size = len(tensor.raw_data) or tensor.ByteSize()
        if tensor.data_type not in floats or not tensor.dims:
            continue
        if size <= keep and not is_parameter(tensor.name):
            continue
        length = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        for dim in tensor.dims:
            length *= dim
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.ClearField("external_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", weights), ("offset", offset), ("length", length)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
        offset += (length + 4095) // 4096 * 4096
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""
    for value in list(model.graph.value_info) + list(model.graph.input) + list(model.graph.output):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]


def is_parameter(name):
    return name.endswith((".weight", ".bias"))
