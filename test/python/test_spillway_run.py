"""spillway-run as a user meets it: what it leaves, and what it says when it cannot."""

import hashlib
import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("SPILLWAY_BUILD", "build")).resolve()
RUN = BUILD / "bin" / "spillway-run"
MAKE_PLAN = BUILD / "bin" / "unit" / "make-test-plan"
KERNELS = BUILD / "lib" / "spillway_test_kernels.so"


def make_plan(name, folder):
    path = folder / f"{name}.spill"
    subprocess.run([MAKE_PLAN, name, path], check=True)
    return path


def run(plan, *arguments, cwd=None, status=0):
    done = subprocess.run(
        [RUN, plan, f"--load-kernels={KERNELS}", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    if status:
        assert done.stderr.count("error: ") == 1
    return done


def refusal(plan, *arguments, cwd=None):
    """The one diagnostic of a run that must end with exit status 1."""
    done = run(plan, *arguments, cwd=cwd, status=1)
    return done.stderr[done.stderr.index("error: "):].rstrip("\n")


def safetensors(tensors):
    """{name: (type, shape, bytes)} as a file's bytes."""
    header, offset = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    data = b"".join(data for _, _, data in tensors.values())
    return struct.pack("<Q", len(text)) + text + data


def read_safetensors(path):
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + length])
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"],
                   raw[8 + length:][slice(*entry["data_offsets"])])
            for name, entry in header.items()}


def state_hash(path):
    digest = hashlib.sha256()
    for name, (dtype, shape, data) in sorted(read_safetensors(path).items()):
        digest.update(b"\0".join([name.encode(), dtype.encode(),
                                  ",".join(map(str, shape)).encode(), data]))
    return digest.hexdigest()


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens.bin"
    path.write_bytes(bytes(i * i % 16 for i in range(100)))
    return f"--data=tokens:{path}"


@pytest.fixture
def tiny(tmp_path):
    return make_plan("tiny", tmp_path)


def test_a_run_leaves_what_was_asked_for(tiny, tokens, tmp_path):
    files = {kind: tmp_path / f"{kind}.out" for kind in ("save", "stats", "trace", "profile")}
    done = run(tiny, tokens, "--steps=5", *(f"--{k}={v}" for k, v in files.items()))
    lines = done.stderr.splitlines()
    assert len(lines) == 5
    assert lines[1].startswith("step 2/5  loss ") and "tokens/s" in lines[1] and "eta" in lines[1]
    assert "5 steps, median" in done.stdout
    stats = json.loads(files["stats"].read_text())
    assert len(stats["losses"]) == len(stats["step_seconds"]) == 5
    assert stats.get("allocations_in_steps", 0) == 0
    assert stats["state_sha256"] == state_hash(files["save"])
    for tier, peak in stats["measured_peak_bytes"].items():
        assert 0 < peak <= stats["arena_bytes"][tier]
    if "allocations_in_steps" in stats:  # else a sanitizer has its own allocator
        assert stats["rss_peak_bytes"] < 96 << 20
    names = {event["name"] for event in json.loads(files["trace"].read_text())["traceEvents"]}
    assert {"train.test_grad", "copy", "feed lr", "fetch loss"} <= names
    assert set(json.loads(files["profile"].read_text())["kernels"]) == {
        "test_grad#0", "test_update#1"}


def test_weights_come_back_from_a_save(tiny, tokens, tmp_path):
    saved, again = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    run(tiny, tokens, "--steps=3", f"--save={saved}")
    run(tiny, tokens, "--steps=0", f"--weights={saved}", f"--save={again}")
    assert read_safetensors(again)["w"] == read_safetensors(saved)["w"]


def test_seeds_differ_and_repeat(tokens, tmp_path):
    plan = make_plan("tied", tmp_path)
    hashes = []
    for seed in (1, 1, 2):
        path = tmp_path / "s.json"
        run(plan, tokens, "--init=normal:0.1", f"--seed={seed}", f"--stats={path}")
        hashes.append(json.loads(path.read_text())["state_sha256"])
    assert hashes[0] == hashes[1] != hashes[2]


def test_random_weights_are_those_of_the_examples(tokens, tmp_path):
    """The references of examples/ were made with their own copy of the generator."""
    numpy = pytest.importorskip("numpy")
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "common"))
    import weights
    saved = tmp_path / "w.safetensors"
    run(make_plan("tied", tmp_path), tokens, "--init=normal:0.02", "--seed=12345678901",
        "--steps=0", f"--save={saved}")
    ours = numpy.frombuffer(read_safetensors(saved)["w"][2], "<f4")
    theirs = weights.make("w", (16, 4), 12345678901, 0.02).ravel()
    assert numpy.allclose(ours, theirs, rtol=1e-6, atol=0)


def test_a_tied_parameter_is_found_under_its_other_name(tokens, tmp_path):
    plan = make_plan("tied", tmp_path)
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors({"lm_head.weight": ("F32", [16, 4], b"\0" * 256)}))
    run(plan, tokens, f"--weights={path}")
    path.write_bytes(safetensors({"other": ("F32", [16, 4], b"\0" * 256)}))
    message = refusal(plan, tokens, f"--weights={path}")
    assert "no tensor 'w', nor 'lm_head.weight'" in message


def test_links_are_emulated_and_overlap(tmp_path):
    # 10 kernels of 10 ms and 10 copies of 10 ms.
    plan, stats = make_plan("overlap", tmp_path), tmp_path / "s.json"
    for _ in range(5):  # on a busy machine most steps are late
        run(plan, "--steps=5", "--emulate-links", f"--stats={stats}")
        best = min(json.loads(stats.read_text())["step_seconds"][1:])
        assert best > 0.09
        if best < 0.7 * 0.2:
            return
    if os.getloadavg()[0] > 2 * os.cpu_count():
        pytest.skip("the machine is too busy for a timed test")
    pytest.fail(f"10 ms x (10 copies + 10 kernels) took {best} s")


def test_an_allocating_kernel_is_found_out(tmp_path):
    plan, stats = make_plan("allocating", tmp_path), tmp_path / "s.json"
    run(plan, "--steps=3", f"--stats={stats}")
    counted = json.loads(stats.read_text()).get("allocations_in_steps")
    if counted is None:
        pytest.skip("a sanitizer has its own allocator")
    assert counted == 6


@pytest.mark.parametrize("cut", [0, 10, 500, 2000, -1])
def test_a_cut_plan(tiny, tokens, cut):
    tiny.write_bytes(tiny.read_bytes()[:cut])
    assert "plan" in refusal(tiny, tokens)


def test_a_flipped_bit(tiny, tokens):
    data = bytearray(tiny.read_bytes())
    data[1000] ^= 4
    tiny.write_bytes(data)
    assert "is damaged: its checksum does not match" in refusal(tiny, tokens)


def test_random_damage_with_the_checksum_made_right(tiny, tokens):
    """It runs, or it is refused in one line; FuzzTest.cpp does more of this in one process."""
    good, generator, refused = tiny.read_bytes()[:-32], random.Random(1), 0
    for _ in range(60):
        data = bytearray(good)
        for _ in range(generator.randint(1, 4)):
            data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        tiny.write_bytes(data + hashlib.sha256(data).digest())
        done = subprocess.run([RUN, tiny, f"--load-kernels={KERNELS}", tokens, "--init=normal:0.1"],
                              capture_output=True, text=True, errors="replace", timeout=120)
        assert done.returncode in (0, 1), done.stderr
        assert done.stderr.count("error: ") == done.returncode
        refused += done.returncode
    assert refused > 30


@pytest.mark.parametrize("name, message", [
    ("other-version", "has version 2, this build runs version 1; compile it again"),
    ("unknown-kernel", "unknown kernel 'test_nothing' of op train.test_nothing (id 0, at "
                       "model.onnx:node0)"),
    ("refusing", "expected f16, found f32"),
    ("tied", "parameter 'w' has no initial values"),
])
def test_plans_that_cannot_run(tokens, tmp_path, name, message):
    assert message in refusal(make_plan(name, tmp_path), tokens)


def test_external_data_missing_or_short(tokens, tmp_path):
    plan = make_plan("external", tmp_path)
    assert "tensor 'w' needs 256 bytes of" in refusal(plan, tokens, cwd=tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"\0" * 100)
    message = refusal(plan, tokens, cwd=tmp_path)
    assert "external data is short: tensor 'w' needs 256 bytes at offset 64" in message
    assert "found 36" in message
    (tmp_path / "weights.bin").write_bytes(b"\0" * 320)
    run(plan, tokens, cwd=tmp_path)


@pytest.mark.parametrize("data, message", [
    (b"\1" * 8, "is shorter than a batch: input 'input_ids' needs 2 x 4 + 1 tokens, found 8"),
    (b"\1" * 8 + b"\x10", "token 16 in"),
    (b"", "found 0"),
])
def test_unfit_tokens(tiny, tmp_path, data, message):
    path, stats = tmp_path / "t.bin", tmp_path / "s.json"
    path.write_bytes(data)
    assert message in refusal(tiny, f"--data=tokens:{path}", f"--stats={stats}")
    assert not stats.exists()


def test_no_data(tiny):
    assert "takes input 'input_ids': give --data=" in refusal(tiny)


def test_data_from_safetensors(tiny, tokens, tmp_path):
    raw = bytes(i * i % 16 for i in range(100))
    wide = lambda values: struct.pack(f"<{len(values)}q", *values)
    path = tmp_path / "d.safetensors"
    path.write_bytes(safetensors({
        "input_ids": ("I64", [24, 4], wide(raw[:96])),
        "labels": ("I64", [24, 4], wide(raw[1:97]))}))
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    run(tiny, tokens, "--steps=3", f"--stats={a}")
    run(tiny, f"--data={path}", "--steps=3", f"--stats={b}")
    assert json.loads(a.read_text())["losses"] == json.loads(b.read_text())["losses"]


def test_a_place_that_cannot_be_written(tiny, tokens, tmp_path):
    before = set(tmp_path.iterdir())
    missing = tmp_path / "no" / "such" / "out.safetensors"
    assert "No such file or directory" in refusal(tiny, tokens, f"--save={missing}")
    assert "it is a directory" in refusal(tiny, tokens, f"--save={tmp_path}")
    assert "cannot write" in refusal(tiny, tokens, f"--stats={missing}")
    assert set(tmp_path.iterdir()) == before


def test_a_full_disk_leaves_nothing(tiny, tokens, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", disk],
                           capture_output=True)
    if mount.returncode != 0:
        pytest.skip("cannot mount a small file system here")
    try:
        (disk / "old.safetensors").write_bytes(b"old")
        run(tiny, tokens, f"--save={disk}/fits.safetensors")
        (disk / "fits.safetensors").unlink()
        (disk / "fill").write_bytes(b"x" * 4096)
        for name in ("new.safetensors", "old.safetensors"):
            assert "No space left" in refusal(tiny, tokens, f"--save={disk}/{name}")
        assert sorted(p.name for p in disk.iterdir()) == ["fill", "old.safetensors"]
        assert (disk / "old.safetensors").read_bytes() == b"old"
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert "Read-only file system" in refusal(tiny, tokens, f"--save={disk}/new")
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("arguments, message", [
    (["--backend=cuda"], "the backend 'cuda' is not part of this build"),
    (["--backend=tpu9"], "the backend 'tpu9' is not part of this build"),
    (["--init=uniform"], "expected normal:STD"),
    (["--lr-schedule=step"], "unknown schedule 'step'"),
    (["--resume=x"], "--resume is not supported yet"),
    (["--nvme-dir=x"], "--nvme-dir is not supported yet"),
    (["--weights=none.safetensors"], "cannot open weights 'none.safetensors'"),
    (["--load-kernels=none.so"], "cannot load the kernel library 'none.so'"),
])
def test_options_that_cannot_be_met(tiny, tokens, arguments, message):
    assert message in refusal(tiny, tokens, *arguments)


@pytest.mark.parametrize("arguments, message", [
    ([], "expected a plan file"),
    (["a", "b"], "expected one plan file, found 'a' and 'b'"),
    (["a", "--setps=3"], "unknown option '--setps'"),
    (["a", "--steps=many"], "--steps: expected a number from 0"),
    (["a", "--threads=0"], "--threads: expected a number from 1"),
    (["a", "--seed=-1"], "--seed: expected a natural number"),
    (["a", "--data"], "--data needs a value"),
    (["a", "--quiet=1"], "--quiet takes no value"),
])
def test_usage(arguments, message):
    done = subprocess.run([RUN, *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr and "usage:" in done.stderr


def test_help():
    done = subprocess.run([RUN, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for option in ("--backend", "--threads", "--steps", "--seed", "--weights", "--init", "--data",
                   "--lr-schedule", "--save", "--emulate-links", "--trace", "--profile",
                   "--stats", "--load-kernels"):
        assert option in done.stdout


def test_no_compiler_in_the_process():
    libraries = subprocess.run(["ldd", RUN], capture_output=True, text=True).stdout
    assert "libspillway_runtime" in libraries
    for name in ("LLVM", "MLIR", "python"):
        assert name not in libraries


def test_only_the_c_interface_is_exported():
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", BUILD / "lib" / "libspillway_runtime.so"],
        capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1].split("@")[0] for line in symbols.splitlines()} - {"SPILLWAY_1"}
    assert names and all(name.startswith("spw_") for name in names)
