"""Each derivative, compiled and run, against PyTorch's in double precision.

A case is a step in train IR: trained parameters, frozen ones, and ops that end in %y. The loss is
the sum of y times a random tensor, so that the gradient at y is one. With SGD, a momentum and a
learning rate of 0, the momentum buffers after one step are the gradients.

Every case runs three times: as written; with each trained parameter stored transposed, so that the
ops read it through a strided view; and with y transposed, so that its gradient is such a view.
"""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.numpy")
F = torch.nn.functional

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SPILLWAY_BUILD", "build")).resolve()
COMPILER = BUILD / "bin" / "spillwayc"
RUN = BUILD / "bin" / "spillway-run"
pytestmark = pytest.mark.skipif(not COMPILER.exists(), reason="the compiler was not built")

TYPES = {"float32": "f32", "int64": "i64", "int32": "i32", "bool": "i1"}
CASES = []


def type_of(array):
    return "tensor<" + "".join(f"{size}x" for size in array.shape) + TYPES[str(array.dtype)] + ">"


def tensor(*shape, element="f32"):
    return "tensor<" + "".join(f"{size}x" for size in shape) + element + ">"


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape, dtype=np.float32)


def positive(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).uniform(0.5, 2, shape).astype(np.float32)


def integers(limit, *shape):
    return np.random.default_rng(shape).integers(0, limit, shape)


def case(name, body, reference, shape, trained, frozen=None):
    """`body` defines %y of `shape`; `reference` maps PyTorch's tensors, by name, to it."""
    CASES.append(pytest.param(body, reference, shape, trained, frozen or {}, id=name))


# One operand.

UNARY = {
    "neg": torch.neg, "abs": torch.abs, "square": torch.square, "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt, "reciprocal": torch.reciprocal, "exp": torch.exp, "log": torch.log,
    "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
    "softplus": F.softplus, "erf": torch.erf, "relu": F.relu, "silu": F.silu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "gelu_erf": F.gelu,
    "add_scalar": lambda x: x + 0.75, "mul_scalar": lambda x: x * 0.75,
    "pow_scalar": lambda x: x ** 0.75, "leaky_relu": lambda x: F.leaky_relu(x, 0.75),
}
ONLY_POSITIVE = {"sqrt", "rsqrt", "reciprocal", "log", "pow_scalar"}

for fn, of in UNARY.items():
    attribute = " {a = 0.75 : f64}" if fn.endswith("_scalar") or fn == "leaky_relu" else ""
    case(f"unary-{fn}", f"%y = train.unary {fn} %a{attribute} : {tensor(5, 7)}",
         lambda t, of=of: of(t["a"]), (5, 7),
         {"a": (positive if fn in ONLY_POSITIVE else normal)(5, 7)})


def test_every_unary_function_is_here():
    table = (SOURCE / "include/spillway/Elementwise.def").read_text()
    differentiable = {name for name, needs in re.findall(r"^SPW_UNARY\((\w+), \d+, (\w+)", table, re.M)
                      if needs != "ZERO"}
    assert differentiable == set(UNARY)


# Two operands, broadcast both ways.

BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div,
          "max": torch.maximum, "min": torch.minimum, "pow": torch.pow}
for fn, of in BINARY.items():
    for a, b, y in [((3, 5), (3, 5), (3, 5)), ((3, 5), (5,), (3, 5)), ((2, 1, 5), (3, 1), (2, 3, 5)),
                    ((), (3, 5), (3, 5))]:
        case(f"binary-{fn}-{a}-{b}".replace(" ", ""),
             f"%y = train.binary {fn} %a, %b : {tensor(*a)}, {tensor(*b)}",
             lambda t, of=of: of(t["a"], t["b"]), y, {"a": positive(*a), "b": positive(*b, seed=1)})
case("binary-with-itself", f"%y = train.binary mul %a, %a : {tensor(3, 5)}, {tensor(3, 5)}",
     lambda t: t["a"] * t["a"], (3, 5), {"a": normal(3, 5)})
case("select",
     f"%c = train.compare gt %m, %a : {tensor(3, 5)}, {tensor(5)}\n"
     f"%y = train.select %c, %a, %b : {tensor(3, 5, element='i1')}, {tensor(5)}, {tensor(3, 1)}",
     lambda t: torch.where(t["m"] > t["a"], t["a"], t["b"]), (3, 5),
     {"a": normal(5), "b": normal(3, 1)}, {"m": normal(3, 5)})

# Reductions and what moves data.

for kind, of in {"sum": torch.sum, "mean": torch.mean}.items():
    for dims in ([0], [1], [2], [0, 2], [0, 1, 2]):
        shape = tuple(1 if d in dims else size for d, size in enumerate((3, 4, 5)))
        case(f"reduce-{kind}-{dims}".replace(" ", ""),
             f"%y = train.reduce {kind} %a {dims} : {tensor(3, 4, 5)} to {tensor(*shape)}",
             lambda t, of=of, dims=dims: of(t["a"], dims, keepdim=True), shape, {"a": normal(3, 4, 5)})
case("reshape", f"%y = train.reshape %a : {tensor(3, 4, 5)} to {tensor(6, 10)}",
     lambda t: t["a"].reshape(6, 10), (6, 10), {"a": normal(3, 4, 5)})
case("transpose", f"%y = train.transpose %a [2, 0, 1] : {tensor(3, 4, 5)} to {tensor(5, 3, 4)}",
     lambda t: t["a"].permute(2, 0, 1), (5, 3, 4), {"a": normal(3, 4, 5)})
case("broadcast", f"%y = train.broadcast %a : {tensor(3, 1)} to {tensor(2, 3, 5)}",
     lambda t: t["a"].expand(2, 3, 5), (2, 3, 5), {"a": normal(3, 1)})
case("slice", f"%y = train.slice %a [1, 2] : {tensor(5, 7)} to {tensor(3, 4)}",
     lambda t: t["a"][1:4, 2:6], (3, 4), {"a": normal(5, 7)})
case("slices-that-tile",
     f"%q = train.slice %a [0, 0] : {tensor(3, 7)} to {tensor(3, 3)}\n"
     f"%k = train.slice %a [0, 3] : {tensor(3, 7)} to {tensor(3, 3)}\n"
     f"%v = train.slice %a [0, 6] : {tensor(3, 7)} to {tensor(3, 1)}\n"
     f"%p = train.binary mul %q, %k : {tensor(3, 3)}, {tensor(3, 3)}\n"
     f"%y = train.binary mul %p, %v : {tensor(3, 3)}, {tensor(3, 1)}",
     lambda t: t["a"][:, :3] * t["a"][:, 3:6] * t["a"][:, 6:], (3, 3), {"a": normal(3, 7)})
case("concat",
     f"%y = train.concat %a, %b, %a dim 1 : {tensor(3, 2)}, {tensor(3, 4)}, {tensor(3, 2)} to {tensor(3, 8)}",
     lambda t: torch.cat([t["a"], t["b"], t["a"]], 1), (3, 8), {"a": normal(3, 2), "b": normal(3, 4)})
case("pad", f"%y = train.pad %a [1, 0] : {tensor(3, 4)} to {tensor(5, 6)}",
     lambda t: F.pad(t["a"], (0, 2, 1, 1)), (5, 6), {"a": normal(3, 4)})
case("copy", f"%y = train.copy %a : {tensor(3, 4)}", lambda t: t["a"], (3, 4), {"a": normal(3, 4)})

# Products.

for batch in ((), (3,), (2, 3)):
    for ta in (False, True):
        for tb in (False, True):
            m, k, n = 5, 7, 3
            a = batch + ((k, m) if ta else (m, k))
            b = batch + ((n, k) if tb else (k, n))

            def product(t, ta=ta, tb=tb):
                return (t["a"].mT if ta else t["a"]) @ (t["b"].mT if tb else t["b"])

            flags = f"{{transpose_a = {str(ta).lower()}, transpose_b = {str(tb).lower()}}}"
            case(f"matmul-{len(batch) + 2}d-{'t' if ta else 'n'}{'t' if tb else 'n'}",
                 f"%y = train.matmul %a, %b {flags} : {tensor(*a)}, {tensor(*b)} to {tensor(*batch, m, n)}",
                 product, batch + (m, n), {"a": normal(*a), "b": normal(*b, seed=1)})
case("matmul-bias",
     f"%y = train.matmul %a, %b bias %c : {tensor(5, 7)}, {tensor(7, 3)}, {tensor(3)} to {tensor(5, 3)}",
     lambda t: t["a"] @ t["b"] + t["c"], (5, 3), {"a": normal(5, 7), "b": normal(7, 3), "c": normal(3)})
case("matmul-one-column",
     f"%y = train.matmul %a, %b : {tensor(5, 7)}, {tensor(7, 1)} to {tensor(5, 1)}",
     lambda t: t["a"] @ t["b"], (5, 1), {"a": normal(5, 7), "b": normal(7, 1)})
case("embedding", f"%y = train.embedding %t, %i : {tensor(6, 3)}, {tensor(2, 9, element='i64')} to {tensor(2, 9, 3)}",
     lambda t: t["t"][t["i"]], (2, 9, 3), {"t": normal(6, 3)}, {"i": integers(6, 2, 9)})
case("tied-embedding",
     f"%x = train.embedding %t, %i : {tensor(6, 3)}, {tensor(9, element='i32')} to {tensor(9, 3)}\n"
     f"%y = train.matmul %x, %t {{transpose_b = true}} : {tensor(9, 3)}, {tensor(6, 3)} to {tensor(9, 6)}",
     lambda t: t["t"][t["i"].long()] @ t["t"].T, (9, 6), {"t": normal(6, 3)},
     {"i": integers(6, 9).astype(np.int32)})

# Layers.

case("softmax", f"%y = train.softmax %a : {tensor(3, 5, 7)}", lambda t: t["a"].softmax(-1), (3, 5, 7),
     {"a": normal(3, 5, 7)})
case("layer_norm",
     f"%y, %m, %r = train.layer_norm %a, %g, %b eps 1.0e-5 : {tensor(3, 5, 7)}, {tensor(7)}, {tensor(7)} "
     f"to {tensor(3, 5, 7)}, {tensor(3, 5)}, {tensor(3, 5)}",
     lambda t: F.layer_norm(t["a"], (7,), t["g"], t["b"], 1e-5), (3, 5, 7),
     {"a": normal(3, 5, 7), "g": normal(7), "b": normal(7, seed=1)})
case("rms_norm",
     f"%y, %r = train.rms_norm %a, %g eps 1.0e-5 : {tensor(3, 5, 7)}, {tensor(7)} to {tensor(3, 5, 7)}, {tensor(3, 5)}",
     lambda t: F.rms_norm(t["a"], (7,), t["g"], 1e-5), (3, 5, 7), {"a": normal(3, 5, 7), "g": normal(7)})


def attention(t, causal, mask):
    q, k, v = (t[name].transpose(1, 2) for name in "qkv")
    if causal and mask is None:
        rows, columns = q.shape[2], k.shape[2]
        allowed = torch.ones(rows, columns, dtype=torch.bool).tril(columns - rows)
        mask = torch.zeros(rows, columns, dtype=q.dtype).masked_fill(~allowed, float("-inf"))
    return F.scaled_dot_product_attention(q, k, v, mask, scale=0.4, enable_gqa=True).transpose(1, 2)


def attention_case(name, t, s, heads, key_heads, causal=False, mask=None):
    q, k = (2, t, heads, 6), (2, s, key_heads, 6)
    operands, types = "%q, %k, %v", f"{tensor(*q)}, {tensor(*k)}, {tensor(*k)}"
    if mask is not None:
        operands += " mask %m"
        types += ", " + type_of(mask)
    case(f"attention-{name}",
         f"%y, %lse = train.attention {operands} {{scale = 0.4 : f64, causal = {str(causal).lower()}}} : "
         f"{types} to {tensor(*q)}, {tensor(2, heads, t)}",
         lambda values: attention(values, causal, values.get("m")), q,
         {"q": normal(*q), "k": normal(*k, seed=1), "v": normal(*k, seed=2)},
         {} if mask is None else {"m": mask})


attention_case("plain", 5, 7, 3, 3)
attention_case("causal", 5, 5, 3, 3, causal=True)
attention_case("causal-with-past", 3, 7, 2, 2, causal=True)
attention_case("grouped", 5, 7, 6, 2)
attention_case("one-key-head", 5, 5, 4, 1, causal=True)
attention_case("float-mask", 5, 7, 3, 3, mask=normal(2, 1, 5, 7))
attention_case("bool-mask", 5, 7, 3, 3, mask=np.tril(np.ones((5, 7), dtype=bool), 1))


def rope(x, cos, sin, interleaved):
    if cos.dim() == 2:
        cos, sin = cos[None], sin[None]
    cos, sin = cos[:, :, None], sin[:, :, None]
    if interleaved:
        rotated = torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2)
    else:
        first, second = x.chunk(2, -1)
        rotated = torch.cat([-second, first], -1)
    return x * cos + rotated * sin


def rope_case(name, angles, interleaved):
    shape = (2, 5, 3, 6)
    # The two elements that turn together have one angle.
    half = np.random.default_rng(3).uniform(-3, 3, angles[:-1] + (3,)).astype(np.float32)
    angle = np.repeat(half, 2, -1) if interleaved else np.concatenate([half, half], -1)
    case(f"rope-{name}",
         f"%y = train.rope %a, %c, %s {{interleaved = {str(interleaved).lower()}}} : "
         f"{tensor(*shape)}, {tensor(*angles)}, {tensor(*angles)}",
         lambda t: rope(t["a"], t["c"], t["s"], interleaved), shape, {"a": normal(*shape)},
         {"c": np.cos(angle), "s": np.sin(angle)})


rope_case("halves", (5, 6), False)
rope_case("interleaved", (5, 6), True)
rope_case("batch", (2, 5, 6), False)

LABELS = np.array([0, 3, -100, 1, 4, -100, 2])
case("cross_entropy",
     f"%y, %lse, %n = train.cross_entropy %a, %i : {tensor(7, 5)}, {tensor(7, element='i64')} "
     f"to {tensor()}, {tensor(7)}, {tensor()}",
     lambda t: F.cross_entropy(t["a"], t["i"]), (), {"a": normal(7, 5)}, {"i": LABELS})


def reversed_dims(rank):
    return list(range(rank))[::-1]


def build(body, shape, trained, frozen, layout):
    """The text of the step, and the weights that it starts from."""
    arguments, prologue, weights = [], [], {}
    for name, array in trained.items():
        if layout == "operands" and array.ndim > 1:
            order = reversed_dims(array.ndim)
            stored = np.ascontiguousarray(array.transpose(order))
            arguments.append(f'param %{name}_t "{name}" : {type_of(stored)}')
            prologue.append(f"%{name} = train.transpose %{name}_t {order} : {type_of(stored)} to {type_of(array)}")
        else:
            stored = array
            arguments.append(f'param %{name} "{name}" : {type_of(array)}')
        weights[name] = stored
    for name, array in frozen.items():
        arguments.append(f'param %{name} "{name}" : {type_of(array)} {{frozen}}')
        weights[name] = array
    weight = normal(*shape, seed=7)
    result, epilogue = "%y", []
    if layout == "gradient":
        weight = np.ascontiguousarray(weight.transpose())
        result = "%z"
        epilogue = [f"%z = train.transpose %y {reversed_dims(len(shape))} : {tensor(*shape)} to {type_of(weight)}"]
    weights["weight"] = weight
    z, ones = type_of(weight), tensor(*(1 for _ in shape))
    arguments.append(f'param %weight "weight" : {z} {{frozen}}')
    text = "\n".join([
        f"train.step @gradient({', '.join(arguments)}) {{", *prologue, body, *epilogue,
        f"%weighted = train.binary mul {result}, %weight : {z}, {z}",
        f"%sum = train.reduce sum %weighted {list(range(len(shape)))} : {z} to {ones}",
        f"%loss = train.reshape %sum : {ones} to tensor<f32>",
        'train.return outputs ["loss"] (%loss : tensor<f32>)', "}\n"])
    return text, weights


@pytest.mark.parametrize("layout", ["dense", "operands", "gradient"])
@pytest.mark.parametrize("body, reference, shape, trained, frozen", CASES)
def test_gradient(tmp_path, body, reference, shape, trained, frozen, layout):
    if layout == "operands" and all(array.ndim < 2 for array in trained.values()):
        pytest.skip("nothing to transpose")
    if layout == "gradient" and len(shape) < 2:
        pytest.skip("nothing to transpose")
    text, weights = build(body, shape, trained, frozen, layout)
    (tmp_path / "step.mlir").write_text(text)
    safetensors.save_file(weights, tmp_path / "weights.safetensors")
    run(COMPILER, "step.mlir", "--loss=output(loss)", "--optimizer=sgd(lr=0,momentum=0.5)", "--quiet",
        "-o", "step.spill", cwd=tmp_path)
    run(RUN, "step.spill", "--weights=weights.safetensors", "--save=after.safetensors", "--quiet", cwd=tmp_path)
    after = safetensors.load_file(tmp_path / "after.safetensors")

    values = {name: torch.tensor(array).double().requires_grad_() for name, array in trained.items()}
    for name, array in frozen.items():
        value = torch.tensor(array)
        values[name] = value.double() if value.is_floating_point() else value
    y = reference(values)
    assert tuple(y.shape) == shape
    (y * torch.tensor(normal(*shape, seed=7)).double()).sum().backward()
    scale = max(values[name].grad.norm().item() for name in trained)
    assert scale > 0
    for name in trained:
        expected = values[name].grad.numpy()
        found = after[f"{name}.momentum_buffer"]
        if layout == "operands":
            found = found.transpose()
        assert found.shape == expected.shape
        error = np.linalg.norm(found - expected)
        assert error <= 1e-4 * max(np.linalg.norm(expected), 1e-3 * scale), (name, found, expected)
        np.testing.assert_array_equal(after[name], weights[name])


def run(*command, cwd):
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + (cwd / "step.mlir").read_text()
