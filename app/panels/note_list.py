"""The list of notes of the video or of the project: gone to, ticked off, opened, deleted."""

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, Signal, SignalInstance
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QMenu,
    QTableView,
    QToolButton,
    QWidget,
)

from app import theme
from app.dialogs.note import open_note
from app.document.edits import DeleteNote, ResolveNote
from app.document.notes import all_notes
from app.document.records import Note
from app.held_keys import OWN_SPACE
from app.panels.list_parts import empty_words, list_column, set_up_rows, title_row
from app.panels.note_menu import note_menu
from app.panels.note_model import NOTE_ROLE, NoteColumn, NoteModel
from app.session import Session

_ROW_HEIGHT = 28
_WIDTHS = {NoteColumn.FRAME: 66, NoteColumn.VIDEO: 80, NoteColumn.AUTHOR: 64, NoteColumn.CREATED: 62}
_NONE = "No notes yet.\nAdd one to this frame with W, or with a right click on the picture or the timeline."
_NONE_OPEN = "Every note is resolved."


class NoteView(QTableView):
    """A table whose rows answer to keys.

    Signals:
        gone_to: Enter.
        ticked: Space.
        deleted: Delete.
        opened: F2, or a double click.
    """

    gone_to = Signal(QModelIndex)
    ticked = Signal(QModelIndex)
    deleted = Signal(QModelIndex)
    opened = Signal(QModelIndex)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys = {
            Qt.Key.Key_Return: self.gone_to,
            Qt.Key.Key_Enter: self.gone_to,
            Qt.Key.Key_Space: self.ticked,
            Qt.Key.Key_Delete: self.deleted,
            Qt.Key.Key_F2: self.opened,
        }
        self.setProperty(OWN_SPACE, True)
        set_up_rows(self, _ROW_HEIGHT)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setWordWrap(False)
        self.doubleClicked.connect(self.opened)

    def event(self, event: QEvent) -> bool:
        """Keep the keys that mean something here; elsewhere they are actions'."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self._signal_of(event) is None:
                return super().event(event)
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102
        signal = self._signal_of(event)
        if signal is None:
            super().keyPressEvent(event)
        else:
            signal.emit(self.currentIndex())

    def _signal_of(self, event: QKeyEvent) -> SignalInstance | None:
        is_plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return self._keys.get(Qt.Key(event.key())) if is_plain and self.currentIndex().isValid() else None


class NoteList(QWidget):
    """Rows of notes; a click goes to one.

    Signals:
        counted: how many are open in what is listed.
    """

    counted = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._deleted_row: int | None = None
        self.setObjectName("noteList")
        self.model = NoteModel(self)
        self._build()
        session.notes.changed.connect(self._show_rows)
        session.notes.current_changed.connect(self._show_current)
        theme.theme_changes().changed.connect(self._restyle)
        self._restyle()
        self._show_rows()

    def _build(self) -> None:
        self._words = QLabel()
        self._words.setObjectName("noteCount")
        self._words.setProperty("muted", True)
        self.view = NoteView()
        self.view.setObjectName("noteView")
        self.view.setAccessibleName("Notes, open ones first")
        self.view.setAccessibleDescription(
            "Enter goes to one, Space resolves or reopens it, F2 opens it, Delete deletes"
        )
        self.view.setModel(self.model)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(NoteColumn.FRAME, Qt.SortOrder.AscendingOrder)
        head = self.view.horizontalHeader()
        for column, width in _WIDTHS.items():
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.view.setColumnWidth(column, width)
        head.setSectionResizeMode(NoteColumn.WORDS, QHeaderView.ResizeMode.Stretch)
        self.view.setColumnHidden(NoteColumn.VIDEO, True)
        self._connect_view()
        self._empty = empty_words("noteEmpty")
        titles = title_row(self._words, self._make_filter(), self._make_add())
        list_column(self, titles, self.view, self._empty)

    def _connect_view(self) -> None:
        self.view.clicked.connect(self._go_to)
        self.view.gone_to.connect(self._go_to)
        self.view.opened.connect(self._open)
        self.view.ticked.connect(self._toggle_row)
        self.view.deleted.connect(self._delete)
        self.view.customContextMenuRequested.connect(self._open_menu)
        # Only after the click that ticked it: the row goes elsewhere then.
        self.model.toggled.connect(self._toggle, Qt.ConnectionType.QueuedConnection)

    def _make_filter(self) -> QToolButton:
        menu = QMenu(self)
        menu.setObjectName("noteFilterMenu")
        self.all_videos = menu.addAction("Of all videos")
        self.resolved_too = menu.addAction("Resolved ones, too")
        self.resolved_too.setChecked(True)
        for action, is_on in ((self.all_videos, False), (self.resolved_too, True)):
            action.setCheckable(True)
            action.setChecked(is_on)
            action.toggled.connect(self._show_rows)
        self._filter = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self._filter.setObjectName("noteFilter")
        self._filter.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._filter.setToolTip("Which notes are listed")
        self._filter.setMenu(menu)
        return self._filter

    def _make_add(self) -> QToolButton:
        self._add = QToolButton()
        self._add.setObjectName("noteAdd")
        self._add.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._add.setToolTip("Add a note to this frame (W)")
        self._add.setAccessibleName("Add a note to this frame")
        self._add.clicked.connect(self._press_add)
        return self._add

    def _press_add(self) -> None:
        action = self.window().findChild(QAction, "note.add")
        if action is not None:
            action.trigger()

    def _show_rows(self) -> None:
        session, document = self._session, self._session.document
        lists_all = self.all_videos.isChecked()
        names = {} if document is None else {video.video_id: video.name for video in document.videos()}
        known = list(session.notes.all) if document is None or not lists_all else all_notes(document)
        shown = known if self.resolved_too.isChecked() else [note for note in known if not note.is_resolved]
        open_count = sum(not note.is_resolved for note in known)
        self._list(shown, names)
        # There is no room for both; the tip says who.
        self.view.setColumnHidden(NoteColumn.VIDEO, not lists_all)
        self.view.setColumnHidden(NoteColumn.AUTHOR, lists_all)
        self.view.setVisible(bool(shown))
        self._empty.setVisible(not shown)
        self._empty.setText(_NONE_OPEN if known else _NONE)
        self._words.setText(f"{open_count} of {len(known)} open" if known else "")
        self._filter.setText(
            ("All videos" if lists_all else "This video") + ("" if len(shown) == len(known) else ", open")
        )
        self.counted.emit(open_count)

    def _list(self, notes: list[Note], videos: dict[int, str]) -> None:
        """Show these rows; the current one stays so wherever it is now, of a deleted one the next becomes current."""
        offset, here = self.view.verticalScrollBar().value(), self.view.currentIndex()
        kept = here.data(NOTE_ROLE) if here.isValid() else None
        self.model.show(notes, videos)
        self.view.verticalScrollBar().setValue(offset)
        row = self.model.row_of(kept)
        if row is None and self._deleted_row is not None and notes:
            row = min(self._deleted_row, len(notes) - 1)
        self._make_current(self.model.row_of(self._session.notes.current) if row is None else row)

    def _show_current(self) -> None:
        self._make_current(self.model.row_of(self._session.notes.current))

    def _make_current(self, row: int | None) -> None:
        index = QModelIndex() if row is None else self.model.index(row, NoteColumn.WORDS)
        self.view.setCurrentIndex(index)
        if index.isValid():
            self.view.scrollTo(index)

    def _go_to(self, index: QModelIndex) -> None:
        self._session.notes.choose(index.data(NOTE_ROLE))

    def _open(self, index: QModelIndex) -> None:
        open_note(self._session, index.data(NOTE_ROLE), self.window())

    def _toggle_row(self, index: QModelIndex) -> None:
        self._toggle(index.data(NOTE_ROLE))

    def _toggle(self, note: Note) -> None:
        """Resolve or reopen it."""
        self._session.do(ResolveNote(note.video_id, note.note_id, not note.is_resolved))

    def _delete(self, index: QModelIndex) -> None:
        note: Note = index.data(NOTE_ROLE)
        self._deleted_row = index.row()
        self._session.do(DeleteNote(note.video_id, note.note_id))
        self._deleted_row = None

    def _open_menu(self, position: QPoint) -> None:
        index = self.view.indexAt(position)
        if index.isValid():
            menu = note_menu(self._session, index.data(NOTE_ROLE), self.window())
            menu.popup(self.view.viewport().mapToGlobal(position))

    def _restyle(self) -> None:
        self._filter.setIcon(theme.icon("mdi6.filter-variant"))
        self._filter.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._add.setIcon(theme.icon("mdi6.message-plus-outline"))
        self.view.viewport().update()
