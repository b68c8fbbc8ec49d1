"""GPT-2's plan at 35 % of its memory, damaged 10,000 times with the checksum made right
again: every mutant that the verifier accepts is run, and must end in the original state.

The shape is small, so that all of them can be run; three steps, so that what a step
leaves for the next one is read twice.
"""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import cases
import tools

COUNT, STEPS = 10000, 3


def outcome(plan, data, weights):
    """Losses and state hash; where the run fails, what it said."""
    try:
        run = tools.run(plan, f"--weights={weights}", steps=STEPS, data=data, threads=1,
                        deviation=None)
    except tools.Failed as error:
        return str(error)
    return run["losses"], run["state_sha256"]


def figure():
    gpt2 = cases.CASES["gpt2"]
    model = tools.Model("gpt2-mutants", gpt2.model.path, {"batch": 2, "sequence": 64},
                        gpt2.model.loss)
    data = cases.Case(model, 2, 64, gpt2.module, gpt2.loss).data_file()
    _, stats, _ = model.compile("full")
    plan, stats, _ = model.compile(
        "35", f"--device-budget={stats['unconstrained_peak_bytes'] * 35 // 100}")
    moved = f"{stats['num_swapped']} swapped, {stats['num_recomputed']} recomputed"
    folder = tools.OUT / "mutants"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    said = tools.output(tools.BIN / "spillway-mutate", plan, f"--count={COUNT}",
                        f"--out={folder}")
    summary = json.loads(said)
    # Reading weights is faster than making them.
    weights = folder / "weights.safetensors"
    tools.run(plan, f"--save={weights}", steps=0, data=data)
    expected = outcome(plan, data, weights)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(lambda name: outcome(folder / name, data, weights),
                            summary["written"])
        different = {name: what for (name, what), got in zip(summary["written"].items(), outcomes)
                     if got != expected}
    for name, what in different.items():
        print(f"{folder / name}: {what}", flush=True)
    yield f"mutants of GPT-2's plan at 35 % ({moved}) with another result, of " \
        f"{len(summary['written'])} that the verifier accepts out of {COUNT}, " \
        f"run for {STEPS} steps", "0", str(len(different)), \
        not different and not isinstance(expected, str)
    shutil.rmtree(folder)
