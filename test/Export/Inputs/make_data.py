"""Writes 256 random samples of x [128] (f32) and labels (i64 below 64) as safetensors."""

import json
import random
import struct
import sys

random.seed(1)
samples = 256
x = struct.pack(f"<{samples * 128}f", *(random.gauss(0, 1) for _ in range(samples * 128)))
labels = struct.pack(f"<{samples}q", *(random.randrange(64) for _ in range(samples)))
header = json.dumps({
    "x": {"dtype": "F32", "shape": [samples, 128], "data_offsets": [0, len(x)]},
    "labels": {"dtype": "I64", "shape": [samples], "data_offsets": [len(x), len(x) + len(labels)]},
}).encode()
header += b" " * (-len(header) % 8)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + x + labels)
