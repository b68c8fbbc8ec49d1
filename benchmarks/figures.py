"""Measures the project's figures and writes them as a table.

    bash benchmarks/run.sh [FIGURE ...]

Each figure is a function that yields rows (what, limit, measured, whether it holds).
The table goes to standard output and to build/benchmarks/figures.md; the exit status
is 1 if a figure does not hold.
"""

import json
import sys
import time

import cases
import mutants
import tools
from tools import MIB, OUT


def pytorch(name, steps, *more):
    out = OUT / f"{name}.pytorch.json"
    tools.call(sys.executable, tools.SOURCE / "benchmarks/pytorch.py", name, steps, out, *more)
    return json.loads(out.read_text())


def losses():
    """20 steps of AdamW from the same weights on the same batches, in f32."""
    for name, case in cases.CASES.items():
        plan, *_ = case.model.compile("full")
        ours = tools.run(plan, steps=20, data=case.data_file())["losses"]
        theirs = pytorch(name, 20)["losses"]
        worst = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
        yield f"{name}: losses of 20 steps against PyTorch's, relative", "1e-4", \
            f"{worst:.1e}", worst <= 1e-4


def gradients():
    """One backward pass. SGD's momentum buffer is the first gradient, to the bit."""
    import numpy as np
    from safetensors.numpy import load_file
    for name, case in cases.CASES.items():
        plan, *_ = case.model.compile("gradients", optimizer="sgd(lr=0.001,momentum=0.9)")
        saved = OUT / f"{name}.state.safetensors"
        tools.run(plan, f"--save={saved}", steps=1, data=case.data_file())
        theirs_file = OUT / f"{name}.gradients.safetensors"
        pytorch(name, 0, "--gradients", str(theirs_file))
        suffix = ".momentum_buffer"
        ours = {key[:-len(suffix)]: value.astype(np.float64)
                for key, value in load_file(saved).items() if key.endswith(suffix)}
        theirs = {key: value.astype(np.float64) for key, value in load_file(theirs_file).items()}
        missing = sorted(set(theirs) ^ set(ours))
        total = np.sqrt(sum((value ** 2).sum() for value in theirs.values()))
        worst = max(
            np.linalg.norm(ours[key] - value.reshape(ours[key].shape))
            / max(np.linalg.norm(value), 1e-3 * total)
            for key, value in theirs.items() if key in ours)
        yield f"{name}: gradients of {len(theirs)} parameters against PyTorch's", "1e-4", \
            f"{worst:.1e}" + (f", not on both sides: {missing}" if missing else ""), \
            worst <= 1e-4 and not missing


def identity():
    """One state hash over budgets and policies; another one for another seed."""
    case = cases.CASES["gpt2"]
    data = case.data_file()
    plan, stats, *_ = case.model.compile("full")
    peak = stats["unconstrained_peak_bytes"]
    plans = {"joint 100 %": plan}
    for percent in (60, 35):
        plans[f"joint {percent} %"], *_ = case.model.compile(
            str(percent), f"--device-budget={peak * percent // 100}")
    for policy in ("keep-all", "recompute-all"):
        plans[policy], *_ = case.model.compile(policy, f"--policy={policy}")
    of_threads = {}
    for threads in (1, 2):
        hashes = {label: tools.run(plan, steps=3, data=data, threads=threads)["state_sha256"]
                  for label, plan in plans.items()}
        of_threads[threads] = set(hashes.values())
        yield f"state hashes over {', '.join(hashes)}, {threads} threads", "1", \
            str(len(of_threads[threads])), len(of_threads[threads]) == 1
    other = tools.run(plan, steps=3, data=data, seed=2)["state_sha256"]
    yield "another seed gives another hash", "yes", \
        "yes" if other not in of_threads[2] else "no", other not in of_threads[2]


def memory():
    """What was planned bounds what is touched, and the whole process."""
    case = cases.CASES["gpt2"]
    data = case.data_file()
    _, stats, *_ = case.model.compile("full")
    peak = stats["unconstrained_peak_bytes"]
    for percent in (100, 60, 35):
        plan, stats, *_ = case.model.compile(
            f"memory{percent}", f"--device-budget={peak * percent // 100}")
        run = tools.run(plan, steps=3, data=data)
        planned, touched = stats["peak_bytes"]["device"], run["measured_peak_bytes"]["device"]
        yield f"device bytes touched at {percent} %", f"{planned / MIB:.1f} MiB", \
            f"{touched / MIB:.1f} MiB", touched <= planned
        limit = sum(run["arena_bytes"].values()) * 1.02 + 96 * MIB
        yield f"resident bytes of the process at {percent} %", f"{limit / MIB:.0f} MiB", \
            f"{run['rss_peak_bytes'] / MIB:.0f} MiB", run["rss_peak_bytes"] <= limit


def compiling():
    """Large models, whose weights do not exist."""
    model = tools.Model("gpt2-124m", tools.EXAMPLES / "gpt2/gpt2-124m.onnx",
                        {"batch": 4, "sequence": 512}, "cross_entropy(logits,shift)")
    _, stats, cost = model.compile("full")
    yield f"GPT-2 124M, {stats['num_ops']} ops: import to plan", "5 s", cost.time(), \
        cost.seconds <= 5
    yield "its memory", "1024 MiB", f"{cost.peak / MIB:.0f} MiB", cost.peak <= 2**30
    llama = tools.EXAMPLES / "llama/llama-7b.onnx"
    model = tools.Model("llama-7b", llama, {"batch": 1, "sequence": 2048},
                        "cross_entropy(logits,shift)")
    _, stats, cost = model.compile("rtx4090", "--target=rtx4090-24g")
    yield f"Llama 7B for rtx4090-24g, {stats['num_ops']} ops: import to plan", "15 s", \
        cost.time(), cost.seconds <= 15
    yield "its memory", "2048 MiB", f"{cost.peak / MIB:.0f} MiB", cost.peak <= 2**31


def speed():
    """Both train one after the other, alone on the machine: medians over steps."""
    case = cases.CASES["gpt2"]
    plan, *_ = case.model.compile("full")
    ours = tools.median(tools.run(plan, steps=8, data=case.data_file())["step_seconds"][1:])
    theirs = tools.median(pytorch("gpt2", 8)["step_seconds"][1:])
    yield "GPT-2 step without a budget, over PyTorch's (eager, SDPA, fused AdamW)", "1.2", \
        f"{ours / theirs:.2f} ({ours:.3f} s / {theirs:.3f} s)", ours / theirs <= 1.2


def fidelity():
    """The simulator's step over the measured one, with links as slow as the target says. Kernels
    are measured in the plan that the target's own rates lead to, under the same budget: on a CPU
    the copies take some of the cores' time. Each run comes right after such a profile, and the
    median of five pairs counts: what else runs on the machine slows both alike."""
    case = cases.CASES["gpt2"]
    data = case.data_file()
    _, stats, *_ = case.model.compile("full", "--target=cpu-emulated")
    peak = stats["unconstrained_peak_bytes"]
    profile = tools.OUT / "gpt2.profile.json"
    for percent in (100, 60, 35):
        machine = ["--target=cpu-emulated", f"--device-budget={peak * percent // 100}"]
        by_rates, *_ = case.model.compile(f"rates{percent}", *machine)
        ratios = []
        for _ in range(5):
            tools.run(by_rates, "--emulate-links", f"--profile={profile}", steps=7, data=data)
            plan, stats, *_ = case.model.compile(f"profile{percent}", f"--profile={profile}",
                                                 *machine)
            steps = tools.run(plan, "--emulate-links", steps=7, data=data)["step_seconds"][1:]
            ratios.append(stats["predicted_step_seconds"] / tools.median(steps))
        ratio = tools.median(ratios)
        yield f"predicted over measured step at {percent} %", "0.95 to 1.05", \
            f"{ratio:.3f} ({min(ratios):.2f} to {max(ratios):.2f})", 0.95 <= ratio <= 1.05
    moving = stats["link_bytes"]["h2d"] / tools.EMULATED_LINK / stats["predicted_step_seconds"]
    yield "transfers into the device at 35 %, over the step", "0.5", f"{moving:.2f}", \
        moving >= 0.5


FIGURES = {function.__name__: function
           for function in (losses, gradients, identity, memory, compiling, speed,
                                  fidelity)}
FIGURES["mutants"] = mutants.figure


def rows_of(name):
    """The figure's rows as they come; a tool that fails is a row as well."""
    try:
        yield from FIGURES[name]()
    except (tools.Failed, OSError) as error:
        yield name, "", f"failed: {error}".replace("\n", " "), False


def main(names):
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"error: no figure {unknown}; expected some of {list(FIGURES)}", file=sys.stderr)
        return 2
    rows, missed = [], 0
    for name in names or FIGURES:
        start = time.monotonic()
        for what, limit, measured, holds in rows_of(name):
            missed += not holds
            rows.append(f"| {what} | {limit} | {measured} | {'yes' if holds else '**no**'} |")
            print(rows[-1], flush=True)
        print(f"   ({name}: {time.monotonic() - start:.0f} s)", file=sys.stderr, flush=True)
    OUT.mkdir(parents=True, exist_ok=True)
    head = f"Measured on {tools.machine()}.\n\n| figure | limit | measured | holds |\n" \
           "| --- | --- | --- | --- |\n"
    (OUT / "figures.md").write_text(head + "\n".join(rows) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
