"""The polygon tool: corners by clicks, closed by Enter, a double click or a click on the first; Ctrl cuts it out."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QCursor, QPainter, QPen, QPolygonF

from app.canvas.tools.mask_work import MaskWork
from app.canvas.view_transform import ViewTransform
from app.session import Session
from app.theme import color

_CLOSE_PX = 8.0
_CORNER_PX = 3.5


class PolygonTool:
    """Adds a polygon to the selected track's mask, or cuts it out."""

    hint = "Click corners, Enter closes, Ctrl+Enter cuts out, Backspace takes the last corner back, Escape ends"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._corners: list[QPointF] = []
        self._at: QPointF | None = None
        self._near_px = 1.0
        self.edited_track_id: int | None = None

    def cursor(self) -> QCursor:
        """A cross."""
        return QCursor(Qt.CursorShape.CrossCursor)

    def press(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Add a corner, or close at the first one."""
        if len(self._corners) > 2 and self._is_first(point):
            self._close(cuts=bool(modifiers & Qt.KeyboardModifier.ControlModifier))
        elif not self._corners or (point - self._corners[-1]).manhattanLength() > self._near_px / 2:
            self._corners.append(point)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """The open side follows the mouse."""
        self._at = point
        return bool(self._corners)

    def release(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Corners are set at the press."""

    def key(self, key: int) -> bool:
        """Close, cut out, take back, drop."""
        if not self._corners:
            return False
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._close(cuts=False)
        elif key == Qt.Key.Key_Backspace:
            self._corners.pop()
        elif key == Qt.Key.Key_Escape:
            self.cancel()
        else:
            return False
        return True

    def cut_out(self) -> None:
        """Close and take the polygon out of the mask."""
        self._close(cuts=True)

    def cancel(self) -> None:
        """Forget the corners."""
        self._corners = []

    def paint(self, painter: QPainter, view: ViewTransform) -> None:
        """The polygon so far, its corners, and the side that follows the mouse."""
        self._near_px = _CLOSE_PX / view.zoom
        if not self._corners:
            return
        shown = [view.to_widget(corner) for corner in self._corners]
        followed = [*shown, view.to_widget(self._at)] if self._at is not None else shown
        line = self._session.colors.of(next(iter(self._session.selection), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(color("canvas"), 3.5), QPen(line, 1.8)):
            painter.setPen(pen)
            painter.drawPolyline(QPolygonF(followed))
        painter.setBrush(line)
        for corner in shown:
            painter.drawEllipse(corner, _CORNER_PX, _CORNER_PX)

    def _is_first(self, point: QPointF) -> bool:
        return (point - self._corners[0]).manhattanLength() < self._near_px

    def _close(self, cuts: bool) -> None:
        corners, self._corners = self._corners, []
        if len(corners) < 3:
            self._session.refused.emit("A polygon needs three corners at least")
            return
        if cuts and len(self._session.selection) != 1:
            self._session.refused.emit("Select one track to cut out of: click its mask with the select tool")
            return
        work = MaskWork(self._session)
        work.fill(corners, 0 if cuts else 1)
        work.commit()
