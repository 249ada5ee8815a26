"""The classes as a table: what each shall be called, its colour and synonyms, beside how much there is of it."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.dialogs.color_button import ColorButton
from app.document.class_edits import CategoryUse
from visolo.categories import Category
from visolo.palette import class_rgb

_COLOR, _NAME, _TRACKS, _MASKS, _BECOMES, _SYNONYMS = range(6)
_HEADS = ("", "class", "tracks", "masks", "becomes", "synonyms")
_COLOR_WIDTH = 44
_WIDTHS = ("Fixed", "Stretch", "ResizeToContents", "ResizeToContents", "Stretch", "Stretch")
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ClassTable(QTableWidget):
    """A row for each class.

    Signals:
        edited: a person wants something else of a class.
    """

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADS), parent)
        self._categories: list[Category] = []
        self._names = QStringListModel(self)  # one for all rows: a dataset may have a thousand classes
        self.setObjectName("classesTable")
        self.setAccessibleName("Classes and what they become")
        self.setHorizontalHeaderLabels(list(_HEADS))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(36)
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for column, mode in enumerate(_WIDTHS):
            head = self.horizontalHeaderItem(column)
            assert head is not None
            head.setTextAlignment(_RIGHT if column in (_TRACKS, _MASKS) else _LEFT)
            self.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode[mode])
        self.setColumnWidth(_COLOR, _COLOR_WIDTH)
        self._say(_BECOMES, "Classes of one name become one. A name that is given up becomes a synonym.")
        self._say(_SYNONYMS, "What else files and models call the class, with commas between")

    def fill(self, categories: Sequence[Category], uses: Mapping[int, CategoryUse]) -> None:
        """Show the project's classes."""
        self.offer([category.name for category in categories])
        for category in categories:
            self._add_row(category, uses[category.category_id])

    def add(self, category: Category, number: int) -> None:
        """A class that shall be added; `number` is the id that it will get."""
        self._add_row(category, None, number)
        self.scrollToBottom()
        self.edited.emit()

    def offer(self, names: Sequence[str]) -> None:
        """Names to choose from."""
        self._names.setStringList(list(names))

    def show_meant(self, meant: Mapping[int, Category]) -> None:
        """What rows shall be: the class that is meant in another set, where there is one, else what they are.

        Args:
            meant: by category id. Colours and synonyms of its classes come along.
        """
        for row, category in enumerate(self._categories):
            other = meant.get(category.category_id)
            name, color = (other.name, other.color) if other else (category.name, None)
            self._box(row).setCurrentText(name)
            self._button(row).set_color(category.color or color)
            self._line(row).setText(", ".join(dict.fromkeys((*category.synonyms, *(other.synonyms if other else ())))))

    def wanted(self) -> list[Category]:
        """The classes as they shall be; new ones have the id 0."""
        return [
            Category(c.category_id, self._box(row).currentText().strip(), self._button(row).color, self._synonyms(row))
            for row, c in enumerate(self._categories)
        ]

    def _add_row(self, category: Category, use: CategoryUse | None, number: int = 0) -> None:
        row = self.rowCount()
        self.insertRow(row)
        self._categories.append(category)
        texts = (category.name, str(use.track_count), str(use.mask_count)) if use else ("new", "", "")
        for column, text in enumerate(texts, start=_NAME):
            item = QTableWidgetItem(text)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            if column != _NAME:
                item.setTextAlignment(_RIGHT)
            self.setItem(row, column, item)
        button = ColorButton(category.name, class_rgb(category.category_id or number))
        button.set_color(category.color)
        button.changed.connect(self.edited)
        self.setCellWidget(row, _COLOR, button)
        self.setCellWidget(row, _BECOMES, self._name_box(category))
        line = QLineEdit(", ".join(category.synonyms))
        line.setObjectName(f"synonyms{category.category_id}")
        line.setAccessibleName(f"Synonyms of {category.name}")
        line.textChanged.connect(self.edited)
        self.setCellWidget(row, _SYNONYMS, line)

    def _name_box(self, category: Category) -> QComboBox:
        box = QComboBox(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
        box.setObjectName(f"becomes{category.category_id}")
        box.setAccessibleName(f"What {category.name} becomes")
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setModel(self._names)
        box.setCurrentText(category.name)
        box.currentTextChanged.connect(self.edited)
        return box

    def _synonyms(self, row: int) -> tuple[str, ...]:
        return tuple(text for part in self._line(row).text().split(",") if (text := part.strip()))

    def _say(self, column: int, tip: str) -> None:
        head = self.horizontalHeaderItem(column)
        assert head is not None
        head.setToolTip(tip)

    def _box(self, row: int) -> QComboBox:
        box = self.cellWidget(row, _BECOMES)
        assert isinstance(box, QComboBox)
        return box

    def _line(self, row: int) -> QLineEdit:
        line = self.cellWidget(row, _SYNONYMS)
        assert isinstance(line, QLineEdit)
        return line

    def _button(self, row: int) -> ColorButton:
        button = self.cellWidget(row, _COLOR)
        assert isinstance(button, ColorButton)
        return button
