"""Answers that are only of use while they are the latest: a newer question cancels what is in work."""

from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from app.workers.task import Task, TaskQueue

_MOMENT_MS = 300


class LatestTask(QObject):
    """One question in a thread at a time, once questions have come to rest.

    Signals:
        answered: an item of the latest question's iterator.
        progressed: how much of the latest question is done, 0 to 1; not of one that is answered in a moment.
        failed: the exception that ended it.
    """

    answered = Signal(object)
    progressed = Signal(float)
    failed = Signal(object)

    def __init__(self, settle_ms: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = TaskQueue(self)
        self._task: Task | None = None
        self._wanted: Callable[[], Iterator[object]] | None = None
        self._settle = QTimer(self, singleShot=True, interval=settle_ms)
        self._settle.timeout.connect(self._start)
        self._share = 0.0
        self._moment = QTimer(self, singleShot=True, interval=_MOMENT_MS)
        self._moment.timeout.connect(self._tell_progress)

    def is_idle(self) -> bool:
        """Whether the latest question is answered."""
        return self._task is None and not self._settle.isActive()

    def ask(self, make_items: Callable[[], Iterator[object]]) -> None:
        """Ask another question; the answer to the one before is not wanted any more."""
        self.cancel()
        self._wanted = make_items
        if self._task is None:
            self._settle.start()

    def cancel(self) -> None:
        """No answer is wanted any more."""
        self._wanted = None
        self._settle.stop()
        if self._task is not None:
            self._task.cancel()

    def close(self) -> bool:
        """Cancel and wait; False when the thread did not end in time."""
        self._wanted = None
        self._settle.stop()
        return self._queue.close()

    def _start(self) -> None:
        if self._wanted is None:
            return
        self._task, self._wanted = Task(self._wanted), None
        self._task.item_ready.connect(self._take)
        self._task.progressed.connect(self._note_progress)
        self._task.failed.connect(self._fail)
        self._task.finished.connect(self._end)
        self._share = 0.0
        self._moment.start()
        self._queue.start(self._task)

    def _take(self, item: object) -> None:
        if self._task is not None and not self._task.isInterruptionRequested():
            self.answered.emit(item)

    def _note_progress(self, share: float) -> None:
        self._share = share
        if not self._moment.isActive():
            self._tell_progress()

    def _tell_progress(self) -> None:
        if self._task is not None and not self._task.isInterruptionRequested():
            self.progressed.emit(self._share)

    def _fail(self, error: Exception) -> None:
        if self._task is not None and not self._task.isInterruptionRequested():
            self.failed.emit(error)

    def _end(self) -> None:
        self._task = None
        if self._wanted is not None:
            self._settle.start()
