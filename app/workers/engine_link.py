"""The app's end of the line to the model's process: starts it when first needed, reads what it says in a thread."""

import logging
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from PySide6.QtCore import QObject, Signal

from app.workers.engine_messages import FollowRequest, Order, RunRequest, Taken
from app.workers.engine_process import serve
from app.workers.task import Task, TaskQueue

logger = logging.getLogger(__name__)

_QUIT_WAIT_S = 4.0


class EngineLink(QObject):
    """Sends requests and orders, receives messages.

    Signals:
        message_received: a value of `engine_messages`.
        process_died: exit code of a process that ended without being told to.
    """

    message_received = Signal(object)
    process_died = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = TaskQueue(self)
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._reader: Task | None = None
        self._number = 0

    def next_number(self) -> int:
        """A number that no request has had yet."""
        self._number += 1
        return self._number

    def request(self, request: RunRequest | FollowRequest) -> None:
        """Ask for something; starts the process when there is none."""
        if self._process is None or not self._process.is_alive():
            self._start()
        self._send(request)

    def order(self, order: Order | Taken) -> None:
        """Pause, resume, cancel, or how far the app has come."""
        if self._process is not None:
            self._send(order)

    def close(self, wait_s: float = _QUIT_WAIT_S) -> None:
        """End the process, by force when it does not listen for so long."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is None or connection is None:
            return
        try:
            connection.send("quit")
        except OSError:
            logger.info("the model's process has ended already")
        process.join(wait_s)
        if process.is_alive():
            logger.log(logging.WARNING if wait_s else logging.INFO, "the model's process did not quit; killing it")
            process.kill()
            process.join()
        # The reader ends with the pipe; only then may its end be closed.
        self._tasks.close()
        connection.close()
        process.close()

    def _start(self) -> None:
        self.close()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), name="visolo-engine", daemon=True)
        self._process.start()
        theirs.close()
        self._connection = ours
        reader = Task(lambda: _messages(ours), self)
        reader.item_ready.connect(self.message_received)
        reader.succeeded.connect(self._notice_end)
        self._reader = reader
        self._tasks.start(reader)

    def _send(self, value: object) -> None:
        assert self._connection is not None
        try:
            self._connection.send(value)
        except OSError:
            logger.warning("the model's process does not listen any more")

    def _notice_end(self) -> None:
        # The end of a process that was closed may be told only when the next one runs already.
        if self._process is not None and self.sender() is self._reader:
            self._process.join()
            code = self._process.exitcode
            self.close()
            self.process_died.emit(code if code is not None else 0)


def _messages(connection: Connection) -> Iterator[object]:
    while True:
        try:
            yield connection.recv()
        except (EOFError, OSError):
            return
