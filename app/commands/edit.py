"""Undo, redo, the history, which frames the next edit touches, and by whom it is."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.dialogs.history import HistoryDialog
from app.dialogs.name import NameDialog
from app.document.history import account_name
from app.document.records import FrameRange
from app.session import Scope, Session
from app.settings import NAME, Settings

_SCOPES = tuple(Scope)


class EditCommands(QObject):
    """Handlers of the edit actions."""

    def __init__(self, session: Session, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._settings, self._window = session, settings, window

    @property
    def scope(self) -> Scope:
        """Which frames the next identity edit touches."""
        return self._session.scope

    def undo(self) -> None:
        """Take the latest edit back."""
        self._session.undo()

    def redo(self) -> None:
        """Do the latest undone edit again."""
        self._session.redo()

    def set_scope(self, scope: Scope) -> None:
        """Choose which frames edits touch."""
        self._session.set_scope(scope)

    def cycle_scope(self) -> None:
        """The next scope; Range only where a range is marked."""
        scopes = [s for s in _SCOPES if s is not Scope.RANGE or self._session.range is not None]
        index = scopes.index(self._session.scope) if self._session.scope in scopes else -1
        scope = scopes[(index + 1) % len(scopes)]
        self._session.set_scope(scope)
        self._session.message.emit(f"Edits apply to: {scope.value}")

    def mark_range_start(self) -> None:
        """The range begins at this frame."""
        here, marked = self._session.frame_index, self._session.range
        video = self._session.video
        last = marked.last if marked is not None and marked.last is not None and marked.last >= here else None
        end = last if last is not None else (video.frame_count - 1 if video is not None else here)
        self._mark(FrameRange(here, end))

    def mark_range_end(self) -> None:
        """The range ends at this frame."""
        here, marked = self._session.frame_index, self._session.range
        self._mark(FrameRange(marked.first if marked is not None and marked.first <= here else 0, here))

    def clear_range(self) -> None:
        """No range is marked any more."""
        self._session.set_range(None)
        if self._session.scope is Scope.RANGE:
            self._session.set_scope(Scope.FROM_HERE)

    def show_history(self) -> None:
        """List all edits beside the window, or bring that list to the front."""
        dialog = self._window.findChild(HistoryDialog) or HistoryDialog(self._session, self._window)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def ask_name(self) -> None:
        """Ask for the name that stands beside the edits made here."""
        dialog = NameDialog(self._settings.get(NAME), account_name(), self._window)
        dialog.name_chosen.connect(self._take_name)
        dialog.open()

    def _take_name(self, name: str) -> None:
        self._settings.set(NAME, name)
        if self._session.history is not None:
            self._session.history.author = name or account_name()
        self._session.history_changed.emit()
        self._session.message.emit(f"Edits are noted as by {name or account_name()}")

    def _mark(self, frames: FrameRange) -> None:
        self._session.set_range(frames)
        self._session.set_scope(Scope.RANGE)
        self._session.message.emit(f"Edits apply to frames {frames.first} to {frames.last}")
