"""A table to read: the first column to the left, numbers to the right, tips on the heads."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class TextTable(QTableWidget):
    """Rows of texts under heads.

    Args:
        name: of the object, for tests.
        title: what screen readers say.
        heads: of the columns.
        tips: by head, for those that need words.
    """

    def __init__(
        self, name: str, title: str, heads: Sequence[str], tips: Mapping[str, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(0, len(heads), parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setHorizontalHeaderLabels(list(heads))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for column, head in enumerate(heads):
            item = self.horizontalHeaderItem(column)
            assert item is not None
            item.setToolTip(tips.get(head, ""))
            item.setTextAlignment(_RIGHT if column else _LEFT)
            mode = QHeaderView.ResizeMode.ResizeToContents if column else QHeaderView.ResizeMode.Stretch
            self.horizontalHeader().setSectionResizeMode(column, mode)

    def show_rows(self, rows: Sequence[Sequence[str]], tips: Sequence[str] = ()) -> None:
        """Show these rows; `tips` are those of their first cells."""
        self.setRowCount(len(rows))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setTextAlignment(_RIGHT if column else _LEFT)
                self.setItem(row, column, item)
            first = self.item(row, 0)
            if first is not None and row < len(tips):
                first.setToolTip(tips[row])
