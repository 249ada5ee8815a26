"""What the mouse does on the timeline: scrub, select lanes, mark a range, zoom, scroll."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QCursor, QHelpEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip

from app.document.records import FrameRange, Origin
from app.notes import note_tip
from app.panels.timeline_model import TimelineModel
from app.panels.timeline_scene import GUTTER_WIDTH, RULER_HEIGHT
from app.session import Session

_ZOOM_PER_NOTCH = 1.25
_NOTCH = 120
_ORIGIN_TEXT = {
    Origin.MODEL: "from the model",
    Origin.PERSON: "drawn by a person",
    Origin.IMPORTED: "imported",
    Origin.INTERPOLATED: "followed by the model",
    Origin.BOX: "only a box, no mask",
}


class TimelineMouse(QObject):
    """Event filter of the timeline's viewport; everything it does goes to the session or to the scale.

    Signals:
        view_changed: zoom or horizontal scroll is another now.
        lanes_scrolled: px by which the lanes shall move down the page.
    """

    view_changed = Signal()
    lanes_scrolled = Signal(int)

    def __init__(self, session: Session, model: TimelineModel, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._model = session, model
        self._drag: str | None = None
        self._drag_start = 0
        self._last_x = 0.0
        self._handlers: dict[QEvent.Type, Callable[..., bool]] = {
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._release,
            QEvent.Type.MouseButtonDblClick: self._double_click,
            QEvent.Type.Wheel: self._wheel,
            QEvent.Type.ToolTip: self._show_tip,
        }

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Qt's entry: True when the event was used up here."""
        handle = self._handlers.get(event.type())
        return handle is not None and handle(event)

    @property
    def is_dragging(self) -> bool:
        """Whether a mouse button holds the playhead, a range or the view."""
        return self._drag is not None

    def _press(self, event: QMouseEvent) -> bool:
        if self._session.video is None:
            return False
        position, scene = event.position(), self._model.scene
        if event.button() is Qt.MouseButton.MiddleButton:
            self._drag, self._last_x = "pan", position.x()
            return True
        if event.button() is not Qt.MouseButton.LeftButton:
            return False
        if position.x() < GUTTER_WIDTH:
            self._select_lane(position, event.modifiers())
            return True
        if not event.modifiers() and self._choose_mark(position):
            return True
        frame = scene.frame_at(position.x())
        self._drag_start = frame
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._drag = "range"
            self._session.set_range(FrameRange(frame, frame))
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self._drag = "zoom"
        else:
            self._drag = "scrub"
            self._select_bar(position, event.modifiers())
            self._session.show_frame(frame)
        return True

    def _choose_mark(self, position: QPointF) -> bool:
        """Go to the suspicion or note whose mark is under the mouse; False where there is none."""
        scene, x, y = self._model.scene, position.x(), position.y()
        if (suspicion := scene.suspicion_at(x, y)) is not None:
            self._session.review.choose(suspicion)
        elif (note := scene.notes.at(x, y, scene)) is not None:
            self._session.notes.choose(note)
        else:
            return False
        return True

    def _move(self, event: QMouseEvent) -> bool:
        if self._drag is None:
            return False
        x, scene = event.position().x(), self._model.scene
        if self._drag == "pan":
            scene.scale.scroll_to(scene.scale.first - (x - self._last_x) / scene.scale.pixels_per_frame)
            self._last_x = x
            self.view_changed.emit()
            return True
        frame = scene.frame_at(x)
        first, last = sorted((self._drag_start, frame))
        if self._drag == "scrub":
            self._session.show_frame(frame)
        elif self._drag == "range":
            self._session.set_range(FrameRange(first, last))
        elif last > first:
            scene.scale.show(first, last)
            self._drag = None
            self.view_changed.emit()
        return True

    def _release(self, event: QMouseEvent) -> bool:
        self._drag = None
        return event.button() is not Qt.MouseButton.RightButton

    def _double_click(self, event: QMouseEvent) -> bool:
        position, scene = event.position(), self._model.scene
        if position.x() < GUTTER_WIDTH:
            return False
        head = scene.head_at(position.y())
        if position.y() < RULER_HEIGHT:
            scene.scale.fit()
        elif head is not None and (columns := self._model.lanes.get(head.track_id)) is not None:
            run = columns.run_around(scene.frame_at(position.x()))
            if run is None:
                return True
            margin = (run[1] - run[0]) // 10 + 1
            scene.scale.show(max(0, run[0] - margin), run[1] + margin)
        self.view_changed.emit()
        return True

    def _select_lane(self, position: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        head = self._model.scene.head_at(position.y())
        if head is None:
            return
        selection = self._session.selection
        if modifiers & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier):
            self._session.select(selection ^ {head.track_id})
        else:
            self._session.select({head.track_id})

    def _select_bar(self, position: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """A click on a bar selects its track; a click beside bars only moves the playhead."""
        head = self._model.scene.head_at(position.y())
        columns = None if head is None else self._model.lanes.get(head.track_id)
        if columns is not None and columns.at(self._model.scene.frame_at(position.x())) is not None:
            self._select_lane(position, modifiers)

    def _wheel(self, event: QWheelEvent) -> bool:
        delta, scene = event.angleDelta(), self._model.scene
        is_sideways = abs(delta.x()) > abs(delta.y())
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or is_sideways:
            notches = (delta.x() if is_sideways else delta.y()) / _NOTCH
            scene.scale.scroll_to(scene.scale.first - notches * scene.scale.visible_frames / 10)
            self.view_changed.emit()
        elif event.position().x() < GUTTER_WIDTH:
            self.lanes_scrolled.emit(-delta.y() // 2)
        else:
            scene.scale.zoom(_ZOOM_PER_NOTCH ** (delta.y() / _NOTCH), event.position().x() - GUTTER_WIDTH)
            self.view_changed.emit()
        return True

    def _show_tip(self, event: QHelpEvent) -> bool:
        QToolTip.showText(QCursor.pos(), self.tip_at(QPointF(event.pos())))
        return True

    def tip_at(self, position: QPointF) -> str:
        """What the tooltip says at a point of the viewport; empty for none."""
        scene, video = self._model.scene, self._session.video
        if video is None:
            return ""
        head = scene.head_at(position.y())
        if position.x() < GUTTER_WIDTH:
            return "" if head is None else f"{head.label}\nframes {head.first_frame} to {head.last_frame}"
        frame = scene.frame_at(position.x())
        when = f"frame {frame}"
        if video.frame_rate:
            seconds = frame / video.frame_rate
            when += f" · {int(seconds // 60):02d}:{seconds % 60:05.2f}"
        if scene.plotted is not None and scene.plot_top <= position.y() < scene.plot_top + scene.plot_height:
            return f"{when}\n{self._plot_words(scene.plotted, frame)}"
        if head is None:
            note = scene.notes.at(position.x(), position.y(), scene)
            hint = f"{when}\nDrag to scrub, Shift+drag to mark a range, wheel to zoom"
            return hint if note is None else f"<p>frame {note.frame_index}</p>{note_tip(note)}"
        suspicion = scene.suspicion_at(position.x(), position.y())
        if suspicion is not None:
            return f"frame {suspicion.frame_index}\n{suspicion.reason}\nClick to go there"
        columns = self._model.lanes.get(head.track_id)
        here = None if columns is None else columns.at(frame)
        state = "absent" if here is None else f"score {here.score:.2f} · {_ORIGIN_TEXT[here.origin]}"
        if here is not None and here.edited and here.origin not in {Origin.PERSON, Origin.INTERPOLATED}:
            state += ", corrected"
        return f"{head.label}\n{when} · {state}"

    def _plot_words(self, track_id: int, frame: int) -> str:
        columns, areas = self._model.lanes.get(track_id), self._model.areas.get(track_id)
        here = None if columns is None else columns.at(frame)
        area = None if areas is None else areas.at(frame)
        if here is None or area is None:
            return f"track {track_id} is absent"
        size = f"{area:,}".replace(",", " ")
        return f"track {track_id}: score {here.score:.2f}, area {size} px"
