# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Plans that the compiler emitted, damaged 10,000 times with the checksum made right
again: whatever the verifier still accepts must compute the same numbers.

benchmarks/README.md says how to do the same with the plans of the demo.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

BIN = Path(__file__).resolve().parents[2] / "build/bin"
if "SPILLWAY_BUILD" in os.environ:
    BIN = Path(os.environ["SPILLWAY_BUILD"]) / "bin"
COUNT = int(os.environ.get("SPILLWAY_MUTANTS", "10000"))
# How many of the accepted ones are run; each takes some 20 ms.
RUNS = int(os.environ.get("SPILLWAY_MUTANT_RUNS", "200"))

MODEL = """
train.step @mlp(input %x "x" : tensor<256x128xf32>,
                param %w0 "w0" : tensor<128x256xf32>, param %b0 "b0" : tensor<256xf32>,
                param %w1 "w1" : tensor<256x256xf32>, param %w2 "w2" : tensor<256x64xf32>) {
  %h0 = train.matmul %x, %w0 bias %b0 : tensor<256x128xf32>, tensor<128x256xf32>, tensor<256xf32> to tensor<256x256xf32>
  %a0 = train.unary gelu_tanh %h0 : tensor<256x256xf32>
  %h1 = train.matmul %a0, %w1 : tensor<256x256xf32>, tensor<256x256xf32> to tensor<256x256xf32>
  %a1 = train.unary gelu_tanh %h1 : tensor<256x256xf32>
  %y = train.matmul %a1, %w2 : tensor<256x256xf32>, tensor<256x64xf32> to tensor<256x64xf32>
  train.return outputs ["y"] (%y : tensor<256x64xf32>)
}
"""


def call(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          errors="replace", timeout=300)


def run(plan, data, stats):
    """What a plan computes: losses and state; or why it does not run."""
    done = call(BIN / "spillway-run", plan, f"--data={data}", "--init=normal:0.05", "--steps=3",
                "--threads=1", "--quiet", f"--stats={stats}")
    if done.returncode != 0:
        return f"exit status {done.returncode}: {done.stderr.strip()[-200:]}"
    result = json.loads(Path(stats).read_text())
    return result["losses"], result["state_sha256"]


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mutants")
    model = folder / "mlp.mlir"
    model.write_text(MODEL)
    generator = np.random.default_rng(0)
    save_file({"x": generator.standard_normal((512, 128), dtype=np.float32),
               "targets": generator.standard_normal((512, 64), dtype=np.float32)},
              folder / "data.safetensors")
    def compile_plan(*options):
        done = call(BIN / "spillwayc", model, "--loss=mse(y)", "-o", folder / "mlp.spill",
                    f"--stats={folder / 'mlp.json'}", *options)
        assert done.returncode == 0, done.stderr
        return json.loads((folder / "mlp.json").read_text())

    peak = compile_plan()["peak_bytes"]["device"]
    stats = compile_plan(f"--device-budget={peak * 55 // 100}")
    assert stats["num_swapped"] > 0 and stats["num_recomputed"] > 0, "the plan is too easy to damage"
    return folder


def test_accepted_mutants_compute_the_same(plan):
    expected = run(plan / "mlp.spill", plan / "data.safetensors", plan / "expected.json")
    assert not isinstance(expected, str), expected
    (plan / "out").mkdir()
    done = call(BIN / "spillway-mutate", plan / "mlp.spill", f"--count={COUNT}", f"--out={plan / 'out'}")
    assert done.returncode == 0, done.stderr
    accepted = sorted((plan / "out").glob("*.spill"))
    assert accepted, "no mutant was accepted: the mutations do not reach what may differ"
    assert len(accepted) < COUNT / 2, "most mutants were accepted: the verifier does not look"
    step = max(1, len(accepted) // RUNS)
    for mutant in accepted[::step]:
        assert run(mutant, plan / "data.safetensors", plan / "mutant.json") == expected, mutant.name
