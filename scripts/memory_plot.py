"""Draws device memory over one step, coloured by what it holds.

    python scripts/memory_plot.py OUT.svg LABEL=PLAN.spill ...
"""

import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

import planfile  # noqa: E402

# From the bottom: what stays, then what comes and goes.
COLOURS = {
    "parameter": "#3d5a80",
    "state": "#6d8bb0",
    "input": "#b8c4d6",
    "constant": "#d3d9e2",
    "gradient": "#e0a458",
    "activation": "#c8553d",
    "workspace": "#8d8d8d",
}


def draw(out, plans):
    """`plans` are (label, path); the panels share their axes."""
    # Text as text keeps the file small; a fixed salt and no date keep it the same.
    plt.rcParams.update({"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "spillway"})
    figure, panels = plt.subplots(1, len(plans), sharey=True, squeeze=False,
                                  figsize=(3.6 * len(plans), 3.2), layout="constrained")
    drawn = {}
    for panel, (label, path) in zip(panels[0], plans):
        plan = planfile.read(path)
        times, totals = planfile.thin(*planfile.occupancy(plan))
        seconds = [time / 1e9 for time in times]
        names = [name for name in COLOURS if name in totals]
        names += [name for name in totals if name not in COLOURS]
        layers = [[round(held / 2**20, 2) for held in totals[name]] for name in names]
        areas = panel.stackplot(seconds, layers, step="post", linewidth=0,
                                colors=[COLOURS.get(name, "#555555") for name in names])
        drawn.update(zip(names, areas))
        arena = plan["tiers"][0]["arena_bytes"] / 2**20
        panel.axhline(arena, color="black", linewidth=0.8, linestyle="--")
        panel.annotate(f"{arena:.0f} MiB", (seconds[-1], arena), xytext=(-2, 2),
                       textcoords="offset points", ha="right", va="bottom")
        panel.set_title(label)
        panel.set_xlabel("predicted time in the step [s]")
        panel.set_xlim(0, seconds[-1])
        panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("device memory [MiB]")
    panels[0][0].set_ylim(0, panels[0][0].get_ylim()[1] * 1.05)
    order = [name for name in [*COLOURS, *drawn] if name in drawn]
    order = list(dict.fromkeys(order))
    figure.legend([drawn[name] for name in order], order, loc="outside lower center",
                  ncols=len(order), frameon=False)
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    draw(sys.argv[1], [argument.split("=", 1) for argument in sys.argv[2:]])
