"""The data: which set, and everything that shapes it. Only controls that change the chosen set are shown."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from engine import datasets
from engine.data.features import FEATURES
from engine.data.sets import DATASETS, DatasetInfo
from engine.data.spec import MISSING, OWN_TABLE, SCALINGS, DataSpec
from engine.fields import info
from gui import theme
from gui.dialogs.fetch_data import choose_remote
from gui.numbers import count, stored
from gui.panels.changes import change
from gui.session import Session
from gui.widgets.chips import ChipBox
from gui.widgets.data_combo import OWN_IMAGES, DataCombo, data_picture
from gui.widgets.number_field import NumberField, QuietCombo
from gui.widgets.rows import Fold, Row, bare, head_row
from gui.widgets.value_slider import ValueSlider
from gui.words import tip

GROUPS = {
    ("2d", "classification"): "Points of classes",
    ("2d", "regression"): "Values over a plane",
    ("1d", "regression"): "Curves",
    ("image", "classification"): "Images",
    ("table", "classification"): "Tables, classes",
    ("table", "regression"): "Tables, values",
}
OWN_GROUPS = {datasets.Table: "Own table", datasets.Images: "Own images"}
BASE_FEATURES = ("x", "y")


class DataPanel(QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        column = QVBoxLayout(self)
        bare(column, 4)
        self.more = Fold("More about the data")
        column.addLayout(head_row("Data", self.more.button))
        self.sets = DataCombo("Data set")
        self.sets.activated.connect(self._choose)
        column.addWidget(self.sets)
        self.noise = ValueSlider("Noise", self._tell, 0.0, 0.5, 0.01)
        self.noise.edited.connect(lambda value: self._set("Noise", "noise", noise=value))
        self.noise_row = self._add(column, "Noise", self.noise, "noise")
        column.addWidget(self.more)
        self._fill_more()
        session.document_changed.connect(self._show_document)
        session.dataset_changed.connect(self._show_document)
        theme.signals.changed.connect(self._dress)
        self._dress()
        self._show_document()

    def _add(self, column: Any, text: str, field: QWidget, name: str) -> Row:
        row = Row(text, field, "" if name == "features" else info(DataSpec, name).help)
        column.addWidget(row)
        return row

    def _fill_more(self) -> None:
        rows = self.more.rows
        self.points = NumberField("Points", self._tell, whole=True)
        self.points.edited.connect(lambda value: self._set("Points", "points", samples=value))
        self.points_row = self._add(rows, "Points", self.points, "samples")
        self.classes = QuietCombo("Classes")
        self.classes.activated.connect(lambda row: self._set("Classes", classes=self.classes.itemData(row)))
        self.classes_row = self._add(rows, "Classes", self.classes, "classes")
        self.share = ValueSlider("Train share", self._tell, 0.1, 0.9, 0.05, percent=True)
        self.share.edited.connect(lambda value: self._set("Train share", "share", train_share=value))
        self._add(rows, "Train share", self.share, "train_share")
        self.features = ChipBox({feature.name: feature.title for feature in FEATURES}, "Input")
        self.features.toggled.connect(self._toggle_feature)
        self.features_row = self._add(rows, "Inputs", self.features, "features")
        self.features_row.label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.features_row.label.setContentsMargins(0, 5, 0, 0)
        self.scaling = _choices("Input scaling", SCALINGS)
        self.scaling.activated.connect(lambda row: self._set("Input scaling", scaling=SCALINGS[row]))
        self._add(rows, "Scaling", self.scaling, "scaling")
        self.target_scaling = _choices("Target scaling", SCALINGS)
        self.target_scaling.activated.connect(lambda row: self._set("Target scaling", target_scaling=SCALINGS[row]))
        self.target_row = self._add(rows, "Target scale", self.target_scaling, "target_scaling")
        self.missing = _choices("Missing values", MISSING)
        self.missing.activated.connect(lambda row: self._set("Missing values", missing=MISSING[row]))
        self.missing_row = self._add(rows, "Missing", self.missing, "missing")
        self.seed = NumberField("Data seed", self._tell, whole=True)
        self.seed.edited.connect(lambda value: self._set("Data seed", "data seed", seed=value))
        self.again = QPushButton()
        self.again.setAccessibleName("Draw again")
        self.again.setToolTip("Draw again: other points, another split")
        self.again.setFixedSize(28, 28)
        self.again.setStyleSheet("padding: 0")
        self.again.setIconSize(QSize(16, 16))
        self.again.clicked.connect(self._draw_again)
        box = QWidget()
        box.setAccessibleName("Seed of the data")
        line = QHBoxLayout(box)
        bare(line, 4)
        line.addWidget(self.seed, 1)
        line.addWidget(self.again)
        self._add(rows, "Seed", box, "seed")

    @Slot()
    def _dress(self) -> None:
        self.again.setIcon(theme.icon("dice"))
        for row in range(self.sets.count()):
            if name := self.sets.itemData(row):
                images = name == OWN_TABLE and isinstance(self.session.document.data.table, datasets.Images)
                images = images or name in datasets.REMOTE
                self.sets.setItemIcon(row, data_picture(OWN_IMAGES if images else name))
            else:
                self.sets.setItemData(row, theme.color("ink 2"), Qt.ItemDataRole.ForegroundRole)

    # ---- what it shows --------------------------------------------------------------------------

    @Slot()
    def _show_document(self) -> None:
        data, dataset = self.session.document.data, self.session.dataset
        own = data.table
        record = None if own is not None else datasets.get(data.name)
        self._fill_sets(own)
        self.sets.setCurrentIndex(self.sets.findData(data.name))
        self.sets.show_detail(self._describe(record))
        self.sets.setToolTip(tip("\n".join([*([record.line] if record else []), *dataset.notes])))
        made = record is not None and record.has_samples
        self.noise_row.setVisible(record is not None and record.has_noise)
        self.points_row.setVisible(made)
        choices = record.classes if record is not None and made else ()
        self.classes_row.setVisible(len(choices) > 1)
        if [self.classes.itemData(i) for i in range(self.classes.count())] != list(choices):
            self.classes.clear()
            for number in choices:
                self.classes.addItem(str(number), number)
        self.classes.setCurrentIndex(self.classes.findData(data.classes))
        self.features_row.setVisible(record is not None and record.has_features)
        self.features.show_on(data.features or BASE_FEATURES)
        self.target_row.setVisible(dataset.task == "regression")
        self.missing_row.setVisible(isinstance(own, datasets.Table))
        self.noise.show_value(data.noise)
        taken = round(len(dataset.x_train) / (len(dataset.x_train) + len(dataset.x_test)), 3)
        self.share.show_value(taken if datasets.keeps_parts(data) else data.train_share)
        self.points.show_value(data.samples)
        self.seed.show_value(data.seed)
        self.scaling.setCurrentIndex(SCALINGS.index(data.scaling))
        self.target_scaling.setCurrentIndex(SCALINGS.index(data.target_scaling))
        self.missing.setCurrentIndex(MISSING.index(data.missing))

    def _describe(self, record: DatasetInfo | None) -> str:
        dataset = self.session.dataset
        noun = "points" if record is not None and record.has_samples else "samples"
        if dataset.image_shape is not None:
            noun = "images"
        total = count(len(dataset.x_train) + len(dataset.x_test))
        if dataset.task != "regression":
            return f"{total} {noun}, {len(dataset.class_names)} classes"
        outputs = dataset.outputs
        return f"{total} {noun}" + (f", {outputs} targets" if outputs > 1 else "")

    def _fill_sets(self, own: datasets.Table | datasets.Images | None) -> None:
        """The built-in sets by kind, and the own table or images while they are in use."""
        wanted = [(GROUPS.get((r.kind, r.task), r.kind), r.title, r.name) for r in DATASETS]
        images = GROUPS["image", "classification"]
        for remote in datasets.REMOTE:
            size = "" if datasets.is_fetched(remote) else f", fetch {stored(remote.packed)}"
            wanted.append((images, f"{remote.title}{size}", remote.name))
        if own is not None:
            wanted.insert(0, (OWN_GROUPS[type(own)], own.name, OWN_TABLE))
        titles = [title for _, title, _ in wanted]
        if titles == self.sets.property("titles"):
            return
        self.sets.setProperty("titles", titles)
        model = QStandardItemModel(self.sets)
        for group in dict.fromkeys(group for group, _, _ in wanted):
            item = QStandardItem(group)
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            item.setFont(theme.font(11, 600))
            item.setSizeHint(QSize(0, 24))
            model.appendRow(item)
            for other, title, name in wanted:
                if other == group:
                    item = QStandardItem(title)
                    item.setData(name, Qt.ItemDataRole.UserRole)
                    item.setSizeHint(QSize(0, 30))
                    model.appendRow(item)
        self.sets.setModel(model)
        self._dress()
        self.sets.setMaxVisibleItems(model.rowCount())

    # ---- what the user does ---------------------------------------------------------------------

    @Slot(int)
    def _choose(self, row: int) -> None:
        name, data = self.sets.itemData(row), self.session.wanted_data
        if name in (None, OWN_TABLE, data.name):
            self._show_document()
            return
        if name in datasets.REMOTE:
            choose_remote(self.session, datasets.REMOTE.get(name), self, self._show_document)
            return
        change(self.session, "Data set", lambda: {"data": datasets.switch(data, name)})

    @Slot(str, bool)
    def _toggle_feature(self, name: str, on: bool) -> None:
        chosen = set(self.session.wanted_data.features or BASE_FEATURES)
        chosen = chosen | {name} if on else chosen - {name}
        ordered = tuple(feature for feature in FEATURES.names() if feature in chosen)
        self._set("Inputs", features=None if ordered == BASE_FEATURES else ordered)

    @Slot()
    def _draw_again(self) -> None:
        self._set("Draw again", seed=self.session.wanted_data.seed + 1)

    def _set(self, text: str, merge: str | None = None, /, **changes: Any) -> None:
        data = self.session.wanted_data
        change(self.session, text, lambda: {"data": dataclasses.replace(data, **changes)}, merge)

    def _tell(self, words: str) -> None:
        self.session.notice.emit(words, "warning")


def _choices(name: str, choices: tuple[str, ...]) -> QuietCombo:
    combo = QuietCombo(name)
    combo.addItems([choice.capitalize() for choice in choices])
    return combo
