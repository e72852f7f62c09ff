"""The choice of the data set: a picture, the name, and below it how large the set is."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QIcon, QPainter, QPaintEvent
from PySide6.QtWidgets import QStyle, QStyleOptionComboBox

from gui import theme
from gui.widgets.number_field import QuietCombo

PICTURES = theme.RESOURCES / "thumbnails" / "data"
PICTURE = 28
OWN_IMAGES = "images"  # the picture of images of the user's own
CHEVRON = 24
BESIDE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


def data_picture(name: str) -> QIcon:
    """The picture of a data set in the shown theme, read when it is first drawn; empty where none was made.

    tools/make_data_thumbnails.py makes them.
    """
    path: Path = PICTURES / f"{name}-{theme.name()}.png"
    icon = QIcon()
    if path.exists():
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # the same in a chosen row, not tinted
            icon.addFile(str(path), mode=mode)
    return icon


class DataCombo(QuietCombo):
    """Two lines high while closed; `detail` is the second one."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.detail = ""
        self.setProperty("role", "data")
        self.setIconSize(QSize(PICTURE, PICTURE))

    def show_detail(self, detail: str) -> None:
        """Says how large the chosen set is."""
        if detail != self.detail:
            self.detail = detail
            self.setAccessibleDescription(detail)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        with QPainter(self) as painter:
            self.style().drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option, painter, self)
            picture = self.itemIcon(self.currentIndex())
            left = 9
            if not picture.isNull():
                middle = (self.height() - PICTURE) // 2
                picture.paint(painter, QRect(middle, middle, PICTURE, PICTURE))
                left = middle + PICTURE + 8
            width = self.width() - left - CHEVRON
            lines = ((self.currentText(), 13, 500, "ink", 3, 17), (self.detail, 11, 400, "ink 2", 20, 14))
            for text, size, weight, color, top, height in lines:
                painter.setFont(theme.font(size, weight))
                painter.setPen(theme.color(color))
                shown = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, width)
                painter.drawText(QRect(left, top, width, height), BESIDE, shown)
