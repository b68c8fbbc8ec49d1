#!/usr/bin/env python3
"""Recompute-only planning against the best published figures, every schedule replayed.

usage: remat.py --instances=DIR --replay=FILE [--jobs=N] [WORD ...]

DIR has the instances: `NAME.txt` flattened, `NAME_train.json` networkx node-link. FILE is a replayer:
a module with `load(file)` and `replay(instance, actions)`, which counts cost and peak of a schedule by
itself. WORDs choose rows whose name contains one of them. Each cell is one call of `spillway-plan`
with its default options. Exits with 1 if a schedule is wrong or a target is missed.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import BIN, Failed, call  # noqa: E402


@dataclass
class Cell:
    """One call: an instance, a budget, and what it has to reach, in percent more time."""

    instance: str
    percent: int
    best: float | None  # the best published, or our own aim where that is less
    digits: int = 1  # printed
    fixed: bool = False
    budget: int | None = None  # bytes; else of the given order's peak
    dtr: bool = False  # never worse than DTR, published or our own
    found: float = field(default=float("nan"))
    ours: float | None = None  # by the policy dtr
    seconds: float = 0
    fault: str = ""

    def name(self):
        return f"{self.instance}@{self.percent}" + (" fixed order" if self.fixed else "")

    def good(self):
        if self.fault:
            return False
        if self.ours is not None and self.found > self.ours:
            return False
        return self.best is None or round(self.found, self.digits) <= self.best


def cells():
    """MOCCASIN's table with FastSA's columns, proven optima, and DTR's traces."""
    table = {"fcn8": (0.0, 0.1, 3.0), "resnet50": (0.1, 0.3, 0.8), "RL1": (0.0, 0.3, 2.2),
             "RL2": (0.0, 0.0, 2.6), "RL4": (0.4, 2.5, 7.4)}
    out = [Cell(name, p, best) for name, row in table.items() for p, best in zip((90, 80, 70), row)]
    for name, p, best, digits in [("fcn8", 80, 0.1362, 4), ("RL1", 80, 2.2966, 4),
                                  ("vgg16_train", 90, 1.968, 3), ("vgg_unet_train", 60, 4.451, 3)]:
        out.append(Cell(name, p, best, digits, fixed=True))
    # Budgets are shares of the peak that DTR's own simulator counts.
    traces = {"DenseNet-121": (11020700000, 20.0), "ResNet-32": (10061200000, 17.0),
              "U-Net": (8415800000, 58.5), "LSTM": (5595100000, 25.0)}
    later = {("U-Net", 40): 24.1, ("ResNet-32", 50): 10.6}
    for name, (full, best) in traces.items():
        for p in (30, 40, 50):
            target = best if p == 30 else later.get((name, p))
            out.append(Cell(name, p, target, budget=full * p // 100, dtr=True))
    return out


def flatten(path, out):
    """A networkx graph as the replayer reads it: operator and storage i are node i."""
    graph = json.loads(path.read_text())
    index = {node["id"]: i for i, node in enumerate(graph["nodes"])}
    reads = [set() for _ in index]
    for link in graph.get("links", graph.get("edges")):
        reads[index[link["target"]]].add(index[link["source"]])
    lines = [f"{len(index)} {len(index)}", " ".join(str(int(n["cost_ram"])) for n in graph["nodes"]),
             " ".join(["0"] * (len(index) + 1))]
    for i, node in enumerate(graph["nodes"]):
        operands = " ".join(map(str, sorted(reads[i])))
        lines.append(f"{int(node['cost_cpu'])} {len(reads[i])} {operands} 1 {i}")
    out.write_text("\n".join(lines + ["0", ""]))
    return out


def given_peak(instance):
    """Of the given order, each storage freed after its last use."""
    _, size, workspace, ops, end = instance
    last = {s: i for i, (_, a, b) in enumerate(ops) for s in a + b}
    live, peak = set(), 0
    for i, (_, reads, writes) in enumerate(ops):
        if set(reads) - live:
            raise Failed("the given order is not valid")
        live |= set(writes)
        peak = max(peak, sum(size[s] for s in live) + workspace[i])
        live -= {s for s in reads + writes if last[s] == i and s not in end}
    return peak


def measure(cell, options, replayer, folder):
    flat = options.instances / f"{cell.instance}.txt"
    source, format = flat, "txt"
    if not flat.exists():
        source, format = options.instances / f"{cell.instance}.json", "networkx"
        flat = flatten(source, folder / f"{cell.name()}.txt")
    instance = replayer.load(flat)
    budget = cell.budget or given_peak(instance) * cell.percent // 100
    schedule = folder / f"{cell.name()}.schedule"

    def plan(policy):
        command = [BIN / "spillway-plan", source, f"--format={format}", f"--budget={budget}",
                   f"--schedule={schedule}", f"--policy={policy}"]
        cost = call(*command, *(["--fixed-order"] if cell.fixed else []))
        actions = [(word, int(number)) for word, number in
                   (line.split() for line in schedule.read_text().splitlines())]
        result = replayer.replay(instance, actions)
        if result["fault"]:
            raise Failed(f"{policy}: {result['fault']}")
        if result["peak"] > budget:
            raise Failed(f"{policy}: needs {result['peak']} bytes of {budget}")
        return 100 * (result["cost"] / result["base"] - 1), cost.cpu_seconds

    try:
        cell.found, cell.seconds = plan("joint")
    except Failed as reason:
        cell.fault = str(reason)
    if cell.dtr:
        try:
            cell.ours, _ = plan("dtr")
        except Failed:
            pass  # finds none
    return cell


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--instances", type=Path, required=True)
    parser.add_argument("--replay", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    spec = importlib.util.spec_from_file_location("replayer", options.replay)
    replayer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(replayer)
    for name in sorted({cell.instance for cell in cells()}):
        if not any((options.instances / f"{name}.{ending}").exists() for ending in ("txt", "json")):
            parser.error(f"--instances: expected {name}.txt or {name}.json in {options.instances}, found neither")
    chosen = [c for c in cells() if not options.words or any(w in c.name() for w in options.words)]
    print("| instance | time increase % | to reach % | policy dtr % | processor s | |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        for cell in pool.map(lambda c: measure(c, options, replayer, Path(folder)), chosen):
            best = "-" if cell.best is None else f"{cell.best:.{cell.digits}f}"
            ours = f"{cell.ours:.1f}" if cell.ours is not None else "none" if cell.dtr else "-"
            print(f"| {cell.name()} | {cell.found:.4f} | {best} | {ours} | {cell.seconds:.1f} | "
                  f"{'' if cell.good() else cell.fault or 'missed'} |", flush=True)
    return 0 if all(cell.good() for cell in chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
