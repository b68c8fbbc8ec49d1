#!/usr/bin/env python3
"""Joint over the lower bound, on a grid of models, machines and batches.

    python benchmarks/planner/grid.py -o build/grid.json
    python benchmarks/planner/grid.py -o build/grid.json --only='llama-7b.*24 GB' --tokens=4096

Each model is a training step in f32 with a fixed micro-batch; a step of more tokens is several of
them. Each machine is a GPU with the rates of one target and 8, 24 or 80 GB, on PCI Express 3, 4 or 5,
with all the host memory that it takes, or with 64 GiB and an NVMe drive (machines.py). A point counts
where keep-all does not fit. At some points (`others`) every other policy is tried too.

What is in the file given by -o already, of the same problem and the same planner, is not planned again.
Exits with 1 if a target is missed.
"""

import argparse
import hashlib
import json
import math
import re
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cnn
import machines
import micro_batches

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import BIN, EXAMPLES, Failed, output  # noqa: E402

GEOMETRIC_MEAN, PERCENTILE_95, SECONDS_14B = 1.05, 1.20, 10.0
TOKENS = [4096, 16384, 65536, 524288]


@dataclass(frozen=True)
class Model:
    """`unit` tokens are one sample: a sequence, or an image (a patch of 16 x 16 pixels is a token,
    rounded to a power of two). `micro` samples are the micro-batch, for every machine."""

    name: str
    unit: int
    micro: int
    kind: str  # llama, gpt2, or a network of cnn.py
    size: str = ""

    def samples(self, tokens):
        """Samples of a micro-batch, and how many of those make a step of so many tokens."""
        total = max(1, tokens // self.unit)
        return min(self.micro, total), max(1, total // self.micro)


MODELS = [Model("gpt2-124m", 1024, 16, "gpt2"), Model("llama-7b", 2048, 2, "llama", "7b"),
          Model("llama-14b", 2048, 2, "llama", "14b"), Model("resnet50", 256, 256, "resnet50"),
          Model("unet", 1024, 16, "unet")]


@dataclass(frozen=True)
class Point:
    model: Model
    tokens: int
    memory: int
    pcie: int
    nvme: bool

    def name(self):
        return (f"{self.model.name}, {self.tokens // 1024}K tokens, {self.memory} GB, "
                f"PCIe {self.pcie}, {'NVMe' if self.nvme else 'host'}")

    def stem(self):
        return re.sub(r"[^\w]+", "-", self.name().lower())


def grid(tokens):
    return [Point(model, count, memory, pcie, nvme) for model in MODELS for count in tokens
            for memory in machines.DEVICE_BYTES for pcie in machines.PCIE_BYTES_PER_SECOND
            for nvme in (False, True)]


class Problems:
    """Makes the problem of a point. One micro-batch of a model is made once."""

    def __init__(self, options):
        self.options, self.steps = options, {}
        options.problems.mkdir(parents=True, exist_ok=True)

    def step(self, model, samples, count):
        key = model.name, samples, count
        if key not in self.steps:
            self.steps[key] = (self.make(model, samples) if count == 1 else
                               micro_batches.accumulate(self.step(model, samples, 1), count))
        return dict(self.steps[key])

    def make(self, model, samples):
        if model.kind in cnn.NETWORKS:
            return cnn.build(model.kind, samples, machines.machine(24, 4, False), self.options.target)[1]
        onnx = EXAMPLES / "gpt2/gpt2-124m.onnx"
        if model.kind == "llama":
            onnx = self.options.problems / f"{model.name}.onnx"
            output(sys.executable, EXAMPLES / "llama/generate.py", model.size, "-o", onnx)
        return json.loads(output(
            self.options.spillwayc, onnx, f"--target={self.options.target}", f"--dim=batch={samples}",
            f"--dim=sequence={model.unit}", "--loss=cross_entropy(logits,shift)",
            "--optimizer=adamw(lr=1e-4)", "--emit=problem", "--quiet"))

    def write(self, point):
        problem = self.step(point.model, *point.model.samples(point.tokens))
        problem["name"] = point.name()
        problem["machine"] = machines.machine(point.memory, point.pcie, point.nvme)
        path = self.options.problems / f"{point.stem()}.json"
        path.write_text(micro_batches.dump(problem))
        return path


def plan(options, problem, policy):
    """What the planner says of one problem and one policy, and its processor time."""
    stats = problem.with_suffix(".stats")
    stats.unlink(missing_ok=True)
    # The limit is of processor time: others may be using the machine.
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (options.timeout, options.timeout + 1))

    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([options.planner, problem, f"--policy={policy}", f"--stats={stats}",
                           *options.flags], capture_output=True, text=True, preexec_fn=limit)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    if done.returncode in (0, 1) and stats.exists():
        out = json.loads(stats.read_text())
    elif done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        out = {"feasible": False, "reason": f"no plan within {options.timeout} s of processor time"}
    else:
        out = {"feasible": False, "reason": f"exit status {done.returncode}: {done.stderr.strip()}"}
    stats.unlink(missing_ok=True)
    return out | {"user_seconds": seconds}


def usage(problem, stats):
    """Share of the step for which each link is busy."""
    busy = {}
    for link in json.loads(problem.read_text())["machine"]["links"]:
        moved = stats.get("link_bytes", {}).get(link["name"], 0)
        busy[link["name"]] = moved / link["bytes_per_second"] * 1e9 / stats["cost"]
    return {name: round(share, 4) for name, share in busy.items()}


def measure(options, point, problem):
    """Keep-all first: where it fits, the point does not count."""
    samples, count = point.model.samples(point.tokens)
    row = {"name": point.name(), "model": point.model.name, "tokens": point.tokens, "samples": samples,
           "micro_batches": count, "memory": point.memory, "pcie": point.pcie, "nvme": point.nvme}
    row["counts"] = not plan(options, problem, "keep-all")["feasible"]
    if not row["counts"]:
        return row
    stats = plan(options, problem, "joint")
    row["joint"] = {"feasible": stats["feasible"], "user_seconds": stats["user_seconds"]}
    if not stats["feasible"]:
        row["joint"]["reason"] = stats["reason"]
        # Below the floor of a tier no plan exists, whoever plans: no point either.
        row["impossible"] = "below the floor" in stats["reason"]
        row["counts"] = not row["impossible"]
        return row
    row["joint"] |= {"step": stats["cost"], "compute": stats["base_cost"], "bound": stats["lower_bound"],
                     "over_bound": stats["cost"] / max(1, stats["lower_bound"]),
                     "recomputed": stats["recomputed_cost"], "busy": usage(problem, stats)}
    return row


def other_policies(options):
    listed = output(options.planner, "--help").split("policies:\n")[1].splitlines()
    names = [line.split()[0] for line in listed if line.startswith("  ")]
    return [name for name in names if name not in ("joint", "keep-all", "poet-energy")]


def measure_others(options, row, problem):
    row["others"] = {}
    for policy in other_policies(options):
        stats = plan(options, problem, policy)
        row["others"][policy] = {"step": stats["cost"] if stats["feasible"] else None,
                                 "reason": stats.get("reason", ""),
                                 "user_seconds": stats["user_seconds"]}


def better_policies(row):
    """Policies whose step is shorter than joint's."""
    ours = row["joint"].get("step", math.inf)
    return {name: other["step"] for name, other in row.get("others", {}).items()
            if other["step"] is not None and other["step"] < ours}


def percentile(values, share):
    """The least value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary(rows, worst=8):
    """Figures over the points that count, and whether they reach their targets."""
    counted = [row for row in rows if row["counts"]]
    planned = sorted((row for row in counted if row["joint"]["feasible"]),
                     key=lambda row: -row["joint"]["over_bound"])
    out = {"points": len(rows), "counted": len(counted),
           "impossible": [row["name"] for row in rows if row.get("impossible")],
           "without_plan": [row["name"] for row in counted if not row["joint"]["feasible"]],
           "with_others": sum("others" in row for row in counted),
           "another_is_better": {row["name"]: list(better_policies(row)) for row in counted
                                 if better_policies(row)}}
    if planned:
        ratios = [row["joint"]["over_bound"] for row in planned]
        out["geometric_mean"] = math.exp(sum(map(math.log, ratios)) / len(ratios))
        out["percentile_95"] = percentile(ratios, 0.95)
        out["worst"] = {row["name"]: row["joint"]["over_bound"] for row in planned[:worst]}
    out["planning_seconds"] = {
        model: max(row["joint"]["user_seconds"] for row in counted if row["model"] == model)
        for model in dict.fromkeys(row["model"] for row in counted)}
    out["good"] = bool(planned and out["geometric_mean"] <= GEOMETRIC_MEAN
                       and out["percentile_95"] <= PERCENTILE_95
                       and out["planning_seconds"].get("llama-14b", 0) <= SECONDS_14B
                       and not out["without_plan"] and not out["another_is_better"])
    return out


def short_table(rows):
    """Step over the bound, geometric mean and worst: a row for each model and memory."""
    cells = {}
    for row in rows:
        if row["counts"] and row["joint"]["feasible"]:
            key = (row["model"], f"{row['memory']} GB", f"{row['tokens'] // 1024}K")
            cells.setdefault(key, {}).setdefault((row["nvme"], row["pcie"]), row["joint"]["over_bound"])
    columns = [(nvme, pcie) for nvme in (False, True) for pcie in machines.PCIE_BYTES_PER_SECOND]
    head = ["model", "GPU", "tokens", *(f"PCIe {p}{', NVMe' if n else ''}" for n, p in columns)]
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for key, values in cells.items():
        found = [f"{values[c]:.3f}" if c in values else "" for c in columns]
        lines.append(f"| {' | '.join([*key, *found])} |")
    return "\n".join(lines)


def say(figures):
    if "geometric_mean" in figures:
        print(f"\nstep over bound: geometric mean {figures['geometric_mean']:.4f} (<= {GEOMETRIC_MEAN}), "
              f"95th percentile {figures['percentile_95']:.4f} (<= {PERCENTILE_95}), "
              f"{figures['counted']} of {figures['points']} points count")
        for name, ratio in figures["worst"].items():
            print(f"  {ratio:.4f}  {name}")
    print(f"no plan: {figures['without_plan'] or 'nowhere'}; none exists (below the floor): "
          f"{figures['impossible'] or 'nowhere'}")
    print(f"another policy is better: {figures['another_is_better'] or 'nowhere'}, "
          f"of {figures['with_others']} points where all were tried")
    for model, seconds in figures["planning_seconds"].items():
        print(f"planning, at most: {model} {seconds:.1f} s of processor time")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", dest="out", type=Path, required=True, help="JSON, kept up to date")
    parser.add_argument("--only", default="", help="a regular expression over points' names")
    parser.add_argument("--others", default="4K tokens, (8|24) GB, PCIe 4",
                        help="where all policies are tried, likewise")
    parser.add_argument("--tokens", type=lambda t: [int(x) for x in t.split(",")], default=TOKENS)
    parser.add_argument("--target", default="rtx4090-24g", help="whose rates the GPU has")
    parser.add_argument("--timeout", type=int, default=60,
                        help="seconds of processor time for one plan")
    parser.add_argument("--problems", type=Path, help="where problems are written")
    parser.add_argument("--planner", type=Path, default=BIN / "spillway-plan")
    parser.add_argument("--spillwayc", type=Path, default=BIN / "spillwayc")
    parser.add_argument("flags", nargs="*", help="after --: more options for the planner")
    options = parser.parse_args()
    options.problems = options.problems or options.out.with_suffix("")
    return options


def read_rows(path, planner):
    """What was measured before with the same planner, by key."""
    data = json.loads(path.read_text()) if path.exists() else {}
    if data.get("planner") != planner:
        return {}
    return {row["key"]: row for row in data["rows"] + data["not_asked_for"]}


def main():
    options = parse()
    planner = hashlib.sha256(options.planner.read_bytes() + repr(options.flags).encode())
    old = read_rows(options.out, planner.hexdigest())
    problems, rows = Problems(options), []
    for point in grid(options.tokens):
        if not re.search(options.only, point.name()):
            continue
        problem = problems.write(point)
        key = planner.copy()
        key.update(problem.read_bytes())
        row = old.pop(key.hexdigest(), None) or measure(options, point, problem)
        row["key"] = key.hexdigest()
        if row["counts"] and "others" not in row and re.search(options.others, row["name"]):
            measure_others(options, row, problem)
        if not row["counts"]:
            problem.unlink()
        rows.append(row)
        data = {"target": options.target, "flags": options.flags, "planner": planner.hexdigest(),
                "summary": summary(rows), "rows": rows, "not_asked_for": list(old.values())}
        options.out.write_text(json.dumps(data, indent=1) + "\n")
        if row["counts"]:
            joint = row["joint"]
            print(f"{row['name']}: " + (f"{joint['over_bound']:.4f}" if joint["feasible"] else
                  joint["reason"]) + f", {joint['user_seconds']:.1f} s", flush=True)
    if not rows:
        raise Failed(f"no point's name matches '{options.only}'")
    print("\n" + short_table(rows))
    say(data["summary"])
    return 0 if data["summary"]["good"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"error: {failure}")
