"""The export dialog: the form, then progress with cancel, then what was written."""

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QWidget

from app.dialogs.export_form import ExportForm
from app.dialogs.form_parts import Sentence, dialog_column
from app.document.exchange import Progress
from app.errors import sentence_of
from app.session import Session
from app.workers.export import contents_task, export_task
from app.workers.task import Task, TaskQueue

_SHARE_STEPS = 1000


class ExportDialog(QDialog):
    """Writes corrected tracks as a dataset; the project may be edited meanwhile."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert session.document is not None
        self._document = session.document
        self._tasks = TaskQueue(self)
        self._export: Task | None = None
        self._written: Path | None = None
        self._outcome = ""
        self._notes: tuple[str, ...] = ()
        self.setWindowTitle("Export")
        self.setObjectName("exportDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.form = ExportForm(session.document, session.video)
        self._build()
        self.form.changed.connect(self._describe)
        counting = contents_task(self._document.path)
        counting.item_ready.connect(self.form.take_contents)
        counting.succeeded.connect(self.form.take_all_contents)
        counting.failed.connect(self._show_failure)
        self._tasks.start(counting)
        self._describe()

    def _build(self) -> None:
        self._status = Sentence("exportStatus")
        self._progress = QProgressBar()
        self._progress.setObjectName("exportProgress")
        self._progress.hide()
        self._start_button = QPushButton("Export", default=True)
        self._start_button.setObjectName("exportStart")
        self._start_button.clicked.connect(self._start)
        self._folder_button = QPushButton("Open folder", autoDefault=False)
        self._folder_button.setObjectName("exportOpenFolder")
        self._folder_button.clicked.connect(self._open_folder)
        self._folder_button.hide()
        self._close_button = QPushButton("Cancel", autoDefault=False)
        self._close_button.setObjectName("exportClose")
        self._close_button.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self._folder_button)
        buttons.addStretch(1)
        buttons.addWidget(self._close_button)
        buttons.addWidget(self._start_button)
        layout = dialog_column(self)
        layout.addWidget(self.form)
        layout.addWidget(self._progress)
        layout.addWidget(self._status)
        layout.addLayout(buttons)
        self.setMinimumWidth(580)

    def _describe(self) -> None:
        """Say what would be written with the present choices, or why nothing can be."""
        problem = self.form.problem()
        is_there = not problem and any(target.exists() for target in self.form.targets())
        replaces = " What is there now is replaced." if is_there else ""
        self._status.say(problem or self.form.sentence("Writes") + replaces, is_problem=bool(problem))
        self._start_button.setEnabled(not problem)
        if self.isVisible():
            self._make_room()

    def _make_room(self) -> None:
        """Grow with the lines that choices add to the form."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        needed = layout.totalMinimumHeightForWidth(self.width())
        if self.height() < needed:
            self.resize(self.width(), needed)

    def _start(self) -> None:
        self._outcome = self.form.sentence("Wrote")
        self._export = export_task(self._document, self.form.options())
        self._export.item_ready.connect(self._show_progress)
        self._export.progressed.connect(self._show_share)
        self._export.succeeded.connect(self._show_success)
        self._export.failed.connect(self._show_failure)
        self._export.canceled.connect(self._show_canceled)
        self.form.setEnabled(False)
        self._start_button.setEnabled(False)
        self._progress.show()
        self._progress.setRange(0, 0)
        self._tasks.start(self._export)

    def _show_progress(self, progress: Progress) -> None:
        self._progress.setRange(0, progress.total)
        self._progress.setValue(progress.done)
        self._notes = progress.notes
        if self._close_button.isEnabled():
            self._status.say(progress.text)

    def _show_share(self, share: float) -> None:
        """Of one file or folder of another format."""
        self._progress.setRange(0, _SHARE_STEPS)
        self._progress.setValue(round(_SHARE_STEPS * share))

    def _show_success(self) -> None:
        self._written = self.form.targets()[0]
        self._export = None
        self._progress.hide()
        files = "\n".join(map(str, self.form.targets()))
        lines = [f"{self._outcome} It was read back and checked.", files, *self._notes]
        self._status.say("\n".join(lines))
        self._make_room()
        self._folder_button.show()
        self._start_button.hide()
        self._close_button.setText("Close")
        self._close_button.setEnabled(True)
        self._close_button.setFocus()

    def _show_failure(self, error: Exception) -> None:
        self._back_to_form()
        self._status.say(sentence_of(error), is_problem=True)

    def _show_canceled(self) -> None:
        self._back_to_form()
        self._status.say("Cancelled; nothing was written.")

    def _back_to_form(self) -> None:
        self._export = None
        self.form.setEnabled(True)
        self._progress.hide()
        self._close_button.setEnabled(True)
        self._describe()

    def _open_folder(self) -> None:
        assert self._written is not None
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written.parent)))

    def reject(self) -> None:
        """Cancel the export while it runs, else close."""
        if self._export is None:
            super().reject()
            return
        self._export.cancel()
        self._close_button.setEnabled(False)
        self._status.say("Cancelling…")

    def done(self, result: int) -> None:
        """Close, after the counting has stopped."""
        self._tasks.close()
        super().done(result)
