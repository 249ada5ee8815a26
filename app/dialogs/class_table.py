"""The classes as a table: what each shall be called, its colour and synonyms, beside how much there is of it.

Cells are edited in place: with a widget in each, a dataset's thousand classes would take half a minute to show.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QStringListModel, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app import theme
from app.dialogs.color_popup import ColorPopup, swatch
from app.document.class_edits import CategoryUse
from visolo.categories import Category
from visolo.palette import class_rgb

COLOR, NAME, TRACKS, MASKS, BECOMES, SYNONYMS = range(6)
_HEADS = ("", "class", "tracks", "masks", "becomes", "synonyms")
_WIDTHS = ("Fixed", "Stretch", "ResizeToContents", "ResizeToContents", "Stretch", "Stretch")
_TIPS = {
    COLOR: "Colour of the class; press it to choose another",
    BECOMES: "Classes of one name become one. A name that is given up becomes a synonym.",
    SYNONYMS: "What else files and models call the class, with commas between",
}
_COLOR_WIDTH, _ROW_HEIGHT = 44, 36
_COLOR_ROLE = Qt.ItemDataRole.UserRole
_AUTOMATIC_ROLE = Qt.ItemDataRole.UserRole + 1
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_Index = QModelIndex | QPersistentModelIndex


class ClassTable(QTableWidget):
    """A row for each class.

    Signals:
        edited: a person wants something else of a class.
    """

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADS), parent)
        self._categories: list[Category] = []
        self._names = QStringListModel(self)
        self.setObjectName("classesTable")
        self.setAccessibleName("Classes and what they become")
        self.setHorizontalHeaderLabels(list(_HEADS))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        # Not by moving onto a cell: the arrow keys would go on inside its list of names and change it.
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.EditKeyPressed | triggers.AnyKeyPressed)
        self.setItemDelegate(_FieldDelegate(self._names, self))
        for column, mode in enumerate(_WIDTHS):
            head = self.horizontalHeaderItem(column)
            assert head is not None
            head.setTextAlignment(_RIGHT if column in (TRACKS, MASKS) else _LEFT)
            head.setToolTip(_TIPS.get(column, ""))
            self.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode[mode])
        self.setColumnWidth(COLOR, _COLOR_WIDTH)
        self.itemChanged.connect(self._note_change)
        self.cellClicked.connect(self._open)
        self.cellActivated.connect(self._open)

    def fill(self, categories: Sequence[Category], uses: Mapping[int, CategoryUse]) -> None:
        """Show the project's classes."""
        self.offer([category.name for category in categories])
        self.setRowCount(len(categories))
        self._categories = list(categories)
        self.blockSignals(True)
        for row, category in enumerate(categories):
            self._fill_row(row, uses[category.category_id], QColor(*class_rgb(category.category_id)))
        self.blockSignals(False)

    def add(self, category: Category, number: int) -> None:
        """A class that shall be added; `number` is the id that it will get."""
        row = self.rowCount()
        self.setRowCount(row + 1)
        self._categories.append(category)
        self.blockSignals(True)
        self._fill_row(row, None, QColor(*class_rgb(number)))
        self.blockSignals(False)
        self.scrollToBottom()
        self.edited.emit()

    def offer(self, names: Sequence[str]) -> None:
        """Names to choose from."""
        self._names.setStringList(list(names))

    def show_meant(self, meant: Mapping[int, Category]) -> None:
        """Show as what rows shall be the class that is meant in another set, where there is one, else what they are.

        Args:
            meant: by category id. Colours and synonyms of its classes come along.
        """
        self.blockSignals(True)
        for row, category in enumerate(self._categories):
            other = meant.get(category.category_id, Category(0, category.name))
            self._cell(row, BECOMES).setText(other.name)
            self._cell(row, SYNONYMS).setText(", ".join(dict.fromkeys((*category.synonyms, *other.synonyms))))
            self._show_color(row, category.color or other.color)
        self.blockSignals(False)
        self.viewport().update()
        self.edited.emit()

    def wanted(self) -> list[Category]:
        """The classes as they shall be; new ones have the id 0."""
        return [
            Category(
                category.category_id,
                self._cell(row, BECOMES).text().strip(),
                self._cell(row, COLOR).data(_COLOR_ROLE),
                _split(self._cell(row, SYNONYMS).text()),
            )
            for row, category in enumerate(self._categories)
        ]

    def _fill_row(self, row: int, use: CategoryUse | None, automatic: QColor) -> None:
        category = self._categories[row]
        counts = (str(use.track_count), str(use.mask_count)) if use is not None else ("", "")
        texts = ("", category.name if use is not None else "new", *counts, category.name, ", ".join(category.synonyms))
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            is_field = column in (BECOMES, SYNONYMS)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | (Qt.ItemFlag.ItemIsEditable if is_field else Qt.ItemFlag(0)))
            item.setTextAlignment(_RIGHT if column in (TRACKS, MASKS) else _LEFT)
            item.setToolTip(_TIPS.get(column, ""))
            self.setItem(row, column, item)
        self._cell(row, COLOR).setData(_AUTOMATIC_ROLE, automatic)
        self._show_color(row, category.color)

    def _show_color(self, row: int, color: str | None) -> None:
        item = self._cell(row, COLOR)
        shown = QColor(color) if color else item.data(_AUTOMATIC_ROLE)
        item.setIcon(swatch(shown, is_automatic=color is None))
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"Colour: {color or 'automatic'}")
        item.setData(_COLOR_ROLE, color)

    def _note_change(self, _item: QTableWidgetItem) -> None:
        self.edited.emit()

    def _open(self, row: int, column: int) -> None:
        """A click on a cell, or Enter."""
        if column == COLOR:
            self._offer_colors(row)
        elif column in (BECOMES, SYNONYMS):
            self.editItem(self._cell(row, column))

    def _offer_colors(self, row: int) -> None:
        item = self._cell(row, COLOR)
        title = f"Colour of {self._cell(row, BECOMES).text()}"
        popup = ColorPopup(title, item.data(_COLOR_ROLE), item.data(_AUTOMATIC_ROLE), self)
        popup.picked.connect(lambda color: self._show_color(row, color))
        popup.show_at(self.viewport().mapToGlobal(self.visualItemRect(item).bottomLeft()))

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        assert item is not None
        return item


class _FieldDelegate(QStyledItemDelegate):
    """Draws cells that can be edited as fields, and lets them be edited, which shows while one types."""

    def __init__(self, names: QStringListModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._names = names

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        is_current = bool(option.state & QStyle.StateFlag.State_HasFocus)
        if index.column() in (BECOMES, SYNONYMS) or (index.column() == COLOR and is_current):
            area = option.rect.adjusted(3, 3, -3, -3)
            painter.save()
            painter.setPen(QPen(theme.color("accent" if is_current else "border"), 1))
            painter.drawRoundedRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            if index.column() == BECOMES:
                icon_area = area.adjusted(area.width() - 24, 7, -8, -7)
                theme.icon("mdi6.chevron-down", theme.current_theme().muted).paint(painter, icon_area)
            painter.restore()
            if index.column() != COLOR:
                option.rect = area.adjusted(4, 0, -24 if index.column() == BECOMES else -4, 0)
        super().paint(painter, option, index)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:  # noqa: N802
        index = QPersistentModelIndex(index)
        if index.column() == BECOMES:
            box = QComboBox(parent, editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
            box.setModel(self._names)
            box.setCurrentText(index.data())
            box.currentTextChanged.connect(partial(_put, index))
            return box
        line = QLineEdit(index.data(), parent)
        line.textChanged.connect(partial(_put, index))
        return line

    def setEditorData(self, editor: QWidget, index: _Index) -> None:  # noqa: N802
        """The editor began with the cell's text and leads from then on: its cursor stays where it is."""

    def setModelData(self, editor: QWidget, model: object, index: _Index) -> None:  # noqa: N802
        """The cell has had every letter already."""


def _put(index: QPersistentModelIndex, text: str) -> None:
    model = index.model()
    model.setData(model.index(index.row(), index.column()), text)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for piece in text.split(",") if (part := piece.strip()))
