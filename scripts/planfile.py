"""Reads a plan file as Python objects, through FlatBuffers' own compiler."""

import json
import subprocess
import tempfile
from pathlib import Path

SCHEMA = Path(__file__).resolve().parent.parent / "include/spillway/Plan/plan.fbs"


def read(path):
    """The plan as nested dicts and lists; fields that are not there are left out."""
    with tempfile.TemporaryDirectory() as out:
        # flatc wants to see its own file ending, and no trailer behind the buffer.
        binary = Path(out) / "plan.bin"
        binary.write_bytes(Path(path).read_bytes()[:-32])
        subprocess.run(["flatc", "--json", "--strict-json", "--defaults-json", "--raw-binary",
                        "-o", out, SCHEMA, "--", binary], check=True, capture_output=True)
        return json.loads((Path(out) / "plan.json").read_text())


def occupancy(plan, tier=0):
    """What a tier holds over the steady step.

    Returns (times, totals): ascending times in ns, and for each category of buffer the
    bytes held from each time to the next. A buffer is held from the start of the
    instruction that first touches it to the end of the last that does; one that wraps
    around is there at the step's start and at its end.
    """
    body = plan["body"]
    begin = [i.get("start_ns", 0) for i in body]
    end = [i.get("start_ns", 0) + i.get("duration_ns", 0) for i in body]
    step = max(plan["report"]["predicted_step_ns"], max(end, default=0))
    changes = {}
    for buffer in plan["buffers"]:
        if buffer["location"]["tier"] != tier:
            continue
        first, last = begin[buffer["first"]], end[buffer["last"]]
        pieces = [(first, last)]
        if buffer["last"] < buffer["first"]:
            pieces = [(0, last), (first, step)]
        for start, stop in pieces:
            for time, sign in ((start, 1), (stop, -1)):
                category = changes.setdefault(time, {})
                name = buffer.get("category") or "other"
                category[name] = category.get(name, 0) + sign * buffer["bytes"]
    times = sorted({0, step, *changes})
    names = sorted({name for change in changes.values() for name in change})
    totals = {name: [] for name in names}
    held = dict.fromkeys(names, 0)
    for time in times:
        for name, delta in changes.get(time, {}).items():
            held[name] += delta
        for name in names:
            totals[name].append(held[name])
    return times, totals
