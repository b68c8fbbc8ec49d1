"""Rules that hold for every file of the repository."""

import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
CODE = {".cpp", ".h", ".td", ".def", ".inc"}


def tracked():
    """Files that git knows, or nothing where this is no checkout."""
    listing = subprocess.run(
        ["git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [Path(name) for name in listing.stdout.split("\0") if name]


def test_code_has_a_banner():
    """Every C++ and TableGen file opens with the licence and what the file is."""
    bare = [str(path) for path in tracked()
            if path.suffix in CODE and path.parts[0] != "cmake" and (SOURCE / path).is_file()
            and "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
            not in (SOURCE / path).read_text()[:600]]
    assert not bare


def test_file_names_are_unique_without_case():
    names = [str(path) for path in tracked()]
    assert len(names) == len({name.lower() for name in names})
