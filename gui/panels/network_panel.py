"""The network as a list of layer cards."""

from __future__ import annotations

from PySide6.QtCore import QSize, QTimer, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from engine.layers import LAYERS, Dense
from engine.spec import NetworkSpec
from engine.telemetry import Snapshot
from gui import edits, theme
from gui.numbers import count
from gui.panels.changes import change
from gui.panels.layer_card import OUTPUT, LayerCard
from gui.panels.layer_words import parameter_counts
from gui.session import Session
from gui.widgets.rows import bare, head_row, label
from gui.widgets.sticky import StickyRow

HEAD = 28  # px: no row floats above it
NEW_CARDS = 4  # in one turn of the event loop


class NetworkPanel(QWidget):
    """Cards are kept and filled anew; only where the kind of layer changes, another card comes."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.cards: list[LayerCard] = []
        self._more_cards = QTimer(self, singleShot=True, interval=0)
        self._more_cards.timeout.connect(self._show_document)
        column = QVBoxLayout(self)
        bare(column, 4)
        self.parameters = label("", "label")
        self.parameters.setAccessibleName("Parameters")
        column.addLayout(head_row("Network", self.parameters))
        self._list = QVBoxLayout()
        bare(self._list, 4)
        column.addLayout(self._list)
        self.add_place = StickyRow(self._make_add(), self, HEAD)
        column.addWidget(self.add_place)
        self._marker = QFrame(self)
        self._marker.setFixedHeight(2)
        self._marker.hide()
        session.document_changed.connect(self._show_document)
        session.dataset_changed.connect(self._show_document)
        session.selection_changed.connect(self._show_selection)
        theme.signals.changed.connect(self._dress)
        self._dress()
        self._show_document()

    def _make_add(self) -> QWidget:
        made = QWidget()
        row = QHBoxLayout(made)
        bare(row, 4)
        self.add = QPushButton("Add layer")
        self.add.setAccessibleName("Add layer")
        self.add.setToolTip("Add a dense layer before the output")
        self.add.setIconSize(QSize(16, 16))
        self.add.clicked.connect(self._add_dense)
        self.add_kind = QToolButton()
        self.add_kind.setAccessibleName("Kind of layer to add")
        self.add_kind.setToolTip("Add a layer of another kind")
        self.add_kind.setFixedSize(28, 28)
        self.add_kind.setIconSize(QSize(16, 16))
        self.add_kind.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add_kind.setStyleSheet("padding: 0")
        menu = QMenu(self.add_kind)
        for record in LAYERS:
            action = menu.addAction(f"{record.name}\t{record.advice}")
            action.setData(record.name)
        menu.triggered.connect(lambda action: self._add(action.data()))
        self.add_kind.setMenu(menu)
        row.addWidget(self.add, 1)
        row.addWidget(self.add_kind)
        return made

    @Slot()
    def _dress(self) -> None:
        self.add.setIcon(theme.icon("plus"))
        self.add_kind.setIcon(theme.icon("chevron-down", "ink 2"))
        self._marker.setStyleSheet(f"background: {theme.color('accent').name()}; border: none")

    # ---- what it shows --------------------------------------------------------------------------

    @Slot()
    def _show_document(self) -> None:
        spec = self.session.document.spec
        kinds, fed = _kinds(spec), (spec.input_shape, *spec.shapes())
        self._fit_cards(kinds)
        for index, (card, layer, kind) in enumerate(zip(self.cards, spec.layers, kinds, strict=False)):
            if card.kind == kind:  # else its own comes in the next turns
                card.show_layer(index, layer, fed[index])
        self._show_selection()
        self._show_state(self.session.snapshot)

    def _fit_cards(self, kinds: list[str]) -> None:
        """A card for every layer. Where many are new, some come now and the others in the next turns of the event
        loop: each costs milliseconds."""
        while len(self.cards) > len(kinds):
            _discard(self._list, self.cards.pop())
        new = [index for index, kind in enumerate(kinds) if index >= len(self.cards) or self.cards[index].kind != kind]
        for index in [] if self._more_cards.isActive() else new[:NEW_CARDS]:
            card = LayerCard(self.session, index, kinds[index])
            card.dragged.connect(self._drag)
            card.dropped.connect(self._drop)
            if index < len(self.cards):
                _discard(self._list, self.cards[index])
                self.cards[index] = card
            else:
                self.cards.append(card)
            self._list.insertWidget(index, card)
        if len(new) > NEW_CARDS:
            self._more_cards.start()
        before: QWidget = self
        for card in self.cards:
            QWidget.setTabOrder(before, card)
            before = _last_of(card)
        QWidget.setTabOrder(before, self.add)

    @Slot()
    def _show_selection(self) -> None:
        chosen = self.session.selection[0] if self.session.selection is not None else None
        for card in self.cards:
            card.show_chosen(card.index == chosen)
        sizes = parameter_counts(self.session.document.spec)
        total = sum(sizes)
        own = "" if chosen is None or chosen >= len(sizes) else f"{count(sizes[chosen])} of "
        self.parameters.setText(f"{own}{count(total)} parameter{'' if total == 1 else 's'}")

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follows the state of the neurons."""
        self._show_state(snapshot)

    def _show_state(self, snapshot: Snapshot | None) -> None:
        fits = snapshot is not None and snapshot.spec.shapes() == self.session.document.spec.shapes()
        for index, card in enumerate(self.cards):
            card.show_state(snapshot.layers[index] if fits and snapshot is not None else None)

    # ---- what the user does ---------------------------------------------------------------------

    @Slot()
    def _add_dense(self) -> None:
        self._add("Dense")

    def _add(self, kind: str) -> None:
        add_layer(self.session, kind)

    def _place(self, card: LayerCard, y: int) -> int:
        """Where among the hidden layers the dragged card would land."""
        others = [c for c in self.cards[: edits.hidden_count(self.session.document.spec)] if c is not card]
        return sum(1 for other in others if other.mapToGlobal(other.rect().center()).y() < y)

    @Slot(object, int)
    def _drag(self, card: LayerCard, y: int) -> None:
        to = self._place(card, y)
        beside = self.cards[to]
        below = to > card.index
        edge = beside.geometry().bottom() + 3 if below else beside.geometry().top() - 4
        self._marker.setGeometry(0, edge, self.width(), 2)
        self._marker.setVisible(to != card.index)
        self._marker.raise_()

    @Slot(object, int)
    def _drop(self, card: LayerCard, y: int) -> None:
        self._marker.hide()
        to = self._place(card, y)
        if to != card.index:
            spec = self.session.document.spec
            text = f"Move layer {card.index + 1}"
            change(self.session, text, lambda: {"spec": edits.move_layer(spec, card.index, to)})


def add_layer(session: Session, kind: str) -> None:
    """Adds a layer of this kind where it fits, the last place first."""
    spec = session.document.spec
    change(session, "Add layer", lambda: {"spec": edits.add_layer(spec, edits.new_layer(spec, kind))}, wanted=kind)


def _kinds(spec: NetworkSpec) -> list[str]:
    kinds = [layer.kind for layer in spec.layers]
    if isinstance(spec.layers[-1], Dense):
        kinds[-1] = OUTPUT
    return kinds


def _last_of(card: LayerCard) -> QWidget:
    """The last control of a card in the order of Tab."""
    return card.details.remove


def _discard(layout: QVBoxLayout, card: LayerCard) -> None:
    layout.removeWidget(card)
    card.hide()
    card.deleteLater()
