"""What a person sees while something is opened: progress with a cancel button, errors, and where a moved video is."""

from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QMessageBox, QProgressDialog, QWidget

from app.dialogs.errors import ErrorReporter
from app.document.edits import SetVideoSource
from app.document.records import Video
from app.projects import media_filter
from app.workspace import Workspace

# Most files open faster than this; a dialog for them would only flash.
_PATIENCE_MS = 350


class OpeningNotes(QObject):
    """Dialogs of opening; asks the opener and the loader to stop when cancelled."""

    def __init__(self, workspace: Workspace, errors: ErrorReporter, window: QWidget) -> None:
        super().__init__(window)
        self._workspace, self._errors, self._window = workspace, errors, window
        self._what = ""
        self._fraction = 0.0
        self._dialog: QProgressDialog | None = None
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self._show_progress)
        opener, loader = workspace.opener, workspace.loader
        opener.busy_changed.connect(self._begin_or_end)
        loader.loading_changed.connect(self._begin_or_end)
        opener.progressed.connect(self._advance)
        loader.progressed.connect(self._advance)
        opener.failed.connect(self._errors.show_error)
        opener.import_wanted.connect(self._show_import)
        opener.noted.connect(self._show_notes)
        loader.failed.connect(self._report_media)
        loader.missing.connect(self._ask_where)
        loader.warned.connect(workspace.session.message)

    def _show_import(self, path: Path) -> None:
        from app.dialogs.import_ import ImportDialog

        ImportDialog(self._workspace.session, path, self._window).open()

    def _show_notes(self, path: Path, sentences: tuple[str, ...]) -> None:
        box = QMessageBox(QMessageBox.Icon.Information, "Opened", f"{path.name} is open.", parent=self._window)
        box.setObjectName("openingNotes")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setInformativeText("\n\n".join(sentences))
        box.open()

    def _begin_or_end(self, what: str) -> None:
        self._what, self._fraction = what, 0.0
        if what:
            self._patience.start()
            return
        self._patience.stop()
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            # To this dialog closing is cancelling, which would let go of all that is yet to be opened.
            dialog.canceled.disconnect(self._cancel)
            dialog.close()

    def _show_progress(self) -> None:
        self._dialog = QProgressDialog(f"Opening {self._what}…", "Cancel", 0, 1000, self._window)
        self._dialog.setWindowTitle("Opening")
        self._dialog.setWindowModality(Qt.WindowModality.WindowModal)
        self._dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialog.setMinimumDuration(0)
        self._dialog.setAutoClose(False)
        self._dialog.setAutoReset(False)
        self._dialog.setMinimumWidth(380)
        self._dialog.canceled.connect(self._cancel)
        self._dialog.setValue(round(1000 * self._fraction))

    def _advance(self, fraction: float) -> None:
        self._fraction = fraction
        if self._dialog is not None:
            self._dialog.setValue(round(1000 * fraction))

    def _cancel(self) -> None:
        self._dialog = None
        self._workspace.opener.cancel()
        self._workspace.loader.cancel()

    def _report_media(self, error: Exception) -> None:
        video = self._workspace.session.video
        self._errors.show_error(f"{video.name if video is not None else 'The video'} cannot be shown", error)

    def _ask_where(self, video: Video) -> None:
        box = QMessageBox(
            QMessageBox.Icon.Question,
            f"Where is {video.name}?",
            f"{video.source} is not there any more. Locate it to see its frames; tracks and masks are all kept.",
            parent=self._window,
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._locate = box.addButton("Locate…", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Not now", QMessageBox.ButtonRole.RejectRole)
        box.buttonClicked.connect(self._answer)
        box.open()

    def _answer(self, button: object) -> None:
        session = self._workspace.session
        if button is not self._locate or session.video is None:
            return
        if Path(session.video.source).suffix:
            path, _ = QFileDialog.getOpenFileName(self._window, "Locate the video", "", media_filter())
        else:
            path = QFileDialog.getExistingDirectory(self._window, "Locate the image folder")
        if path:
            self.relocate(Path(path))

    def relocate(self, path: Path) -> None:
        """Say where the current video is now and show it."""
        session = self._workspace.session
        if session.video is not None and session.do(SetVideoSource(session.video.video_id, str(path.resolve()))):
            session.show_video(session.video.video_id)
