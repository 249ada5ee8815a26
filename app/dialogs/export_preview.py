"""How the project's classes map to a label set, as a table: what each class becomes and which tracks it concerns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app import theme
from visolo.categories import Category, load_label_set
from visolo.class_names import classes_by_name, counterpart

OWN_CLASSES = "project"
UnknownClasses = Literal["refuse", "drop", "keep"]


@dataclass(frozen=True)
class ClassMapping:
    """One class of the project.

    Attributes:
        target: class of the exported file, None where the label set lacks it.
        track_count: exported or dropped tracks of this class.
    """

    category: Category
    target: Category | None
    track_count: int


def class_mappings(
    categories: Sequence[Category], track_counts: Mapping[int, int], label_set: str
) -> list[ClassMapping]:
    """What every class that has tracks becomes.

    Args:
        categories: of the project.
        track_counts: number of tracks by category id.
        label_set: `OWN_CLASSES`, or a shipped set.
    """
    used = [c for c in categories if track_counts.get(c.category_id)]
    if label_set == OWN_CLASSES:
        return [ClassMapping(c, c, track_counts[c.category_id]) for c in used]
    known = classes_by_name(load_label_set(label_set).categories)
    return [ClassMapping(c, counterpart(c, known), track_counts[c.category_id]) for c in used]


class ClassMappingTable(QTableWidget):
    """Class, number of tracks, class in the file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self.setObjectName("classMappings")
        self.setAccessibleName("What becomes of each class")
        self.setHorizontalHeaderLabels(["class here", "tracks", "class in the file"])
        for column in (0, 2):
            title = self.horizontalHeaderItem(column)
            assert title is not None
            title.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for column, mode in enumerate(("Stretch", "ResizeToContents", "Stretch")):
            self.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode[mode])

    def show_mappings(self, mappings: Sequence[ClassMapping], unknown: UnknownClasses) -> None:
        """Show what becomes of each class; `unknown` says what happens to those without a target."""
        self.setRowCount(len(mappings))
        missing = {"drop": "left out", "keep": "added to the set", "refuse": "not in this set"}[unknown]
        for row, mapping in enumerate(mappings):
            known = mapping.target is not None
            target = f"{mapping.target.name} ({mapping.target.category_id})" if mapping.target else missing
            for column, text in enumerate((mapping.category.name, str(mapping.track_count), target)):
                item = QTableWidgetItem(text)
                if column == 1:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                if not known and column == 2:
                    item.setForeground(theme.color("good" if unknown == "keep" else "warning"))
                self.setItem(row, column, item)
