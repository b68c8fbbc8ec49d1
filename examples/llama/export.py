#!/usr/bin/env python3
# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports a small Llama (RMS norm, rotary embedding, SwiGLU, grouped queries)
as PyTorch's ONNX exporter writes it.

  export.py              llama-small.onnx: 4 layers, width 256, 8 heads, 2 key-value heads
"""

import argparse
import os
import sys

import torch
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))
import onnx_export  # noqa: E402


def config():
    return LlamaConfig(num_hidden_layers=4, hidden_size=256, num_attention_heads=8,
                       num_key_value_heads=2, intermediate_size=688, vocab_size=256,
                       max_position_embeddings=256, use_cache=False, attention_dropout=0.0,
                       bos_token_id=0, eos_token_id=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--opset", type=int, default=18)
    parser.add_argument("-o", "--output", default=os.path.join(HERE, "llama-small.onnx"))
    options = parser.parse_args()

    torch.manual_seed(0)
    module = LlamaForCausalLM._from_config(config(), attn_implementation="sdpa")
    onnx_export.randomize(module)
    ids = torch.zeros((2, 16), dtype=torch.int64)
    onnx_export.export(module, (ids,), {}, options.output, dynamo=True, opset=options.opset,
                       input_names=["input_ids"], output_names=["logits"],
                       dims={"input_ids": {0: "batch", 1: "sequence"}},
                       weights="llama-small.weights", optimize=False)


if __name__ == "__main__":
    main()
