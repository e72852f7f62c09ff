"""The arithmetic of the benchmarks; nothing is timed here."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from benchmarks import engines, page, report
from benchmarks.duel import Design, Duel, Outcome
from benchmarks.engines import OWN
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


def test_the_ratio_is_of_rounds_and_of_the_best_threads():
    """Each round's own ratio counts: a machine that slows down for a while slows both sides."""
    workload = WORKLOADS["W2"]
    design = Design("W2", "", workload.spec, workload.training, *workload.data(64))
    rounds = {(OWN, 1): [10.0, 1.0, 12.0], (OWN, 2): [2.0, 2.0, 2.0], ("A", 1): [5.0, 0.5, 4.0], ("B", 1): [1.0] * 3}
    outcome = Outcome(design, rounds, {}, {1: [1e6, 1e5, 2e6], 2: [2e6] * 3})
    assert outcome.best() == ("A", 1) and outcome.best(OWN) == (OWN, 1) and outcome.best("C") is None
    assert outcome.ratio(("A", 1)) == 2.0 and math.isnan(outcome.ratio(None))
    assert outcome.share(1) == pytest.approx(10 * 30_592 / 1e6)


def test_engines_take_turns_and_the_unfit_is_left_out(monkeypatch: pytest.MonkeyPatch, capsys):
    """Two engines on one small design; one that cannot train it is named on standard error, and the rest goes on."""
    monkeypatch.setattr(engines, "ENGINES", tuple(i for i in engines.ENGINES if i.name in (OWN, "scikit-learn")))
    workload = WORKLOADS["W1_relu"]
    design = Design("W1_relu", "", workload.spec, workload.training, *workload.data(100))
    with engines.Field((1,)) as field:
        outcome = Duel(field, design, 0.01, thorough=False).run(2)
        spec = dataclasses.replace(design.spec, loss="huber")
        other = Duel(field, dataclasses.replace(design, spec=spec), 0.01, thorough=False).run(1)
    assert {key: len(rates) for key, rates in outcome.rounds.items()} == {(OWN, 1): 2, ("scikit-learn", 1): 2}
    assert len(outcome.limits[1]) == 2 and min(outcome.limits[1]) > 0 and "W1_relu" in report.rates([outcome, other])
    assert list(other.rounds) == [(OWN, 1)] and "scikit-learn" in capsys.readouterr().err
    assert "not measured" in report.targets([outcome])
