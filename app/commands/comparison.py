"""Comparing two runs over the video, and the predictions with what was corrected."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.dialogs.compare_runs import CompareRunsDialog
from app.document.revisions import run_entries
from app.session import Session
from app.workers.run_comparison import RunComparisonSearch


class ComparisonCommands(QObject):
    """Handlers of the comparison actions; `parent` is the window that the dialog belongs to."""

    def __init__(self, session: Session, search: RunComparisonSearch, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._search, self._window = session, search, parent

    def ask(self) -> None:
        """Ask what to compare."""
        assert self._session.document is not None
        assert self._session.video is not None
        entries = run_entries(self._session.document, self._session.video.video_id)
        dialog = CompareRunsDialog(entries, self._window)
        dialog.chosen.connect(self._search.compare)
        dialog.open()

    def show_gains(self) -> None:
        """Say what the corrections of this project bought."""
        from app.dialogs.gains import GainsDialog

        GainsDialog(self._session, self._window).open()
