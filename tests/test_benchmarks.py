"""The arithmetic of the benchmarks; nothing is timed here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.flops import per_sample
from benchmarks.workloads import WORKLOADS


@pytest.mark.parametrize(
    ("name", "operations"),
    [("W1_tanh", 496), ("W2", 30_592), ("W4", 6_237_696), ("W5", 68_874_240), ("W6_relu", 487_168)],
)
def test_exact_operations(name: str, operations: int):
    """Counted by hand: 6 for each product of a weight, 4 in the first layer, whose input needs no gradient."""
    assert per_sample(WORKLOADS[name].spec) == operations


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    page.write("scaling", "scaling of old")
    page.write("workloads", "rates of old")
    page.write("scaling", "new scaling \\1")
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.startswith("# Performance") and text.count("<!-- scaling -->") == 1
    assert "of old" in text and "scaling of old" not in text and "new scaling \\1" in text
    assert text.index("rates of old") < text.index("new scaling")
    once = text
    page.write("scaling", "new scaling \\1")
    assert page.PAGE.read_text(encoding="utf-8") == once


def test_numbers_have_three_digits():
    assert [page.number(v) for v in (9.874e6, 65_432, 321.4, 0.5)] == ["9.87 M", "65.4 k", "321", "0.5"]
    assert [page.times(v) for v in (0.968, 12.34, 251.2, float("nan"))] == ["0.97x", "12.3x", "251x", ""]
