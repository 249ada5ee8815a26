"""A dialog around one export: progress with cancel, then what was written and where."""

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QWidget

from app.dialogs.form_parts import Sentence, dialog_column
from app.document.exchange import Progress
from app.errors import sentence_of
from app.workers.task import Task, TaskQueue


class WritingDialog(QDialog):
    """Starts at once; closing it while it writes cancels, and nothing is left behind.

    Args:
        title: what is written.
        task: its items are `Progress`, the last of which says what was written.
        target: the file or folder.
    """

    def __init__(self, title: str, task: Task, target: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setObjectName("writingDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._target, self._is_over, self._last = target, False, ""
        self._bar = QProgressBar(maximum=0)
        self._words = Sentence("writingStatus")
        self._words.say(f"Writing {target}")
        self._open = QPushButton("Open folder", autoDefault=False)
        self._open.setObjectName("writingOpenFolder")
        self._open.clicked.connect(self._open_folder)
        self._open.hide()
        self._close = QPushButton("Cancel", autoDefault=False)
        self._close.setObjectName("writingClose")
        self._close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self._open)
        buttons.addStretch(1)
        buttons.addWidget(self._close)
        layout = dialog_column(self)
        layout.addWidget(self._words, 1)
        layout.addWidget(self._bar)
        layout.addLayout(buttons)
        self.setMinimumWidth(520)
        self._tasks = TaskQueue(self)
        self._task = task
        task.item_ready.connect(self._show_progress)
        task.succeeded.connect(self._show_success)
        task.failed.connect(self._show_failure)
        task.canceled.connect(self._show_canceled)
        self._tasks.start(task)

    def reject(self) -> None:
        """Cancel while it writes, else close."""
        if self._is_over:
            super().reject()
            return
        self._task.cancel()
        self._close.setEnabled(False)
        self._words.say("Cancelling…")

    def done(self, result: int) -> None:
        """Close, after the writing has stopped."""
        self._tasks.close()
        super().done(result)

    def _show_progress(self, progress: Progress) -> None:
        self._bar.setRange(0, max(1, progress.total))
        self._bar.setValue(progress.done)
        self._last = progress.text
        if self._close.isEnabled():
            self._words.say(progress.text)

    def _show_success(self) -> None:
        self._end(f"Wrote {self._last}. It was read back and checked.")
        self._open.show()

    def _show_failure(self, error: Exception) -> None:
        self._end(sentence_of(error), is_problem=True)

    def _show_canceled(self) -> None:
        self._end("Cancelled; nothing was written.")

    def _end(self, words: str, is_problem: bool = False) -> None:
        self._is_over = True
        self._bar.hide()
        self._words.say(words, is_problem)
        self._close.setText("Close")
        self._close.setEnabled(True)
        self._close.setFocus()

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._target.parent)))
