"""Runs the tests of a build directory and counts them.

    python scripts/run_tests.py BUILD [lit|unit|python ...]

Each suite writes its results to a file in BUILD/test-results, and the counts come
from there: a suite or a program that does not start, crashes, or runs no test
counts as one failure. The last line is `N passed, N failed`.
"""

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
LLVM_BIN = Path("/usr/lib/llvm-22/bin")
# No test takes as long; what hangs is killed and has failed.
LIMIT_SECONDS = 600


class Count:
    """Results of one suite; `skipped` are reasons, `failed` are names."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def fold(self, name, path):
        """Adds the results of a JUnit file; none, or an empty one, is a failure."""
        try:
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))
        except (OSError, ElementTree.ParseError):
            cases = []
        if not cases:
            self.failed.append(f"{name} (ran no test)")
        failed = 0
        for case in cases:
            label = f"{case.get('classname')}.{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed.append(label)
                failed += 1
            elif (skip := case.find("skipped")) is not None:
                self.skipped.append(f"{label}: {skip.get('message') or 'skipped'}")
            elif case.get("status") == "notrun":
                self.skipped.append(f"{label}: disabled")
            else:
                self.passed += 1
        return failed


def run(command, results, env=None):
    """Returns the exit status; -1 if it could not be started or hung."""
    results.unlink(missing_ok=True)
    try:
        return subprocess.run(
            [str(c) for c in command],
            cwd=SOURCE,
            env={**os.environ, **(env or {})},
            timeout=LIMIT_SECONDS,
        ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"error: {error}", flush=True)
        return -1


def check(count, name, command, results, env=None):
    status = run(command, results, env)
    # A status without a failed case is a crash or a report of a broken suite.
    if count.fold(name, results) == 0 and status != 0:
        count.failed.append(f"{name} (exit status {status})")


def run_lit(build, out, count):
    results = out / "lit.xml"
    lit = LLVM_BIN / "lit"
    command = [lit, "-q", "--order=lexical", f"--xunit-xml-output={results}", build / "test"]
    check(count, "lit", command, results)


def run_unit(build, out, count):
    listing = subprocess.run(
        ["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True
    )
    tests = json.loads(listing.stdout)["tests"] if listing.returncode == 0 else []
    if not tests:
        count.failed.append("unit (no test program)")
    for test in tests:
        results = out / f"unit-{test['name']}.xml"
        command = test.get("command") or [f"{test['name']} (not built)"]
        command = [*command, "--gtest_brief=1", f"--gtest_output=xml:{results}"]
        check(count, test["name"], command, results)


def run_python(build, out, count):
    results = out / "python.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs"]
    command += [f"--junitxml={results}", SOURCE / "test" / "python"]
    env = {"SPILLWAY_BUILD": str(build), "PYTHONPATH": str(SOURCE / "python"),
           "PYTHONDONTWRITEBYTECODE": "1"}
    check(count, "python", command, results, env)


SUITES = {"lit": run_lit, "unit": run_unit, "python": run_python}


def main(arguments):
    if not arguments or set(arguments[1:]) - set(SUITES):
        print(__doc__, file=sys.stderr)
        return 2
    build = Path(arguments[0]).resolve()
    out = build / "test-results"
    out.mkdir(parents=True, exist_ok=True)
    total = Count()
    for name in arguments[1:] or SUITES:
        print(f"== {name}", flush=True)
        start, count = time.monotonic(), Count()
        SUITES[name](build, out, count)
        print(f"   {name}: {count.passed} passed, {len(count.failed)} failed, "
              f"{len(count.skipped)} skipped, {time.monotonic() - start:.0f} s", flush=True)
        total.passed += count.passed
        total.failed += count.failed
        total.skipped += count.skipped
    for reason in total.skipped:
        print(f"skipped {reason}")
    for name in total.failed:
        print(f"FAILED {name}")
    print(f"{total.passed} passed, {len(total.failed)} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
