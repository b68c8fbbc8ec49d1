"""benchmarks/planner/micro_batches.py: problems that repeat, and spillway-plan on them."""

import importlib.util
import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("SPILLWAY_BUILD", ROOT / "build")) / "bin" / "spillway-plan"

spec = importlib.util.spec_from_file_location("micro_batches", ROOT / "benchmarks/planner/micro_batches.py")
micro_batches = importlib.util.module_from_spec(spec)
spec.loader.exec_module(micro_batches)


def step():
    """y = f(x, w); loss, dy = l(y); dw, n = g(dy, x); c = clip(n); w, m updated by dw and c."""
    storages = [
        {"id": 1, "name": "x", "bytes": 512, "kind": "fed"},
        {"id": 2, "name": "w", "bytes": 1024, "kind": "persistent"},
        {"id": 3, "name": "m", "bytes": 1024, "kind": "persistent"},
        {"id": 4, "name": "y", "bytes": 512, "kind": "temporary"},
        {"id": 5, "name": "loss", "bytes": 4, "kind": "temporary", "output": True},
        {"id": 6, "name": "dy", "bytes": 512, "kind": "temporary"},
        {"id": 7, "name": "dw", "bytes": 1024, "kind": "temporary"},
        {"id": 8, "name": "c", "bytes": 4, "kind": "temporary"},
        {"id": 9, "name": "lr", "bytes": 4, "kind": "fed"},
        {"id": 10, "name": "scale", "bytes": 4, "kind": "temporary"},
    ]
    operators = [
        {"id": 20, "name": "f", "cost_ns": {"compute": 10}, "reads": [1, 2], "writes": [4]},
        {"id": 26, "name": "warm", "cost_ns": {"compute": 1}, "reads": [9], "writes": [10]},
        {"id": 21, "name": "l", "cost_ns": {"compute": 10}, "reads": [4], "writes": [5, 6]},
        {"id": 22, "name": "g", "cost_ns": {"compute": 10}, "reads": [6, 1], "writes": [7], "in_place": []},
        {"id": 23, "name": "clip", "cost_ns": {"compute": 10}, "reads": [7, 2], "writes": [8]},
        {"id": 24, "name": "adam", "cost_ns": {"compute": 10}, "reads": [7, 8, 10], "writes": [],
         "updates": [2, 3], "recomputable": False},
    ]
    machine = {
        "tiers": [{"name": "device", "capacity": None}, {"name": "host", "capacity": None}],
        "links": [
            {"name": "h2d", "from": "host", "to": "device", "bytes_per_second": 1000000000},
            {"name": "d2h", "from": "device", "to": "host", "bytes_per_second": 1000000000},
        ],
        "engines": [{"name": "compute", "tier": "device"}],
    }
    return {"kind": "spillway-problem", "version": 1, "name": "step", "machine": machine,
            "storages": storages, "operators": operators}


def plan(tmp_path, problem, *args):
    path = tmp_path / "problem.json"
    path.write_text(micro_batches.dump(problem))
    return subprocess.run([str(TOOL), str(path), *map(str, args)], capture_output=True, text=True)


def test_gradients_become_accumulators():
    before = step()
    problem = micro_batches.accumulate(before, 4)
    assert before == step()  # a copy
    by_name = {op["name"]: op for op in problem["operators"]}
    order = [op["name"] for op in problem["operators"]]
    # The factor that clips is made of the gradient; the warm-up of the learning rate is no gradient.
    assert order == ["zero dw", "zero loss (sum)", "f", "l", "add loss", "g", "warm", "clip", "adam"]
    (repeat,) = problem["repeats"]
    assert repeat == {"first": by_name["f"]["id"], "last": by_name["g"]["id"], "count": 4}
    assert by_name["g"]["writes"] == [] and by_name["g"]["updates"] == [7]
    assert by_name["g"]["recomputable"] is False
    assert by_name["zero dw"]["writes"] == [7]
    outputs = [s["name"] for s in problem["storages"] if s.get("output")]
    assert outputs == ["loss (sum)"]


def test_a_problem_without_gradients_is_refused():
    problem = step()
    problem["operators"] = problem["operators"][:3]
    with pytest.raises(ValueError, match="found none"):
        micro_batches.accumulate(problem, 4)
    with pytest.raises(ValueError, match="at least 1"):
        micro_batches.accumulate(step(), 0)
    with pytest.raises(ValueError, match="repeats already"):
        micro_batches.accumulate(micro_batches.accumulate(step(), 2), 2)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_tool_plans_repeats(tmp_path, count):
    problem = micro_batches.accumulate(step(), count)
    out, stats, trace = tmp_path / "plan.json", tmp_path / "stats.json", tmp_path / "trace.json"
    done = plan(tmp_path, problem, "--budget=5KiB", "-o", out, f"--stats={stats}", f"--trace={trace}")
    assert done.returncode == 0, done.stderr
    result = json.loads(stats.read_text())
    assert result["lower_bound"] <= result["cost"]
    inside = sum(op["cost_ns"]["compute"] for op in problem["operators"][2:6])
    total = sum(op["cost_ns"]["compute"] for op in problem["operators"])
    assert result["base_cost"] == total + (count - 1) * inside
    assert json.loads(trace.read_text())["traceEvents"]
    done = plan(tmp_path, problem, f"--check={out}")
    assert done.returncode == 0 and "the plan is right" in done.stdout
    # A plan for another number of micro-batches is another problem's.
    other = micro_batches.accumulate(step(), count + 1)
    done = plan(tmp_path, other, f"--check={out}")
    assert done.returncode == 1 and "fingerprint" in done.stderr


def test_the_table_of_policies(tmp_path):
    stats = tmp_path / "stats.json"
    done = plan(tmp_path, micro_batches.accumulate(step(), 3), "--all-policies", f"--stats={stats}")
    assert done.returncode == 0, done.stderr
    by_name = {p["policy"]: p for p in json.loads(stats.read_text())["policies"]}
    assert by_name["joint"]["feasible"] and by_name["keep-all"]["feasible"]


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda p: p["repeats"][0].update(count=0), ["expected first <= last", "positive count"]),
        (lambda p: p["operators"][-1]["reads"].append(1),
         ["repeat of operators 20 to 22", "operator 20 'f'", "storage 1 'x'", "operator 24 'adam'"]),
        (lambda p: p["repeats"].append({"first": 22, "last": 24, "count": 2}),
         ["repeat of operators 22 to 24", "operator 22 'g'", "ranges apart"]),
        (lambda p: p["repeats"][0].update(first=99), ["repeats[0].first", "the id of an operator"]),
    ],
)
def test_wrong_repeats_are_refused(tmp_path, change, words):
    problem = micro_batches.accumulate(step(), 3)
    change(problem)
    done = plan(tmp_path, problem)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
