#!/usr/bin/env python3
# Part of the Spillway project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes a planning problem with micro-batches of one without.

`spillwayc --emit=problem` tells a step of one batch: forward, backward, updates.
`accumulate` makes of it a step that does forward and backward `count` times and adds up the
gradients before it updates:

* A gradient is what an update reads and what is made from a parameter. It becomes an accumulator: an
  operator makes zeros before the range, and the operator that wrote the gradient updates it, as a matrix
  product that adds to its result does. Such an operator runs once for each micro-batch: no more recomputing.
* The range has all that gradients and outputs are made from, in the order it was in.
* An output, the loss, is added up as well, by an operator of its own.
* Everything else, such as updates and what only they need, comes after the range.

    python benchmarks/planner/micro_batches.py llama.json 8 -o llama-8.json
    spillway-plan llama-8.json --budget=24GB
"""

import argparse
import copy
import json
import pathlib
import sys


def _storage(access):
    return access[0] if isinstance(access, list) else access


def _touched(op, sizes):
    """Bytes that an operator reads and writes."""
    accesses = op["reads"] + op["writes"] + 2 * op.get("updates", [])
    return sum(sizes[_storage(a)] for a in accesses if not isinstance(a, list))


class _Graph:
    def __init__(self, problem):
        self.problem = problem
        self.storages = {s["id"]: s for s in problem["storages"]}
        self.ops = problem["operators"]
        self.makers = {}
        for i, op in enumerate(self.ops):
            for a in op["writes"]:
                self.makers.setdefault(_storage(a), []).append(i)

    def ancestors(self, roots):
        """The operators that storages are made by, directly or not, and all storages read there."""
        ops, seen = set(), set()
        todo = [i for r in roots for i in self.makers.get(r, [])]
        while todo:
            i = todo.pop()
            if i in ops:
                continue
            ops.add(i)
            for a in self.ops[i]["reads"] + self.ops[i].get("updates", []):
                s = _storage(a)
                if s not in seen:
                    seen.add(s)
                    todo += self.makers.get(s, [])
        return ops, seen

    def gradients(self):
        """Temporaries that updates read, made from parameters and from no other such one."""
        kind = {i: s["kind"] for i, s in self.storages.items()}
        persistent, found = {}, []
        # Made from a parameter: forward through the operators, which are in a valid order.
        for op in self.ops:
            origin = any(
                kind[_storage(a)] == "persistent" or persistent.get(_storage(a)) for a in op["reads"]
            )
            for a in op["writes"]:
                persistent[_storage(a)] = persistent.get(_storage(a), False) or origin
        for op in self.ops:
            if any(kind[_storage(a)] == "persistent" for a in op.get("updates", [])):
                for a in op["reads"]:
                    s = _storage(a)
                    if kind[s] == "temporary" and persistent.get(s) and s not in found:
                        found.append(s)
        # What is made from another gradient, as a factor that clips them, belongs to the update.
        after, chosen = set(), set(found)
        for op in self.ops:
            if any(_storage(a) in chosen or _storage(a) in after for a in op["reads"]):
                after.update(_storage(a) for a in op["writes"])
        return [s for s in found if s not in after]


def accumulate(problem_json, count):
    """A copy of the problem (as json.load reads it) that repeats forward and backward `count` times."""
    if problem_json.get("repeats"):
        raise ValueError("the problem has repeats already, expected one without")
    if count < 1:
        raise ValueError(f"expected a count of at least 1, found {count}")
    problem = copy.deepcopy(problem_json)
    graph = _Graph(problem)
    gradients = graph.gradients()
    if not gradients:
        raise ValueError("expected updates that read gradients, found none")
    written = {_storage(a) for op in graph.ops for a in op["writes"]}
    outputs = [s["id"] for s in problem["storages"] if s.get("output") and s["id"] in written]
    # An output that is made from gradients, such as their norm, stays behind the range.
    inside = []
    for output in outputs:
        _, read = graph.ancestors([output])
        if not read & set(gradients):
            inside.append(output)
    in_range, _ = graph.ancestors(gradients + inside)

    sizes = {s["id"]: s["bytes"] for s in problem["storages"]}
    engine = problem["machine"]["engines"][0]["name"]
    costs = [op["cost_ns"][engine] for op in graph.ops if op["cost_ns"].get(engine, 0) > 0]
    least = min(costs, default=0)
    # The operator that touches most bytes in its time tells how fast bytes can be touched.
    rate = max(
        (_touched(op, sizes) / op["cost_ns"][engine] for op in graph.ops if op["cost_ns"].get(engine, 0) > 0),
        default=1.0,
    )

    def touch(size):
        return int(size / rate) + 1 if rate > 0 else 0

    next_op = max(op["id"] for op in graph.ops) + 1
    next_storage = max(sizes) + 1
    zeros, body, rest = [], [], []

    def zero(storage):
        nonlocal next_op
        zeros.append(
            {
                "id": next_op,
                "name": "zero " + graph.storages[storage].get("name", ""),
                "cost_ns": {engine: least + touch(sizes[storage])},
                "reads": [],
                "writes": [storage],
            }
        )
        next_op += 1

    grads = set(gradients)
    for s in gradients:
        zero(s)
    sums = {}
    for s in inside:
        total = dict(graph.storages[s], id=next_storage, name=graph.storages[s].get("name", "") + " (sum)")
        graph.storages[s].pop("output")
        problem["storages"].append(total)
        graph.storages[next_storage] = total
        sizes[next_storage] = sizes[s]
        sums[s] = next_storage
        zero(next_storage)
        next_storage += 1
    for i, op in enumerate(graph.ops):
        if i not in in_range:
            rest.append(op)
            continue
        body.append(op)
        summed = [a for a in op["writes"] if _storage(a) in grads]
        if summed:
            op["writes"] = [a for a in op["writes"] if _storage(a) not in grads]
            op["updates"] = op.get("updates", []) + summed
            op["recomputable"] = False
            op["in_place"] = [p for p in op.get("in_place", []) if not grads & set(p)]
            for a in summed:
                if not isinstance(a, list):
                    for e in op["cost_ns"]:
                        op["cost_ns"][e] += touch(sizes[a])
        for a in op["writes"]:
            s = _storage(a)
            if s in sums and i == graph.makers[s][-1]:
                body.append(
                    {
                        "id": next_op,
                        "name": "add " + graph.storages[s].get("name", ""),
                        "cost_ns": {engine: least + touch(3 * sizes[s])},
                        "reads": [s],
                        "writes": [],
                        "updates": [sums[s]],
                        "recomputable": False,
                    }
                )
                next_op += 1
    problem["operators"] = zeros + body + rest
    problem["name"] = f"{problem.get('name', '')} x {count}".strip()
    problem["repeats"] = [{"first": body[0]["id"], "last": body[-1]["id"], "count": count}]
    return problem


def dump(problem):
    """The problem as text, one line for each storage and operator."""
    lines = {k: json.dumps(v) for k, v in problem.items()}
    for key in ("storages", "operators"):
        lines[key] = "[\n" + ",\n".join(json.dumps(x) for x in problem[key]) + "]"
    return "{" + ",\n".join(f"{json.dumps(k)}: {v}" for k, v in lines.items()) + "}\n"


def main():
    parser = argparse.ArgumentParser(description="Make a planning problem with micro-batches.")
    parser.add_argument("problem", type=pathlib.Path)
    parser.add_argument("count", type=int)
    parser.add_argument("-o", dest="output", type=pathlib.Path, required=True)
    args = parser.parse_args()
    try:
        result = accumulate(json.loads(args.problem.read_text()), args.count)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"error: {args.problem}: {error}")
    args.output.write_text(dump(result))


if __name__ == "__main__":
    main()
