# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""inline.py make OUT.onnx: a model with 160 KB of weights in the file.
inline.py check MODEL.onnx IR: whether the reference in the IR leads to them.
"""

import re
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHT = np.arange(200 * 200, dtype=np.float32).reshape(200, 200)


def make(path):
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 200])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 200])],
        [numpy_helper.from_array(WEIGHT, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


def check(path, ir):
    with open(ir) as file:
        found = re.search(r'"w" : tensor<200x200xf32> \{source = #train.source<"([^"]*)" '
                          r'at (\d+) bytes (\d+)>', file.read())
    assert found and path.endswith("/" + found.group(1)), "no reference to the weight"
    offset, length = int(found.group(2)), int(found.group(3))
    with open(path, "rb") as file:
        data = file.read()[offset:offset + length]
    assert data == WEIGHT.tobytes(), "the reference leads elsewhere"


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](*sys.argv[2:])
