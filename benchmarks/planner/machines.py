"""Machines of the grid, in the form of a planning problem (docs/planning-model.md).

Rates are those of a file under targets/. What the grid varies is the device's memory, the generation of
PCI Express, and whether the host has all the memory that it takes or 64 GiB and an NVMe drive.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GIB = 2**30

# Device memory less what the target of such a card keeps back.
DEVICE_BYTES = {8: 8 * GIB - 768 * 2**20, 24: 24 * GIB - GIB, 80: 80 * 10**9 - GIB}
# PCI Express x16, each way at the same time, less 128b/130b encoding; of that, what pinned copies
# reach (targets/rtx4090-24g.mlir).
PCIE_BYTES_PER_SECOND = {3: 15.75e9 * 0.82, 4: 31.5e9 * 0.82, 5: 63e9 * 0.82}
PCIE_LATENCY_NS = 10000
# With a drive: a 64 GiB host less 8 GiB for everything else, and a drive of PCI Express 4 as in
# targets/rtx4090-24g.mlir, whose reads and writes take turns and pass through the host.
SMALL_HOST_BYTES = 56 * GIB
NVME_BYTES = 1800 * 10**9
NVME_READ, NVME_WRITE = 7450e6 * 0.85, 6900e6 * 0.8
NVME_READ_LATENCY_NS, NVME_WRITE_LATENCY_NS = 80000, 30000

PREFIXES = {"": 1, "M": 1e6, "G": 1e9, "T": 1e12}


def machine(memory, pcie, nvme):
    """The machine of a problem: a device of `memory` GB on PCI Express of a generation."""
    rate = int(PCIE_BYTES_PER_SECOND[pcie])

    def link(name, source, to, speed, latency, group):
        return {"name": name, "from": source, "to": to, "bytes_per_second": int(speed),
                "latency_ns": latency, "group": group}

    tiers = [{"name": "device", "capacity": DEVICE_BYTES[memory]},
             {"name": "host", "capacity": SMALL_HOST_BYTES if nvme else None}]
    links = [link("h2d", "host", "device", rate, PCIE_LATENCY_NS, 0),
             link("d2h", "device", "host", rate, PCIE_LATENCY_NS, 0)]
    if nvme:
        tiers.append({"name": "nvme", "capacity": NVME_BYTES})
        links += [link("nvme_read", "nvme", "host", NVME_READ, NVME_READ_LATENCY_NS, 1),
                  link("nvme_write", "host", "nvme", NVME_WRITE, NVME_WRITE_LATENCY_NS, 1)]
    return {"tiers": tiers, "links": links,
            "engines": [{"name": "compute", "tier": "device"}, {"name": "cpu", "tier": "host"}]}


def parse_rate(text):
    """'1008GB/s' in bytes, '82600GFLOP/s' in operations a second."""
    match = re.fullmatch(r"([\d.]+)([MGT]?)(B/s|FLOP/s)", text)
    if not match:
        raise ValueError(f"expected a rate such as 1008GB/s, found '{text}'")
    return float(match[1]) * PREFIXES[match[2]]


@dataclass
class Engine:
    """What one engine does in a second, efficiencies included (f32)."""

    launch_ns: int
    memory: float
    rates: dict  # by kind of work

    def cost_ns(self, kind, flops, moved):
        """The roofline that the compiler uses."""
        seconds = max(flops / self.rates[kind], moved / self.memory)
        return self.launch_ns + math.ceil(seconds * 1e9)


def engines(target):
    """Engines by name, read from targets/TARGET.mlir."""
    text = re.sub(r"//.*", "", (ROOT / "targets" / f"{target}.mlir").read_text())
    out = {}
    for match in re.finditer(r"hw\.engine @(\w+) on @\w+ lanes \d+ launch (\d+)us memory (\S+)"
                             r"(?: efficiency ([\d.]+))? rates \[([^\]]*)\]", text):
        name, launch, memory, efficiency, rates = match.groups()
        out[name] = Engine(int(launch) * 1000, parse_rate(memory) * float(efficiency or 1), {
            kind: parse_rate(rate) * float(share or 1) for kind, rate, share in
            re.findall(r"(\w+) f32 (\S+?)(?: efficiency ([\d.]+))?(?:,|$)", rates)})
    if not out:
        raise ValueError(f"targets/{target}.mlir: expected engines, found none that can be read")
    return out
