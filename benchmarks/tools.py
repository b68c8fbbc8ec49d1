"""What the benchmarks share: they call the tools as a user would, and measure."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
BIN = SOURCE / "build/bin"
OUT = SOURCE / "build/benchmarks"
EXAMPLES = SOURCE / "examples"
MIB = 2**20
EMULATED_LINK = 130e6  # bytes a second, of targets/cpu-emulated.mlir


class Failed(Exception):
    """A tool did not do what it was asked; the message is what it said."""


@dataclass
class Cost:
    """What a process took: time by the clock and of the processors, peak resident bytes."""

    seconds: float
    cpu_seconds: float
    peak: int

    def time(self):
        return f"{self.seconds:.2f} s ({self.cpu_seconds:.2f} s of processor time)"


def call(*command, threads=None):
    """Runs a command and returns its Cost."""
    env = dict(os.environ)
    if threads:
        env["OPENBLAS_NUM_THREADS"] = env["OMP_NUM_THREADS"] = str(threads)
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                                 stderr=said, env=env)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            raise Failed(f"{Path(command[0]).name} exited with {child.returncode}: "
                         f"{said.read().decode(errors='replace')[-2000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def output(*command):
    """Standard output of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{Path(command[0]).name} exited with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


class Model:
    """An ONNX file with its dimensions, loss and optimizer, compiled on demand."""

    def __init__(self, name, path, dims, loss, optimizer="adamw(lr=0.001,weight_decay=0.01)"):
        self.name, self.path, self.dims = name, Path(path), dims
        self.loss, self.optimizer = loss, optimizer

    def compile(self, tag, *more, optimizer=None):
        """Returns (plan file, compile statistics, Cost)."""
        OUT.mkdir(parents=True, exist_ok=True)
        plan = OUT / f"{self.name}.{tag}.spill"
        stats = plan.with_suffix(".compile.json")
        dims = [word for name, value in self.dims.items() for word in ("--dim", f"{name}={value}")]
        cost = call(BIN / "spillwayc", self.path, *dims, f"--loss={self.loss}",
                             f"--optimizer={optimizer or self.optimizer}", f"--stats={stats}",
                             "--quiet", "-o", plan, *more)
        return plan, json.loads(stats.read_text()), cost


def run(plan, *more, steps, data, seed=1, deviation=0.02, threads=2):
    """Runs a plan; returns its statistics. No deviation: no random weights."""
    stats = plan.with_suffix(".run.json")
    call(BIN / "spillway-run", plan, f"--steps={steps}", f"--seed={seed}",
         f"--data={data}", f"--threads={threads}", "--quiet", f"--stats={stats}",
         *([f"--init=normal:{deviation}"] if deviation else []), *more, threads=threads)
    return json.loads(stats.read_text())


def median(values):
    return sorted(values)[len(values) // 2]


def machine():
    """One line on what was measured on."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown")
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def python_path():
    """Makes the helpers of the examples importable."""
    sys.path.insert(0, str(EXAMPLES / "common"))


def own_peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
