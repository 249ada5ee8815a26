"""What can be done with a note, as the context menu of the list and of the canvas; and how to add one."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget

from app import theme
from app.dialogs.note import open_note, write_note
from app.document.edits import DeleteNote, MoveNote, ResolveNote
from app.document.records import Note, NotePlace
from app.session import Session


def note_menu(session: Session, note: Note, parent: QWidget) -> QMenu:
    """Menu of one note; `parent` is that of the menu and of dialogs it opens."""
    menu = QMenu(parent)
    menu.setObjectName("noteMenu")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    key = note.video_id, note.note_id
    menu.addAction("Open…", partial(open_note, session, note, parent))
    toggle = ResolveNote(*key, not note.is_resolved)
    menu.addAction("Reopen" if note.is_resolved else "Resolve", partial(session.do, toggle))
    if note.place is not None:
        menu.addAction("Unpin: it is about the whole frame", partial(session.do, MoveNote(*key, None)))
    menu.addSeparator()
    menu.addAction(theme.icon("mdi6.trash-can-outline"), "Delete", partial(session.do, DeleteNote(*key)))
    return menu


def offer_note(menu: QMenu, session: Session, frame_index: int, place: NotePlace | None, parent: QWidget) -> None:
    """Put "Add a note here…" at the end of a menu.

    Args:
        menu: of the canvas or of the timeline.
        session: whose current video it is about.
        frame_index: that was pointed at.
        place: in the picture, None for the frame as a whole.
        parent: of the dialog.
    """
    write = partial(write_note, session, frame_index, place, parent)
    menu.addSeparator()
    menu.addAction(theme.icon("mdi6.message-plus-outline"), "Add a note here…", write)
