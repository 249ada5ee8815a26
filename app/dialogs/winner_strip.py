"""Frames that hold two tracks, side by side, each in the colour of the track whose mask stays there."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme

_HEIGHT = 30
_INSET = 6


class WinnerStrip(QWidget):
    """A column per frame; click, drag, Left and Right choose the one that is looked at.

    Args:
        colors: of the track that stays and of the one that is absorbed.
        count: frames, at least 1.

    Signals:
        position_changed: index of the frame that is looked at, among those of the strip.
    """

    position_changed = Signal(int)

    def __init__(self, colors: tuple[QColor, QColor], count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colors, self._wins = colors, np.zeros(count, dtype=np.bool_)
        self.position = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Frames that hold both tracks; Left and Right go from one to the next")

    def sizeHint(self) -> QSize:  # noqa: D102 - Qt's
        return QSize(400, _HEIGHT)

    def show_wins(self, wins: NDArray[np.bool_]) -> None:
        """Colour the frames: (n,) bool, True where the absorbed track's mask stays."""
        self._wins = wins
        self.update()

    def go_to(self, position: int) -> None:
        """Look at a frame, clipped to those there are."""
        position = max(0, min(position, len(self._wins) - 1))
        if position != self.position:
            self.position = position
            self.position_changed.emit(position)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102
        painter = QPainter(self)
        flips = np.flatnonzero(np.diff(self._wins.astype(np.int8))) + 1
        edges = [0, *flips.tolist(), len(self._wins)]
        for first, end in pairwise(edges):
            area = QRectF(self._x(first), _INSET, self._x(end) - self._x(first), self.height() - 2 * _INSET)
            painter.fillRect(area, self._colors[int(self._wins[first])])
        x = (self._x(self.position) + self._x(self.position + 1)) / 2
        painter.setPen(QPen(theme.color("bad"), 2))
        painter.drawLine(round(x), 0, round(x), self.height())
        if self.hasFocus():
            painter.setPen(theme.color("accent"))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102
        self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: D102
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._follow(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102
        match event.key():
            case Qt.Key.Key_Left:
                self.go_to(self.position - 1)
            case Qt.Key.Key_Right:
                self.go_to(self.position + 1)
            case Qt.Key.Key_Home:
                self.go_to(0)
            case Qt.Key.Key_End:
                self.go_to(len(self._wins) - 1)
            case _:
                super().keyPressEvent(event)

    def _follow(self, event: QMouseEvent) -> None:
        self.go_to(int(event.position().x() * len(self._wins) / max(1, self.width())))

    def _x(self, position: int) -> float:
        return position * self.width() / len(self._wins)
