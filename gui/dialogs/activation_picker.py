"""Chooses the activation of one layer: search, families, curves, and the facts of the one that is looked at."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from engine.activations import ACTIVATIONS, is_own
from engine.fields import name_of
from gui import edits, theme
from gui.dialogs.activation_facts import ActivationFacts
from gui.dialogs.activation_list import ActivationList, families
from gui.dialogs.own_formula import OwnFormula
from gui.panels.changes import change
from gui.session import Session
from gui.widgets.chips import Chip, Flow
from gui.widgets.rows import bare

WANTED = QSize(704, 644)
STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}


class ActivationPicker(QFrame):
    """Opens over the centre, beside its card. Arrows look, Enter takes, Esc or a click elsewhere closes."""

    def __init__(self, session: Session, layer: int, anchor: QWidget | None = None) -> None:
        super().__init__(anchor.window() if anchor is not None else None)
        self.session, self.layer, self._anchor = session, layer, anchor
        self.setProperty("role", "popup")
        part = session.document.spec.parts[layer]
        self.setAccessibleName(f"Activation picker of layer {part.number}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._before = part.layer.activation  # type: ignore[attr-defined]
        in_use = name_of(self._before)
        self.search = QLineEdit()
        self.search.setAccessibleName("Search activations")
        self.search.setPlaceholderText(f"Search {len(ACTIVATIONS)} activations for layer {part.number}")
        self.search.addAction(theme.icon("search", "ink 2"), QLineEdit.ActionPosition.LeadingPosition)
        self.list = ActivationList(in_use)
        self.facts = ActivationFacts(lambda words: session.notice.emit(words, "warning"))
        self.own = OwnFormula()
        self.use = QPushButton()
        self.use.setProperty("role", "accent")
        self.keep = QPushButton("Keep it" if is_own(in_use) else f"Keep {in_use}")
        self.keep.setAccessibleName(f"Keep {in_use}")
        self._lay_out()
        self.search.textChanged.connect(self._refill)
        self.list.previewed.connect(self._preview)
        self.list.taken.connect(self.take)
        self.own.written.connect(self._preview_own)
        self.use.clicked.connect(self.take)
        self.keep.clicked.connect(self.close)
        session.dataset_changed.connect(self.close)
        if anchor is not None:
            anchor.destroyed.connect(self._lose_anchor)
        self.search.installEventFilter(self)
        if is_own(in_use):
            self.list.setCurrentRow(-1)
            self.own.show_formula(in_use)
        else:
            self.list.choose(in_use)
        self._preview(in_use)

    def _lay_out(self) -> None:
        top = QVBoxLayout()
        top.setContentsMargins(16, 12, 14, 12)
        top.setSpacing(12)
        top.addWidget(self.search)
        chips = Flow()
        self._families = QButtonGroup(self)
        for text, family, total in (("All", None, len(ACTIVATIONS)), *((f, f, n) for f, n in families().items())):
            chip = Chip(f"{text}  {total}", f"{text}, {total} activations")
            chip.setProperty("family", family)
            chip.setChecked(family is None)
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._families.addButton(chip)
            chips.addWidget(chip)
        self._families.buttonClicked.connect(self._refill)
        top.addLayout(chips)
        right = QVBoxLayout()
        right.setContentsMargins(18, 14, 16, 12)
        right.setSpacing(8)
        right.addWidget(self.facts, 1)
        buttons = QHBoxLayout()
        bare(buttons, 8)
        buttons.addWidget(self.use, 1)
        buttons.addWidget(self.keep)
        right.addLayout(buttons)
        side = QWidget()
        side.setLayout(right)
        side.setFixedWidth(294)
        body = QHBoxLayout()
        bare(body, 0)
        lists = QVBoxLayout()
        lists.setContentsMargins(4, 6, 4, 6)
        lists.addWidget(self.list, 1)
        below = QVBoxLayout()
        below.setContentsMargins(12, 8, 10, 6)
        below.addWidget(self.own)
        lists.addWidget(_rule(vertical=False))
        lists.addLayout(below)
        body.addLayout(lists, 1)
        body.addWidget(_rule(vertical=True))
        body.addWidget(side)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(1, 1, 1, 1)
        whole.setSpacing(0)
        whole.addLayout(top)
        whole.addWidget(_rule(vertical=False))
        whole.addLayout(body, 1)

    def open_beside(self) -> None:
        """Shows it to the right of what it was opened from, inside the window."""
        self._place()
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def _place(self) -> None:
        window = self.parentWidget()
        if self._anchor is not None and window is not None:
            column = _column_of(self._anchor)
            edge = column.mapTo(window, QPoint(column.width(), 0))
            room = window.rect().adjusted(8, 8, -8, -8)
            width, height = min(WANTED.width(), room.width()), min(WANTED.height(), room.height())
            left = min(edge.x() + 4, room.right() - width)
            top = max(room.top(), min(edge.y() + 4, room.bottom() - height))
            self.setGeometry(QRect(left, top, width, height))
        else:
            self.resize(WANTED)

    # ---- what the user does ---------------------------------------------------------------------

    @Slot()
    def take(self) -> None:
        """Gives the layer the activation that is shown."""
        if not self.use.isEnabled():
            return
        session, layer, value = self.session, self.layer, self.facts.value
        self.close()
        if layer < len(session.document.spec.parts) and value != self._before:
            spec = session.document.spec
            text = f"Activation of layer {spec.parts[layer].number}"
            change(session, text, lambda: {"spec": edits.set_layer(spec, layer, activation=value)})

    @Slot()
    def _lose_anchor(self) -> None:
        """The card is gone, perhaps the layer too."""
        self._anchor = None
        self.close()

    @Slot()
    def _refill(self) -> None:
        chip = self._families.checkedButton()
        self.list.fill(self.search.text(), chip.property("family") if chip is not None else None)

    @Slot(str)
    def _preview(self, name: str) -> None:
        self.facts.show_value(self._before if name == name_of(self._before) else name)
        text = "Use this formula" if is_own(name) else f"Use {name}"
        self.use.setText(text)
        self.use.setAccessibleName(text)
        self.use.setEnabled(True)

    @Slot(str)
    def _preview_own(self, name: str) -> None:
        """The formula in the field; while it is none, what was shown stays, and cannot be taken."""
        if name:
            self.list.setCurrentRow(-1)
            self._preview(name)
        else:
            self.use.setEnabled(not self.own.field.text().strip())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.parentWidget() and event.type() == QEvent.Type.Resize:
            self._place()  # it stays inside
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = STEPS.get(Qt.Key(event.key()))
            if step is not None:
                self.list.step(step)
                return True
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent) and self._outside(watched):
            self.close()
        return False

    def _outside(self, watched: QObject) -> bool:
        return isinstance(watched, QWidget) and watched is not self and not self.isAncestorOf(watched)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.take()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()  # else the window behind it gets the click, which closes it

    def closeEvent(self, event: QEvent) -> None:
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        if self._anchor is not None:
            self._anchor.setFocus(Qt.FocusReason.PopupFocusReason)
        super().closeEvent(event)  # type: ignore[arg-type]


def _column_of(anchor: QWidget) -> QWidget:
    """The scrolled column that `anchor` stands in, or itself."""
    above = anchor.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    return above or anchor


def _rule(vertical: bool) -> QFrame:
    rule = QFrame()
    rule.setProperty("role", "rule")
    rule.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    rule.setFixedWidth(1) if vertical else rule.setFixedHeight(1)
    return rule
