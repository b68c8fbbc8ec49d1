"""The documentation says what the code does."""

import re
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
