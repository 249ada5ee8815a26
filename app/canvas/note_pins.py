"""Notes over the picture: a pin at its place, or a mark in the frame's corner; hovered, clicked, dragged."""

from PySide6.QtCore import QLineF, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from app import theme
from app.canvas.scene import Scene
from app.canvas.view_transform import ViewTransform
from app.document.edits import MoveNote
from app.document.records import Note, NotePlace
from app.session import Session

_RADIUS = 9.0
_HEIGHT = 16.0  # of the head's middle above the place
_REACH = 2.0  # so far beside the head it still takes the mouse
_GAP = 6.0
_DRAG_PX = 4.0
_RESOLVED_ALPHA = 0.7
_OPEN = QColor(theme.DARK.warning)  # in both themes: the picture behind is the same
# Readable on any picture: a dark line around the mark, and a light one around that.
_DARK, _LIGHT = QColor(0, 0, 0, 220), QColor(255, 255, 255, 190)


class NotePins(QObject):
    """Notes of the frame that the canvas shows. Points are in px of the widget.

    Signals:
        changed: they look different now.
        opened: a Note that was clicked.

    Attributes:
        are_shown: whether there are any.
    """

    changed = Signal()
    opened = Signal(object)

    def __init__(self, session: Session, scene: Scene) -> None:
        super().__init__(session)
        self._session, self._scene = session, scene
        self.are_shown = True
        self._hovered: Note | None = None
        self._held: Note | None = None
        self._pressed_at = QPointF()
        self._dragged_to: NotePlace | None = None
        session.notes.changed.connect(self.changed)
        session.notes.current_changed.connect(self.changed)

    def paint(self, painter: QPainter, view: ViewTransform, area: QRectF) -> None:
        """Draw them; `area` is the widget."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        current = self._session.notes.current
        for note, head in self._heads(view, area):
            place = self._place(note)
            tip = None if place is None else view.to_widget(QPointF(*place))
            is_lit = note in (self._hovered, self._held, current)
            _paint_mark(painter, head, tip, is_resolved=note.is_resolved, is_lit=is_lit)

    def at(self, point: QPointF, view: ViewTransform, area: QRectF) -> Note | None:
        """The topmost note whose mark is at a point."""
        for note, head in reversed(self._heads(view, area)):
            if QLineF(point, head).length() <= _RADIUS + _REACH:
                return note
        return None

    def hover(self, point: QPointF | None, view: ViewTransform, area: QRectF) -> bool:
        """Where the mouse is now without a button, None for elsewhere; True when it is over a mark it can take."""
        note = self.at(point, view, area) if point is not None and self._takes_mouse() else None
        if note != self._hovered:
            self._hovered = note
            self.changed.emit()
        return note is not None

    def press(self, point: QPointF, view: ViewTransform, area: QRectF) -> bool:
        """The left button went down; True when it is on a mark, which has the mouse from now on."""
        self._held = self.at(point, view, area) if self._takes_mouse() else None
        self._pressed_at, self._dragged_to = point, None
        return self._held is not None

    def move(self, point: QPointF, view: ViewTransform) -> bool:
        """The mouse moved with the button down; True while a mark has it."""
        if self._held is None:
            return False
        way = point - self._pressed_at
        if self._dragged_to is not None or way.manhattanLength() >= _DRAG_PX:
            place = self._held.place
            target = point if place is None else view.to_widget(QPointF(*place)) + way
            self._dragged_to = _inside(view.to_image(target), view)
            self.changed.emit()
        return True

    def release(self) -> bool:
        """The left button went up: move the note, or open it; True when a mark had the mouse."""
        note, place = self._held, self._dragged_to
        self.cancel()
        if note is None:
            return False
        self._session.notes.set_current(note)
        if place is None:
            self.opened.emit(note)
        elif place != note.place:
            self._session.do(MoveNote(note.video_id, note.note_id, place))
        return True

    def cancel(self) -> bool:
        """Put a mark that is being dragged back; False when there is none."""
        was_held, self._held, self._dragged_to = self._held is not None, None, None
        if was_held:
            self.changed.emit()
        return was_held

    def _takes_mouse(self) -> bool:
        """Mask tools draw over marks."""
        return self._session.tool_id == "select"

    def _place(self, note: Note) -> NotePlace | None:
        is_dragged = self._held is not None and note.note_id == self._held.note_id and self._dragged_to is not None
        return self._dragged_to if is_dragged else note.place

    def _heads(self, view: ViewTransform, area: QRectF) -> list[tuple[Note, QPointF]]:
        """Notes with the middles of their marks, in drawing order: resolved ones below open ones."""
        if not self.are_shown:
            return []
        notes = self._session.notes.of_frame(self._scene.frame_index)
        corner = view.shown_rect.intersected(area).topRight()
        step = 2 * _RADIUS + _GAP
        in_corner = [note for note in notes if self._place(note) is None]
        heads = []
        for note in sorted(notes, key=lambda n: not n.is_resolved):
            place = self._place(note)
            if place is not None:
                heads.append((note, _head_over(view.to_widget(QPointF(*place)), area)))
            else:
                position = in_corner.index(note)
                heads.append((note, corner + QPointF(-step * (position + 0.5) - 2, step / 2 + 2)))
        return heads


def _head_over(tip: QPointF, area: QRectF) -> QPointF:
    """Middle of the head of a pin: above its tip, below it where there is no room."""
    is_cut = area.top() <= tip.y() < area.top() + _HEIGHT + _RADIUS
    return tip + QPointF(0, _HEIGHT if is_cut else -_HEIGHT)


def _inside(point: QPointF, view: ViewTransform) -> NotePlace:
    """The nearest place of the picture, to a tenth of a pixel."""
    size = view.image_size
    x, y = min(max(point.x(), 0.0), size.width()), min(max(point.y(), 0.0), size.height())
    return NotePlace(round(x, 1), round(y, 1))


def _paint_mark(painter: QPainter, head: QPointF, tip: QPointF | None, *, is_resolved: bool, is_lit: bool) -> None:
    """A round head, with a tip at the place where there is one."""
    radius = _RADIUS + (1.5 if is_lit else 0.0)
    outline = QPainterPath()
    outline.addEllipse(head, radius, radius)
    if tip is not None:
        side = QPointF(radius * 0.62, radius * (0.7 if tip.y() > head.y() else -0.7))
        wedge = QPainterPath()
        wedge.addPolygon(QPolygonF([head + QPointF(-side.x(), side.y()), tip, head + side]))
        wedge.closeSubpath()
        outline = outline.united(wedge)
    painter.save()
    painter.setOpacity(_RESOLVED_ALPHA if is_resolved and not is_lit else 1.0)
    for color, width in ((_LIGHT, 4.5), (_DARK, 2.5)):
        painter.strokePath(outline, QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, _ROUND))
    ground = theme.color("panel") if is_resolved else _OPEN
    painter.fillPath(outline, ground)
    ink = theme.color("muted") if is_resolved else _DARK
    painter.setPen(QPen(ink, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, _ROUND))
    if is_resolved:
        tick = [head + QPointF(-4, 0), head + QPointF(-1, 3), head + QPointF(4, -3)]
        painter.drawPolyline(QPolygonF(tick))
    else:
        for y, half in ((-2.5, 4.0), (2.0, 2.5)):
            painter.drawLine(head + QPointF(-4, y), head + QPointF(-4 + 2 * half, y))
    painter.restore()


_ROUND = Qt.PenJoinStyle.RoundJoin
