"""The notes of the current video: those that are shown, the one looked at, the walk through open ones. No widgets."""

from __future__ import annotations

import time
from bisect import bisect_left
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.document.notes import notes_of, open_note_counts
from app.document.records import Change, Note

if TYPE_CHECKING:
    from app.session import Session


class Notes(QObject):
    """Read once after every change; edits go to the session.

    Signals:
        changed: notes came, went or are others, of this video or of another.
        current_changed: another note is looked at, or none.
        shown: a note was gone to: its frame is shown now.
    """

    changed = Signal()
    current_changed = Signal()
    shown = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._all: tuple[Note, ...] | None = None
        self._open_counts: dict[int, int] | None = None
        self._current_id = 0
        session.project_opened.connect(self._restart)
        session.video_changed.connect(self._restart)
        session.document_changed.connect(self._note_change)

    @property
    def all(self) -> tuple[Note, ...]:
        """Notes of the current video by frame."""
        if self._all is None:
            document, video = self._session.document, self._session.video
            self._all = () if document is None or video is None else tuple(notes_of(document, video.video_id))
        return self._all

    def of_frame(self, frame_index: int) -> list[Note]:
        """Notes of a frame, as they were added."""
        first, end = (bisect_left(self.all, frame, key=_frame) for frame in (frame_index, frame_index + 1))
        return list(self.all[first:end])

    def open_count(self, video_id: int) -> int:
        """How many notes of a video are open."""
        if self._open_counts is None:
            document = self._session.document
            self._open_counts = {} if document is None else open_note_counts(document)
        return self._open_counts.get(video_id, 0)

    @property
    def current(self) -> Note | None:
        """The one that is looked at, as long as it is there."""
        return next((note for note in self.all if note.note_id == self._current_id), None)

    def set_current(self, note: Note | None) -> None:
        """Look at a note of this video, or at none."""
        note_id = 0 if note is None else note.note_id
        if note_id != self._current_id:
            self._current_id = note_id
            self.current_changed.emit()

    def choose(self, note: Note) -> None:
        """Look at a note, of whichever video: go to its frame."""
        session = self._session
        if session.video is None or session.video.video_id != note.video_id:
            session.show_video(note.video_id)
        self.set_current(note)
        session.show_frame(note.frame_index)
        self.shown.emit(note)

    def step(self, direction: int) -> None:
        """Go to the next or previous open note, as seen from the frame shown; from either end on to the other."""
        waiting = [note for note in self.all if not note.is_resolved]
        if not waiting:
            self._session.message.emit("No note of this video is open")
            return
        here, current = self._session.frame_index, self.current
        if current is not None and current.frame_index == here:
            place = (here, current.note_id)
        else:
            place = (here, -1) if direction > 0 else (here + 1, -1)
        beyond = [n for n in waiting if (_place(n) > place if direction > 0 else _place(n) < place)]
        self.choose((beyond or waiting)[0 if direction > 0 else -1])

    def _restart(self) -> None:
        self._all = self._open_counts = None
        self.set_current(None)
        self.changed.emit()

    def _note_change(self, change: Change) -> None:
        if change.notes or change.videos:
            self._all = self._open_counts = None
            self.changed.emit()


def _frame(note: Note) -> int:
    return note.frame_index


def _place(note: Note) -> tuple[int, int]:
    return note.frame_index, note.note_id


def made_words(note: Note) -> str:
    """Who left a note, when, and whether it is dealt with: "Ada, 2026-11-30 14:05, resolved"."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(note.created))
    return f"{note.author or 'unknown'}, {when}" + (", resolved" if note.is_resolved else "")


def note_tip(note: Note) -> str:
    """What hovering over a note says, as rich text in which its words stand as they were written."""
    words = escape(note.words).replace("\n", "<br>")
    return f"<p>{words}</p><p>{escape(made_words(note))}</p>"


def short_time(seconds: float, now: float) -> str:
    """When, as short as can be understood now: "14:05" today, "30 Nov" this year, else "2025-11-30"."""
    then, today = time.localtime(seconds), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    if then.tm_year == today.tm_year:
        return f"{then.tm_mday} {time.strftime('%b', then)}"
    return time.strftime("%Y-%m-%d", then)
