"""Work off the GUI thread: an iterator run in a thread, its items sent as signals; the queue that owns the threads."""

import logging
from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, QThread, Signal

from visolo.errors import VisoloError

logger = logging.getLogger(__name__)

# How long closing waits for a task to notice that it was cancelled.
_CLOSE_WAIT_MS = 15_000


class TaskCanceled(Exception):  # noqa: N818 - not an error
    """Raised inside a task's iterator to leave it at once when the task was cancelled."""


class Task(QThread):
    """Runs an iterator in a thread; ends in exactly one of succeeded, failed and canceled.

    Connect only bound methods of objects of the GUI thread: a lambda would run in the worker.

    Signals:
        item_ready: one item of the iterator.
        progressed: how much is done, in [0, 1]; only of iterators that call `report_progress`.
        succeeded: the iterator is exhausted.
        failed: the exception that ended it.
        canceled: it stopped because `cancel` was called.
    """

    item_ready = Signal(object)
    progressed = Signal(float)
    succeeded = Signal()
    failed = Signal(object)
    canceled = Signal()

    def __init__(self, make_items: Callable[[], Iterator[object]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._make_items = make_items

    def run(self) -> None:
        """Called by Qt in the new thread."""
        items: Iterator[object] | None = None
        try:
            items = self._make_items()
            for item in items:
                if self.isInterruptionRequested():
                    break
                self.item_ready.emit(item)
        except TaskCanceled:
            self.canceled.emit()
            return
        # The one place where a worker's errors become a signal.
        except Exception as error:
            if not isinstance(error, VisoloError):
                logger.exception("task failed")
            self.failed.emit(error)
            return
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
        if self.isInterruptionRequested():
            self.canceled.emit()
        else:
            self.succeeded.emit()

    def cancel(self) -> None:
        """Ask the task to stop after the item in work."""
        self.requestInterruption()


def report_progress(fraction: float) -> None:
    """Tell how much of the current task is done; to be called from inside its iterator.

    Raises:
        TaskCanceled: the task was cancelled.
    """
    task = check_canceled()
    task.progressed.emit(fraction)


def check_canceled() -> Task:
    """Leave the current task if it was cancelled; to be called from inside its iterator.

    Raises:
        TaskCanceled: the task was cancelled.
    """
    task = QThread.currentThread()
    assert isinstance(task, Task)
    if task.isInterruptionRequested():
        raise TaskCanceled
    return task


class TaskQueue(QObject):
    """Owns running tasks: dropping the last reference to a running QThread aborts the process."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: list[Task] = []

    def start(self, task: Task) -> Task:
        """Run a task; connect its signals before."""
        self._tasks.append(task)
        task.finished.connect(self._forget_finished)
        task.start()
        return task

    def is_idle(self) -> bool:
        """Whether nothing is running."""
        return not any(task.isRunning() for task in self._tasks)

    def close(self) -> bool:
        """Cancel everything and wait; False when a task did not stop in time."""
        for task in self._tasks:
            task.cancel()
        stopped = [task.wait(_CLOSE_WAIT_MS) for task in self._tasks]
        if not all(stopped):
            logger.error("%d tasks did not stop", stopped.count(False))
        return all(stopped)

    def _forget_finished(self) -> None:
        self._tasks = [task for task in self._tasks if not task.isFinished()]
