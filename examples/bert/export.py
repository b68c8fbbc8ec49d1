#!/usr/bin/env python3
# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports a small BERT with a masked-language-model head, as PyTorch's ONNX
exporters write it: input_ids and attention_mask to logits.

  export.py              bert-small.onnx: 4 layers, width 256, 4 heads, vocabulary 1024
  export.py --torchscript
"""

import argparse
import os
import sys

import torch
from transformers import BertConfig, BertForMaskedLM

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))
import onnx_export  # noqa: E402


def config():
    return BertConfig(num_hidden_layers=4, hidden_size=256, num_attention_heads=4,
                      intermediate_size=1024, vocab_size=1024, max_position_embeddings=128,
                      hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torchscript", action="store_true")
    parser.add_argument("--opset", type=int)
    parser.add_argument("-o", "--output")
    options = parser.parse_args()

    torch.manual_seed(0)
    dynamo = not options.torchscript
    stem = "bert-small" if dynamo else "bert-small-torchscript"
    module = BertForMaskedLM._from_config(
        config(), attn_implementation="sdpa" if dynamo else "eager")
    onnx_export.randomize(module)
    ids = torch.zeros((2, 16), dtype=torch.int64)
    names = ["input_ids", "attention_mask"]
    dims = {name: {0: "batch", 1: "sequence"} for name in names}
    onnx_export.export(module, (ids, torch.ones_like(ids)), {},
                       options.output or os.path.join(HERE, stem + ".onnx"), dynamo=dynamo,
                       opset=options.opset or (18 if dynamo else 14), input_names=names,
                       output_names=["logits"], dims=dims, weights=stem + ".weights", optimize=False)


if __name__ == "__main__":
    main()
