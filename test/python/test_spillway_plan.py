"""spillway-plan: formats, outputs, refusals."""

import gzip
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("SPILLWAY_BUILD", ROOT / "build")) / "bin" / "spillway-plan"

# Four operators forward, four backward; the backward ones read the forward ones' results.
CHAIN = """8 8
100 100 100 100 10 10 10 10
0 0 0 0 0 0 0 0 0
50 0 1 0
40 1 0 1 1
30 1 1 1 2
20 1 2 1 3
20 2 3 2 1 4
30 2 4 1 1 5
40 2 5 0 1 6
50 1 6 1 7
1 7
"""


def run(*args):
    return subprocess.run([str(TOOL), *map(str, args)], capture_output=True, text=True)


def refused(result, *words):
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


def replay(text, schedule):
    """Trusts nobody: returns cost and peak of a schedule."""
    lines = text.strip().split("\n")
    n, _ = map(int, lines[0].split())
    size = list(map(int, lines[1].split()))
    ops = []
    for line in lines[3 : 3 + n]:
        a = list(map(int, line.split()))
        k = a[1]
        ops.append((a[0], a[2 : 2 + k], a[3 + k :]))
    live, memory, peak, cost, done = set(), 0, 0, 0, set()
    for action in schedule.strip().split("\n"):
        verb, x = action.split()
        x = int(x)
        if verb == "run":
            assert all(s in live for s in ops[x][1])
            for s in ops[x][2]:
                if s not in live:
                    live.add(s)
                    memory += size[s]
            peak, cost = max(peak, memory), cost + ops[x][0]
            done.add(x)
        else:
            live.remove(x)
            memory -= size[x]
    assert len(done) == n and all(s in live for s in map(int, lines[-1].split()[1:]))
    return cost, peak


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / "chain.txt"
    path.write_text(CHAIN)
    return path


@pytest.mark.parametrize("budget", [500, 400, 320])
def test_schedule_replays_within_the_budget(chain, tmp_path, budget):
    stats, schedule = tmp_path / "s.json", tmp_path / "s.txt"
    result = run(chain, f"--budget={budget}", f"--stats={stats}", f"--schedule={schedule}", "--iterations=5")
    assert result.returncode == 0, result.stderr
    s = json.loads(stats.read_text())
    cost, peak = replay(CHAIN, schedule.read_text())
    assert (cost, peak) == (s["cost"], s["peak_bytes"])
    assert peak <= budget and s["feasible"]
    assert s["lower_bound"] <= s["fixed_order_lower_bound"] <= cost
    assert s["base_cost"] == 280


def test_the_optimum_of_a_small_chain(chain, tmp_path):
    # At 320 bytes two of the three old results must go: the cheapest way makes one
    # of them again. (By hand: storage 1 from 0, 40.)
    stats = tmp_path / "s.json"
    assert run(chain, "--budget=320", f"--stats={stats}", "--iterations=5").returncode == 0
    assert json.loads(stats.read_text())["cost"] == 320


def test_percent_is_of_the_peak_with_nothing_moved(chain, tmp_path):
    stats = tmp_path / "s.json"
    assert run(chain, "--budget=100%", f"--stats={stats}").returncode == 0
    s = json.loads(stats.read_text())
    assert s["budget_bytes"] == s["peak_bytes"] == 410 and s["overhead_percent"] == 0


def test_plan_goes_out_and_checks(chain, tmp_path):
    plan = tmp_path / "plan.json"
    assert run(chain, "--budget=400", "-o", plan, "--iterations=5").returncode == 0
    assert run(chain, "--budget=400", f"--check={plan}").returncode == 0
    refused(run(chain, "--budget=100", f"--check={plan}"), "expected at most 100")
    doc = json.loads(plan.read_text())
    doc["actions"] = doc["actions"][1:]
    plan.write_text(json.dumps(doc))
    refused(run(chain, f"--check={plan}"), "action 0", "not there")
    doc["problem"] = "0" * 16
    plan.write_text(json.dumps(doc))
    refused(run(chain, f"--check={plan}"), "another problem")


def test_budget_below_the_floor_names_the_floor(chain, tmp_path):
    stats = tmp_path / "s.json"
    result = run(chain, "--budget=100", f"--stats={stats}", "-o", tmp_path / "p.json")
    refused(result, "floor of 210", "smallest budget found")
    s = json.loads(stats.read_text())
    assert s["feasible"] is False and s["floor_bytes"] == 210
    assert not (tmp_path / "p.json").exists()
    again = run(chain, f"--budget={s['smallest_found_bytes']}")
    assert again.returncode == 0, again.stderr


def test_all_policies(chain, tmp_path):
    stats = tmp_path / "s.json"
    result = run(chain, "--budget=400", "--all-policies", f"--stats={stats}", "--iterations=5")
    assert result.returncode == 0, result.stderr
    policies = {p["policy"]: p for p in json.loads(stats.read_text())["policies"]}
    assert policies["joint"]["feasible"] and not policies["keep-all"]["feasible"]


def test_the_examples_of_the_planning_model(tmp_path):
    """What docs/planning-model.md shows is a problem, and a plan for it."""
    page = (ROOT / "docs/planning-model.md").read_text()
    problem, plan = tmp_path / "problem.json", tmp_path / "plan.json"
    for path, text in zip((problem, plan), re.findall(r"```json\n(.*?)```", page, re.DOTALL), strict=True):
        path.write_text(text)
    assert run(problem).returncode == 0
    result = run(problem, f"--check={plan}")
    assert result.returncode == 0, result.stderr


def test_networkx(tmp_path):
    path = tmp_path / "g.json"
    graph = {
        "directed": True,
        "nodes": [{"id": i, "name": f"n{i}", "cost_cpu": 10, "cost_ram": 100} for i in range(3)],
        "links": [{"source": 0, "target": 1}, {"source": 1, "target": 2}],
    }
    path.write_text(json.dumps(graph))
    result = run(path, "--format=networkx", "--budget=200")
    assert result.returncode == 0, result.stderr
    graph["links"].append({"source": 2, "target": 0})
    path.write_text(json.dumps(graph))
    refused(run(path, "--format=networkx"), "cycle", "nodes[0]")
    graph["links"][2] = {"source": 2, "target": 9}
    path.write_text(json.dumps(graph))
    refused(run(path, "--format=networkx"), "links[2].target", "9")


KERNELS = """Kernel ID: 0, Name: A
Parent OP ID:1; Name: A
Execution Time: 1200
Input Tensors:
tensor1 Is weight (global)?: 1, Size in byte: 4096, Range:0--4096
Output Tensors:
tensor2 Is weight (global)?: 0, Size in byte: 8192, Range:0--8192
____________________________________________________________________
Kernel ID: 1, Name: B
Parent OP ID:2; Name: B
Execution Time: 2400
Input Tensors:
tensor2 Is weight (global)?: 0, Size in byte: 8192, Range:0--8192
Output Tensors:
tensor1 Is weight (global)?: 1, Size in byte: 4096, Range:0--4096
"""


def test_g10(tmp_path):
    path, stats = tmp_path / "k.kernels.config.gz", tmp_path / "s.json"
    path.write_bytes(gzip.compress(KERNELS.encode()))
    result = run(path, f"--stats={stats}", f"--trace={tmp_path / 't.json'}", f"--plot={tmp_path / 'p.svg'}")
    assert result.returncode == 0, result.stderr
    assert json.loads(stats.read_text())["cost"] == 3600
    assert json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert (tmp_path / "p.svg").read_text().startswith("<svg")
    path.write_bytes(gzip.compress(KERNELS.encode())[:-20])
    refused(run(path), "cut short or damaged")


def test_offsets(tmp_path):
    path, out, stats = tmp_path / "b.csv", tmp_path / "o.csv", tmp_path / "s.json"
    path.write_text("id,lower,upper,size\na,0,2,100\nb,1,3,50\nc,2,4,100\n")
    result = run(path, "--offsets", "--budget=150", "-o", out, f"--stats={stats}")
    assert result.returncode == 0, result.stderr
    rows = [line.split(",") for line in out.read_text().strip().split("\n")]
    assert rows[0] == ["id", "lower", "upper", "size", "offset"]
    place = {r[0]: (int(r[4]), int(r[4]) + int(r[3])) for r in rows[1:]}
    assert place["a"][1] <= place["b"][0] or place["b"][1] <= place["a"][0]
    assert json.loads(stats.read_text())["height"] == json.loads(stats.read_text())["max_load"] == 150
    refused(run(path, "--offsets", "--budget=149"), "149")
    path.write_text("id,lower,upper,size\na,0,2,100\nb,3,3,50\n")
    refused(run(path, "--offsets"), "line 3", "lower < upper")
    path.write_text("id,lower,upper,size,size\na,0,2,100,50\n")
    refused(run(path, "--offsets"), "line 1", "'size' once, found it twice")


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("50 0 1 0", "-50 0 1 0", ["line 4", "-50"]),
        ("50 0 1 0", "50 1 6 1 0", ["line 4", "before it is written"]),
        ("1 7\n", "", ["line 12", "end of the file"]),
        ("\n1 7\n", "\n1 7\n\n1 7\n", ["line 14", "found more"]),
        ("\n1 7\n", "\n1 8\n", ["line 12", "storage 8"]),
        ("100 100 100 100 10", "100 100 100 10", ["line 2", "8 sizes"]),
        ("40 1 0 1 1", "40 1 99 1 1", ["line 5", "storage 99"]),
        ("50 0 1 0", "\x1b[31m0 1 0", ["line 4", "\\x1b"]),
    ],
)
def test_bad_flattened_input(chain, old, new, words):
    chain.write_text(CHAIN.replace(old, new, 1))
    refused(run(chain), *words)


def test_bad_json(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('{"kind": "spillway-problem",\n "version": 1, }')
    refused(run(path), "line 2")
    path.write_text('{"kind": "spillway-problem", "version": 2}')
    refused(run(path), "version", "2")
    path.write_text('{"kind": "spillway-problem",\n "version": 1e999}')
    refused(run(path), "line 2, column 13", "1e999")
    path.write_text("[" * 100000)
    refused(run(path), "line 1")


PROBLEM = {
    "kind": "spillway-problem",
    "version": 1,
    "machine": {
        "tiers": [{"name": "device", "capacity": 100000}, {"name": "host", "capacity": None}],
        "links": [
            {"name": "h2d", "from": "host", "to": "device", "bytes_per_second": 1000000000, "latency_ns": 10},
            {"name": "d2h", "from": "device", "to": "host", "bytes_per_second": 1000000000, "latency_ns": 10},
        ],
        "engines": [{"name": "compute", "tier": "device"}],
    },
    "storages": [
        {"id": 1, "name": "w", "bytes": 4096, "kind": "persistent"},
        {"id": 2, "name": "x", "bytes": 2048, "kind": "temporary"},
        {"id": 3, "name": "y", "bytes": 1024, "kind": "temporary", "output": True},
    ],
    "operators": [
        {"id": 10, "name": "f", "cost_ns": {"compute": 100}, "reads": [1], "writes": [2]},
        {"id": 11, "name": "g", "cost_ns": {"compute": 100}, "reads": [1, 2], "writes": [3]},
    ],
}


@pytest.mark.parametrize(
    "path, value, words",
    [
        # A cycle: f reads what g makes of f's result.
        ("operators.0.reads", [1, 3], ["operator 10 'f'", "storage 3 'y'", "cycle"]),
        ("storages.1.bytes", -2048, ["storages[1].bytes", "-2048"]),
        ("storages.1.bytes", 2**61, ["storage 2 'x'", "2^60"]),
        ("operators.1.reads", [1, 9], ["operators[1].reads[1]", "9"]),
        ("operators.1.cost_ns", {"compute": -5}, ["operators[1].cost_ns.compute", "-5"]),
        ("operators.1.cost_ns", {"compute": 2**51}, ["operator 11 'g'", "2^50"]),
        ("operators.1.cost_ns", {"cpu": 5}, ["cost_ns: expected engines of the machine", "found 'cpu'"]),
        ("operators.1.workspace", -1, ["operators[1].workspace", "-1"]),
        ("machine.tiers.0.capacity", -1, ["machine.tiers[0].capacity", "-1"]),
        ("machine.links.0.from", "disk", ["machine.links[0].from", "disk"]),
        ("machine.links.0.bytes_per_second", 0, ["link 'h2d'", "bandwidth"]),
        ("machine.links.0.latency_ns", 2**60, ["link 'h2d'", "latency"]),
        ("machine.engines.0.tier", "host", ["engine"]),
        ("alignment", 0, ["alignment", "found 0"]),
        ("alignment", 2**62, ["alignment"]),
        ("operators.1.id", 10, ["operator 10 'g'", "taken"]),
        ("storages.2.id", 2, ["operators[1].writes[0]", "3"]),
        ("operators.1.writes", [[3, 4]], ["operator 11 'g'", "part 4"]),
        ("nonsense", 1, ["unknown field 'nonsense'"]),
    ],
)
def test_bad_problem(tmp_path, path, value, words):
    doc = json.loads(json.dumps(PROBLEM))
    *way, last = path.split(".")
    field = doc
    for key in way:
        field = field[int(key) if key.isdigit() else key]
    field[int(last) if last.isdigit() else last] = value
    file, out = tmp_path / "p.json", tmp_path / "plan.json"
    file.write_text(json.dumps(PROBLEM))
    assert run(file, "-o", out).returncode == 0 and out.exists()
    file.write_text(json.dumps(doc))
    refused(run(file, "-o", out), *words)
    # Not even the plan of the call before.
    assert not out.exists() and file.exists()


@pytest.mark.parametrize(
    "old, new, words",
    [
        ('"bytes": 2048', '"bytes": 1, "bytes": 2048', ["storages[1].bytes", "twice"]),
        ('"latency_ns": 10}]', '"latency_ns": 10, "name": "d2h"}]', ["machine.links[1].name", "twice"]),
        ('{"kind"', '{"storages": [], "kind"', [": storages:", "twice"]),
    ],
)
def test_a_field_that_is_there_twice(tmp_path, old, new, words):
    """JSON's parsers take one of them without a word."""
    path, text = tmp_path / "p.json", json.dumps(PROBLEM)
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    refused(run(path), *words)


def test_a_plan_with_a_field_twice(tmp_path):
    path, plan = tmp_path / "p.json", tmp_path / "plan.json"
    path.write_text(json.dumps(PROBLEM))
    assert run(path, "-o", plan).returncode == 0
    plan.write_text(plan.read_text().replace('"version": 1', '"version": 1, "version": 1'))
    refused(run(path, f"--check={plan}"), "plan.json: version", "twice")


@pytest.mark.parametrize(
    "text, words",
    [
        ('{"tiers": [],\n "engines": [}', ["line 2"]),
        ('{"tiers": [{"name": "device", "capacity": -1}], "engines": []}', ["tiers[0].capacity", "-1"]),
        ('{"tiers": [{"name": "device", "capacity": 1}], "engines": []}', ["at least one engine"]),
        ('{"engines": []}', ["missing field 'tiers'"]),
        ("", ["ends too early"]),
    ],
)
def test_bad_machine(chain, tmp_path, text, words):
    machine = tmp_path / "machine.json"
    machine.write_text(text)
    refused(run(chain, f"--machine={machine}"), *words)
    assert machine.exists()


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda g: g["nodes"][1].update(cost_ram=-100), ["nodes[1].cost_ram", "-100"]),
        (lambda g: g["nodes"][1].update(cost_cpu=1e300), ["nodes[1].cost_cpu", "2^50"]),
        (lambda g: g["nodes"][1].update(id=0), ["nodes[1].id"]),
        (lambda g: g["nodes"][1].update(id=[[0]]), ["nodes[1].id", "array"]),
        (lambda g: g["nodes"][1].pop("cost_ram"), ["nodes[1]", "cost_ram"]),
        (lambda g: g["links"][0].update(target=0), ["nodes[0]", "cycle"]),
        (lambda g: g.pop("links"), ["missing field"]),
    ],
)
def test_bad_networkx(tmp_path, change, words):
    graph = {
        "nodes": [{"id": i, "name": f"n{i}", "cost_cpu": 10, "cost_ram": 100} for i in range(2)],
        "links": [{"source": 0, "target": 1}],
    }
    path = tmp_path / "g.json"
    change(graph)
    path.write_text(json.dumps(graph))
    refused(run(path, "--format=networkx"), *words)


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("Execution Time: 1200", "Execution Time: -3", ["line 3", "Execution Time"]),
        ("Execution Time: 1200", "Execution Time: 99999999999999999999", ["line 3"]),
        ("Execution Time: 1200\n", "", ["operator 0 'A'", "cost"]),
        ("Size in byte: 8192", "Size in byte: -8192", ["line 7", "Size in byte"]),
        ("Kernel ID: 1", "Kernel ID: 0", ["operator 0 'B'", "taken"]),
        ("Kernel ID: 0, Name: A\n", "", ["line 2", "before"]),
        ("Output Tensors:", "Outputs:", ["line 6", "Outputs:"]),
        (KERNELS, "", ["line 1", "at least one kernel"]),
    ],
)
def test_bad_g10(tmp_path, old, new, words):
    path = tmp_path / "k.kernels.config.gz"
    path.write_bytes(gzip.compress(KERNELS.replace(old, new, 1).encode()))
    refused(run(path), *words)


def test_damaged_gzip(tmp_path):
    path = tmp_path / "k.kernels.config.gz"
    good = gzip.compress(KERNELS.encode() * 50)
    for bad in (good[:15], good[: len(good) // 2], good[:-4], good[:-8] + b"\0" * 8):
        path.write_bytes(bad)
        refused(run(path), "cut short or damaged")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", ["line 1", "empty"]),
        ("id,lower,upper\n", ["line 1", "'size'"]),
        ("id,lower,upper,size\na,0,2,100\nb,4,3,50\n", ["line 3", "4 >= 3"]),
        ("id,lower,upper,size\na,0,2,-1\n", ["line 2", "-1"]),
        ("id,lower,upper,size\na,0,2\n", ["line 2", "4 fields"]),
        ("id,lower,upper,size\na,0,2,1e3\n", ["line 2", "1e3"]),
        ("id,lower,upper,size\na,0,2," + "x" * 100000, ["line 2", "x" * 40 + "..."]),
        ("id,lower,upper,size\n" + "a,0,2,1125899906842624\n" * 1025, ["line 1026", "2^60"]),
    ],
)
def test_bad_offsets(tmp_path, text, words):
    path, out = tmp_path / "b.csv", tmp_path / "o.csv"
    path.write_text(text)
    out.write_text("old")
    refused(run(path, "--offsets", "-o", out), *words)
    assert not out.exists()


def test_offsets_above_the_budget_leave_no_file(tmp_path):
    path, out, stats = tmp_path / "b.csv", tmp_path / "o.csv", tmp_path / "s.json"
    path.write_text("id,lower,upper,size\n0,3,7,2\n1,2,4,1\n2,0,5,1\n3,5,7,3\n4,0,2,3\n5,2,3,2\n")
    assert run(path, "--offsets", "-o", out, f"--stats={stats}").returncode == 0
    s = json.loads(stats.read_text())
    assert s["max_load"] == s["lower_bound"] == s["height"]
    result = run(path, "--offsets", f"--budget={s['height'] - 1}", "-o", out, f"--stats={stats}")
    refused(result, f"no height below {s['height']}")
    assert not out.exists() and json.loads(stats.read_text())["feasible"] is False


def test_bad_budgets(chain):
    for bad in ("--budget=-5", "--budget=5 apples", "--budget=1e40%", "--budget=nan%", "--budget=99999999999999999999"):
        refused(run(chain, bad), "--budget: expected", bad[9:])
    # strtod reads these, and once the second half of them only.
    for bad in ("0x10", "0x10%", "+5", " 5", "5e", "inf", "1.2.3", "60%%", "5kb"):
        refused(run(chain, f"--budget={bad}"), f"found '{bad}'", "such as")
    refused(run(chain, "--host-budget=5"), "no tier 'host'")


def test_what_cannot_be_read(tmp_path):
    refused(run(tmp_path / "none.json"), "none.json", "No such file or directory")
    (tmp_path / "folder.json").mkdir()
    refused(run(tmp_path / "folder.json"), "folder.json", "Is a directory")


def test_a_schedule_of_the_call_before_does_not_stay(chain, tmp_path):
    schedule = tmp_path / "s.txt"
    assert run(chain, "--budget=400", f"--schedule={schedule}", "--iterations=5").returncode == 0
    refused(run(chain, "--budget=100", f"--schedule={schedule}"), "floor")
    assert not schedule.exists() and chain.exists()


def test_offsets_have_no_column_for_them_yet(tmp_path):
    path, out = tmp_path / "b.csv", tmp_path / "o.csv"
    path.write_text("id,lower,upper,size,offset\na,0,2,100,0\n")
    refused(run(path, "--offsets", "-o", out), "line 1", "no column 'offset'")
    assert not out.exists() and run(path, "--offsets").returncode == 0


@pytest.mark.parametrize("flag", ["-o", "--schedule", "--stats", "--plot", "--trace"])
def test_an_input_is_never_overwritten(chain, flag):
    refused(run(chain, flag, chain), "chain.txt", "is an input")
    assert chain.read_text() == CHAIN


def test_what_cannot_be_written(chain, tmp_path):
    """One line that says why; no part of a file is left, and a device stays a device."""
    for flag in ("--stats=", "--plot=", "--trace="):
        refused(run(chain, flag + str(tmp_path / "none" / "x")), "No such file or directory")
        refused(run(chain, flag + str(tmp_path)), "Is a directory")
        if Path("/dev/full").is_char_device():
            refused(run(chain, flag + "/dev/full"), "No space left on device")
            assert Path("/dev/full").is_char_device()
    small = f"trap '' XFSZ; ulimit -f 0; exec {TOOL} {chain} -o {tmp_path}/out.json"
    result = subprocess.run(["bash", "-c", small], capture_output=True, text=True)
    refused(result, "File too large")
    assert not list(tmp_path.glob("out.json*"))


def test_usage():
    assert run().returncode == 2
    assert run("x.txt", "--nonsense").returncode == 2
    for empty in ("--budget=", "--policy=", "--machine="):
        result = run("x.txt", empty)
        assert result.returncode == 2 and "expected a value for " + empty[:-1] in result.stderr
    for number in ("--iterations=1.5", "--iterations=nan", "--plan-seconds=-1", "--plan-seconds=0x1"):
        result = run("x.txt", number)
        assert result.returncode == 2 and number.split("=")[1] in result.stderr
    for writes in ("-o", "--schedule", "--plot", "--trace"):
        for other in ("--all-policies", "--check=y"):
            result = run("x.txt", other, writes, "z")
            assert result.returncode == 2 and writes in result.stderr
    assert "--budget" in run("--help").stdout
    refused(run("nowhere.txt"), "nowhere.txt")
