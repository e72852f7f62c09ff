"""The run bar tells the run in numbers."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine.datasets import switch
from gui import theme
from gui.numbers import number
from gui.panels.run_bar import MIDDLE, NARROW, WIDE, RunBar
from gui.session import Session


@pytest.fixture
def session(qtbot):
    made = Session()
    yield made
    made.close()


@pytest.mark.parametrize("name", ["spiral", "diabetes"])
def test_nothing_overlaps_in_the_least_window_or_a_wider_one(qtbot, session, name) -> None:
    theme.dress()
    bar = RunBar(session)
    qtbot.addWidget(bar)
    bar.show()
    session.edit("Data", data=switch(session.document.data, name))
    qtbot.waitUntil(lambda: session.dataset.name == name, timeout=20_000)
    for width in (1024, NARROW - 1, NARROW, MIDDLE - 1, MIDDLE, WIDE - 1, WIDE):
        bar.resize(width, 56)
        assert bar.layout().totalMinimumSize().width() <= width
    assert bar.reset.accessibleName() == "Reset", "also where its word is left out"


def test_the_error_of_a_regression_is_told_in_its_own_units(qtbot, session) -> None:
    bar = RunBar(session)
    qtbot.addWidget(bar)
    bar.resize(1280, 56)
    bar.show()
    assert bar.test_error.isHidden() and bar.train_error.isHidden()
    session.edit("Data", data=switch(session.document.data, "diabetes"))
    qtbot.waitUntil(lambda: session.dataset.name == "diabetes", timeout=20_000)
    assert bar.test_error.isVisible() and bar.train_error.isVisible()
    assert "units of disease progression" in bar.test_error.toolTip()
    trainer = engine.Trainer(session.document.spec, session.document.training, session.dataset)
    trainer.step_epoch()
    snapshot = trainer.snapshot()
    bar.show_snapshot(snapshot)
    units = session.dataset.preprocessing.targets_to_units
    wrong = units(trainer.network.predict(session.dataset.x_test)) - units(session.dataset.y_test)
    assert bar.test_error.value.text() == number(float(np.sqrt(np.square(wrong).mean())))
    trainer.close()


def test_a_small_score_below_zero_is_told_whole(qtbot, session) -> None:
    theme.dress()
    bar = RunBar(session)
    qtbot.addWidget(bar)
    bar.resize(MIDDLE, 56)
    bar.show()
    session.edit("Data", data=switch(session.document.data, "diabetes"))
    qtbot.waitUntil(lambda: session.dataset.name == "diabetes", timeout=20_000)
    for value in (-0.001, -1.2e-5, -12.34):
        bar.score.show_value(number(value))
        assert bar.score.value.sizeHint().width() <= bar.score.width()
