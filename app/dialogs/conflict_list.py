"""The conflicts of a merge as a list, with what was decided in each."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.document.project_merge.conflicts import Conflict

_HEADS = ("video", "what", "where", "taken")
_TAKEN = len(_HEADS) - 1
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_WORDS = {None: "undecided", False: "ours", True: "theirs"}


class ConflictList(QTableWidget):
    """A row for each conflict.

    Attributes:
        decisions: whether theirs is taken, by row; rows that nobody decided are missing.

    Signals:
        looked_at: row that is looked at now; -1 for none.
        decided: some decision changed.
    """

    looked_at = Signal(int)
    decided = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADS), parent)
        self.decisions: dict[int, bool] = {}
        self.setObjectName("conflictList")
        self.setAccessibleName("Conflicts")
        self.setHorizontalHeaderLabels(_HEADS)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(_LEFT)
        for column in range(len(_HEADS)):
            mode = QHeaderView.ResizeMode.Stretch if column == 2 else QHeaderView.ResizeMode.ResizeToContents
            self.horizontalHeader().setSectionResizeMode(column, mode)
        self.currentCellChanged.connect(self._look)

    def show_conflicts(self, conflicts: Sequence[Conflict], names: Mapping[int, str]) -> None:
        """List these, all undecided; `names` are those of the videos by id."""
        self.decisions = {}
        self.setRowCount(len(conflicts))
        self.setColumnHidden(0, len({conflict.video_id for conflict in conflicts}) == 1)
        for row, conflict in enumerate(conflicts):
            texts = (names[conflict.video_id], conflict.kind.value, conflict.where, _WORDS[None])
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.setItem(row, column, item)
        if conflicts:
            self.setCurrentCell(0, _TAKEN)

    def decide(self, rows: Sequence[int], *, takes_theirs: bool) -> None:
        """Decide some conflicts."""
        for row in rows:
            self.decisions[row] = takes_theirs
            item = self.item(row, _TAKEN)
            assert item is not None
            item.setText(_WORDS[takes_theirs])
        self.decided.emit()

    def go_to_undecided(self) -> None:
        """Look at the next conflict that is not decided, below the current one and then from the top."""
        here, count = self.currentRow(), self.rowCount()
        order = [(here + step) % count for step in range(1, count + 1)]
        row = next((row for row in order if row not in self.decisions), None)
        if row is not None:
            self.setCurrentCell(row, _TAKEN)

    def _look(self, row: int, _column: int, before: int, _before_column: int) -> None:
        if row != before:
            self.looked_at.emit(row)
