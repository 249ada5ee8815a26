"""What panels that list things have in common: rows of a table, words where there is nothing, margins."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

MARGIN = 12


def set_up_rows(view: QTableView, row_height: int) -> None:
    """Make a table one of whole rows of one height, without a grid, edited by commands and menus only."""
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    view.setShowGrid(False)
    view.setTabKeyNavigation(False)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.verticalHeader().hide()
    view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    view.verticalHeader().setDefaultSectionSize(row_height)
    view.horizontalHeader().setHighlightSections(False)


def empty_words(name: str) -> QLabel:
    """What stands in the middle of a panel that has nothing to list."""
    label = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
    label.setObjectName(name)
    label.setProperty("muted", True)
    label.setContentsMargins(MARGIN, 0, MARGIN, 0)
    return label


def title_row(*widgets: QWidget) -> QHBoxLayout:
    """The line above a list: the first to the left, the others to the right."""
    row = QHBoxLayout()
    row.setContentsMargins(MARGIN, 0, MARGIN, 0)
    row.addWidget(widgets[0])
    row.addStretch(1)
    for widget in widgets[1:]:
        row.addWidget(widget)
    return row


def list_column(panel: QWidget, titles: QHBoxLayout, view: QWidget, empty: QLabel) -> QVBoxLayout:
    """A panel of a line of titles and below it the list, or the words in its place."""
    column = QVBoxLayout(panel)
    column.setContentsMargins(0, 8, 0, 0)
    column.setSpacing(6)
    column.addLayout(titles)
    column.addWidget(view, 1)
    column.addWidget(empty, 1)
    return column
