"""Brush and eraser: a stroke adds to or takes from the selected track's mask; with none selected it begins a track."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QCursor, QPainter, QPen

from app.canvas.tools.mask_work import MaskWork
from app.canvas.view_transform import ViewTransform
from app.session import Session
from app.theme import color

MIN_RADIUS, MAX_RADIUS = 0.5, 200.0
_RADIUS_STEP = 1.25


class BrushTool:
    """Paints with a round brush; Ctrl turns it into the opposite."""

    def __init__(self, session: Session, erases: bool) -> None:
        self._session, self._erases = session, erases
        self._work: MaskWork | None = None
        self._at: QPointF | None = None
        self._value = 1
        self.radius = 12.0
        what = "Erase" if erases else "Paint"
        self.hint = f"{what} with the left button, Ctrl does the opposite, [ and ] change the size, Escape ends"

    @property
    def edited_track_id(self) -> int | None:
        """Track whose mask is being painted."""
        return self._work.track_id if self._work is not None else None

    def cursor(self) -> QCursor:
        """The ring that `paint` draws is the cursor."""
        return QCursor(Qt.CursorShape.CrossCursor)

    def press(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Begin a stroke."""
        opposite = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        self._value = int(self._erases == opposite)
        if self._value == 0 and len(self._session.selection) != 1:
            self._session.refused.emit("Select one track to erase from: click its mask with the select tool")
            return
        self._work = MaskWork(self._session)
        self._at = point
        self._work.stroke(point, point, self.radius, self._value)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """Go on with the stroke, or move the ring."""
        if self._work is not None and self._at is not None:
            self._work.stroke(self._at, point, self.radius, self._value)
        self._at = point
        return True

    def release(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """The stroke becomes an Edit."""
        work, self._work = self._work, None
        if work is not None:
            work.commit()

    def key(self, key: int) -> bool:
        """Escape drops the stroke."""
        if key == Qt.Key.Key_Escape and self._work is not None:
            self.cancel()
            return True
        return False

    def resize(self, steps: float) -> None:
        """A smaller or larger brush."""
        self.radius = min(max(self.radius * _RADIUS_STEP**steps, MIN_RADIUS), MAX_RADIUS)

    def cancel(self) -> None:
        """Forget the stroke."""
        self._work = None

    def paint(self, painter: QPainter, view: ViewTransform) -> None:
        """The mask with the stroke, and the ring."""
        if self._work is not None:
            self._work.paint(painter, view)
        if self._at is not None:
            center = view.to_widget(self._at)
            across, down = self.radius * view.zoom * view.pixel_aspect, self.radius * view.zoom
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for ring, width in ((color("canvas"), 3.0), (color("text"), 1.2)):
                painter.setPen(QPen(ring, width))
                painter.drawEllipse(center, across, down)
