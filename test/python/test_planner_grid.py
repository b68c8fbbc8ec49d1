"""benchmarks/planner: the convolutional networks are the published ones, and the grid counts right."""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("SPILLWAY_BUILD", ROOT / "build")) / "bin" / "spillway-plan"
sys.path.insert(0, str(ROOT / "benchmarks/planner"))
import cnn  # noqa: E402
import grid  # noqa: E402
import machines  # noqa: E402
import micro_batches  # noqa: E402

MACHINE = machines.machine(8, 4, True)


def parameters(step):
    return sum(size for _, _, size in step.parameters)


def test_resnet50_is_the_published_one():
    step, _ = cnn.build("resnet50", 2, MACHINE)
    # torchvision's model card: 25557032 parameters, 4.09 G multiply-adds; "Designing Network Design
    # Spaces" (Radosavovic et al. 2020): 4.1 G and 11.1 M activations, the outputs of convolutions.
    assert parameters(step) == 25557032
    assert step.macs / 2 == pytest.approx(4.09e9, rel=0.001)
    assert step.conv_outputs / 2 == pytest.approx(11.1e6, rel=0.003)


def test_unet_is_the_one_in_use():
    step, problem = cnn.build("unet", 1, MACHINE)
    # By hand: 3x3 convolutions without bias, batch normalisation, 2x2 transposed ones with bias.
    widths = [64, 128, 256, 512, 1024]
    pairs = list(zip([3, *widths], [*widths]))
    down = sum(9 * (a * b + b * b) + 4 * b for a, b in pairs)
    up = sum(4 * 2 * b * b + b + 9 * (2 * b * b + b * b) + 4 * b for b in widths[:-1])
    assert parameters(step) == down + up + 2 * 64 + 2 == 31037698
    # On the highest level, at 512 x 512, each of these is 64 MiB an image.
    large = [s["name"] for s in problem["storages"] if s["bytes"] == 64 * 2**20 and s["kind"] == "temporary"]
    assert {"in.conv1", "in.bn1", "in.relu1", "in.conv2", "in.bn2", "in.relu2", "up64", "up64.conv1",
            "up64.bn2", "up64.relu2"} <= set(large)


@pytest.mark.parametrize("network", list(cnn.NETWORKS))
def test_a_step_is_complete(network):
    _, problem = cnn.build(network, 1, MACHINE)
    read, written, updated = Counter(), Counter(), Counter()
    for op in problem["operators"]:
        read.update(op["reads"])
        written.update(op["writes"])
        updated.update(op.get("updates", []))
    for storage in problem["storages"]:
        identity, kind = storage["id"], storage["kind"]
        assert written[identity] == (kind == "temporary"), storage
        assert updated[identity] == (kind == "persistent"), storage
        assert read[identity] or storage.get("output") or ".momentum" in storage["name"], storage
    # Backward is twice forward but for the first layer, whose input needs no gradient.
    flops = Counter()
    for op in problem["operators"]:
        flops[op["name"].split()[0]] += op["flops"]
    assert flops["conv"] == flops["conv_grad_weight"]
    assert 0.9 * flops["conv"] < flops["conv_grad_data"] < flops["conv"]


def test_the_planner_takes_it(tmp_path):
    problem, stats = tmp_path / "unet.json", tmp_path / "stats.json"
    problem.write_text(micro_batches.dump(cnn.build("unet", 1, MACHINE)[1]))
    done = subprocess.run([TOOL, problem, "--policy=keep-all", f"--stats={stats}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # A forward pass holds at least what convolutions and normalisations made, for backward.
    assert 1.2e9 < json.loads(stats.read_text())["peak_bytes"] < 2e9


def test_costs_are_those_of_the_compiler():
    # As spillwayc --target=rtx4090-24g writes them for a 4096 x 4096 x 4096 product and for AdamW of
    # 32768000 elements on the host.
    engines = machines.engines("rtx4090-24g")
    assert engines["compute"].cost_ns("gemm", 2 * 4096**3, 0) == 2381015
    assert engines["cpu"].cost_ns("elementwise", 393216000, 28 * 32768000) == 14708590
    for target in (ROOT / "targets").glob("*.mlir"):
        assert {"gemm", "elementwise"} <= set(machines.engines(target.stem)["compute"].rates), target


def test_machines():
    with_drive, without = machines.machine(24, 4, True), machines.machine(24, 3, False)
    assert [t["capacity"] for t in with_drive["tiers"]] == [23 * 2**30, 56 * 2**30, 1800 * 10**9]
    assert [t["capacity"] for t in without["tiers"]] == [23 * 2**30, None]
    speeds = {link["name"]: link["bytes_per_second"] for link in with_drive["links"]}
    # As in targets/rtx4090-24g.mlir.
    assert speeds == {"h2d": 25830000000, "d2h": 25830000000, "nvme_read": 6332500000, "nvme_write": 5520000000}
    assert {link["bytes_per_second"] for link in without["links"]} == {12915000000}


def test_micro_batches_stay_as_they_are():
    llama = next(m for m in grid.MODELS if m.name == "llama-7b")
    assert llama.samples(4096) == (2, 1) and llama.samples(524288) == (2, 128)
    gpt2 = next(m for m in grid.MODELS if m.name == "gpt2-124m")
    assert gpt2.samples(4096) == (4, 1) and gpt2.samples(65536) == (16, 4)
    for model in grid.MODELS:
        for tokens in grid.TOKENS:
            samples, count = model.samples(tokens)
            assert samples * count * model.unit == tokens


def row(name, step=None, others=None, counts=True, model="llama-14b", seconds=1.0):
    out = {"name": name, "model": model, "counts": counts}
    if counts:
        out["joint"] = {"feasible": step is not None, "user_seconds": seconds}
    if step:
        out["joint"] |= {"step": step, "over_bound": step / 100}
    if others:
        out["others"] = {n: {"step": s} for n, s in others.items()}
    return out


def test_summary():
    rows = [row("a", 100), row("b", 104, {"g10": 104, "xla": None}), row("fits", counts=False)]
    good = grid.summary(rows)
    assert good["good"] and (good["points"], good["counted"], good["with_others"]) == (3, 2, 1)
    assert good["geometric_mean"] == pytest.approx(math.sqrt(1.04)) and good["percentile_95"] == 1.04
    assert list(good["worst"]) == ["b", "a"]
    # Each fault alone is told, and spoils it.
    beaten = grid.summary([*rows, row("c", 100, {"g10": 99})])
    assert beaten["another_is_better"] == {"c": ["g10"]} and not beaten["good"]
    failed = grid.summary([*rows, row("d")])
    assert failed["without_plan"] == ["d"] and not failed["good"]
    assert not grid.summary([*rows, row("e", 100, seconds=11)])["good"]
    assert not grid.summary([*rows, row("f", 130)])["good"]
    assert not grid.summary([row("fits", counts=False)])["good"]
    # Where no plan exists there is nothing to compare.
    small = row("g", counts=False) | {"impossible": True, "joint": {"feasible": False}}
    assert grid.summary([*rows, small])["good"] and grid.summary([*rows, small])["impossible"] == ["g"]


def test_percentile():
    assert grid.percentile([1, 2], 0.95) == 2
    assert grid.percentile(range(1, 101), 0.95) == 95


def test_a_point_from_problem_to_row(tmp_path):
    """One point with its own planning: kept, and not planned again."""
    out = tmp_path / "grid.json"
    command = [sys.executable, ROOT / "benchmarks/planner/grid.py", "-o", out, "--only=unet, 16K.* 8 GB, PCIe 5, host",
               "--others=^$", f"--planner={TOOL}", "--", "--iterations=0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "1 of 1 points count" in done.stdout, done.stdout + done.stderr
    data = json.loads(out.read_text())
    joint = data["rows"][0]["joint"]
    assert 1 <= joint["over_bound"] == joint["step"] / joint["bound"] and 0 < joint["busy"]["h2d"] <= 1
    assert data["summary"]["worst"] == {data["rows"][0]["name"]: joint["over_bound"]}
    subprocess.run(command, capture_output=True, text=True)
    assert json.loads(out.read_text()) == data
    done = subprocess.run([*command, "--only=nothing"], capture_output=True, text=True)
    assert done.returncode == 1


def test_a_planner_that_takes_too_long_or_breaks(tmp_path):
    """Neither stops the grid, and the row says which of the two it was."""
    problem, planner = tmp_path / "p.json", tmp_path / "planner"
    problem.write_text("{}")

    class Options:
        flags, timeout = [], 1
    Options.planner = planner

    def says(script):
        planner.write_text(f"#!/bin/sh\n{script}\n")
        planner.chmod(0o755)
        return grid.plan(Options, problem, "joint")

    slow = says("while :; do :; done")
    assert not slow["feasible"] and "within 1 s" in slow["reason"] and slow["user_seconds"] > 0.5
    broken = says("echo error: no >&2; exit 7")
    assert not broken["feasible"] and "exit status 7: error: no" in broken["reason"]
    stats = problem.with_suffix(".stats")
    good = says(f"echo '{{\"feasible\": true, \"cost\": 5}}' > {stats}")
    assert good["feasible"] and good["cost"] == 5 and not stats.exists()
