#!/usr/bin/env python3
"""Synthetic training steps of any size, as planning problems.

usage: synthetic.py transformer|dag --operators=N [--tiers=1|2] [--tokens=N] [--seed=N] -o FILE.json

transformer: the layers of a 7B Llama in f32 with AdamW, as many as it takes, on a 24 GB card with
PCIe 4. dag: a random forward graph with skips of all lengths, its backward graph, and updates.
With one tier there is no host: then activations should dominate, so the default is more tokens.
"""

import argparse
import json
import math
import random

FLOPS, BANDWIDTH = 80e12, 1e12


class Step:
    def __init__(self, name, tiers):
        self.name, self.storages, self.operators = name, [], []
        self.machine = {"tiers": [{"name": "device", "capacity": None}], "links": [],
                        "engines": [{"name": "compute", "tier": "device"}]}
        if tiers == 2:
            self.machine["tiers"].append({"name": "host", "capacity": None})
            for name, ends in (("h2d", ("host", "device")), ("d2h", ("device", "host"))):
                self.machine["links"].append({"name": name, "from": ends[0], "to": ends[1],
                                              "bytes_per_second": 25_000_000_000, "latency_ns": 10000})

    def storage(self, name, size, kind="temporary", **more):
        if kind == "fed" and len(self.machine["tiers"]) == 1:
            more["home"] = "device"
        self.storages.append({"id": len(self.storages), "name": name, "bytes": int(size), "kind": kind, **more})
        return len(self.storages) - 1

    def parameter(self, size):
        """Weight and both moments."""
        return [self.storage(name, size, "persistent") for name in ("w", "m", "v")]

    def op(self, name, flops, reads, writes, in_place=(), updates=()):
        moved = sum(self.storages[s]["bytes"] for s in [*reads, *writes, *updates, *updates])
        cost = int(1e9 * max(flops / FLOPS, moved / BANDWIDTH)) + 2000
        op = {"id": len(self.operators), "name": name, "cost_ns": {"compute": cost}, "flops": int(flops),
              "reads": list(reads), "writes": list(writes)}
        if in_place:
            op["in_place"] = [[writes[0], s] for s in in_place]
        if updates:
            op["updates"], op["recomputable"] = list(updates), False
        self.operators.append(op)

    def make(self, name, size, flops, reads, in_place=()):
        out = self.storage(name, size)
        self.op(name, flops, reads, [out], in_place)
        return out

    def update(self, gradient, parameter):
        self.op("adamw", 12 * self.storages[gradient]["bytes"] / 4, [gradient, self.lr], [], updates=parameter)

    def write(self, path):
        with open(path, "w") as out:
            json.dump({"kind": "spillway-problem", "version": 1, "name": self.name, "machine": self.machine,
                       "storages": self.storages, "operators": self.operators, "repeats": []}, out)


def transformer(operators, tiers, tokens, width=4096, hidden=11008, sequence=2048):
    """Some 54 operators a layer."""
    step = Step(f"transformer of {operators} operators", tiers)
    ids = step.storage("ids", 8 * tokens, "fed")
    step.lr = step.storage("lr", 4, "fed")
    act, wide = 4 * tokens * width, 4 * tokens * hidden
    square, big = 2 * tokens * width * width, 2 * tokens * width * hidden
    table = step.parameter(4 * 32000 * width)
    x = step.make("embedding", act, 0, [ids, table[0]])
    layers = []
    for _ in range(max(1, round((operators - 6) / 54))):
        p = {n: step.parameter(4 * width * width) for n in "qkvo"}
        p |= {n: step.parameter(4 * width * hidden) for n in ("gate", "up", "down")}
        p |= {n: step.parameter(4 * width) for n in ("n1", "n2")}
        a = {"x": x}
        a["h"], a["s"] = step.storage("norm", act), step.storage("stats", 4 * tokens)
        step.op("norm", 0, [x, p["n1"][0]], [a["h"], a["s"]])
        for n in "qkv":
            a[n] = step.make(n, act, square, [a["h"], p[n][0]])
        for n in "qk":
            a[n] = step.make("rope", act, 0, [a[n]], [a[n]])
        a["c"], a["l"] = step.storage("context", act), step.storage("lse", 4 * tokens * 32)
        step.op("attention", 4 * tokens * sequence * width, [a["q"], a["k"], a["v"]], [a["c"], a["l"]])
        out = step.make("o", act, square, [a["c"], p["o"][0]])
        a["y"] = step.make("add", act, 0, [x, out], [out])
        a["h2"], a["s2"] = step.storage("norm", act), step.storage("stats", 4 * tokens)
        step.op("norm", 0, [a["y"], p["n2"][0]], [a["h2"], a["s2"]])
        a["gate"] = step.make("gate", wide, big, [a["h2"], p["gate"][0]])
        a["silu"] = step.make("silu", wide, 0, [a["gate"]], [a["gate"]])
        a["up"] = step.make("up", wide, big, [a["h2"], p["up"][0]])
        a["m"] = step.make("product", wide, 0, [a["silu"], a["up"]])
        out = step.make("down", act, big, [a["m"], p["down"][0]])
        x = step.make("add", act, 0, [a["y"], out], [out])
        layers.append((p, a))
    loss = step.storage("loss", 4, output=True)
    d = step.storage("dx", act)
    step.op("loss", 0, [x], [loss, d])
    for p, a in reversed(layers):
        def gradient(read, dy, name, flops):
            g = step.make("dw", step.storages[p[name][0]]["bytes"], flops, [read, dy])
            step.update(g, p[name])

        def norm(dy, x, stats, name):
            out, g = step.storage("dnorm", act), step.storage("dgamma", 4 * width)
            step.op("norm_grad", 0, [dy, x, p[name][0], stats], [out, g])
            step.update(g, p[name])
            return out

        dm = step.make("dm", wide, big, [d, p["down"][0]])
        gradient(a["m"], d, "down", big)
        dsilu = step.make("dsilu", wide, 0, [dm, a["up"]])
        dup = step.make("dup", wide, 0, [dm, a["silu"]], [dm])
        dgate = step.make("dgate", wide, 0, [dsilu, a["gate"]], [dsilu])
        dh = step.make("dh", act, big, [dup, p["up"][0]])
        gradient(a["h2"], dup, "up", big)
        other = step.make("dh", act, big, [dgate, p["gate"][0]])
        gradient(a["h2"], dgate, "gate", big)
        dh = step.make("add", act, 0, [dh, other], [dh])
        dy = step.make("add", act, 0, [d, norm(dh, a["y"], a["s2"], "n2")])
        dc = step.make("dc", act, square, [dy, p["o"][0]])
        gradient(a["c"], dy, "o", square)
        dq, dk, dv = (step.storage("d" + n, act) for n in "qkv")
        step.op("attention_grad", 10 * tokens * sequence * width,
                [dc, a["q"], a["k"], a["v"], a["c"], a["l"]], [dq, dk, dv])
        dh = None
        for n, dn in zip("qkv", (dq, dk, dv)):
            if n != "v":
                dn = step.make("rope_grad", act, 0, [dn], [dn])
            part = step.make("dh", act, square, [dn, p[n][0]])
            gradient(a["h"], dn, n, square)
            dh = part if dh is None else step.make("add", act, 0, [dh, part], [dh])
        d = step.make("add", act, 0, [dy, norm(dh, a["x"], a["s"], "n1")])
    g = step.make("dtable", 4 * 32000 * width, 0, [d, ids])
    step.update(g, table)
    return step


def dag(operators, tiers, seed):
    draw = random.Random(seed)
    step = Step(f"random graph of {operators} operators", tiers)
    step.lr = step.storage("lr", 4, "fed")
    forward = [(step.storage("input", 1 << 20, "fed"), [], None)]
    count = max(2, int(operators / 3.3))
    for i in range(1, count):
        ends = {len(forward) - 1}
        while draw.random() < 0.35:
            ends.add(len(forward) - 1 - min(len(forward) - 1, int(math.exp(draw.uniform(0, math.log(count))))))
        p = step.parameter(draw.randint(1 << 14, 1 << 20)) if draw.random() < 0.4 else None
        reads = [forward[j][0] for j in sorted(ends)]
        out = step.make("f", draw.randint(1 << 18, 1 << 24), draw.uniform(0, 4e9), reads + ([p[0]] if p else []))
        forward.append((out, sorted(ends), p))
    loss = step.storage("loss", 4, output=True)
    grads = {count - 1: step.storage("d", step.storages[forward[-1][0]]["bytes"])}
    step.op("loss", 0, [forward[-1][0]], [loss, grads[count - 1]])
    for i in range(count - 1, 0, -1):
        out, ends, p = forward[i]
        if i not in grads:
            continue  # nothing that counts reads it
        kept = [forward[j][0] for j in ends if draw.random() < 0.7]
        if draw.random() < 0.4:
            kept.append(out)
        for j in ends:
            if j == 0:
                continue
            old = [grads[j]] if j in grads else []
            grads[j] = step.make("d", step.storages[forward[j][0]]["bytes"], draw.uniform(0, 4e9),
                                 [grads[i], *kept, *old] + ([p[0]] if p else []), old)
        if p:
            g = step.make("dw", step.storages[p[0]]["bytes"], draw.uniform(0, 4e9), [grads[i], *kept])
            step.update(g, p)
    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["transformer", "dag"])
    parser.add_argument("--operators", type=int, required=True)
    parser.add_argument("--tiers", type=int, choices=[1, 2], default=2)
    parser.add_argument("--tokens", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", dest="output", required=True)
    o = parser.parse_args()
    if o.kind == "dag":
        step = dag(o.operators, o.tiers, o.seed)
    else:
        step = transformer(o.operators, o.tiers, o.tokens or (8192 if o.tiers == 2 else 65536))
    step.write(o.output)


if __name__ == "__main__":
    main()
