"""What can be done with one neuron: the menu of its tile on the map and of its row in the heatmap."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget

from engine.units import weights_of
from gui import edits

if TYPE_CHECKING:
    from gui.session import Session


def switch_words(session: Session, layer: int, unit: int) -> str:
    """ "Switch off neuron 3 of layer 1", or on."""
    turn = "on" if edits.is_off(session.document.spec, layer, unit) else "off"
    return f"Switch {turn} neuron {unit + 1} of layer {session.document.spec.parts[layer].number}"


def switch(session: Session, layer: int, unit: int) -> None:
    """Switches a neuron off, or on again."""
    words = switch_words(session, layer, unit)
    session.edit(words, spec=edits.switch_unit(session.document.spec, layer, unit))


def is_frozen(session: Session, layer: int, unit: int) -> bool:
    """Whether all incoming weights of a neuron are frozen."""
    snapshot = session.snapshot
    source = weights_of(snapshot.spec, layer) if snapshot is not None else None
    held = snapshot.held.get(snapshot.spec.key(source, "kernel")) if snapshot and source is not None else None
    return held is not None and unit < held.shape[-1] and bool(held[..., unit].all())


def show_unit_menu(
    session: Session, layer: int, unit: int, over: QWidget, place: QPoint, edit: Callable[[], None] | None = None
) -> QMenu:
    """Opens the menu of a hidden layer's neuron at a place of the screen. `edit` opens an editor of its numbers."""
    menu = QMenu(over)
    menu.setAccessibleName(f"Neuron {unit + 1} of layer {session.document.spec.parts[layer].number}")
    if edits.can_switch(session.document.spec, layer):
        menu.addAction(switch_words(session, layer, unit), lambda: switch(session, layer, unit))
    if weights_of(session.document.spec, layer) is not None:
        held = is_frozen(session, layer, unit)
        words = f"{'Unfreeze' if held else 'Freeze'} its weights"
        menu.addAction(words, lambda: session.freeze(layer, (unit,), not held))
        menu.addAction("Draw its weights anew", lambda: session.redraw(layer, (unit,)))
    if edit is not None:
        menu.addAction("Edit its bias and weights", edit)
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(place)
    return menu
