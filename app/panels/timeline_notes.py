"""Notes on the timeline: marks in the ruler, open ones above resolved ones; what is under the mouse."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap

from app import theme
from app.document.records import Note

if TYPE_CHECKING:
    from app.panels.timeline_scene import TimelineScene

_RADIUS = 4.5
_HEIGHT = 8.0
_LOWEST = 12.0  # below it the ruler is the playhead's


class NoteMarks:
    """Notes of a video; of those that would lie on each other only the first is drawn, so a paint costs pixels."""

    def __init__(self, notes: Sequence[Note] = (), current: Note | None = None) -> None:
        """Take notes in order of their frames, and the one that is looked at."""
        self._current = current
        self._open = [note for note in notes if not note.is_resolved]
        self._resolved = [note for note in notes if note.is_resolved]
        self._frames = {True: [n.frame_index for n in self._resolved], False: [n.frame_index for n in self._open]}

    def paint(self, painter: QPainter, scene: TimelineScene) -> None:
        """Draw the marks into the ruler."""
        for is_resolved in (True, False):
            picture = _picture(is_resolved, "window", painter.device().devicePixelRatioF())
            for x in _spread(self._frames[is_resolved], scene):
                painter.drawPixmap(QPointF(x - _RADIUS, 0), picture)
        if self._current is not None:
            picture = _picture(self._current.is_resolved, "text", painter.device().devicePixelRatioF())
            painter.drawPixmap(QPointF(scene.middle_of(self._current.frame_index) - _RADIUS, 0), picture)

    def at(self, x: float, y: float, scene: TimelineScene) -> Note | None:
        """The note whose mark is under a point of the viewport, rather an open one than a resolved one."""
        if not 0 <= y <= _LOWEST:
            return None
        reach = _RADIUS + 1
        for notes in (self._open, self._resolved):
            frames = self._frames[notes is self._resolved]
            near = notes[
                bisect_left(frames, scene.frame_at(x - reach)) : bisect_right(frames, scene.frame_at(x + reach))
            ]
            hit = min(near, key=lambda note: abs(scene.middle_of(note.frame_index) - x), default=None)
            if hit is not None and abs(scene.middle_of(hit.frame_index) - x) <= reach:
                return hit
        return None


def _spread(frames: Sequence[int], scene: TimelineScene) -> Iterator[float]:
    """Where marks of these frames are drawn, px: in view, the first of as many frames as a mark is wide.

    Which frames go together does not depend on where the view begins: marks must not flicker while it is scrolled.
    """
    step = max(1, round(2 * _RADIUS / scene.scale.pixels_per_frame))
    position = bisect_left(frames, scene.frame_at(0) // step * step)
    while position < len(frames):
        x = scene.middle_of(frames[position])
        if x > scene.width + _RADIUS:
            return
        yield x
        position = bisect_left(frames, (frames[position] // step + 1) * step, position)


def _picture(is_resolved: bool, outline: str, ratio: float) -> QPixmap:
    """A mark, drawn once for all of its kind: an arrow that points down at its frame."""
    picture = QPixmap(round(2 * _RADIUS * ratio), round((_HEIGHT + 2) * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.color(outline), 1))
    painter.setBrush(theme.color("faint" if is_resolved else "warning"))
    painter.drawPolygon([QPointF(0.5, 1), QPointF(2 * _RADIUS - 0.5, 1), QPointF(_RADIUS, 1 + _HEIGHT)])
    painter.end()
    return picture
