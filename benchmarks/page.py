"""docs/performance.md and docs/results.md: tables, and sections that are replaced one by one."""

from __future__ import annotations

import datetime
import importlib.metadata
import math
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
SECTIONS = ("machine", "workloads", "activations", "untuned", "scaling", "watching", "starting")
HEAD = """# Performance

Relume beside other engines, measured in one run on one machine. Figures of different runs do not compare; ratios within
a run do. Each part below is written by its command and replaced as a whole.
"""


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that reads well on a terminal too; all columns but the first are set to the right."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        return (
            "| "
            + " | ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True)))
            + " |"
        )

    rule = "|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|"
    return "\n".join([line(heads), rule, *map(line, rows)])


def number(value: float) -> str:
    """Three digits: 9.87 M, 65.4 k, 321."""
    for unit, divisor in ((" M", 1e6), (" k", 1e3), ("", 1.0)):
        if value >= divisor:
            scaled = value / divisor
            return f"{scaled:.{max(0, 2 - math.floor(math.log10(scaled)))}f}{unit}"
    return "" if math.isnan(value) else f"{value:.2g}"


def times(value: float) -> str:
    """A ratio: 0.97x, 12.3x, 250x."""
    if math.isnan(value):
        return ""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}x"


def percent(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.0f} %"


def machine(command: str) -> str:
    """Processor, versions, date and command, as a paragraph."""
    names = ("numba", "numpy", "torch", "jax", "scikit-learn")
    versions = [
        f"Python {platform.python_version()}",
        *(f"{name} {_version(name)}" for name in names if _version(name)),
    ]
    node = _said(["node", "--version"])
    versions += [f"node {node.lstrip('v')}"] if node else []
    return (
        f"{datetime.date.today().isoformat()}, `{command}`. {_processor()}, {os.cpu_count()} cores, "
        f"{platform.system()}. {', '.join(versions)}."
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
    except OSError:
        return ""


def _processor() -> str:
    if sys.platform == "linux":
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        if found:
            return found.group(1)
    return platform.processor() or platform.machine()


def write(
    section: str, text: str, path: Path | None = None, head: str = HEAD, sections: Sequence[str] = SECTIONS
) -> None:
    """Puts a section into the page; the others stay as they are. Without a path: docs/performance.md."""
    path = path or PAGE
    page = path.read_text(encoding="utf-8") if path.exists() else head
    marks = f"<!-- {section} -->", f"<!-- end of {section} -->"
    block = f"{marks[0]}\n{text.strip()}\n{marks[1]}"
    found = re.search(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", page, re.DOTALL)
    if found:
        page = page[: found.start()] + block + page[found.end() :]
    else:
        later = [page.find(f"<!-- {name} -->") for name in sections[sections.index(section) + 1 :]]
        place = min((position for position in later if position >= 0), default=len(page))
        page = page[:place].rstrip() + f"\n\n{block}\n\n" + page[place:]
    path.write_text(page.rstrip() + "\n", encoding="utf-8")
