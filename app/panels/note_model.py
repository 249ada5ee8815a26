"""Notes as a Qt table model: open ones first, whatever they are sorted by; a tick stands for resolved."""

import time
from collections.abc import Callable
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor

from app import theme
from app.document.records import Note
from app.notes import made_words, note_tip, short_time

NOTE_ROLE = Qt.ItemDataRole.UserRole
_Index = QModelIndex | QPersistentModelIndex


class NoteColumn(IntEnum):
    """What a column says."""

    FRAME = 0
    VIDEO = 1
    WORDS = 2
    AUTHOR = 3
    CREATED = 4


_TITLES = {
    NoteColumn.FRAME: "Frame",
    NoteColumn.VIDEO: "Video",
    NoteColumn.WORDS: "Note",
    NoteColumn.AUTHOR: "By",
    NoteColumn.CREATED: "When",
}


class NoteModel(QAbstractTableModel):
    """One row per note.

    Signals:
        toggled: a Note whose tick was clicked.
    """

    toggled = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Note] = []
        self._videos: dict[int, str] = {}
        self._order = (NoteColumn.FRAME, Qt.SortOrder.AscendingOrder)
        self._readers: dict[Qt.ItemDataRole, Callable[[Note, NoteColumn], object]] = {
            Qt.ItemDataRole.DisplayRole: self._text,
            Qt.ItemDataRole.ToolTipRole: lambda note, _column: note_tip(note),
            Qt.ItemDataRole.AccessibleTextRole: self._spoken,
            Qt.ItemDataRole.CheckStateRole: _tick,
            Qt.ItemDataRole.ForegroundRole: _colour,
            NOTE_ROLE: lambda note, _column: note,
        }

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102 - Qt's signature
        return 0 if parent.isValid() else len(NoteColumn)

    def headerData(  # noqa: D102 - Qt's
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return _TITLES[NoteColumn(section)] if role == Qt.ItemDataRole.DisplayRole else None

    def flags(self, index: _Index) -> Qt.ItemFlag:  # noqa: D102
        usual = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return usual | Qt.ItemFlag.ItemIsUserCheckable if index.column() == NoteColumn.FRAME else usual

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: D102
        if not index.isValid():
            return None
        read = self._readers.get(Qt.ItemDataRole(role))
        return None if read is None else read(self._rows[index.row()], NoteColumn(index.column()))

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: D102
        if role != Qt.ItemDataRole.CheckStateRole or not index.isValid():
            return False
        self.toggled.emit(self._rows[index.row()])
        return True

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:  # noqa: D102
        self._order = (NoteColumn(column), order)
        self.show(self._rows, self._videos)

    def show(self, notes: list[Note], videos: dict[int, str]) -> None:
        """List these.

        Args:
            notes: in any order.
            videos: names of the project's videos by id.
        """
        self.beginResetModel()
        self._videos = videos
        column, order = self._order
        rows = sorted(notes, key=self._keys()[column], reverse=order is Qt.SortOrder.DescendingOrder)
        self._rows = sorted(rows, key=lambda note: note.is_resolved)
        self.endResetModel()

    def row_of(self, note: Note | None) -> int | None:
        """Row of a note, whatever has become of its words."""
        if note is None:
            return None
        key = note.video_id, note.note_id
        return next((row for row, other in enumerate(self._rows) if (other.video_id, other.note_id) == key), None)

    def _text(self, note: Note, column: NoteColumn) -> str:
        texts = {
            NoteColumn.FRAME: str(note.frame_index),
            NoteColumn.VIDEO: self._videos.get(note.video_id, ""),
            NoteColumn.WORDS: " ".join(note.words.split()),
            NoteColumn.AUTHOR: note.author,
            NoteColumn.CREATED: short_time(note.created, time.time()),
        }
        return texts[column]

    def _spoken(self, note: Note, _column: NoteColumn) -> str:
        return f"{self._videos.get(note.video_id, '')}, frame {note.frame_index}: {note.words}. {made_words(note)}"

    def _keys(self) -> dict[NoteColumn, Callable[[Note], tuple]]:
        return {
            NoteColumn.FRAME: lambda note: (note.video_id, note.frame_index, note.note_id),
            NoteColumn.VIDEO: lambda note: (self._videos.get(note.video_id, ""), note.frame_index, note.note_id),
            NoteColumn.WORDS: lambda note: (note.words.casefold(), note.note_id),
            NoteColumn.AUTHOR: lambda note: (note.author.casefold(), note.frame_index, note.note_id),
            NoteColumn.CREATED: lambda note: (note.created, note.note_id),
        }


def _tick(note: Note, column: NoteColumn) -> Qt.CheckState | None:
    if column is not NoteColumn.FRAME:
        return None
    return Qt.CheckState.Checked if note.is_resolved else Qt.CheckState.Unchecked


def _colour(note: Note, column: NoteColumn) -> QColor:
    if note.is_resolved:
        return theme.color("faint")
    return theme.color("text" if column is NoteColumn.WORDS else "muted")
