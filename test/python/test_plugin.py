"""The plugin of examples/plugin: an op that Spillway does not know is planned and executed."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

safetensors = pytest.importorskip("safetensors.numpy")

BUILD = Path(os.environ.get("SPILLWAY_BUILD", "build")).resolve()
COMPILER = BUILD / "bin" / "spillwayc"
RUN = BUILD / "bin" / "spillway-run"
PLUGIN = BUILD / "lib" / "Snake.so"
pytestmark = pytest.mark.skipif(not PLUGIN.exists(), reason="the plugin was not built")

ALPHA = 0.5
STEP = f"""
train.step @layers(input %x "x" : tensor<8x6xf32>, param %w "w" : tensor<6x40xf32>, param %v "v" : tensor<40x3xf32>) {{
  %h = train.matmul %x, %w : tensor<8x6xf32>, tensor<6x40xf32> to tensor<8x40xf32>
  %s = snake.activate %h {{alpha = {ALPHA} : f64}} : tensor<8x40xf32>
  %y = train.matmul %s, %v : tensor<8x40xf32>, tensor<40x3xf32> to tensor<8x3xf32>
  train.return outputs ["y"] (%y : tensor<8x3xf32>)
}}
"""


def command(folder, *words, status=0):
    done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done


@pytest.fixture
def arrays(tmp_path):
    random = np.random.default_rng(1)
    arrays = {name: random.standard_normal(shape, dtype=np.float32)
              for name, shape in {"x": (8, 6), "targets": (8, 3), "w": (6, 40), "v": (40, 3)}.items()}
    safetensors.save_file({name: arrays[name] for name in "wv"}, tmp_path / "weights.safetensors")
    safetensors.save_file({name: arrays[name] for name in ("x", "targets")}, tmp_path / "data.safetensors")
    (tmp_path / "step.mlir").write_text(STEP)
    return arrays


def compile_step(folder, *arguments):
    command(folder, COMPILER, "step.mlir", f"--load-dialect-plugin={PLUGIN}", "--loss=mse", "--quiet",
            "--optimizer=sgd(lr=0,momentum=0.5)", "-o", "step.spill", "--stats=stats.json", *arguments)
    return json.loads((folder / "stats.json").read_text())


def run_step(folder):
    command(folder, RUN, "step.spill", f"--load-kernels={BUILD / 'lib' / 'libSnakeKernels.so'}", "--quiet",
            "--weights=weights.safetensors", "--data=data.safetensors", "--save=after.safetensors")
    return safetensors.load_file(folder / "after.safetensors")


def test_gradients_through_the_op(tmp_path, arrays):
    """The op's derivative is the plugin's, and its kernels run where the plan says."""
    compile_step(tmp_path)
    after = run_step(tmp_path)
    x, w, v, targets = (arrays[name].astype(np.float64) for name in ("x", "w", "v", "targets"))
    h = x @ w
    s = h + np.sin(ALPHA * h) ** 2 / ALPHA
    dy = 2 * (s @ v - targets) / targets.size
    expected = {"v": s.T @ dy, "w": x.T @ (dy @ v.T * (1 + np.sin(2 * ALPHA * h)))}
    for name, gradient in expected.items():
        np.testing.assert_allclose(after[f"{name}.momentum_buffer"], gradient, rtol=1e-4,
                                   atol=1e-5 * np.abs(gradient).max())


def test_the_op_is_planned(tmp_path, arrays):
    """Under a budget it is recomputed or its operand moved; the bits stay."""
    free = compile_step(tmp_path)
    unlimited = run_step(tmp_path)
    budget = free["unconstrained_peak_bytes"] * 3 // 4
    tight = compile_step(tmp_path, f"--device-budget={budget}")
    assert tight["peak_bytes"]["device"] <= budget
    assert tight["num_recomputed"] + tight["num_swapped"] > 0
    limited = run_step(tmp_path)
    for name, array in unlimited.items():
        np.testing.assert_array_equal(array, limited[name])


def test_without_its_kernels(tmp_path, arrays):
    compile_step(tmp_path)
    done = command(tmp_path, RUN, "step.spill", "--weights=weights.safetensors", "--data=data.safetensors", status=1)
    assert done.stderr.count("error: ") == 1 and "'snake'" in done.stderr


def test_without_its_dialect(tmp_path, arrays):
    done = command(tmp_path, COMPILER, "step.mlir", "--loss=mse", "-o", "step.spill", status=1)
    assert done.stderr.count("error: ") == 1 and "snake" in done.stderr
    assert not (tmp_path / "step.spill").exists()
