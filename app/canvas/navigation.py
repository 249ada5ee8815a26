"""Zoom by wheel and pan by drag: mouse events in, a new view out."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

_WHEEL_STEP = 1.2
_WHEEL_UNITS_PER_STEP = 120.0
# A trackpad sends many small steps in px; so many px zoom as much as one wheel notch.
_TRACKPAD_PX_PER_STEP = 60.0


def zoom_factor(event: QWheelEvent) -> float:
    """How much one wheel event zooms; wheels report angles, some trackpads only pixels."""
    if event.angleDelta().y():
        return float(_WHEEL_STEP ** (event.angleDelta().y() / _WHEEL_UNITS_PER_STEP))
    return float(_WHEEL_STEP ** (event.pixelDelta().y() / _TRACKPAD_PX_PER_STEP))


class Panning:
    """Drags of the picture with the middle button, or with the left one while Space is held."""

    def __init__(self) -> None:
        self.space_held = False
        self.moved_with_space = False
        self._last: QPointF | None = None
        self._button = Qt.MouseButton.NoButton

    def press(self, event: QMouseEvent) -> bool:
        """Begin a drag; False when the press is not one of panning."""
        wanted = event.button() == Qt.MouseButton.MiddleButton
        wanted |= event.button() == Qt.MouseButton.LeftButton and self.space_held
        if wanted:
            self._last, self._button = event.position(), event.button()
        return wanted

    def move(self, event: QMouseEvent) -> QPointF | None:
        """How far the picture moves in widget px, or None when no drag is going on."""
        if self._last is None:
            return None
        by, self._last = event.position() - self._last, event.position()
        self.moved_with_space |= self.space_held
        return by

    def release(self, event: QMouseEvent) -> bool:
        """End the drag; False when there was none."""
        if self._last is None or event.button() != self._button:
            return False
        self._last = None
        return True
