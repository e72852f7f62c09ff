"""docs/results.md: known results, ours beside the published ones."""

from __future__ import annotations

from benchmarks import page

PAGE = page.PAGE.parent / "results.md"
SECTIONS = ("known results", "relu against tanh", "real runs")
HEAD = """# Results

What others have published or proven, done again by this engine. Each part is written by its command and replaced as a
whole.
"""


def write(section: str, text: str) -> None:
    """Puts a section into docs/results.md; the others stay as they are."""
    page.write(section, text, PAGE, HEAD, SECTIONS)
