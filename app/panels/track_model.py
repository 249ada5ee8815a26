"""The tracks of the current video as a Qt table model that follows the document row by row."""

from bisect import bisect_left
from collections.abc import Callable
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from app import theme
from app.document.records import TrackSummary
from app.session import Session

SORT_ROLE = Qt.ItemDataRole.UserRole
TRACK_ID_ROLE = Qt.ItemDataRole.UserRole + 1
COLOR_ROLE = Qt.ItemDataRole.UserRole + 2
_LOW_SCORE = 0.6
_Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """Columns of the track table, left to right."""

    COLOUR = 0
    ID = 1
    CLASS = 2
    SCORE = 3
    FRAMES = 4
    VISIBLE = 5
    LOCKED = 6


_TITLES = ("", "id", "class", "score", "frames", "", "")
_TITLE_TIPS = (
    "Colour of the track, or of its class (View > Colour by)",
    "Track id",
    "Class; double-click to change it",
    "Mean score over the track's frames",
    "Number of frames that hold the track",
    "Shown on the video; Alt+click shows this track alone (H)",
    "Locked tracks refuse every change, also by the model (L)",
)
_NUMBERS = {Column.SCORE, Column.FRAMES}


class TrackTableModel(QAbstractTableModel):
    """One row per track, ordered by id. `refresh` compares with the document and announces only what differs."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._rows: list[TrackSummary] = []
        self._names: dict[int, str] = {}
        self._readers: dict[int, Callable[[TrackSummary, Column], object]] = {
            Qt.ItemDataRole.DisplayRole: self._text,
            Qt.ItemDataRole.ForegroundRole: self._foreground,
            Qt.ItemDataRole.TextAlignmentRole: _alignment_of,
            Qt.ItemDataRole.ToolTipRole: self._tip,
            Qt.ItemDataRole.AccessibleTextRole: self._spoken,
            SORT_ROLE: self._sort_key,
            TRACK_ID_ROLE: _id_of,
            COLOR_ROLE: self._color,
        }

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(Column)

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TITLE_TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(Column(section))
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: D102
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], Column(index.column())
        read = self._readers.get(role)
        return None if read is None else read(row, column)

    def summary(self, row: int) -> TrackSummary:
        """The track of a row."""
        return self._rows[row]

    def row_of(self, track_id: int) -> int | None:
        """Row of a track, None when the table does not hold it."""
        position = bisect_left(self._rows, track_id, key=_track_id)
        is_there = position < len(self._rows) and _track_id(self._rows[position]) == track_id
        return position if is_there else None

    def refresh(self) -> None:
        """Take over what the document says now."""
        names, wanted = self._session.category_names(), self._session.tracks()
        is_renamed, self._names = names != self._names, names
        self._remove_missing({_track_id(summary) for summary in wanted})
        for position, summary in enumerate(wanted):
            self._take(position, summary)
        if is_renamed and self._rows:
            self.dataChanged.emit(self.index(0, Column.CLASS), self.index(len(self._rows) - 1, Column.CLASS))

    def refresh_visibility(self) -> None:
        """Repaint the rows after tracks were hidden, shown or coloured otherwise."""
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(Column) - 1))

    def is_visible(self, row: int) -> bool:
        """Whether the canvas draws the track of a row."""
        return self._session.is_visible(_track_id(self._rows[row]))

    def _remove_missing(self, wanted: set[int]) -> None:
        for row in reversed(range(len(self._rows))):
            if _track_id(self._rows[row]) not in wanted:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self._rows[row]
                self.endRemoveRows()

    def _take(self, position: int, summary: TrackSummary) -> None:
        """Put a summary at its row; everything before it is up to date, and nothing stale comes after."""
        is_new = position == len(self._rows) or _track_id(self._rows[position]) != _track_id(summary)
        if is_new:
            self.beginInsertRows(QModelIndex(), position, position)
            self._rows.insert(position, summary)
            self.endInsertRows()
        elif self._rows[position] != summary:
            self._rows[position] = summary
            self.dataChanged.emit(self.index(position, 0), self.index(position, len(Column) - 1))

    def _text(self, row: TrackSummary, column: Column) -> str | None:
        match column:
            case Column.ID:
                return str(_track_id(row))
            case Column.CLASS:
                return self._names.get(row.track.category_id, "no class")
            case Column.SCORE:
                return f"{row.score:.2f}"
            case Column.FRAMES:
                return str(row.frame_count)
        return None

    def _spoken(self, row: TrackSummary, column: Column) -> str | None:
        return self._tip(row, column) if column >= Column.VISIBLE else self._text(row, column)

    def _sort_key(self, row: TrackSummary, column: Column) -> object:
        match column:
            case Column.CLASS:
                return (self._text(row, column) or "").casefold()
            case Column.SCORE:
                return row.score
            case Column.FRAMES:
                return row.frame_count
            case Column.VISIBLE:
                return int(not self._session.is_visible(_track_id(row)))
            case Column.LOCKED:
                return int(not row.track.locked)
        return _track_id(row)

    def _foreground(self, row: TrackSummary, column: Column) -> QColor | None:
        if not self._session.is_visible(_track_id(row)):
            return theme.color("faint")
        return theme.color("warning") if column is Column.SCORE and row.score < _LOW_SCORE else None

    def _color(self, row: TrackSummary, _column: Column) -> QColor:
        return self._session.colors.of(_track_id(row))

    def _tip(self, row: TrackSummary, column: Column) -> str:
        match column:
            case Column.VISIBLE:
                return "Shown; click to hide" if self._session.is_visible(_track_id(row)) else "Hidden; click to show"
            case Column.LOCKED:
                return "Locked; click to unlock" if row.track.locked else "Not locked; click to lock"
            case Column.FRAMES:
                return f"frames {row.first_frame} to {row.last_frame}, {row.edited_count} edited"
        return _TITLE_TIPS[column]


def _track_id(summary: TrackSummary) -> int:
    return summary.track.track_id


def _id_of(row: TrackSummary, _column: Column) -> int:
    return row.track.track_id


def _alignment_of(_row: TrackSummary, column: Column) -> Qt.AlignmentFlag:
    return _alignment(column)


def _alignment(column: Column) -> Qt.AlignmentFlag:
    sideways = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return sideways | Qt.AlignmentFlag.AlignVCenter
