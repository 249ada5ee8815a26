"""Searching the current video for suspicious moments in a thread, again after every change; the window never waits."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from PySide6.QtCore import QObject, QTimer

from app.document.queries import snapshot
from app.document.records import Change
from app.document.suspicions import SuspicionIndex
from app.session import Session
from app.workers.task import Task, TaskQueue, check_canceled

_SETTLE_MS = 30
# While a run lands frame after frame, searching gets at most this share of the time.
_REST_PER_SEARCH = 3


class SuspicionSearch(QObject):
    """Keeps `session.review` up to date; one search at a time, and one more for all changes meanwhile."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._queue = TaskQueue(self)
        self._task: Task | None = None
        self._search: _Search | None = None
        self._changes: Change | None = None
        self._is_overtaken = False
        self._started, self._rest_ms = 0.0, 0
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self._start)
        session.project_opened.connect(self._restart)
        session.video_changed.connect(self._restart)
        session.document_changed.connect(self._note_change)
        session.edited.connect(self._note_edit)

    def is_idle(self) -> bool:
        """Whether the list is that of the document as it is."""
        return self._task is None and not self._soon.isActive()

    def close(self) -> bool:
        """Cancel and wait; False when the thread did not end in time."""
        self._soon.stop()
        return self._queue.close()

    def _restart(self) -> None:
        """Another video: nothing that was read is of use."""
        self._search, self._changes = None, Change()
        self._session.review.forget()
        self._cancel()
        self._wait(0)

    def _note_edit(self) -> None:
        """A person edited: what is being found out would bring back what was just dealt with."""
        self._session.review.fall_behind()
        self._changes = self._changes or Change()
        self._cancel()
        self._wait(0)

    def _note_change(self, change: Change) -> None:
        video = self._session.video
        if video is not None and (video.video_id in change.video_ids or change.categories):
            self._changes = change if self._changes is None else self._changes.union(change)
            self._wait(self._rest_ms if self._session.run.state == "running" else 0)

    def _cancel(self) -> None:
        if self._task is not None:
            self._is_overtaken = True
            self._task.cancel()

    def _wait(self, rest_ms: int) -> None:
        wanted = max(_SETTLE_MS, rest_ms)
        if self._task is None and (not self._soon.isActive() or self._soon.remainingTime() > wanted):
            self._soon.start(wanted)

    def _start(self) -> None:
        document, video = self._session.document, self._session.video
        changes, self._changes = self._changes, None
        if document is None or video is None or changes is None:
            return
        if self._search is None:
            self._search = _Search(document.path, video.video_id)
        self._search.changes = self._search.changes.union(changes)
        self._started, self._is_overtaken = perf_counter(), False
        self._task = Task(self._search)
        self._task.item_ready.connect(self._take)
        self._task.failed.connect(self._fail)
        self._task.finished.connect(self._end)
        self._queue.start(self._task)

    def _take(self, found: object) -> None:
        assert isinstance(found, tuple)
        if not self._is_overtaken:
            self._session.review.take(found)

    def _fail(self, error: Exception) -> None:
        if self._is_overtaken:
            return
        self._search = None
        self._session.review.fail(f"The search for suspicious moments failed: {error}")

    def _end(self) -> None:
        self._task = None
        self._rest_ms = round((perf_counter() - self._started) * 1000 * _REST_PER_SEARCH)
        if self._changes is not None:
            self._wait(self._rest_ms if self._session.run.state == "running" else 0)


class _Search:
    """A callable for `Task` that keeps what it has read, so that the next search reads only what changed."""

    def __init__(self, project: Path, video_id: int) -> None:
        self._project, self._video_id = project, video_id
        self._index: SuspicionIndex | None = None
        self.changes = Change()

    def __call__(self) -> Iterator[object]:
        with snapshot(self._project) as queries:
            if self._index is None or self.changes.categories:  # what a run's classes stand for may be another now
                self._index = SuspicionIndex(queries, self._video_id)
            else:
                self._index.update(queries, self.changes)
            self.changes = Change()
            yield tuple(self._index.suspicions(queries, check=_give_up_if_canceled))


def _give_up_if_canceled() -> None:
    check_canceled()
