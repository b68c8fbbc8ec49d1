#!/usr/bin/env python3
"""Records the conformance cases with PyTorch, in double precision.

    make_cases.py [OUTPUT_DIRECTORY]      (default: cases/ beside this file)

Every kernel of docs/kernels.md, at odd sizes, with broadcast and strided operands,
and at the edges (empty, one element, infinities). The format is in Case.h. The
result is the same for the same versions of PyTorch and NumPy (2.13.0 and 2.x wrote
the committed files), and small: equal tensors are stored once.
"""

import hashlib
import json
import os
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

NAMES = {np.dtype(k): v for k, v in {
    np.float32: "f32", np.float16: "f16", np.float64: "f64", np.int8: "i8", np.uint8: "u8",
    np.int16: "i16", np.int32: "i32", np.int64: "i64", np.bool_: "bool"}.items()}
SAFETENSORS = {"f32": "F32", "f16": "F16", "bf16": "BF16", "f64": "F64", "i8": "I8", "u8": "U8",
               "i16": "I16", "i32": "I32", "i64": "I64", "bool": "BOOL"}


class Strided:
    """An operand that is a view: its storage, sizes and strides in elements."""

    def __init__(self, storage, sizes, strides):
        self.storage, self.sizes, self.strides = np.ascontiguousarray(storage), sizes, strides

    def array(self):
        items = [s * self.storage.itemsize for s in self.strides]
        return np.lib.stride_tricks.as_strided(self.storage.reshape(-1), self.sizes, items)


class BF16:
    """A bfloat16 operand, as its bits."""

    def __init__(self, bits):
        self.bits = bits.astype(np.uint16)


class Tiled:
    """A large dense operand that repeats a small pattern, which alone is stored."""

    def __init__(self, pattern, *sizes):
        self.pattern, self.sizes = np.ascontiguousarray(pattern), sizes

    def array(self):
        return np.resize(self.pattern.reshape(-1), self.sizes)


def array(x):
    return x.array() if isinstance(x, (Strided, Tiled)) else x


def t64(x):
    return torch.from_numpy(np.array(array(x))).double()


def single(x):
    """A torch tensor as a NumPy array, rounded to f32 if it is f64."""
    x = x.detach().numpy()
    with np.errstate(over="ignore"):
        return x.astype(np.float32) if x.dtype == np.float64 else x


class File:
    def __init__(self, name):
        self.name, self.cases, self.tensors, self.seen, self.data = name, [], {}, {}, bytearray()

    def tensor(self, raw, dtype, sizes):
        key = hashlib.sha256(raw + dtype.encode() + repr(sizes).encode()).digest()
        if key not in self.seen:
            name = f"t{len(self.seen)}"
            while len(self.data) % 8:
                self.data.append(0)
            begin = len(self.data)
            self.data += raw
            self.tensors[name] = {"dtype": SAFETENSORS[dtype], "shape": list(sizes),
                                  "data_offsets": [begin, len(self.data)]}
            self.seen[key] = name
        return self.seen[key]

    def operand(self, x):
        if isinstance(x, BF16):
            return {"tensor": self.tensor(x.bits.tobytes(), "bf16", x.bits.shape), "dtype": "bf16",
                    "sizes": list(x.bits.shape)}
        storage = np.ascontiguousarray(x.storage if isinstance(x, Strided) else x.pattern if isinstance(x, Tiled) else x)
        dtype = NAMES[storage.dtype]
        result = {"tensor": self.tensor(storage.tobytes(), dtype, storage.shape), "dtype": dtype,
                  "sizes": list(array(x).shape)}
        if isinstance(x, Strided):
            result["strides"] = list(x.strides)
        return result

    def add(self, kernel, name, inputs, outputs, attrs=None, alias=(), rtol=2e-6, atol=1e-6):
        """Outputs are torch tensors (stored as f32 where they are floats) or NumPy arrays."""
        outs = []
        for out in outputs:
            if isinstance(out, torch.Tensor):
                out = single(out)
            operand = self.operand(out)
            if operand["dtype"] in ("f32", "f64"):
                operand.update(rtol=rtol, atol=atol)
            outs.append(operand)
        self.cases.append({"name": f"{kernel}/{name}", "kernel": kernel, "attrs": attrs or {},
                           "inputs": [self.operand(x) for x in inputs], "outputs": outs,
                           "alias": [list(pair) for pair in alias]})

    def write(self, directory):
        header = {"__metadata__": {"cases": json.dumps(self.cases, separators=(",", ":")),
                                   "torch": torch.__version__}}
        header.update(self.tensors)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        path = os.path.join(directory, self.name + ".safetensors")
        with open(path, "wb") as out:
            out.write(struct.pack("<Q", len(text)) + text + bytes(self.data))
        print(f"{path}: {len(self.cases)} cases, {os.path.getsize(path)} bytes")


def rng(*key):
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def normal(key, *sizes, scale=1.0):
    return (rng(key, sizes).standard_normal(sizes) * scale).astype(np.float32)


def ints(key, low, high, *sizes, dtype=np.int64):
    return rng(key, sizes).integers(low, high, sizes).astype(dtype)


def bools(key, *sizes):
    return rng(key, sizes).random(sizes) < 0.6


def padded(x, extra=3):
    """The same values in rows that are `extra` elements further apart."""
    storage = np.full(x.shape[:-1] + (x.shape[-1] + extra,), 77, x.dtype)
    storage[..., :x.shape[-1]] = x
    strides = [s // x.itemsize for s in storage.strides]
    return Strided(storage, x.shape, strides)


def transposed(x):
    """The same values, stored with the last two dimensions exchanged."""
    storage = np.ascontiguousarray(np.swapaxes(x, -1, -2))
    strides = [s // x.itemsize for s in storage.strides]
    strides[-1], strides[-2] = strides[-2], strides[-1]
    return Strided(storage, x.shape, strides)


def broadcast(x, *sizes):
    x = np.ascontiguousarray(x)
    view = np.broadcast_to(x, sizes)
    return Strided(x, sizes, [s // x.itemsize for s in view.strides])


# ---------------------------------------------------------------------------------------------


def gelu(kind):
    return lambda x, a: F.gelu(x, approximate=kind)


UNARY = {  # name: (function of x and a, a, values it is tried on, needs)
    "neg": (lambda x, a: -x, None, None, ""),
    "abs": (lambda x, a: x.abs(), None, None, "x"),
    "sign": (lambda x, a: x.sign(), None, None, "0"),
    "floor": (lambda x, a: x.floor(), None, None, "0"),
    "square": (lambda x, a: x * x, None, None, "x"),
    "sqrt": (lambda x, a: x.sqrt(), None, "positive", "y"),
    "rsqrt": (lambda x, a: x.rsqrt(), None, "positive", "y"),
    "reciprocal": (lambda x, a: 1 / x, None, "positive", "y"),
    "exp": (lambda x, a: x.exp(), None, None, "y"),
    "log": (lambda x, a: x.log(), None, "positive", "x"),
    "sin": (lambda x, a: x.sin(), None, None, "x"),
    "cos": (lambda x, a: x.cos(), None, None, "x"),
    "tanh": (lambda x, a: x.tanh(), None, None, "y"),
    "sigmoid": (lambda x, a: x.sigmoid(), None, None, "y"),
    "softplus": (lambda x, a: torch.log1p((-x.abs()).exp()) + x.clamp(min=0), None, None, "x"),
    "erf": (lambda x, a: x.erf(), None, None, "x"),
    "relu": (lambda x, a: x.relu(), None, None, "y"),
    "silu": (lambda x, a: F.silu(x), None, None, "x"),
    "gelu_tanh": (gelu("tanh"), None, None, "x"),
    "gelu_erf": (gelu("none"), None, None, "x"),
    "add_scalar": (lambda x, a: x + a, 0.75, None, ""),
    "mul_scalar": (lambda x, a: x * a, -1.5, None, ""),
    "pow_scalar": (lambda x, a: x ** a, 2.5, "positive", "x"),
    "leaky_relu": (lambda x, a: F.leaky_relu(x, a), 0.1, None, "x"),
}


def unary(f):
    edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 1e-20, 88.0, -88.0, 104.0, -104.0, 1.0,
                      -1.0, 20.0, -20.0, 3e38, 1000.0, -1000.0], np.float32)
    smooth_edges = {"exp", "log", "tanh", "sigmoid", "sqrt", "abs", "floor", "relu", "neg", "erf", "softplus"}
    for name, (function, a, kind, needs) in UNARY.items():
        attrs = {"fn": name} if a is None else {"fn": name, "a": a}
        x = normal(("unary", name), 2, 3, 43, scale=3.0)
        if kind == "positive":
            x = np.abs(x) + np.float32(0.01)
        y = function(t64(x), a)
        f.add("unary", name, [x], [y], attrs)
        f.add("unary", f"{name}-in-place", [x], [y], attrs, alias=[(0, 0)])
        view = Strided(x, (43, 2, 3), (1, 129, 43))
        if name in ("exp", "gelu_tanh", "mul_scalar"):
            f.add("unary", f"{name}-strided", [view], [function(t64(view), a)], attrs)
            row = broadcast(x[0, 0], 4, 43)
            f.add("unary", f"{name}-broadcast", [row], [function(t64(row), a)], attrs)
            f.add("unary", f"{name}-empty", [x[:0]], [y[:0]], attrs)
            f.add("unary", f"{name}-scalar", [x[0, 0, 0]], [y[0, 0, 0]], attrs)
        if name in smooth_edges:
            f.add("unary", f"{name}-edges", [edges], [function(t64(edges), a)], attrs, atol=1e-38)
        g = normal(("unary_grad", name), 2, 3, 43)
        xt = t64(x).requires_grad_()
        yt = function(xt, a)
        (dx,) = torch.autograd.grad(yt, xt, t64(g))
        y32 = yt.detach().numpy().astype(np.float32)
        inputs = {"": [g], "0": [g], "x": [g, x], "y": [g, y32]}[needs]
        # tanh and sigmoid lose digits of 1 - y in the saved y: that is the definition.
        f.add("unary_grad", name, inputs, [dx], attrs, atol=3e-6)
        f.add("unary_grad", f"{name}-in-place", inputs, [dx], attrs, alias=[(0, 0)], atol=3e-6)
        if name in ("gelu_tanh", "tanh"):
            strided = [padded(v) for v in inputs]
            f.add("unary_grad", f"{name}-strided", strided, [dx], attrs, atol=3e-6)
    pattern = normal("unary-big", 997)
    y = Tiled(single(t64(pattern).exp()), 7, 10001)
    f.add("unary", "exp-large", [Tiled(pattern, 7, 10001)], [y], {"fn": "exp"})
    f.add("unary", "exp-large-in-place", [Tiled(pattern, 7, 10001)], [y], {"fn": "exp"}, alias=[(0, 0)])
    odd = np.array([-2.0, -3.0, -0.5, 0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 7.0], np.float32)
    for a in (2.0, 3.0, 1.5, -1.0, 0.0, -2.5):
        f.add("unary", f"pow_scalar-{a}", [odd], [t64(odd) ** a], {"fn": "pow_scalar", "a": a})


def binary(f):
    functions = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "max": torch.maximum,
                 "min": torch.minimum, "pow": torch.pow}
    for name, function in functions.items():
        a, b = normal(("a", name), 4, 3, 33), normal(("b", name), 4, 3, 33)
        if name == "pow":
            a = np.abs(a)
        attrs = {"fn": name}
        y = function(t64(a), t64(b))
        f.add("binary", name, [a, b], [y], attrs)
        f.add("binary", f"{name}-in-place-a", [a, b], [y], attrs, alias=[(0, 0)])
        f.add("binary", f"{name}-in-place-b", [a, b], [y], attrs, alias=[(0, 1)])
        row, column, scalar = b[0, 0], np.ascontiguousarray(b[:, :, :1]), b[0, 0, :1]
        for label, small in (("row", row), ("column", column), ("scalar", scalar)):
            wide = broadcast(small, 4, 3, 33)
            f.add("binary", f"{name}-{label}", [a, wide], [function(t64(a), t64(wide))], attrs)
        wide = broadcast(np.abs(row), 4, 3, 33)
        f.add("binary", f"{name}-row-first", [wide, b], [function(t64(wide), t64(b))], attrs)
        view = Strided(a, (33, 4, 3), (1, 99, 33))
        other = np.abs(normal("other", 33, 4, 3))
        f.add("binary", f"{name}-strided", [view, other], [function(t64(view), t64(other))], attrs)
        for dtype in (np.int32, np.int64):
            a, b = ints("ia", -9, 10, 5, 17, dtype=dtype), ints("ib", 1, 5, 5, 17, dtype=dtype)
            ta, tb = torch.from_numpy(a), torch.from_numpy(b)
            y = torch.div(ta, tb, rounding_mode="trunc") if name == "div" else function(ta, tb)
            f.add("binary", f"{name}-{NAMES[np.dtype(dtype)]}", [a, b], [y], attrs)
    edges = np.array([0, 1, -1, np.inf, -np.inf, np.nan], np.float32)
    a, b = np.repeat(edges, 6), np.tile(edges, 6)
    for name in ("add", "mul", "div", "max", "min", "pow"):
        f.add("binary", f"{name}-edges", [a, b], [functions[name](t64(a), t64(b))], {"fn": name})
    low = np.array([-2**31, 5, 0, 7], np.int32)
    f.add("binary", "div-by-zero-i32", [low, np.array([-1, 0, 0, -2], np.int32)],
          [np.array([-2**31, 0, 0, -3], np.int32)], {"fn": "div"})

    compares = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
                "ge": np.greater_equal}
    for name, function in compares.items():
        for dtype in (np.float32, np.int32, np.int64, np.bool_):
            a = ints("ca", 0, 3, 6, 35).astype(dtype)
            b = ints("cb", 0, 3, 35).astype(dtype)
            wide = broadcast(b, 6, 35)
            f.add("compare", f"{name}-{NAMES[np.dtype(dtype)]}", [a, wide], [function(a, array(wide))], {"fn": name})
        f.add("compare", f"{name}-edges", [np.repeat(edges, 6), np.tile(edges, 6)],
              [function(np.repeat(edges, 6), np.tile(edges, 6))], {"fn": name})
    for name, function in {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}.items():
        a, b = bools("la", 9, 33), bools("lb", 9, 33)
        f.add("logical", name, [a, b], [function(a, b)], {"fn": name})
        view = transposed(b)
        f.add("logical", f"{name}-strided", [a, view], [function(a, b)], {"fn": name})
    for dtype in (np.float32, np.int64, np.bool_, np.float16):
        c, a, b = bools("c", 4, 31), ints("sa", 0, 2, 4, 31).astype(dtype), ints("sb", 0, 2, 31).astype(dtype)
        wide = broadcast(b, 4, 31)
        label = NAMES[np.dtype(dtype)]
        f.add("select", label, [c, a, wide], [np.where(c, a, array(wide))])
        f.add("select", f"{label}-row", [broadcast(c[0], 4, 31), a, wide], [np.where(c[:1], a, array(wide))])
        f.add("select", f"{label}-dense", [c, a, a[::-1].copy()], [np.where(c, a, a[::-1])])


def moves(f):
    for dtype in (np.float32, np.int64, np.bool_, np.int16):
        x = ints("copy", 0, 2, 5, 7, 9).astype(dtype)
        label = NAMES[np.dtype(dtype)]
        f.add("copy", f"{label}-dense", [x], [x])
        for order, strides in (((1, 0, 2), (9, 63, 1)), ((2, 1, 0), (1, 9, 63)), ((0, 2, 1), (63, 1, 9))):
            sizes = tuple(x.shape[i] for i in order)
            f.add("copy", f"{label}-permuted-{''.join(map(str, order))}", [Strided(x, sizes, strides)],
                  [x.transpose(order)])
        f.add("copy", f"{label}-broadcast", [broadcast(x[:, :1], 5, 7, 9)], [np.broadcast_to(x[:, :1], (5, 7, 9))])
        f.add("copy", f"{label}-padded", [padded(x)], [x])
    big = normal("copy-big", 70, 45)
    f.add("copy", "transpose-large", [transposed(big)], [big])
    f.add("copy", "empty", [big[:0]], [big[:0]])
    f.add("copy", "scalar", [big[0, 0]], [big[0, 0]])
    for dim in range(3):
        parts = [normal(("cat", dim, i), *[n if d == dim else 4 + d for d in range(3)]) for i, n in
                 enumerate((3, 1, 0, 5))]
        f.add("concat", f"dim-{dim}", parts, [np.concatenate(parts, dim)], {"dim": dim})
    a, b = normal("cat-a", 6, 11), normal("cat-b", 6, 5)
    f.add("concat", "strided", [transposed(a), padded(b)], [np.concatenate([a, b], 1)], {"dim": 1})
    f.add("concat", "one", [a], [a], {"dim": 0})
    for low, high in (((1, 2), (0, 3)), ((0, 0), (0, 0)), ((0, 4), (2, 0))):
        sizes = list(zip(low, high))
        f.add("pad", f"{low}-{high}", [a], [np.pad(a, sizes)], {"low": list(low)})
    f.add("pad", "strided", [transposed(a)], [np.pad(a, [(1, 1), (2, 0)])], {"low": [1, 2]})
    f.add("pad", "empty", [a[:0]], [np.zeros((3, 11), np.float32)], {"low": [1, 0]})
    i = ints("pad", 0, 99, 3, 2, 5)
    f.add("pad", "i64", [i], [np.pad(i, [(1, 0), (0, 1), (2, 2)])], {"low": [1, 0, 2]})


def cast(f):
    kinds = [np.float32, np.float16, np.float64, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_]
    x = np.array([0, 1, 2, 100, 3.7, 42.5, 1e-3], np.float64)
    for source in kinds:
        for target in kinds:
            a = x.astype(source)
            f.add("cast", f"{NAMES[np.dtype(source)]}-{NAMES[np.dtype(target)]}", [a], [a.astype(target)])
    signed = np.array([-1, -128, 127, -3, 0], np.int8)
    for target in kinds:
        if target not in (np.uint8,):
            f.add("cast", f"signed-{NAMES[np.dtype(target)]}", [signed], [signed.astype(target)])
    f.add("cast", "strided", [transposed(ints("cast", -9, 9, 5, 33, dtype=np.int32))],
          [ints("cast", -9, 9, 5, 33, dtype=np.int32).astype(np.float32)])
    # Half precisions round to even, keep infinities and NaN.
    values = np.concatenate([normal("half", 41, scale=100.0), np.array(
        [0, -0.0, np.inf, -np.inf, 65504, 65519, 65520, 6e-8, 1.0009765625, 1.00048828125, 3e38], np.float32)])
    with np.errstate(over="ignore"):
        f.add("cast", "f32-f16-rounding", [values], [values.astype(np.float16)])
    f.add("cast", "f16-f32-all", [values.astype(np.float16)], [values.astype(np.float16).astype(np.float32)])
    bits = torch.from_numpy(values).to(torch.bfloat16).view(torch.int16).numpy()
    f.add("cast", "f32-bf16-rounding", [values], [BF16(bits)])
    f.add("cast", "bf16-f32", [BF16(bits)],
          [torch.from_numpy(bits.copy()).view(torch.bfloat16).float().numpy()])
    wild = np.array([np.nan, np.inf, -np.inf, 3e9, -3e9, 1e20, -1e20, 2147483520.0], np.float32)
    low, high = -2**31, 2**31 - 1
    f.add("cast", "f32-i32-saturates", [wild],
          [np.array([0, high, low, high, low, high, low, 2147483520], np.int32)])
    f.add("cast", "f32-bool", [wild[:3]], [np.array([True, True, True])])
    for dtype, value in ((np.float32, 1.5), (np.int64, 3.0), (np.bool_, 1.0), (np.float16, -2.0)):
        f.add("fill", NAMES[np.dtype(dtype)], [], [np.full((7, 13), value, dtype)], {"value": value})
    f.add("fill", "scalar", [], [np.array(-0.25, np.float32)], {"value": -0.25})
    f.add("fill", "large", [], [Tiled(np.array([True]), 40001)], {"value": 1.0})


def reduce(f):
    functions = {"sum": lambda x, d: x.sum(d, keepdim=True), "mean": lambda x, d: x.mean(d, keepdim=True),
                 "max": lambda x, d: x.amax(d, keepdim=True)}
    x = normal("reduce", 3, 4, 5, 35)
    dims = [[0], [1], [2], [3], [0, 1], [2, 3], [0, 3], [1, 3], [0, 2], [0, 1, 2], [0, 1, 2, 3], []]
    for name, function in functions.items():
        for d in dims:
            expected = function(t64(x), d) if d else t64(x)
            f.add("reduce", f"{name}-{d}", [x], [expected], {"fn": name, "dims": d}, atol=3e-6)
        for label, view in (("padded", padded(x)), ("transposed", transposed(x)),
                            ("broadcast", broadcast(x[:, :1], 3, 4, 5, 35))):
            for d in ([3], [2], [0, 1], [0, 1, 2, 3]):
                f.add("reduce", f"{name}-{label}-{d}", [view], [function(t64(view), d)],
                      {"fn": name, "dims": d}, atol=3e-5)
    long = Tiled(normal("reduce-long", 1009), 40013)
    f.add("reduce", "sum-long", [long], [t64(long).sum(0, keepdim=True)], {"fn": "sum", "dims": [0]}, atol=2e-5)
    f.add("reduce", "max-long", [long], [t64(long).amax(0, keepdim=True)], {"fn": "max", "dims": [0]})
    ones = broadcast(np.ones(1, np.float32), 20000, 3)
    f.add("reduce", "sum-columns-long", [ones], [t64(ones).sum(0, keepdim=True)], {"fn": "sum", "dims": [0]})
    thin = Tiled(normal("reduce-thin", 1001), 9001, 3)
    for name, function in functions.items():
        f.add("reduce", f"{name}-thin", [thin], [function(t64(thin), [0])], {"fn": name, "dims": [0]}, atol=2e-5)
    wide = normal("reduce-wide", 70, 150)
    f.add("reduce", "sum-wide", [wide], [t64(wide).sum(0, keepdim=True)], {"fn": "sum", "dims": [0]}, atol=5e-6)
    f.add("reduce", "sum-none", [wide[:0]], [torch.zeros(1, 150)], {"fn": "sum", "dims": [0]})
    f.add("reduce", "mean-none", [wide[:0]], [torch.full((1, 150), float("nan"))], {"fn": "mean", "dims": [0]})
    f.add("reduce", "sum-no-outputs", [wide[:0]], [torch.zeros(0, 1)], {"fn": "sum", "dims": [1]})
    bad = wide[:3].copy()
    bad[0, 7], bad[1, 149], bad[2, 0] = np.nan, np.inf, -np.inf
    for d in ([0], [1]):
        f.add("reduce", f"max-edges-{d}", [bad], [t64(bad).amax(d, keepdim=True)], {"fn": "max", "dims": d})


def matmul(f):
    for m, n, k in ((1, 1, 1), (3, 5, 7), (17, 33, 65), (32, 24, 70), (1, 40, 33), (40, 1, 33), (5, 9, 0)):
        a, b, bias = normal("a", m, k), normal("b", k, n), normal("bias", n)
        y = t64(a) @ t64(b)
        name = f"{m}x{n}x{k}"
        opts = {"atol": 2e-5, "rtol": 1e-5}
        f.add("matmul", name, [a, b], [y], **opts)
        f.add("matmul", f"{name}-bias", [a, b, bias], [y + t64(bias)], **opts)
        at, bt = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)
        f.add("matmul", f"{name}-ta", [at, b], [y], {"transpose_a": 1}, **opts)
        f.add("matmul", f"{name}-tb", [a, bt], [y], {"transpose_b": 1}, **opts)
        f.add("matmul", f"{name}-ta-tb", [at, bt, bias], [y + t64(bias)], {"transpose_a": 1, "transpose_b": 1}, **opts)
        if k:
            f.add("matmul", f"{name}-padded", [padded(a), padded(b)], [y], **opts)
            f.add("matmul", f"{name}-views", [transposed(a), transposed(b)], [y], **opts)
            f.add("matmul", f"{name}-views-ta", [transposed(at), padded(bt)], [y],
                  {"transpose_a": 1, "transpose_b": 1}, **opts)
    opts = {"atol": 2e-5, "rtol": 1e-5}
    a, b = normal("ba", 3, 2, 19, 11), normal("bb", 3, 2, 11, 23)
    y = t64(a) @ t64(b)
    f.add("matmul", "batched", [a, b], [y], **opts)
    f.add("matmul", "batched-tb", [a, transposed(np.swapaxes(b, -1, -2))], [y], {"transpose_b": 1}, **opts)
    f.add("matmul", "batched-broadcast", [a, broadcast(b[0, 0], 3, 2, 11, 23)], [t64(a) @ t64(b[0, 0])], **opts)
    heads = normal("heads", 2, 7, 3, 16)  # [B, T, H, D] seen as [B, H, T, D]
    view = Strided(heads, (2, 3, 7, 16), (336, 16, 48, 1))
    f.add("matmul", "heads", [view, view], [t64(view) @ t64(view).transpose(-1, -2)], {"transpose_b": 1}, **opts)
    f.add("matmul", "batched-bias", [a, b, normal("bias", 23)], [y + t64(normal("bias", 23))], **opts)
    f.add("matmul", "no-rows", [a[0, 0, :0], b[0, 0]], [torch.zeros(0, 23)])
    a, b = normal("tall", 7, 9), normal("tall-b", 9, 6)
    f.add("matmul", "tall", [Tiled(a, 1107, 9), b], [Tiled(single(t64(a) @ t64(b)), 1107, 6)], **opts)
    a, b, bias = normal("wide", 3, 9), normal("wide-b", 9, 1003), normal("wide-bias", 1003)
    f.add("matmul", "wide", [Tiled(a, 33, 9), b, bias], [Tiled(single(t64(a) @ t64(b) + t64(bias)), 33, 1003)], **opts)


def rows(f):
    for sizes in ((3, 5, 37), (1, 1), (70, 24), (2, 515), (7, 8)):
        x, g = normal("softmax", *sizes, scale=3.0), normal("softmax-g", *sizes)
        name = "x".join(map(str, sizes))
        xt = t64(x).requires_grad_()
        y = xt.softmax(-1)
        f.add("softmax", name, [x], [y])
        f.add("softmax", f"{name}-in-place", [x], [y], alias=[(0, 0)])
        y32 = y.detach().numpy().astype(np.float32)
        yt = t64(y32)
        dx = yt * (t64(g) - (yt * t64(g)).sum(-1, keepdim=True))
        f.add("softmax_grad", name, [g, y32], [dx])
        f.add("softmax_grad", f"{name}-in-place", [g, y32], [dx], alias=[(0, 0)])

        eps = 1e-5
        x = (x + 2).astype(np.float32)
        xt, width = t64(x).requires_grad_(), sizes[-1]
        gamma, beta = normal("gamma", width) + np.float32(1), normal("beta", width)
        gt, bt = t64(gamma).requires_grad_(), t64(beta).requires_grad_()
        y = F.layer_norm(xt, (width,), gt, bt, eps)
        mean = t64(x).mean(-1)
        rstd = (t64(x).var(-1, unbiased=False) + eps).rsqrt()
        # A row of one element is its own mean: what is left is rounding times rstd.
        loose = {"atol": 1e-5, "rtol": 1e-5}
        f.add("layer_norm", name, [x, gamma, beta], [y, mean, rstd], {"eps": eps}, **loose)
        grads = torch.autograd.grad(y, (xt, gt, bt), t64(g))
        saved = [v.numpy().astype(np.float32) for v in (mean, rstd)]
        if width > 1:
            loose = {"atol": 3e-5, "rtol": 1e-5}
            f.add("layer_norm_grad", name, [g, x, gamma, *saved], grads, **loose)
            f.add("layer_norm_grad", f"{name}-in-place", [g, x, gamma, *saved], grads, alias=[(0, 0)], **loose)
        xt = t64(x).requires_grad_()
        rstd = ((xt * xt).mean(-1) + eps).rsqrt()
        y = xt * rstd.unsqueeze(-1) * gt
        f.add("rms_norm", name, [x, gamma], [y, rstd], {"eps": eps}, **loose)
        grads = torch.autograd.grad(y, (xt, gt), t64(g))
        saved = rstd.detach().numpy().astype(np.float32)
        f.add("rms_norm_grad", name, [g, x, gamma, saved], grads, **loose)
        f.add("rms_norm_grad", f"{name}-in-place", [g, x, gamma, saved], grads, alias=[(0, 0)], **loose)
    x = normal("softmax-inf", 4, 40)
    x[0, 3], x[1, :], x[2, 5], x[3, 1:] = -np.inf, -np.inf, np.nan, -np.inf
    f.add("softmax", "edges", [x], [t64(x).softmax(-1)])
    f.add("softmax", "no-rows", [x[:0]], [torch.zeros(0, 40)])
    f.add("layer_norm", "no-rows", [x[:0], x[3], x[3]], [torch.zeros(0, 40), torch.zeros(0), torch.zeros(0)],
          {"eps": 1e-5})
    far = (normal("far", 2, 384) + 1000).astype(np.float32)
    gamma, beta = np.ones(384, np.float32), np.zeros(384, np.float32)
    mean, var = t64(far).mean(-1), t64(far).var(-1, unbiased=False)
    f.add("layer_norm", "far-from-zero", [far, gamma, beta],
          [F.layer_norm(t64(far), (384,)), mean, (var + 1e-5).rsqrt()], {"eps": 1e-5}, atol=2e-4, rtol=1e-5)

    for vocabulary, width, ids in ((11, 7, (5,)), (56, 70, (3, 21)), (20, 64, (50,)), (5, 3, ()), (9, 4, (0,))):
        for dtype in (np.int32, np.int64):
            table, index = normal("table", vocabulary, width), ints("ids", 0, vocabulary, *ids, dtype=dtype)
            g = normal("embedding-g", *ids, width)
            name = f"{vocabulary}x{width}x{len(np.ravel(index))}-{NAMES[np.dtype(dtype)]}"
            f.add("embedding", name, [table, index], [table[index]])
            dtable = np.zeros((vocabulary, width))
            np.add.at(dtable, index.reshape(-1), g.reshape(-1, width).astype(np.float64))
            f.add("embedding_grad", name, [g, index], [torch.from_numpy(dtable)], atol=5e-6)


def attention(f):
    def sdpa(q, k, v, mask, scale, causal):
        heads, kv = q.shape[2], k.shape[2]
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        k, v = (x.repeat_interleave(heads // kv, 1) for x in (k, v))
        s = q @ k.transpose(-1, -2) * scale
        t, n = s.shape[-2:]
        if mask is not None:
            s = s.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else s + mask
        if causal:
            s = s.masked_fill(~torch.ones(t, n, dtype=torch.bool).tril(n - t), -torch.inf)
        lse = s.logsumexp(-1)
        blind = lse == -torch.inf
        p = torch.exp(s - lse.masked_fill(blind, 0).unsqueeze(-1))
        return (p @ v).transpose(1, 2), lse

    def add(name, b, t, s, h, k, d, causal=0, mask=None, layout=None, lanes=2):
        sizes = [(b, t, h, d), (b, s, k, d), (b, s, k, d)]
        q, key, v = (normal(("attention", i), *size) for i, size in enumerate(sizes))
        g = normal("attention-g", b, t, h, d)
        operands = [q, key, v]
        if layout == "packed":  # q, k, v beside each other in one [B, T, 3, H, D]
            storage = np.stack([q, key, v], 2)
            item = t * 3 * h * d
            operands = [Strided(storage.reshape(-1)[i * h * d:], (b, t, h, d), (item, 3 * h * d, d, 1)) for i in
                        range(3)]
        elif layout == "heads-first":  # stored as [B, H, T, D]
            operands = [Strided(np.swapaxes(x, 1, 2).copy(), x.shape,
                                (x.shape[2] * x.shape[1] * d, d, x.shape[1] * d, 1)) for x in operands]
        scale = d ** -0.5
        ts = [t64(x).requires_grad_() for x in (q, key, v)]
        mt = None if mask is None else torch.from_numpy(np.array(array(mask)))
        mt = mt.double() if mt is not None and mt.dtype != torch.bool else mt
        out, lse = sdpa(*ts, mt, scale, causal)
        attrs = {"scale": scale, "causal": causal, "lanes": lanes}
        extra = [] if mask is None else [mask]
        f.add("attention", name, [*operands, *extra], [out, lse], attrs, atol=1e-5, rtol=1e-5)
        grads = torch.autograd.grad(out, ts, t64(g))
        out32, lse32 = (x.detach().numpy().astype(np.float32) for x in (out, lse))
        f.add("attention_grad", name, [g, *operands, out32, lse32, *extra], [x.nan_to_num(0) for x in grads], attrs,
              atol=3e-5, rtol=1e-5)

    add("one", 1, 1, 1, 1, 1, 1)
    add("plain", 2, 19, 19, 3, 3, 8)
    add("causal", 2, 19, 19, 3, 3, 8, causal=1)
    add("causal-blocks", 1, 150, 150, 1, 1, 8, causal=1)
    add("long-keys", 1, 5, 530, 1, 1, 8)
    add("long-causal", 1, 140, 600, 1, 1, 4, causal=1)
    add("grouped", 2, 13, 13, 6, 2, 5, causal=1)
    add("one-kv-head", 1, 9, 9, 4, 1, 12)
    add("fewer-queries", 1, 4, 11, 2, 2, 8, causal=1)
    add("more-queries", 1, 11, 4, 2, 2, 8, causal=1)  # the first 7 see nothing
    add("more-lanes", 1, 7, 7, 2, 2, 8, lanes=5)
    add("one-lane", 2, 7, 7, 2, 2, 8, lanes=1)
    add("packed", 2, 10, 10, 3, 3, 8, causal=1, layout="packed")
    add("heads-first", 2, 10, 14, 4, 2, 8, layout="heads-first")
    b, h, t, s = 2, 3, 9, 12
    add("bool-mask", b, t, s, h, h, 8, mask=bools("mask", b, h, t, s))
    keep = bools("mask-keys", b, 1, 1, s)
    add("bool-keys", b, t, s, h, h, 8, mask=broadcast(keep, b, h, t, s))
    blind = bools("mask-blind", t, s)
    blind[3] = False
    add("bool-blind", b, t, s, h, h, 8, mask=broadcast(blind, b, h, t, s))
    add("float-mask", b, t, s, h, h, 8, mask=normal("fmask", b, h, t, s))
    bias = normal("fmask-heads", h, t, s)
    bias[:, :, 5] = -np.inf
    add("float-heads", b, t, s, h, h, 8, mask=broadcast(bias, b, h, t, s))
    lowest = np.where(keep, 0, np.finfo(np.float32).min).astype(np.float32)
    add("float-keys-causal", b, t, s, h, h, 8, causal=1, mask=broadcast(lowest, b, h, t, s))
    add("bool-transposed", b, t, t, h, h, 8, mask=transposed(bools("mask-t", b, h, t, t) | np.eye(t, dtype=bool)))

    for interleaved in (0, 1):
        for inverse in (0, 1):
            for shape in ((2, 5, 3, 8), (1, 7, 2, 66), (2, 3, 1, 2)):
                b, t, h, d = shape
                x = normal("rope", *shape)
                for rank, table in ((2, (t, d)), (3, (b, t, d))):
                    angle = normal("rope-angle", *table, scale=3.0)
                    cos, sin = np.cos(angle), np.sin(angle)
                    ct, st = (t64(v).reshape(-1, t, 1, d) for v in (cos, sin))

                    def rope(v):
                        if interleaved:
                            half = torch.stack([-v[..., 1::2], v[..., ::2]], -1).flatten(-2)
                        else:
                            half = torch.cat([-v[..., d // 2:], v[..., :d // 2]], -1)
                        return v * ct + half * st

                    xt = t64(x).requires_grad_()
                    y = rope(xt)
                    if inverse:
                        (y,) = torch.autograd.grad(y, xt, t64(x))
                    attrs = {"inverse": inverse, "interleaved": interleaved}
                    name = f"{'x'.join(map(str, shape))}-{rank}d-{interleaved}{inverse}"
                    f.add("rope", name, [x, cos, sin], [y], attrs)
                    if rank == 2:
                        first = Strided(np.swapaxes(x, 1, 2).copy(), shape, (h * t * d, d, t * d, 1))
                        wide = broadcast(cos, b, t, d)
                        f.add("rope", f"{name}-strided", [first, wide, padded(sin)], [y], attrs)


def losses(f):
    for n, v in ((1, 1), (7, 33), (130, 10), (2, 1100), (70, 24)):
        for dtype in (np.int32, np.int64):
            x = normal("logits", n, v, scale=3.0)
            labels = ints("labels", 0, v, n, dtype=dtype)
            for name, ignore in (("all", -100), ("some", -100), ("none", -100), ("seven", 7)):
                at = labels.copy()
                if name == "some":
                    at[::3] = -100
                if name == "none":
                    at[:] = -100
                xt = t64(x).requires_grad_()
                loss = F.cross_entropy(xt, torch.from_numpy(at).long(), ignore_index=ignore)
                count = np.array(float((at != ignore).sum()), np.float32)
                lse = t64(x).logsumexp(-1)
                attrs = {"ignore_index": ignore}
                label = f"{n}x{v}-{name}-{NAMES[np.dtype(dtype)]}"
                f.add("cross_entropy", label, [x, at], [loss, lse, count], attrs, rtol=5e-6)
                if count == 0:
                    continue
                g = np.array(1.5, np.float32)
                (dx,) = torch.autograd.grad(loss, xt, t64(g))
                lse32 = lse.numpy().astype(np.float32)
                for alias in ([], [(0, 1)]):
                    f.add("cross_entropy_grad", label + ("-in-place" if alias else ""), [g, x, at, lse32, count], [dx],
                          attrs, alias=alias, rtol=1e-5)
    x = normal("logits-huge", 3, 12)
    x[0, 4], x[1] = 3e4, x[1] - np.float32(5e3)
    at = np.array([4, 3, 11])
    f.add("cross_entropy", "huge", [x, at], [F.cross_entropy(t64(x), torch.from_numpy(at)),
                                            t64(x).logsumexp(-1), np.array(3, np.float32)], {"ignore_index": -100})


def updates(f):
    scalar = lambda v: np.array(v, np.float32)
    sizes = [(5, 33), (17,), (), (0,), (101,)]
    for scale in (None, 0.37):
        for decay in (0.0, 0.01):
            for count in (1, 5):
                if count == 5 and decay == 0.0:
                    continue
                inputs, outputs, lr, step = [], [], 1e-3, 3
                shapes = sizes[:count]
                beta1, beta2, eps = 0.9, 0.999, 1e-8
                for i, size in enumerate(shapes):
                    p, g, m = (normal((name, i), *size) for name in "pgm")
                    v = np.asarray(np.abs(normal(("v", i), *size)) ** 2, np.float32)
                    p, g, m = (np.asarray(x) for x in (p, g, m))
                    param = torch.nn.Parameter(t64(p))
                    param.grad = t64(g) * (float(scalar(scale)) if scale else 1.0)
                    opt = torch.optim.AdamW([param], lr=float(scalar(lr)), betas=(beta1, beta2), eps=eps,
                                            weight_decay=decay)
                    opt.state[param] = {"step": torch.tensor(float(step - 1)), "exp_avg": t64(m),
                                        "exp_avg_sq": t64(v)}
                    opt.step()
                    state = opt.state[param]
                    inputs += [p, g, m, v]
                    results = [param, state["exp_avg"], state["exp_avg_sq"]]
                    if size == (101,):
                        inputs[-4:] = [Tiled(x, 20011) for x in inputs[-4:]]
                        results = [Tiled(single(x), 20011) for x in results]
                    outputs += results
                c1, c2 = scalar(1 - beta1 ** step), scalar((1 - beta2 ** step) ** 0.5)
                head = [scalar(lr), c1, c2] + ([scalar(scale)] if scale else [])
                attrs = {"beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": decay, "groups": len(shapes),
                         "scaled": int(scale is not None)}
                first = len(head)
                alias = [(3 * i + out, first + 4 * i + member) for i in range(len(shapes)) for out, member in
                         enumerate((0, 2, 3))]
                f.add("adamw", f"{count}-decay{decay}-scale{scale}", head + inputs, outputs, attrs, alias=alias,
                      rtol=1e-6, atol=1e-7)
    for momentum in (0.0, 0.9):
        for decay in (0.0, 0.1):
            for scale in (None, 0.5):
                inputs, outputs, lr = [], [], 0.01
                shapes = [(3, 7), (501,), ()]
                for i, size in enumerate(shapes):
                    p, g, buf = (np.asarray(normal((name, i), *size)) for name in ("sp", "sg", "sb"))
                    param = torch.nn.Parameter(t64(p))
                    param.grad = t64(g) * (scale or 1.0)
                    opt = torch.optim.SGD([param], lr=float(scalar(lr)), momentum=momentum, weight_decay=decay)
                    if momentum:
                        opt.state[param]["momentum_buffer"] = t64(buf)
                    opt.step()
                    inputs += [p, g] + ([buf] if momentum else [])
                    outputs += [param] + ([opt.state[param]["momentum_buffer"]] if momentum else [])
                head = [scalar(lr)] + ([scalar(scale)] if scale else [])
                members = (0, 2) if momentum else (0,)
                size = len(members)
                alias = [(size * i + out, len(head) + (size + 1) * i + member) for i in range(len(shapes)) for
                         out, member in enumerate(members)]
                f.add("sgd", f"momentum{momentum}-decay{decay}-scale{scale}", head + inputs, outputs,
                      {"momentum": momentum, "weight_decay": decay, "groups": len(shapes),
                       "scaled": int(scale is not None)}, alias=alias, rtol=1e-6, atol=1e-7)
    tensors = [np.asarray(normal(("squares", i), *size)) for i, size in enumerate(((3, 5), (701,), (0,), (), (65, 33)))]
    tensors[1] = Tiled(tensors[1], 40001)
    total = sum(float((t64(x) ** 2).sum()) for x in tensors)
    f.add("sum_squares", "five", tensors, [torch.tensor(total)])
    f.add("sum_squares", "none", [], [torch.tensor(0.0)])
    f.add("sum_squares", "one", tensors[:1], [(t64(tensors[0]) ** 2).sum()])
    for limit, parts in ((1.0, [4.0, 5.0]), (10.0, [4.0, 5.0]), (1.0, [0.0]), (1.0, [float("inf")])):
        norm = sum(parts) ** 0.5
        f.add("clip_scale", f"{limit}-{len(parts)}-{parts[0]}", [scalar(x) for x in parts],
              [torch.tensor(min(1.0, limit / (norm + 1e-6)))], {"max_norm": limit})
    f.add("clip_scale", "nan", [scalar(np.nan)], [torch.tensor(float("nan"))], {"max_norm": 1.0})
    for step in (1, 2, 7, 1000, 123456):
        f.add("bias_correction", str(step), [np.array(step, np.int64)],
              [torch.tensor(1 - 0.9 ** step), torch.tensor((1 - 0.999 ** step) ** 0.5)],
              {"beta1": 0.9, "beta2": 0.999}, rtol=1e-7, atol=0.0)


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
    os.makedirs(directory, exist_ok=True)
    for group in (unary, binary, moves, cast, reduce, matmul, rows, attention, losses, updates):
        f = File(group.__name__)
        group(f)
        f.write(directory)


if __name__ == "__main__":
    main()
