# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""models.py TEXT OUT.onnx: writes the model of a test from ONNX's own text form.

Lines before the model: `external NAME FILE OFFSET LENGTH` makes the initializer
NAME a reference; `truncate BYTES` cuts the file.
"""

import sys

import onnx.parser


def main():
    text, out = sys.argv[1:]
    with open(text) as file:
        lines = file.read().split("\n")
    directives = []
    while not lines[0].startswith("<"):
        line = lines.pop(0)
        if line and not line.startswith(("//", "RUN:", "CHECK")):
            directives.append(line.split())
    model = onnx.parser.parse_model("\n".join(lines))
    cut = None
    for directive in directives:
        if directive[0] == "external":
            _, name, file, offset, length = directive
            tensor = next(t for t in model.graph.initializer if t.name == name)
            for field in ("raw_data", "float_data", "int64_data"):
                tensor.ClearField(field)
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in (("location", file), ("offset", offset), ("length", length)):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, value
        elif directive[0] == "truncate":
            cut = int(directive[1])
        else:
            raise SystemExit(f"unknown directive {directive}")
    data = model.SerializeToString()
    with open(out, "wb") as file:
        file.write(data if cut is None else data[:cut])


if __name__ == "__main__":
    main()
