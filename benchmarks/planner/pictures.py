"""The pictures and the table of docs/planner.md that show one plan and all policies.

    python benchmarks/planner/pictures.py [MODEL.onnx --dim NAME=N ...] [--budget=35%]

Without a model, GPT-2 of the demo (8 x 256 tokens) on the target `cpu-emulated`. Writes
docs/images/plan-memory.svg (the device's bytes over a step), plan-streams.svg (what the streams do),
policies.svg and policies.md (all policies at that budget). What spillway-plan said is left beside
them in policies.json; `--from=policies.json` draws the last two again without planning.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import budget_curve

ROOT = budget_curve.ROOT
LIMIT = 60  # seconds for a policy
COLOURS = {"run": "#4c72b0", "recompute": "#c8553d", "load": "#55a868", "store": "#8172b2"}


def pyplot():
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    plt.rcParams.update({"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "spillway",
                         "axes.spines.top": False, "axes.spines.right": False})
    return plt


def save(figure, path):
    figure.savefig(path, metadata={"Date": None})
    print(path)


class Planner:
    """spillway-plan on one problem."""

    def __init__(self, problem, folder):
        self.problem, self.folder = problem, folder

    def __call__(self, policy, budget=None):
        """Statistics (with `wall_seconds`), the events of the timeline, the plan's actions."""
        stats, trace, plan = (self.folder / f"{x}.json" for x in ("stats", "trace", "plan"))
        for path in (stats, trace, plan):
            path.unlink(missing_ok=True)
        start = time.monotonic()
        command = [budget_curve.BIN / "spillway-plan", self.problem, f"--policy={policy}",
                   f"--stats={stats}", f"--trace={trace}", "-o", plan]
        command += [f"--budget={budget}"] if budget else []
        try:
            why = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                                 timeout=LIMIT).stderr
        except subprocess.TimeoutExpired:
            why = f"not done within {LIMIT} s"
        said = json.loads(stats.read_text()) if stats.exists() else {"feasible": False}
        said["wall_seconds"] = time.monotonic() - start
        if not said["feasible"]:
            said["why"] = why.strip().removeprefix("error: ").split("; ")[0]
        if not said["feasible"]:
            return said, [], []
        return said, json.loads(trace.read_text())["traceEvents"], \
            json.loads(plan.read_text())["actions"]


def spans(events):
    """By stream: (start, duration, name) in milliseconds."""
    names = {e["tid"]: e["args"]["name"] for e in events if e["ph"] == "M"
             and e["name"] == "thread_name"}
    out = {name: [] for name in names.values()}
    for e in events:
        if e["ph"] == "X":
            out[names[e["tid"]]].append((e["ts"] / 1e3, e["dur"] / 1e3, e["name"]))
    return {name: sorted(list_of) for name, list_of in out.items() if list_of}


def draw_memory(plans, out):
    """Device bytes over the share of the step that has passed."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
    for (label, said, events, _), colour in zip(plans, ("#888888", "#4c72b0", "#c8553d")):
        # Counted by order of issue; the streams' starts are close to it, not the same.
        points = sorted((e["ts"] / said["cost"] * 1e3, e["args"]["bytes"] / 2**20)
                        for e in events if e["ph"] == "C" and e["name"] == "device bytes")
        axes.step(*zip(*points), where="post", color=colour, linewidth=1.2,
                  label=f"{label}: step {said['cost'] / 1e9:.2f} s")
        if label != "keep-all":
            axes.axhline(said["budget_bytes"] / 2**20, color=colour, linewidth=0.6, linestyle="--")
    axes.set_xlabel("share of the step")
    axes.set_ylabel("device memory [MiB]")
    axes.set_xlim(0, 1)
    axes.set_ylim(0)
    axes.legend(frameon=False, fontsize=8, loc="lower center", ncols=3)
    save(figure, out)


def draw_streams(events, actions, out):
    runs = [action[1] for action in actions if action[0] == "run"]
    again = iter([op in runs[:at] for at, op in enumerate(runs)])  # a stream runs in order
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7.2, 2.4), layout="constrained")
    streams = spans(events)
    for row, (stream, list_of) in enumerate(streams.items()):
        bars = {}
        for start, duration, name in list_of:
            kind = name.split()[0] if name.split()[0] in ("load", "store") else \
                "recompute" if next(again) else "run"
            bars.setdefault(kind, []).append((start, duration))
        for kind, parts in bars.items():
            axes.broken_barh(parts, (row - 0.4, 0.8), color=COLOURS[kind], linewidth=0)
    axes.set_yticks(range(len(streams)), streams)
    axes.invert_yaxis()
    axes.set_xlabel("time in the steady step [ms]")
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[kind]) for kind in COLOURS]
    figure.legend(handles, ["run", "run again", "load", "store"], frameon=False, fontsize=8,
                  loc="outside upper center", ncols=4)
    save(figure, out)


def draw_policies(data, out):
    plt = pyplot()
    rows = sorted(((name, said["cost"] / data["compute"]) for name, said in
                   data["policies"].items() if said["feasible"]), key=lambda row: (row[1], row[0]))
    figure, axes = plt.subplots(figsize=(7.2, 0.22 * len(rows) + 0.9), layout="constrained")
    widest = 3 * rows[0][1]
    for row, (name, ratio) in enumerate(rows):
        axes.barh(row, min(ratio, widest), color="#c8553d" if name == "joint" else "#9db4d3")
        axes.text(min(ratio, widest), row, f" {ratio:.2f}", va="center", fontsize=8)
        if ratio > widest:  # cut short: a gap says so
            for x in (0.955, 0.97):
                axes.plot([(x - 0.006) * widest, (x + 0.006) * widest], [row + 0.5, row - 0.5],
                          color="white", linewidth=2.5)
    axes.axvline(data["bound"] / data["compute"], color="black", linewidth=1)
    axes.annotate("proven bound", (data["bound"] / data["compute"], -1.0), (4, 0),
                  textcoords="offset points", fontsize=8, va="center")
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, widest * 1.08)
    axes.set_xlabel("simulated step over the compute time")
    axes.set_title(data["what"], fontsize=9, loc="left", pad=18)
    save(figure, out)


def table(data):
    """As Markdown; policies without a plan come last, with what they say."""
    lines = ["| policy | step over compute | over the bound | peak MiB | moved MiB | run again |"
             " seconds |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, s in sorted(data["policies"].items(), key=lambda row: (
            not row[1]["feasible"], row[1].get("cost", 0), row[0])):
        if s["feasible"]:
            moved = sum(s["link_bytes"].values()) / 2**20
            lines.append(f"| `{name}` | {s['cost'] / data['compute']:.2f} | "
                         f"{s['cost'] / data['bound']:.2f} | {s['peak_bytes'] / 2**20:.0f} | "
                         f"{moved:.0f} | {s['num_recomputed']} | {s['wall_seconds']:.1f} |")
        else:
            lines.append(f"| `{name}` | {s['why']} | | | | | {s['wall_seconds']:.1f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default=ROOT / "examples/gpt2/gpt2-demo.onnx")
    parser.add_argument("--target", default="cpu-emulated")
    parser.add_argument("--dim", action="append")
    parser.add_argument("--loss", default="cross_entropy(logits,shift)")
    parser.add_argument("--optimizer", default="adamw(lr=1e-3)")
    parser.add_argument("--budget", default="60%")
    parser.add_argument("--policies", type=lambda text: text.split(","))
    parser.add_argument("--from", dest="source")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/images")
    options = parser.parse_args()
    options.dim = options.dim or ["batch=8", "sequence=256"]
    if options.source:
        data = json.loads(pathlib.Path(options.source).read_text())
    else:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            budget_curve.extract(options, folder / "problem.json")
            plan = Planner(folder / "problem.json", folder)
            free, *rest = plan("keep-all")
            if not free["feasible"]:
                sys.exit(f"keep-all has no plan on this machine: {free['why']}")
            plans = [("keep-all", free, *rest)]
            for budget in ("60%", "35%"):
                plans.append((f"joint at {budget}", *plan("joint", budget)))
            draw_memory(plans, options.out / "plan-memory.svg")
            draw_streams(*plans[-1][2:], options.out / "plan-streams.svg")
            data = {"what": f"{pathlib.Path(options.model).stem}, {', '.join(options.dim)}, "
                            f"{options.target}, budget {options.budget} of keep-all's peak",
                    "compute": free["base_cost"], "policies": {}}
            for name in options.policies or budget_curve.policies():
                said, *_ = plan(name, options.budget)
                keys = ("feasible", "cost", "peak_bytes", "link_bytes", "num_recomputed",
                        "wall_seconds", "why")
                data["bound"] = said.get("lower_bound", data.get("bound"))
                data["policies"][name] = {key: said[key] for key in keys if key in said}
                print(name, said.get("cost", said.get("why")), f"{said['wall_seconds']:.1f} s",
                      flush=True)
        (options.out / "policies.json").write_text(json.dumps(data, indent=1) + "\n")
    draw_policies(data, options.out / "policies.svg")
    (options.out / "policies.md").write_text(table(data))


if __name__ == "__main__":
    main()
