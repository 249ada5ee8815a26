"""How much is suspicious in every video of the project, counted in a thread when nothing more urgent is to be done."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from app.document.queries import snapshot
from app.document.records import Change
from app.document.suspicions import Suspicion, find_suspicions
from app.review_counts import is_counted, keep_count
from app.session import Session
from app.workers.task import Task, TaskQueue, check_canceled

# After the last edit, and between two videos: whoever edits must not share the interpreter with this.
_PATIENCE_MS = 1000


class SuspicionCounts(QObject):
    """Keeps the counts of `app.review_counts`: the shown video's from its review list, the others' by looking."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._queue = TaskQueue(self)
        self._task: Task | None = None
        self._counting = 0
        self._changed: dict[int, None] = {}
        self._soon = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._soon.timeout.connect(self._count_next)
        session.project_opened.connect(self._restart)
        session.edited.connect(self._give_way)
        session.document_changed.connect(self._note_change)
        session.review.listed.connect(self._take_list)

    def close(self) -> bool:
        """Cancel and wait; False when the thread did not end in time."""
        self._soon.stop()
        return self._queue.close()

    def _restart(self) -> None:
        self._cancel()
        self._changed.clear()
        document = self._session.document
        if document is None:
            self._soon.stop()
            return
        for video in document.videos():
            if not is_counted(document, video.video_id) and document.runs(video.video_id):
                self._changed[video.video_id] = None
        self._soon.start()

    def _give_way(self) -> None:
        """A person edits: what is being counted is counted later."""
        if self._task is not None:
            self._changed[self._counting] = None
        self._cancel()
        self._soon.start()

    def _note_change(self, change: Change) -> None:
        self._changed |= dict.fromkeys(change.video_ids)
        # A model that lands frames ten times a second must not put it off for as long as it runs.
        if self._changed and self._task is None and not self._soon.isActive():
            self._soon.start()

    def _take_list(self) -> None:
        review, video = self._session.review, self._session.video
        if video is not None and review.is_searched and not review.is_behind and not review.failure:
            self._changed.pop(video.video_id, None)
            self._keep(video.video_id, review.all_found)

    def _count_next(self) -> None:
        document = self._session.document
        if document is None or self._task is not None:
            return
        busy = {self._session.run.video_id, self._session.video.video_id if self._session.video is not None else 0}
        known = {video.video_id for video in document.videos()}
        video_id = next((i for i in self._changed if i not in busy and i in known), None)
        if video_id is None:
            return
        del self._changed[video_id]
        self._counting = video_id
        self._task = Task(partial(_found_in, document.path, video_id))
        self._task.item_ready.connect(self._take)
        self._task.finished.connect(self._end)
        self._queue.start(self._task)

    def _take(self, found: tuple[int, list[Suspicion]]) -> None:
        if self.sender() is self._task and self._task is not None and not self._task.isInterruptionRequested():
            self._keep(*found)

    def _keep(self, video_id: int, found: Sequence[Suspicion]) -> None:
        document = self._session.document
        if document is not None and keep_count(document, video_id, found):
            self._session.counted.emit(video_id)

    def _end(self) -> None:
        self._task = None
        if self._changed:
            self._soon.start()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _found_in(project: Path, video_id: int) -> Iterator[object]:
    with snapshot(project) as queries:
        yield video_id, find_suspicions(queries, video_id, check=_give_up_if_canceled)


def _give_up_if_canceled() -> None:
    check_canceled()
