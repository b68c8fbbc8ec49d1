#!/usr/bin/env python3
# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes reference.json: the losses that PyTorch gives for the demo's weights
and batches, over 30 steps of AdamW. The weights are those of
`spillway-run --init=normal:0.02 --seed=1`, the batches those of
`--data=tokens:FILE` where FILE has the bytes of the named files.
"""

import json
import os
import sys

import onnx
import torch
from transformers import GPT2LMHeadModel

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "common")]
import export  # noqa: E402
import reference  # noqa: E402
import weights  # noqa: E402

RUN = {"seed": 1, "deviation": 0.02, "batch": 8, "sequence": 256, "steps": 30, "lr": 3e-4,
       "weight_decay": 0.01}


def main():
    torch.set_num_threads(2)
    module = GPT2LMHeadModel._from_config(export.demo_config(), attn_implementation="sdpa")
    model = onnx.load(os.path.join(HERE, "gpt2-demo.onnx"), load_external_data=False)
    weights.initialize(module, model, RUN["seed"], RUN["deviation"])
    data = reference.read_text()
    losses = reference.train(
        module, lambda ids: module(input_ids=ids, labels=ids, use_cache=False).loss, data,
        steps=RUN["steps"], batch=RUN["batch"], length=RUN["sequence"], lr=RUN["lr"],
        weight_decay=RUN["weight_decay"])
    result = {"model": "gpt2-demo.onnx", "run": RUN, "text": reference.describe(data),
              "versions": reference.versions(), "losses": losses}
    with open(os.path.join(HERE, "reference.json"), "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(f"first loss {losses[0]:.6f}, last loss {losses[-1]:.6f}")


if __name__ == "__main__":
    main()
