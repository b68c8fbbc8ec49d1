#!/usr/bin/env python3
# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the ONNX graph of a Llama of any size, node by node, with the weights
as references into a file that does not exist: for compiling what fits on no
machine here.

  generate.py 7b -o llama-7b.onnx
  generate.py tiny -o tiny.onnx
"""

import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZES = {
    # layers, width, heads, key-value heads, inner width, vocabulary
    "tiny": (2, 64, 4, 2, 160, 256),
    "1b": (16, 2048, 32, 8, 8192, 128256),
    "7b": (32, 4096, 32, 32, 11008, 32000),
    "8b": (32, 4096, 32, 8, 14336, 128256),
    "14b": (40, 5120, 40, 40, 13824, 32000),
    "70b": (80, 8192, 64, 8, 28672, 128256),
}


class Graph:
    def __init__(self, weights):
        self.nodes, self.initializers = [], []
        self.weights, self.offset = weights, 0
        self.constants = {}

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"node_{name}", **attributes))
        return name

    def constant(self, value, dtype=np.int64):
        array = np.array(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            name = f"c{len(self.constants)}"
            self.initializers.append(numpy_helper.from_array(array, name))
            self.constants[key] = name
        return self.constants[key]

    def weight(self, name, *shape):
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape,
                             data_location=TensorProto.EXTERNAL)
        length = 4 * int(np.prod(shape, dtype=np.int64))
        for key, value in (("location", self.weights), ("offset", self.offset),
                           ("length", length)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
        self.offset += (length + 4095) // 4096 * 4096
        self.initializers.append(tensor)
        return name


def rms_norm(g, x, name, width):
    square = g.node("Pow", [x, g.constant(2.0, np.float32)], f"{name}.pow")
    mean = g.node("ReduceMean", [square, g.constant([-1])], f"{name}.mean", keepdims=1)
    biased = g.node("Add", [mean, g.constant(1e-5, np.float32)], f"{name}.add")
    root = g.node("Sqrt", [biased], f"{name}.sqrt")
    inverse = g.node("Reciprocal", [root], f"{name}.rsqrt")
    normal = g.node("Mul", [x, inverse], f"{name}.mul")
    return g.node("Mul", [g.weight(f"{name}.weight", width), normal], f"{name}.out")


def linear(g, x, name, inner, outer):
    weight = g.node("Transpose", [g.weight(f"{name}.weight", outer, inner)], f"{name}.t",
                    perm=[1, 0])
    return g.node("MatMul", [x, weight], f"{name}.out")


def rotate(g, x, cos, sin, name, half):
    first = g.node("Slice", [x, g.constant([0]), g.constant([half]), g.constant([3])],
                   f"{name}.low")
    second = g.node("Slice", [x, g.constant([half]), g.constant([2**62]), g.constant([3])],
                    f"{name}.high")
    negated = g.node("Neg", [second], f"{name}.neg")
    rotated = g.node("Concat", [negated, first], f"{name}.rotated", axis=-1)
    plain = g.node("Mul", [x, cos], f"{name}.cos")
    turned = g.node("Mul", [rotated, sin], f"{name}.sin")
    return g.node("Add", [plain, turned], f"{name}.rope")


def attention(g, x, name, mask, cos, sin, width, heads, kv_heads, shape_of):
    head = width // heads

    def split(value, count, label):
        target = g.node("Concat", [*shape_of, g.constant([count]), g.constant([head])],
                        f"{name}.{label}.shape", axis=0)
        view = g.node("Reshape", [value, target], f"{name}.{label}.view")
        return g.node("Transpose", [view], f"{name}.{label}.heads", perm=[0, 2, 1, 3])

    def repeat(value, label):
        if heads == kv_heads:
            return value
        wide = g.node("Unsqueeze", [value, g.constant([2])], f"{name}.{label}.unsqueeze")
        times = g.node("Concat", [shape_of[0], g.constant([kv_heads]),
                                  g.constant([heads // kv_heads]), shape_of[1],
                                  g.constant([head])], f"{name}.{label}.times", axis=0)
        expanded = g.node("Expand", [wide, times], f"{name}.{label}.expand")
        target = g.node("Concat", [shape_of[0], g.constant([heads]), shape_of[1],
                                   g.constant([head])], f"{name}.{label}.merged", axis=0)
        return g.node("Reshape", [expanded, target], f"{name}.{label}.repeat")

    q = split(linear(g, x, f"{name}.q_proj", width, width), heads, "q")
    k = split(linear(g, x, f"{name}.k_proj", width, kv_heads * head), kv_heads, "k")
    v = split(linear(g, x, f"{name}.v_proj", width, kv_heads * head), kv_heads, "v")
    q = rotate(g, q, cos, sin, f"{name}.q", head // 2)
    k = rotate(g, k, cos, sin, f"{name}.k", head // 2)
    k, v = repeat(k, "k"), repeat(v, "v")
    k = g.node("Transpose", [k], f"{name}.k.t", perm=[0, 1, 3, 2])
    scores = g.node("MatMul", [q, k], f"{name}.scores")
    scores = g.node("Mul", [scores, g.constant(head**-0.5, np.float32)], f"{name}.scaled")
    scores = g.node("Add", [scores, mask], f"{name}.masked")
    probabilities = g.node("Softmax", [scores], f"{name}.softmax", axis=-1)
    out = g.node("MatMul", [probabilities, v], f"{name}.context")
    out = g.node("Transpose", [out], f"{name}.merge", perm=[0, 2, 1, 3])
    target = g.node("Concat", [*shape_of, g.constant([width])], f"{name}.merge.shape", axis=0)
    out = g.node("Reshape", [out, target], f"{name}.merged")
    return linear(g, out, f"{name}.o_proj", width, width)


def positions(g, sequence, head):
    """cos and sin [1, 1, T, head], and the causal mask [1, 1, T, T]."""
    length = g.node("Squeeze", [sequence, g.constant([0])], "length")
    index = g.node("Range", [g.constant(0), length, g.constant(1)], "positions")
    floats = g.node("Cast", [index], "positions.float", to=TensorProto.FLOAT)
    column = g.node("Unsqueeze", [floats, g.constant([1])], "positions.column")
    inverse = 10000.0 ** (-np.arange(0, head, 2, dtype=np.float32) / head)
    row = g.constant(inverse[None, :], np.float32)
    half = g.node("MatMul", [column, row], "angles.half")
    angles = g.node("Concat", [half, half], "angles", axis=-1)
    angles = g.node("Unsqueeze", [angles, g.constant([0, 1])], "angles.wide")
    cos, sin = g.node("Cos", [angles], "cos"), g.node("Sin", [angles], "sin")
    query = g.node("Unsqueeze", [index, g.constant([1])], "mask.query")
    key = g.node("Unsqueeze", [index, g.constant([0])], "mask.key")
    allowed = g.node("LessOrEqual", [key, query], "mask.allowed")
    mask = g.node("Where", [allowed, g.constant(0.0, np.float32),
                            g.constant(np.finfo(np.float32).min, np.float32)], "mask.added")
    return cos, sin, g.node("Unsqueeze", [mask, g.constant([0, 1])], "mask")


def build(layers, width, heads, kv_heads, inner, vocabulary, weights):
    g = Graph(weights)
    batch = g.node("Shape", ["input_ids"], "batch_size", start=0, end=1)
    sequence = g.node("Shape", ["input_ids"], "sequence_length", start=1, end=2)
    cos, sin, mask = positions(g, sequence, width // heads)
    x = g.node("Gather", [g.weight("model.embed_tokens.weight", vocabulary, width), "input_ids"],
               "embedding")
    for i in range(layers):
        name = f"model.layers.{i}"
        normal = rms_norm(g, x, f"{name}.input_layernorm", width)
        out = attention(g, normal, f"{name}.self_attn", mask, cos, sin, width, heads, kv_heads,
                        (batch, sequence))
        x = g.node("Add", [x, out], f"{name}.residual")
        normal = rms_norm(g, x, f"{name}.post_attention_layernorm", width)
        gate = linear(g, normal, f"{name}.mlp.gate_proj", width, inner)
        sigmoid = g.node("Sigmoid", [gate], f"{name}.mlp.sigmoid")
        gate = g.node("Mul", [gate, sigmoid], f"{name}.mlp.silu")
        up = linear(g, normal, f"{name}.mlp.up_proj", width, inner)
        product = g.node("Mul", [gate, up], f"{name}.mlp.product")
        down = linear(g, product, f"{name}.mlp.down_proj", inner, width)
        x = g.node("Add", [x, down], f"{name}.out")
    x = rms_norm(g, x, "model.norm", width)
    g.node("Identity", [linear(g, x, "lm_head", width, vocabulary)], "logits")
    graph = helper.make_graph(
        g.nodes, "llama",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT,
                                       ["batch", "sequence", vocabulary])], g.initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9,
                             producer_name="examples/llama/generate.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=list(SIZES))
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()
    model = build(*SIZES[options.size], f"llama-{options.size}.weights")
    onnx.save(model, options.output)


if __name__ == "__main__":
    main()
