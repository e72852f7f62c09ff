"""The network as a list of layer cards."""

from __future__ import annotations

from PySide6.QtCore import QSize, QTimer, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from engine.layers import Dense
from engine.spec import NetworkSpec
from engine.telemetry import Snapshot
from gui import edits, theme
from gui.numbers import count
from gui.panels.changes import change
from gui.panels.kinds_menu import kinds_menu
from gui.panels.layer_card import OUTPUT, LayerCard
from gui.panels.layer_words import parameter_count
from gui.session import Session
from gui.widgets.rows import bare, head_row, label
from gui.widgets.sticky import StickyRow

HEAD = 28  # px: no row floats above it
LONGEST_HEAD = 26  # characters that have room beside "Network": more would widen the column
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
        self.add_kind.setMenu(kinds_menu(self.add_kind, self._add))
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
        places = _in_order(spec)
        kinds = [_kind(spec, index) for index in places]
        self._fit_cards(kinds)
        for card, index, kind in zip(self.cards, places, kinds, strict=False):
            if card.kind == kind:
                card.show_part(index, spec.parts[index])
            else:  # its own comes in the next turns
                card.retire()
        self._show_selection()
        self._show_state(self.session.snapshot)

    def _fit_cards(self, kinds: list[str]) -> None:
        """A card for every layer. Where many are new, some come now and the others in the next turns of the event
        loop: each costs milliseconds."""
        while len(self.cards) > len(kinds):
            _discard(self._list, self.cards.pop())
        new = [row for row, kind in enumerate(kinds) if row >= len(self.cards) or self.cards[row].kind != kind]
        for row in [] if self._more_cards.isActive() else new[:NEW_CARDS]:
            card = LayerCard(self.session, kinds[row])
            card.dragged.connect(self._drag)
            card.dropped.connect(self._drop)
            if row < len(self.cards):
                _discard(self._list, self.cards[row])
                self.cards[row] = card
            else:
                self.cards.append(card)
            self._list.insertWidget(row, card)
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
        spec = self.session.document.spec
        total = spec.parameter_count()
        own = "" if chosen is None or chosen >= len(spec.parts) else f"{count(parameter_count(spec.parts[chosen]))} of "
        words = f"{own}{count(total)} parameter{'' if total == 1 else 's'}"
        self.parameters.setText(words if len(words) <= LONGEST_HEAD else f"{own}{count(total)}")
        self.parameters.setToolTip(words)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follows the state of the neurons."""
        self._show_state(snapshot)

    def _show_state(self, snapshot: Snapshot | None) -> None:
        shapes = [part.given for part in self.session.document.spec.parts]
        known = snapshot is not None and [part.given for part in snapshot.spec.parts] == shapes
        for card in self.cards:
            known = known and card.index < len(shapes)
            card.show_state(snapshot.layers[card.index] if known and snapshot is not None else None)

    # ---- what the user does ---------------------------------------------------------------------

    @Slot()
    def _add_dense(self) -> None:
        self._add("Dense")

    def _add(self, kind: str) -> None:
        add_layer(self.session, kind)

    def _siblings(self, card: LayerCard) -> list[LayerCard]:
        """The hidden layers that may change places with it: those of its block, or those in none."""
        spec = self.session.document.spec
        block = edits.place_of(spec, card.index)[0]
        hidden = (other for other in self.cards if other.index < edits.output_index(spec))
        return [other for other in hidden if edits.place_of(spec, other.index)[0] == block]

    def _place(self, card: LayerCard, y: int) -> int:
        """Where among them the dragged card would land."""
        others = [other for other in self._siblings(card) if other is not card]
        return sum(1 for other in others if other.mapToGlobal(other.rect().center()).y() < y)

    @Slot(object, int)
    def _drag(self, card: LayerCard, y: int) -> None:
        siblings, to = self._siblings(card), self._place(card, y)
        own = siblings.index(card)
        edge = siblings[to].geometry().top() - 4
        if to > own:
            after = self.cards.index(siblings[to + 1]) if to + 1 < len(siblings) else None
            last = siblings[to] if after is None else self.cards[after - 1]
            edge = last.geometry().bottom() + 3
        self._marker.setGeometry(0, edge, self.width(), 2)
        self._marker.setVisible(to != own)
        self._marker.raise_()

    @Slot(object, int)
    def _drop(self, card: LayerCard, y: int) -> None:
        self._marker.hide()
        to = self._place(card, y)
        if to != self._siblings(card).index(card):
            spec = self.session.document.spec
            text = f"Move layer {card.number}"
            change(self.session, text, lambda: {"spec": edits.move_layer(spec, card.index, to)})


def add_layer(session: Session, kind: str) -> None:
    """Adds a layer of this kind where it fits, the last place first."""
    spec = session.document.spec
    change(session, "Add layer", lambda: {"spec": edits.add_layer(spec, edits.new_layer(spec, kind))}, wanted=kind)


def _in_order(spec: NetworkSpec) -> list[int]:
    """The layers as they stand below each other, a block before those within it: indices in `NetworkSpec.parts`."""
    shown = [index for index, part in enumerate(spec.parts) if not part.skips]
    return sorted(shown, key=lambda index: [int(name) for name in spec.parts[index].path.split(".")])


def _kind(spec: NetworkSpec, index: int) -> str:
    layer = spec.parts[index].layer
    return OUTPUT if index == edits.output_index(spec) and isinstance(layer, Dense) else layer.kind


def _last_of(card: LayerCard) -> QWidget:
    """The last control of a card in the order of Tab."""
    return card.details.remove


def _discard(layout: QVBoxLayout, card: LayerCard) -> None:
    layout.removeWidget(card)
    card.retire()
    card.hide()
    card.deleteLater()
