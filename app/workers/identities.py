"""Comparing the selected instance with other tracks in a thread, once frame and selection have come to rest."""

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from app.document.proposals import identity_proposals, link_suggestions
from app.document.queries import snapshot
from app.identities import Question
from app.session import Session
from app.workers.task import Task, TaskQueue

_SETTLE_MS = 40


class IdentitySearch(QObject):
    """Answers `session.identities`, one question at a time and only the latest."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._queue = TaskQueue(self)
        self._task: Task | None = None
        self._is_wanted = False
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self._start)
        session.identities.asked.connect(self._note_question)

    def is_idle(self) -> bool:
        """Whether the latest question is answered."""
        return self._task is None and not self._settle.isActive()

    def close(self) -> bool:
        """Cancel and wait; False when the thread did not end in time."""
        self._settle.stop()
        return self._queue.close()

    def _note_question(self) -> None:
        self._is_wanted = self._session.identities.question is not None
        if self._is_wanted and self._task is None:
            self._settle.start()

    def _start(self) -> None:
        document, question = self._session.document, self._session.identities.question
        if document is None or question is None:
            return
        self._is_wanted = False
        self._task = Task(_Comparison(document.path, question))
        self._task.item_ready.connect(self._take)
        self._task.finished.connect(self._end)
        self._queue.start(self._task)

    def _take(self, answer: object) -> None:
        # A change meanwhile asks the same question again; this answer may be that of before it.
        if not self._is_wanted:
            assert isinstance(answer, tuple)
            self._session.identities.take(*answer)

    def _end(self) -> None:
        self._task = None
        if self._is_wanted:
            self._settle.start()


class _Comparison:
    """A callable with its question bound: what `Task` runs."""

    def __init__(self, project: Path, question: Question) -> None:
        self._project, self._question = project, question

    def __call__(self) -> Iterator[object]:
        asked = self._question
        with snapshot(self._project) as queries:
            links = link_suggestions(queries, asked.video_id, asked.track_id) if asked.is_birth else []
            found = links or identity_proposals(queries, asked.video_id, asked.track_id, asked.frame_index)
            yield asked, found, bool(links)
