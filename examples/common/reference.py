# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What PyTorch gives for the weights and batches of a run of ours."""

import hashlib
import os

import torch

# English text that every Debian system has, as bytes, one after the other.
TEXT = [f"/usr/share/common-licenses/{name}" for name in
        ("GPL-3", "GFDL-1.3", "LGPL-2.1", "GPL-2", "MPL-2.0")]


def read_text(files=None):
    data = b""
    for path in files or TEXT:
        with open(path, "rb") as file:
            data += file.read()
    return data


def windows(data, first, batch, length):
    """Samples first, first + 1, ... of raw tokens: consecutive windows, wrapping
    after the last whole one."""
    count = len(data) // length
    rows = [list(data[(first + i) % count * length:][:length]) for i in range(batch)]
    return torch.tensor(rows, dtype=torch.int64)


def train(module, loss_of, data, *, steps, batch, length, lr, weight_decay):
    """Losses of `steps` steps of AdamW over consecutive batches of `data`."""
    optimizer = torch.optim.AdamW(module.parameters(), lr=lr, weight_decay=weight_decay)
    losses = []
    for step in range(steps):
        loss = loss_of(windows(data, step * batch, batch, length))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def describe(data):
    return {"files": TEXT, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def versions():
    import transformers
    return {"torch": torch.__version__, "transformers": transformers.__version__,
            "threads": torch.get_num_threads(), "cpus": os.cpu_count()}
