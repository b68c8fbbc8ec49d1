"""Tokens a second against device budget, every policy a curve.

    python benchmarks/planner/budget_curve.py MODEL.onnx --target=rtx4090-24g \
        --dim batch=4 --dim sequence=2048 --budgets=8,12,16,20,24 -o docs/images/budget-curve.svg

Extracts the planning problem with spillwayc, plans it with each policy at each budget (in GB) with
spillway-plan, and draws what the simulator says, with the proven bound as a ceiling. What was drawn
is left beside the picture as JSON; `--from=FILE.json` draws that again without planning.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/bin"


def run(*command):
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done


def extract(options, out):
    """Writes the problem; returns its tokens a step."""
    dims = [f"--dim={dim}" for dim in options.dim]
    done = run(BIN / "spillwayc", options.model, f"--target={options.target}", *dims,
               f"--loss={options.loss}", f"--optimizer={options.optimizer}",
               "--emit=problem", "-o", out)
    if done.returncode:
        sys.exit(done.stderr)
    tokens = 1
    for dim in options.dim:
        tokens *= int(dim.split("=")[1])
    return tokens


def plan(problem, policy, budget, iterations):
    with tempfile.NamedTemporaryFile(suffix=".json") as stats:
        done = run(BIN / "spillway-plan", problem, f"--policy={policy}",
                   f"--budget={int(budget * 1e9)}", f"--iterations={iterations}",
                   f"--stats={stats.name}")
        text = pathlib.Path(stats.name).read_text()
    return json.loads(text) if text else {"feasible": False, "why": done.stderr.strip()}


def policies():
    """Names, as the tool's help lists them."""
    lines = run(BIN / "spillway-plan", "--help").stdout.split("policies:\n")[1].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ")]


def measure(options):
    data = {"model": pathlib.Path(options.model).name, "target": options.target,
            "dims": options.dim, "budgets_gb": options.budgets, "policies": {}}
    with tempfile.TemporaryDirectory() as folder:
        problem = pathlib.Path(folder) / "problem.json"
        data["tokens"] = extract(options, problem)
        peak = plan(problem, "keep-all", 1e6, 0)
        data["keep_all_peak_gb"] = peak["peak_bytes"] / 1e9
        data["compute_seconds"] = peak["cost"] / 1e9
        data["bound_seconds"] = [None] * len(options.budgets)
        for name in options.policies or policies():
            seconds = []
            for index, budget in enumerate(options.budgets):
                stats = plan(problem, name, budget, options.iterations)
                seconds.append(stats["cost"] / 1e9 if stats.get("feasible") else None)
                if stats.get("lower_bound"):
                    data["bound_seconds"][index] = stats["lower_bound"] / 1e9
                print(f"{name} {budget} GB: {seconds[-1]}", flush=True)
            data["policies"][name] = seconds
    return data


def draw(data, out):
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    plt.rcParams.update({"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "spillway"})
    figure, axes = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
    budgets, tokens = data["budgets_gb"], data["tokens"]
    bound = [(b, tokens / s) for b, s in zip(budgets, data["bound_seconds"]) if s]
    ceiling = tokens / data["compute_seconds"] * 1.08
    axes.fill_between([b for b, _ in bound], [t for _, t in bound], ceiling, color="#dddddd",
                      label="no plan gets here (proven)", linewidth=0)
    others = {n: s for n, s in data["policies"].items() if n != "joint" and any(s)}
    without = [n for n, s in data["policies"].items() if not any(s) and n != "keep-all"]
    colours = plt.get_cmap("tab20")
    for index, (name, seconds) in enumerate(sorted(others.items())):
        points = [(b, tokens / s) for b, s in zip(budgets, seconds) if s]
        axes.plot(*zip(*points), color=colours(index % 20), linewidth=1,
                  marker="osv^D"[index % 5], markersize=3, label=name)
    points = [(b, tokens / s) for b, s in zip(budgets, data["policies"]["joint"]) if s]
    axes.plot(*zip(*points), color="#c8553d", linewidth=2.5, marker="o", markersize=5,
              label="joint", zorder=5)
    peak = data["keep_all_peak_gb"]
    margin = (budgets[-1] - budgets[0]) * 0.02
    if budgets[0] < peak < budgets[-1]:
        axes.axvspan(budgets[0] - margin, peak, color="#c8553d", alpha=0.05, linewidth=0)
    axes.text(0.99, 0.02, f"keep-all: out of memory below {peak:.0f} GB",
              transform=axes.transAxes, ha="right", color="#555555")
    if without:
        axes.text(0.99, 0.07, textwrap.fill(f"no plan at any of these budgets: {', '.join(without)}", 70),
                  transform=axes.transAxes, ha="right", va="bottom", color="#555555", fontsize=7)
    axes.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
    axes.set_xlabel("device budget [GB]")
    axes.set_ylabel("tokens a second (simulated)")
    axes.set_xlim(budgets[0] - margin, budgets[-1] + margin)
    axes.set_ylim(0, ceiling)
    axes.set_title(f"{data['model']} on {data['target']}, {', '.join(data['dims'])}\n"
                   "simulated, not yet measured on a GPU", fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False, fontsize=8)
    figure.savefig(out, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?")
    parser.add_argument("--target", default="rtx4090-24g")
    parser.add_argument("--dim", action="append", default=[])
    parser.add_argument("--loss", default="cross_entropy(logits,shift)")
    parser.add_argument("--optimizer", default="adamw(lr=1e-4)")
    parser.add_argument("--budgets", type=lambda text: [float(x) for x in text.split(",")],
                        default=[8.0, 12.0, 16.0, 20.0, 24.0])
    parser.add_argument("--policies", type=lambda text: text.split(","))
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--from", dest="source")
    parser.add_argument("-o", dest="out", required=True)
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    if options.source:
        data = json.loads(pathlib.Path(options.source).read_text())
    else:
        if not options.model:
            parser.error("expected a model, or --from=FILE.json")
        data = measure(options)
        out.with_suffix(".json").write_text(json.dumps(data, indent=1) + "\n")
    draw(data, out)


if __name__ == "__main__":
    main()
