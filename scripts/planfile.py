"""Reads a plan file as Python objects, through FlatBuffers' own compiler."""

import itertools
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


def times(plan):
    """When each instruction of the body starts and ends, in ns, and the step's length.

    Instructions of the host have no time of their own: they count as running when the
    one before them in the order of issue starts.
    """
    start, stop, now = [], [], 0
    for instruction in plan["body"]:
        if instruction.get("duration_ns", 0):
            now = instruction.get("start_ns", 0)
        start.append(now)
        stop.append(now + instruction.get("duration_ns", 0))
    return start, stop, max(plan["report"]["predicted_step_ns"], *stop)


def lifetimes(plan, tier):
    """(category, bytes, from, to) of everything that a tier holds over the steady step."""
    start, stop, step = times(plan)
    held = []
    for buffer in plan["buffers"]:
        if buffer["location"]["tier"] != tier:
            continue
        first, last, low = buffer["first"], buffer["last"], buffer["location"]["offset"]
        begin = 0 if first == 0 else start[first]
        until = step if last == len(plan["body"]) - 1 else stop[last]
        # What lives over the end of the step is there when it starts.
        pieces = [(begin, until)] if first <= last else [(0, until), (begin, step)]
        category = buffer.get("category") or "other"
        held += [[low, low + buffer["bytes"], *piece, category] for piece in pieces]
    # Bytes that a later buffer takes over are counted once: from then on as its own.
    held.sort()
    for i, early in enumerate(held):
        for late in itertools.takewhile(lambda other: other[0] < early[1], held[i + 1:]):
            a, b = sorted((early, late), key=lambda entry: entry[2])
            a[3] = min(a[3], b[2])
    for low, high, begin, until, category in held:
        yield category, high - low, begin, until


def occupancy(plan, tier=0):
    """What a tier holds over the steady step.

    Returns (times, totals): ascending times in ns, and for each category of buffer the
    bytes held from each time to the next.
    """
    changes, categories = {0: {}}, set()
    for category, size, begin, until in lifetimes(plan, tier):
        categories.add(category)
        for time, delta in ((begin, size), (until, -size)):
            change = changes.setdefault(time, {})
            change[category] = change.get(category, 0) + delta
    ascending = sorted(changes)
    held = dict.fromkeys(sorted(categories), 0)
    totals = {category: [] for category in held}
    for time in ascending:
        for category, delta in changes[time].items():
            held[category] += delta
        for category, size in held.items():
            totals[category].append(size)
    return ascending, totals


def thin(ascending, totals, bins=500):
    """The same in at most `bins` columns, each as it is when it holds the most."""
    step, chosen = ascending[-1], {}
    for i, time in enumerate(ascending[:-1]):
        size = sum(held[i] for held in totals.values())
        column = time * bins // step
        # What is held when a column begins was there before, too.
        if column not in chosen or size > chosen[column][0]:
            chosen[column] = (size, i)
    picked = [chosen[column][1] for column in sorted(chosen)]
    columns = [column * step // bins for column in sorted(chosen)] + [step]
    return columns, {name: [held[i] for i in picked] + [held[picked[-1]]]
                     for name, held in totals.items()}
