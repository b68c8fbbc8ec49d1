"""The documentation says what the code does."""

import re
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]


def test_links_in_markdown_lead_somewhere():
    """Relative links of every page that we wrote name a file that exists."""
    dead = []
    pages = [SOURCE / "README.md", *SOURCE.glob("docs/*.md"), *SOURCE.glob("dialects/*/*.md"),
             *SOURCE.glob("benchmarks/*.md"), *SOURCE.glob("examples/**/*.md")]
    for page in pages:
        if not page.is_file():
            continue
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in link and not (page.parent / link).exists():
                dead.append(f"{page.relative_to(SOURCE)}: {link}")
    assert not dead


def test_references_are_current():
    done = subprocess.run(["bash", SOURCE / "scripts/gen-docs.sh", "--check"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr


def test_every_dialect_has_its_rationale():
    bare = [str(path.relative_to(SOURCE)) for path in SOURCE.glob("dialects/*/")
            if path.is_dir() and not (path / "README.md").is_file()]
    assert not bare
