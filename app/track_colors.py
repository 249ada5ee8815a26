"""The colours of the current video's tracks as they are drawn: each its own, or that of its class. No widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor

from app.theme import track_color
from visolo.palette import class_rgb

if TYPE_CHECKING:
    from app.document.records import TrackSummary
    from app.session import Session


class TrackColors(QObject):
    """Which colour stands for which track; pictures that tell tracks apart use the tracks' own all the same.

    Signals:
        changed: tracks are coloured by something else now; other changes are those of the document.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.by_class = False
        self._tracks: list[TrackSummary] | None = None
        self._colors: dict[int, QColor] = {}

    def set_by_class(self, by_class: bool) -> None:
        """Colour tracks by their class, or by themselves."""
        if by_class != self.by_class:
            self.by_class = by_class
            self.changed.emit()

    def of(self, track_id: int) -> QColor:
        """The colour to draw a track in; its own where the video does not have it (yet)."""
        if not self.by_class:
            return track_color(track_id)
        tracks = self._session.tracks()
        if tracks is not self._tracks:  # the session reads them again after every change, also of classes
            self._tracks, self._colors = tracks, self._read(tracks)
        return self._colors.get(track_id) or track_color(track_id)

    def _read(self, tracks: list[TrackSummary]) -> dict[int, QColor]:
        document = self._session.document
        known = document.categories() if document is not None else ()
        colors = {c.category_id: QColor(*class_rgb(c.category_id, c.color)) for c in known}
        return {s.track.track_id: colors[s.track.category_id] for s in tracks if s.track.category_id in colors}
