"""The history as a Qt table, newest first: what, who, when, in which video; what is undone is faint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app import theme
from app.document.history import HistoryEntry

HEADS = ("what", "who", "when", "video")
WHAT, WHO, WHEN, VIDEO = range(4)
EVERY_VIDEO = 0
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class HistoryFilter:
    """Which entries are listed.

    Attributes:
        text: words that the entry's text holds, in any order and case.
        author: empty for everyone.
        video_id: `EVERY_VIDEO` for all; what concerns no single video is then listed, too.
    """

    text: str = ""
    author: str = ""
    video_id: int = EVERY_VIDEO

    def select(self, entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
        """Those entries that it lets through, in their order."""
        words = self.text.casefold().split()
        return [
            entry
            for entry in entries
            if (not self.author or entry.author == self.author)
            and self.video_id in (EVERY_VIDEO, entry.video_id)
            and all(word in entry.text.casefold() for word in words)
        ]


class HistoryModel(QAbstractTableModel):
    """Rows of entries; they are read at once and shown as they come into view."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: Sequence[HistoryEntry] = ()
        self._names: Mapping[int, str] = {}

    def show_entries(self, entries: Sequence[HistoryEntry], names: Mapping[int, str]) -> None:
        """Show these, in this order; `names` are those of the project's videos by id."""
        self.beginResetModel()
        self._entries, self._names = entries, names
        self.endResetModel()

    def entry(self, row: int) -> HistoryEntry:
        """The entry of a row."""
        return self._entries[row]

    def row_of(self, entry_id: int) -> int:
        """Where an entry is; -1 when it is not listed."""
        return next((row for row, entry in enumerate(self._entries) if entry.entry_id == entry_id), -1)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: D102, B008
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: D102, B008
        return 0 if parent.isValid() else len(HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: D102
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return HEADS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: D102
        entry = self._entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(entry, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{self._text(entry, WHAT)}\n{'Undone; it can be redone. ' if entry.undone else ''}{entry.author}"
        if role == Qt.ItemDataRole.ForegroundRole and entry.undone:
            return theme.color("faint")
        return None

    def _text(self, entry: HistoryEntry, column: int) -> str:
        if column == WHO:
            return entry.author
        if column == WHEN:
            return datetime.fromtimestamp(entry.created).strftime("%d %b %Y, %H:%M")
        if column == VIDEO:
            # Of a removed video the number is left.
            return "" if entry.video_id is None else self._names.get(entry.video_id, f"video {entry.video_id}")
        return f"{entry.text}  (undone)" if entry.undone else entry.text
