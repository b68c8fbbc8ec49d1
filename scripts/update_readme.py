"""Puts the last demo's table and picture into the README: run it after scripts/demo.sh."""

import shutil
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- demo table -->\n", "<!-- end of demo table -->\n"

readme = SOURCE / "README.md"
text = readme.read_text()
before, rest = text.split(BEGIN)
_, after = rest.split(END)
table = (SOURCE / "build/demo/table.md").read_text()
readme.write_text(before + BEGIN + table + END + after)
(SOURCE / "docs/images").mkdir(exist_ok=True)
shutil.copy(SOURCE / "build/demo/memory.svg", SOURCE / "docs/images/memory.svg")
