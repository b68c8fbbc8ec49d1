#!/usr/bin/env python3
# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports GPT-2 language models as PyTorch's ONNX exporters write them.

  export.py demo              gpt2-demo.onnx: 6 layers, width 384, 6 heads, byte tokens
  export.py demo-torchscript  the same model by the older exporter
  export.py 124m              gpt2-124m.onnx: 12 layers, width 768, vocabulary 50257

The weights are stripped: `spillway-run --init=normal:0.02` makes them from a seed.
Needs torch 2.13, transformers, onnx, onnxscript.
"""

import argparse
import os
import sys

import torch
from transformers import GPT2Config, GPT2LMHeadModel

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))
import onnx_export  # noqa: E402


def demo_config():
    return GPT2Config(n_layer=6, n_embd=384, n_head=6, vocab_size=256, n_positions=256,
                      resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False,
                      bos_token_id=0, eos_token_id=0)


def config_124m():
    return GPT2Config(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False)


class MaskedGPT2(GPT2LMHeadModel):
    """For the older exporter, which lacks an operator that transformers use to
    tell packed sequences apart where no attention mask is given."""

    def forward(self, input_ids):
        mask = torch.ones_like(input_ids)
        return super().forward(input_ids, attention_mask=mask, use_cache=False).logits


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["demo", "demo-torchscript", "124m"])
    parser.add_argument("-o", "--output")
    parser.add_argument("--opset", type=int)
    options = parser.parse_args()

    torch.manual_seed(0)
    dynamo = options.what != "demo-torchscript"
    config = config_124m() if options.what == "124m" else demo_config()
    stem = {"demo": "gpt2-demo", "demo-torchscript": "gpt2-demo-torchscript",
            "124m": "gpt2-124m"}[options.what]
    kind = GPT2LMHeadModel if dynamo else MaskedGPT2
    module = kind._from_config(config, attn_implementation="sdpa" if dynamo else "eager")
    onnx_export.randomize(module)
    ids = torch.zeros((2, 16), dtype=torch.int64)
    onnx_export.export(module, (ids,), {}, options.output or os.path.join(HERE, stem + ".onnx"),
                       dynamo=dynamo, opset=options.opset or (18 if dynamo else 17),
                       input_names=["input_ids"], output_names=["logits"],
                       dims={"input_ids": {0: "batch", 1: "sequence"}},
                       weights=stem + ".weights")


if __name__ == "__main__":
    main()
