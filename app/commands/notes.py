"""Notes on frames: added, opened, walked."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.dialogs.note import open_note, write_note
from app.document.records import Note
from app.session import Session


class NoteCommands(QObject):
    """Handlers of the note actions; `parent` is the window that dialogs belong to."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._window = session, parent

    def add(self) -> None:
        """Write a note on the frame that is shown."""
        write_note(self._session, self._session.frame_index, None, self._window)

    def open(self, note: Note | None = None) -> None:
        """Show a note, or the one that is looked at."""
        note = note or self._session.notes.current
        assert note is not None
        open_note(self._session, note, self._window)

    def step(self, direction: int) -> None:
        """Go to the next or previous open note."""
        self._session.notes.step(direction)
