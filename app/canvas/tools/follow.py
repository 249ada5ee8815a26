"""The follow tool: a box dragged around an object says what is to be followed."""

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QCursor, QPainter, QPen

from app.canvas.view_transform import ViewTransform
from app.session import Session
from app.theme import color
from visolo.rle import Box

_LEAST_PX = 4.0
_FILL_ALPHA = 40


class FollowTool(QObject):
    """Asks for the object in a box.

    Signals:
        box_drawn: a Box in whole px, within the video.
    """

    box_drawn = Signal(object)
    hint = "Drag a box around an object to follow it from this frame on; Escape stops"

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._start: QPointF | None = None
        self._at = QPointF()
        self.edited_track_id: int | None = None

    def cursor(self) -> QCursor:
        """A cross."""
        return QCursor(Qt.CursorShape.CrossCursor)

    def press(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """One corner of the box."""
        self._start = self._at = point

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """The opposite corner follows the mouse."""
        self._at = point
        return self._start is not None

    def release(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Follow what is in the box."""
        start, self._start = self._start, None
        video = self._session.video
        if start is None or video is None:
            return
        area = QRectF(start, point).normalized() & QRectF(0, 0, video.width, video.height)
        if area.width() < _LEAST_PX or area.height() < _LEAST_PX:
            self._session.refused.emit("Drag a box around the whole object, from one corner to the other")
            return
        whole = area.toAlignedRect()
        self.box_drawn.emit(Box(whole.x(), whole.y(), whole.width(), whole.height()))

    def key(self, key: int) -> bool:
        """Escape drops the box."""
        if key == Qt.Key.Key_Escape and self._start is not None:
            self.cancel()
            return True
        return False

    def cancel(self) -> None:
        """Forget the box."""
        self._start = None

    def paint(self, painter: QPainter, view: ViewTransform) -> None:
        """The box so far."""
        if self._start is None:
            return
        shown = QRectF(view.to_widget(self._start), view.to_widget(self._at)).normalized()
        line = color("accent")
        fill = color("accent")
        fill.setAlpha(_FILL_ALPHA)
        painter.fillRect(shown, fill)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(color("canvas"), 3.5), QPen(line, 1.8)):
            painter.setPen(pen)
            painter.drawRect(shown)
