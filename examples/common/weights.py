# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The weights that `spillway-run --init=normal:STD --seed=N` makes, in NumPy.

So the same numbers can be put into a PyTorch module, and its losses compared
with the runtime's without a weight file being shipped. A tensor of rank 2 or
more is normal, the others are 0 where the name ends in "bias" or "beta" and 1
otherwise. Element i is number i of the sequence that belongs to the tensor's
name: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) and Box and Muller.
"""

import numpy as np


def philox(counter, key):
    """Ten rounds over an array [n, 4] of uint32 counters."""
    c = [counter[:, i].astype(np.uint64) for i in range(4)]
    mask = np.uint64(0xFFFFFFFF)
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        a = np.uint64(0xD2511F53) * c[0]
        b = np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), b & mask,
             (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), a & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def hash_name(name):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def normals(seed, stream, count):
    """The first `count` standard normals of a stream, in double precision."""
    blocks = (count + 3) // 4
    counter = np.zeros((blocks, 4), np.uint64)
    index = np.arange(blocks, dtype=np.uint64)
    counter[:, 0], counter[:, 1] = index & np.uint64(0xFFFFFFFF), index >> np.uint64(32)
    counter[:, 2], counter[:, 3] = stream & 0xFFFFFFFF, stream >> 32
    bits = philox(counter, seed)
    result = np.empty((blocks, 4))
    for i in (0, 2):
        radius = np.sqrt(-2 * np.log((bits[i].astype(np.float64) + 0.5) * 2.0**-32))
        angle = 6.283185307179586 * (bits[i + 1].astype(np.float64) * 2.0**-32)
        result[:, i] = radius * np.cos(angle)
        result[:, i + 1] = radius * np.sin(angle)
    return result.reshape(-1)[:count]


def make(name, shape, seed, deviation):
    """The float32 values of the tensor `name`."""
    if len(shape) >= 2:
        count = int(np.prod(shape))
        values = normals(seed, hash_name(name), count) * deviation
        return values.astype(np.float32).reshape(shape)
    return np.full(shape, 0.0 if name.endswith(("bias", "beta")) else 1.0, np.float32)


def initialize(module, model, seed, deviation):
    """Puts these weights into a module, under the names that the exported model
    has for them: an exporter may give tied weights another of their names."""
    import torch

    exported = {tensor.name for tensor in model.graph.initializer}
    aliases = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        aliases.setdefault(id(parameter), []).append((name, parameter))
    with torch.no_grad():
        for names in aliases.values():
            found = [name for name, _ in names if name in exported]
            if len(found) != 1:
                raise ValueError(f"expected one of {[n for n, _ in names]} in the exported model")
            parameter = names[0][1]
            values = make(found[0], tuple(parameter.shape), seed, deviation)
            parameter.copy_(torch.from_numpy(values))
