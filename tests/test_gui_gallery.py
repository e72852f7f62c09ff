"""The gallery: cards that choose, search and groups, the keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt


@pytest.fixture
def gallery(qtbot):
    from gui.dialogs.gallery import Gallery

    page = Gallery()
    qtbot.addWidget(page)
    page.resize(1280, 720)
    page.show()
    return page


def test_one_click_on_a_card_chooses_it(qtbot, gallery):
    chosen: list[str] = []
    gallery.chosen.connect(chosen.append)
    card = gallery.cards[1]
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    card.run.click()
    assert chosen == [card.example.name] * 2


def test_a_card_says_what_its_network_is_made_of(gallery):
    sizes = {card.example.name: card.size_label.text() for card in gallery.cards}
    assert sizes["spiral"] == "2 inputs, 8-8" and sizes["digits"] == "64 inputs, 64-32"
    assert sizes["feature-maps"] == "28 × 28 pixels, filters 8-16"
    assert sizes["iris"].startswith("4 inputs")
    assert sizes["too-deep"] == sizes["deep-with-skips"] == "2 inputs, 17 layers of 8"
    for card in gallery.cards:
        assert card.size_label.sizeHint().width() <= card.size_label.width(), card.example.name


def test_enter_runs_the_first_example_found(qtbot, gallery):
    chosen = []
    gallery.chosen.connect(chosen.append)
    qtbot.keyClick(gallery.search, Qt.Key.Key_Return)
    assert not chosen
    gallery.search.setText("leaky")
    qtbot.keyClick(gallery.search, Qt.Key.Key_Return)
    assert chosen == ["killing-relus-leaky"]


def test_search_and_groups_narrow_the_cards(qtbot, gallery):
    visible = lambda: [card.example.name for card in gallery.cards if card.isVisible()]  # noqa: E731
    everything = visible()
    gallery.search.setText("spiral")
    assert 0 < len(visible()) < len(everything) and "spiral" in visible()
    gallery.search.setText("no such example")
    assert not visible() and gallery.grid.empty.isVisible()
    gallery.search.clear()
    gallery.chips.buttons()[1].click()
    group = gallery.cards[0].example.group
    assert visible() == [card.example.name for card in gallery.cards if card.example.group == group]


def test_escape_leaves_the_gallery_and_every_card_is_reached_by_keyboard(qtbot, gallery):
    closed: list[bool] = []
    gallery.closed.connect(lambda: closed.append(True))
    qtbot.keyClick(gallery, Qt.Key.Key_Escape)
    assert closed
    for card in gallery.cards:
        assert card.run.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert card.run.accessibleName() == f"Run {card.example.title}"


def test_every_example_has_its_thumbnails():
    from engine.examples import EXAMPLES
    from gui.dialogs.gallery import THUMBNAILS

    missing = [
        e.name for e in EXAMPLES for mode in ("light", "dark") if not (THUMBNAILS / f"{e.name}-{mode}.png").exists()
    ]
    assert not missing, f"run tools/make_thumbnails.py {' '.join(dict.fromkeys(missing))}"
