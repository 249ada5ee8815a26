"""Writing a note on a frame, or reading one: its words, who left it, and what to do with it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QWidget

from app.dialogs.form_parts import Sentence, dialog_column, push_button
from app.document.edits import AddNote, DeleteNote, Edit, EditGroup, ResolveNote, RewordNote
from app.document.notes import first_words
from app.document.records import Note, NotePlace
from app.notes import made_words
from app.session import Session


def write_note(session: Session, frame_index: int, place: NotePlace | None, parent: QWidget) -> None:
    """Ask what is to be noted on a frame of the current video, and add it."""
    _NewNote(session, frame_index, place, parent).open()


def open_note(session: Session, note: Note, parent: QWidget) -> None:
    """Show a note, to be reworded, resolved or deleted."""
    _OldNote(session, note, parent).open()


class _Words(QPlainTextEdit):
    """What is noted.

    Signals:
        finished: Enter was pressed; with Shift it begins a line.
    """

    finished = Signal()

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.setObjectName("noteWords")
        self.setAccessibleName("What is noted")
        self.setTabChangesFocus(True)
        self.setMinimumSize(380, 96)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter is done."""
        is_enter = event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
        if is_enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.finished.emit()
        else:
            super().keyPressEvent(event)


class _NoteDialog(QDialog):
    """The words of a note above some buttons; closes when its project does."""

    def __init__(self, session: Session, words: str, hint: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("noteDialog")
        self._session = session
        self.words = _Words(words)
        self.words.finished.connect(self._save)
        self.words.textChanged.connect(self._show_state)
        self._hint, self._sentence = hint, Sentence("noteHint")
        self.save = push_button("Save", "noteSave", self._save, is_primary=True)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        layout = dialog_column(self)
        layout.addWidget(self.words, 1)
        layout.addWidget(self._sentence)
        layout.addLayout(self._buttons)
        session.project_opened.connect(self.reject)
        self._show_state()
        self.words.setFocus()

    def _end_buttons(self) -> None:
        self._buttons.addStretch(1)
        self._buttons.addWidget(push_button("Cancel", "noteCancel", self.reject))
        self._buttons.addWidget(self.save)

    def _written(self) -> str:
        return self.words.toPlainText().strip()

    def _show_state(self) -> None:
        self.save.setEnabled(bool(self._written()))
        self._sentence.say(self._hint)

    def _do(self, edit: Edit) -> None:
        """Make the edit and close; where it can't be made, what was written is not lost."""
        refusals: list[str] = []
        self._session.refused.connect(refusals.append)
        is_done = self._session.do(edit)
        self._session.refused.disconnect(refusals.append)
        if is_done:
            self.accept()
        else:
            self._sentence.say(" ".join(refusals), is_problem=True)

    def _save(self) -> None:
        raise NotImplementedError


class _NewNote(_NoteDialog):
    """One that is to be added."""

    def __init__(self, session: Session, frame_index: int, place: NotePlace | None, parent: QWidget) -> None:
        super().__init__(session, "", "Enter adds it, Shift+Enter begins a new line.", parent)
        self._frame_index, self._place = frame_index, place
        where = "" if place is None else f" at ({place.x:.0f}, {place.y:.0f})"
        self.setWindowTitle(f"Note on frame {frame_index}{where}")
        self.words.setPlaceholderText("What is to be looked at?")
        self.save.setText("Add")
        self._end_buttons()

    def _save(self) -> None:
        assert self._session.video is not None
        if self._written():
            self._do(AddNote(self._session.video.video_id, self._frame_index, self._written(), self._place))


class _OldNote(_NoteDialog):
    """One that is there."""

    def __init__(self, session: Session, note: Note, parent: QWidget) -> None:
        super().__init__(
            session, note.words, f"{made_words(note)}. Enter saves, Shift+Enter begins a new line.", parent
        )
        self._note = note
        self.setWindowTitle(f"Note on frame {note.frame_index}")
        self.resolve = push_button("Reopen" if note.is_resolved else "Resolve", "noteResolve", self._toggle)
        self._buttons.addWidget(self.resolve)
        self._buttons.addWidget(push_button("Delete", "noteDelete", self._delete))
        self._end_buttons()
        self.words.selectAll()

    def _save(self) -> None:
        if self._written() == self._note.words:
            self.accept()
        elif self._written():
            self._do(RewordNote(self._note.video_id, self._note.note_id, self._written()))

    def _toggle(self) -> None:
        """Resolve or reopen it; words that were changed are kept, too, by the same edit."""
        note, words = self._note, self._written()
        toggle = ResolveNote(note.video_id, note.note_id, not note.is_resolved)
        if not words or words == note.words:
            self._do(toggle)
            return
        label = f"{'Reopen' if note.is_resolved else 'Resolve'} note on frame {note.frame_index}: {first_words(words)}"
        self._do(EditGroup(note.video_id, label, (RewordNote(note.video_id, note.note_id, words), toggle)))

    def _delete(self) -> None:
        self._do(DeleteNote(self._note.video_id, self._note.note_id))
