"""Undoes or redoes many edits, a few at a time, so that the window answers and the walk can be stopped."""

from collections.abc import Callable
from time import monotonic

from PySide6.QtCore import QObject, QTimer, Signal

from app.document.history import HistoryEntry
from app.document.records import Change
from app.session import Session
from visolo.errors import VisoloError
from visolo.words import counted

_SLICE_S = 0.1


class HistoryWalk(QObject):
    """Goes through the history to one of its entries, which is the latest that is done afterwards.

    Signals:
        stepped: edits undone or redone so far.
        ended: one sentence about what was done, or why it ended before.
    """

    stepped = Signal(int)
    ended = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._goal, self._count, self._is_redo, self._refusal = 0, 0, False, ""
        self._history = session.history
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._step)
        session.project_opened.connect(self._leave_other_project)

    @property
    def is_on(self) -> bool:
        """Whether it is under way."""
        return self._timer.isActive()

    def start(self, entry: HistoryEntry) -> None:
        """Undo what came after an entry, or redo up to it and with it."""
        self._goal, self._count, self._is_redo, self._refusal = entry.entry_id, 0, entry.undone, ""
        self._history = self._session.history
        self._timer.start()

    def stop(self) -> None:
        """End here; what was undone or redone stays so."""
        if self.is_on:
            self._end("stopped")

    def _leave_other_project(self) -> None:
        # Also said when the video that was shown is gone with the edit that added it.
        if self._session.history is not self._history:
            self.stop()

    def _step(self) -> None:
        """Some edits as one change: views look again after all of them."""
        before = self._count
        verb = "Redid" if self._is_redo else "Undid"
        if self._next() is not None:
            self._session.replay(self._few, f"{verb} edits up to here")
            if not self.is_on:
                return  # the project was closed meanwhile
            self.stepped.emit(self._count)
        if self._refusal or self._count == before or self._next() is None:
            self._end(self._refusal)

    def _few(self) -> Change:
        assert self._session.history is not None
        step: Callable[[], Change] = self._session.history.redo if self._is_redo else self._session.history.undo
        change, end = Change(), monotonic() + _SLICE_S
        while self._next() is not None and monotonic() < end and not self._refusal:
            try:
                change = change.union(step())
            except VisoloError as error:
                self._refusal = str(error)
            else:
                self._count += 1
        return change

    def _next(self) -> HistoryEntry | None:
        """What to undo or redo next; None when there."""
        history = self._session.history
        if history is None:
            return None
        if self._is_redo:
            entry = history.next_redo()
            return entry if entry is not None and entry.entry_id <= self._goal else None
        entry = history.next_undo() if self._session.can_undo else None
        return entry if entry is not None and entry.entry_id > self._goal else None

    def _end(self, why: str) -> None:
        self._timer.stop()
        done = f"{'Redid' if self._is_redo else 'Undid'} {counted(self._count, 'edit')}"
        self.ended.emit(f"{done}; {why}" if why else done)
