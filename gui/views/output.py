"""Output: what the network says, in the picture that fits the data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QCheckBox, QStackedLayout, QWidget

from engine import losses
from engine.data.dataset import Dataset
from engine.files.figures import Figure, Panel
from engine.output_panels import confusion_panel
from engine.telemetry import Predictions, Snapshot
from gui import theme
from gui.views.base import View
from gui.views.confusion import ConfusionMatrix
from gui.views.output_fits import FitPicture, ScatterPicture
from gui.views.output_picture import Picture, raw_inputs
from gui.views.output_plane import PlanePicture
from gui.views.pieces import Age, EmptyNote

if TYPE_CHECKING:
    from gui.session import Session


def kind_of(dataset: Dataset) -> str:
    """ "plane", "fit", "scatter" or "confusion": the picture for these data."""
    width = math.prod(raw_inputs(dataset, "train").shape[1:])
    if width == 2:
        return "plane"
    if dataset.task == "regression":
        return "fit" if width == 1 else "scatter"
    return "confusion"


class Output(View):
    """Decision surface, fitted curve, predicted against true, or confusion matrix; a click picks a sample."""

    name = "output"
    title = "Output"
    watches = frozenset({"plane", "predictions"})
    most_frames = 10

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._kind = ""
        self._told: Predictions | None = None
        self._turn = 0
        self._empty = EmptyNote("What the network says about the data appears here. Press Run to let it learn.")
        self._matrix = ConfusionMatrix()
        self._pictures: dict[str, Picture] = {
            "plane": PlanePicture(),
            "fit": FitPicture(),
            "scatter": ScatterPicture(),
        }
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        for picture in self._pictures.values():
            picture.picked.connect(self._pick)
            self._pages.addWidget(picture)
        self._pages.addWidget(self._matrix)
        self._matrix.chosen.connect(self._pick_from_cell)
        self._age = Age()
        self._test = _box(self, "Test points", "Show the test points, hollow", self._switch)
        self._test_set = _box(self, "Test set", "Count the test set, not the training set", self._switch)
        self._test_set.setChecked(True)
        self._discretise = QAction("Discretise the output", self, checkable=True)
        self._discretise.toggled.connect(self._switch)
        session.sample_changed.connect(self._mark)
        theme.signals.changed.connect(self._restyle)
        self.reset()

    def head_widgets(self) -> list[QWidget]:
        return [self._age, self._test, self._test_set]

    def menu_actions(self) -> list[QAction]:
        """What the panel's own menu offers."""
        return [self._discretise]

    # --- data in

    def reset(self) -> None:
        dataset, document = self.session.dataset, self.session.document
        self._told, self._turn = None, 0
        self._kind = kind_of(dataset)
        self.watches = frozenset({"plane"} if self._kind == "plane" else {"predictions"})
        self.most_frames = 5 if self._kind == "confusion" else Output.most_frames  # as fast as numbers can be read
        self._test.setVisible(self._kind in self._pictures)
        self._test_set.setVisible(self._kind == "confusion")
        self._discretise.setEnabled(self._kind == "plane")
        self._matrix.show_counts(np.zeros((0, 0), np.int64), (), "", False)
        picture = self._picture
        if picture is not None:
            picture.sample = self.session.sample
            picture.show_test, picture.discretise = self._test.isChecked(), self._discretise.isChecked()
            picture.set_data(dataset, document.spec)
        self._pages.setCurrentWidget(self._empty)

    @property
    def _picture(self) -> Picture | None:
        return self._pictures.get(self._kind)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        failed = snapshot.state == "diverged"
        self._empty.follow(snapshot)
        extra = snapshot.plane if self._kind == "plane" else snapshot.predictions
        self._age.tell(snapshot, extra.taken if extra is not None else None)
        if self._kind == "confusion":
            if snapshot.predictions is not None and not failed:
                self._told = snapshot.predictions
            self._show_matrix(failed)
            return
        picture = self._picture
        if picture is None:
            return
        ready = picture.update_from(snapshot)
        picture.tell_errors(snapshot)
        picture.plot.fade(failed)
        if ready and self._pages.currentWidget() is not picture:
            self._pages.setCurrentWidget(picture)

    def _show_matrix(self, faded: bool = False) -> None:
        if self._told is None:
            return
        test = self._test_set.isChecked()
        counts = self._told.confusion_test if test else self._told.confusion_train
        if counts is None:
            return
        names = tuple(str(name) for name in self.session.dataset.class_names)
        dataset = self.session.dataset
        samples = len(dataset.y_test if test else dataset.y_train)
        self._matrix.show_counts(np.asarray(counts), names, "test" if test else "training", faded, samples)
        if self._pages.currentWidget() is not self._matrix:
            self._pages.setCurrentWidget(self._matrix)

    # --- switches and picking

    @Slot()
    def _switch(self) -> None:
        picture = self._picture
        if picture is not None:
            picture.show_test = self._test.isChecked()
            picture.discretise = self._discretise.isChecked()
            picture.restyle()
        self._show_matrix()

    @Slot()
    def _restyle(self) -> None:
        if self._picture is not None:
            self._picture.restyle()

    @Slot()
    def _mark(self) -> None:
        if self._picture is not None:
            self._picture.mark(self.session.sample)

    @Slot(str, int)
    def _pick(self, part: str, index: int) -> None:
        self.session.pick_sample(part, index)

    @Slot(int, int)
    def _pick_from_cell(self, true: int, predicted: int) -> None:
        """Picks the next sample of a cell of the matrix, round and round."""
        if self._told is None:
            return
        test, dataset = self._test_set.isChecked(), self.session.dataset
        rows = self._told.test_samples if test else self._told.train_samples
        said = losses.said_classes(self.session.document.spec.loss, self._told.test if test else self._told.train)
        targets = (dataset.y_test if test else dataset.y_train)[rows]
        found = rows[(targets == true) & (said == predicted)]
        if len(found):
            self._turn += 1
            self._pick("test" if test else "train", int(found[self._turn % len(found)]))

    # --- words and export

    def summary(self) -> str:
        dataset = self.session.dataset
        if self._pages.currentWidget() is self._empty:
            return "No output yet."
        if self._kind == "confusion":
            return f"Confusion matrix: {self._matrix.words()}."
        titles = {
            "plane": "Output over the two inputs",
            "fit": "Fitted curve",
            "scatter": "Predicted against true values",
        }
        return f"{titles[self._kind]}, with {len(dataset.y_train)} training points."

    def figure(self) -> Figure | None:
        if self._pages.currentWidget() is self._empty:
            return None
        matrix = self._matrix
        if self._kind == "confusion":
            panel: Panel | None = confusion_panel(matrix.counts, matrix.names, matrix.part)
        else:
            panel = self._pictures[self._kind].panel()
        return Figure(panel.title, (panel,)) if panel is not None else None


def _box(parent: QWidget, text: str, tip: str, slot: Callable[..., None]) -> QCheckBox:
    box = QCheckBox(text, parent)  # without a parent it would flash as a window
    box.setAccessibleName(text)
    box.setToolTip(tip)
    box.setMinimumHeight(24)
    box.toggled.connect(slot)
    return box
