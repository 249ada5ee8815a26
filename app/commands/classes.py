"""The class of the selected tracks, and the classes of the project."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.dialogs.category import choose_category
from app.dialogs.classes import ClassesDialog
from app.document.edits import SetCategory
from app.session import Session


class ClassCommands(QObject):
    """Handlers of the class actions; `parent` is the window that the dialog belongs to."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._window = session, parent

    def set_digit(self, digit: int) -> None:
        """Give the selected tracks the class of a digit key."""
        session = self._session
        assert session.document is not None
        assert session.video is not None
        categories = session.document.categories()
        if digit > len(categories):
            session.message.emit(f"There are only {len(categories)} classes; Alt+0 adds one")
            return
        track_ids = tuple(sorted(session.selection))
        session.do(SetCategory(session.video.video_id, track_ids, categories[digit - 1].category_id))

    def choose(self) -> None:
        """Ask for the class of the selected tracks; a new name adds a class."""
        choose_category(self._session, self._session.selection, self._window)

    def edit_all(self) -> None:
        """Rename, join, map, add and remove the classes of the project."""
        ClassesDialog(self._session, self._window).open()
