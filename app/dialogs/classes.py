"""The classes of the project: rename, join, map to another label set, add, remove; applied as one edit."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.dialogs.form_parts import Sentence, choice_box, counted, dialog_column, form_layout, push_button
from app.document.class_edits import ReviseCategories, category_uses, revision
from app.errors import sentence_of
from app.session import Session
from visolo.categories import Category, folded_name, label_set_names, load_label_set, mapped_names, read_class_names
from visolo.errors import VisoloError

_NAME, _TRACKS, _MASKS, _BECOMES = range(4)
_HEADS = ("class", "tracks", "masks", "becomes")
_OWN, _FILE = "", "file"
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ClassesDialog(QDialog):
    """A row for each class: how much there is of it, and what it shall be called; equal names become one class."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert session.document is not None
        self.setWindowTitle("Classes")
        self.setObjectName("classesDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._uses = category_uses(session.document)
        # Those that are used first: of a model's forty classes a project has a few.
        self._categories: Sequence[Category] = sorted(
            session.document.categories(), key=lambda c: (not self._uses[c.category_id].track_count, c.name.casefold())
        )
        self._target: list[str] = []
        self._added: list[str] = []
        sets = {_OWN: "No other set"} | {name: name for name in label_set_names()} | {_FILE: "A file…"}
        self._set = choice_box("classesSet", "Label set to map to", sets)
        self._table = _table()
        self._all = QCheckBox("Add the set's other classes, too")
        self._all.setObjectName("classesAddAll")
        self._unused = QCheckBox("Remove classes that nothing uses")
        self._unused.setObjectName("classesRemoveUnused")
        self._unused.setToolTip("Classes of a model that has run here stay: it may find more of them")
        self._words = Sentence("classesStatus")
        self._apply = push_button("Apply", "classesApply", self._revise, is_primary=True)
        self._lay_out()
        self._fill()
        self._set.activated.connect(self._map)
        self._all.toggled.connect(self._describe)
        self._unused.toggled.connect(self._describe)
        session.run_changed.connect(self._describe)
        session.project_opened.connect(self.close)
        self._describe()

    def _lay_out(self) -> None:
        form = form_layout()
        form.addRow("Map to", self._set)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(push_button("Add class…", "classesAdd", self._ask_new))
        buttons.addStretch(1)
        buttons.addWidget(push_button("Cancel", "classesCancel", self.close))
        buttons.addWidget(self._apply)
        layout = dialog_column(self)
        layout.addLayout(form)
        layout.addWidget(self._table, 1)
        layout.addWidget(self._all)
        layout.addWidget(self._unused)
        layout.addWidget(self._words)
        layout.addLayout(buttons)
        self.resize(620, 560)

    def _fill(self) -> None:
        self._table.setRowCount(len(self._categories))
        for row, category in enumerate(self._categories):
            use = self._uses[category.category_id]
            for column, text in (
                (_NAME, category.name),
                (_TRACKS, str(use.track_count)),
                (_MASKS, str(use.mask_count)),
            ):
                item = QTableWidgetItem(text)
                item.setFlags(Qt.ItemFlag.ItemIsEnabled)
                if column != _NAME:
                    item.setTextAlignment(_RIGHT)
                self._table.setItem(row, column, item)
            self._table.setCellWidget(row, _BECOMES, self._name_box(category))

    def _name_box(self, category: Category) -> QComboBox:
        box = QComboBox(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
        box.setObjectName(f"becomes{category.category_id}")
        box.setAccessibleName(f"What {category.name} becomes")
        box.addItems([c.name for c in self._categories])
        box.setCurrentText(category.name)
        box.currentTextChanged.connect(self._describe)
        return box

    def _box(self, row: int) -> QComboBox:
        box = self._table.cellWidget(row, _BECOMES)
        assert isinstance(box, QComboBox)
        return box

    def _map(self) -> None:
        """Another label set was chosen: its names are offered, and filled in where they are known to be meant."""
        try:
            self._target = self._target_names()
        except VisoloError as error:
            self._target = []
            self._set.setCurrentIndex(0)
            self._describe()
            self._words.say(sentence_of(error), is_problem=True)
            return
        own = [category.name for category in self._categories]
        meant = mapped_names(own, self._target)
        for row, name in enumerate(own):
            box = self._box(row)
            box.clear()
            box.addItems(self._target or own)
            box.setCurrentText(meant.get(name, name))
        self._describe()

    def _target_names(self) -> list[str]:
        chosen = self._set.currentData()
        if chosen == _OWN:
            return []
        if chosen != _FILE:
            return [category.name for category in load_label_set(chosen).categories]
        path, _ = QFileDialog.getOpenFileName(
            self, "File with the classes", "", "Classes (*.json *.txt);;All files (*)"
        )
        if not path:
            self._set.setCurrentIndex(0)
            return []
        return read_class_names(Path(path))

    def _ask_new(self) -> None:
        name, is_given = QInputDialog.getText(self, "New class", "Name of the class")
        if is_given and name.strip():
            self._added.append(name.strip())
            self._describe()

    def _revision(self) -> ReviseCategories:
        wanted = {c.category_id: self._box(row).currentText() for row, c in enumerate(self._categories)}
        added = [*self._added, *(self._target if self._all.isChecked() else [])]
        return revision(self._categories, self._uses, wanted, added, removes_unused=self._unused.isChecked())

    def _describe(self) -> None:
        """What would happen, or what stands against it."""
        self._all.setVisible(bool(self._target))
        edit = self._revision()
        problem = self._problem()
        self._words.say(problem or self._summary(edit), is_problem=bool(problem))
        self._apply.setEnabled(not problem and edit != ReviseCategories())

    def _problem(self) -> str:
        if self._session.run.state != "idle":
            return "The model is running; wait for it, or stop the run"
        for row, category in enumerate(self._categories):
            if not self._box(row).currentText().strip():
                return f"Say what {category.name} becomes"
        return ""

    def _summary(self, edit: ReviseCategories) -> str:
        names = {c.category_id: c.name for c in self._categories}
        moved = sum(self._uses[category_id].track_count for category_id, _ in edit.joined)
        renamed = [category_id for category_id, _ in edit.named if category_id in names]
        new = len(edit.named) - len(renamed)
        parts = [f"{counted(len(renamed), 'class', 'classes')} renamed"] if renamed else []
        if edit.joined:
            parts.append(f"{len(edit.joined)} joined with another ({counted(moved, 'track')})")
        parts += [f"{new} added"] if new else []
        parts += [f"{len(edit.removed)} removed"] if edit.removed else []
        known = set(map(folded_name, self._target))
        outside = [c.name for row, c in enumerate(self._categories) if not self._is_known(row, known)]
        text = "; ".join(parts) + "." if parts else "Nothing would change."
        return text + (f" Not in the chosen set: {', '.join(outside)}." if known and outside else "")

    def _is_known(self, row: int, known: set[str]) -> bool:
        is_empty = not self._uses[self._categories[row].category_id].track_count
        return is_empty or folded_name(self._box(row).currentText()) in known

    def _revise(self) -> None:
        if self._session.do(self._revision()):
            self.accept()


def _table() -> QTableWidget:
    table = QTableWidget(0, len(_HEADS))
    table.setObjectName("classesTable")
    table.setAccessibleName("Classes and what they become")
    table.setHorizontalHeaderLabels(list(_HEADS))
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(36)
    table.setShowGrid(False)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    for column, mode in enumerate(("Stretch", "ResizeToContents", "ResizeToContents", "Stretch")):
        head = table.horizontalHeaderItem(column)
        assert head is not None
        head.setTextAlignment(_RIGHT if mode == "ResizeToContents" else _LEFT)
        table.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode[mode])
    return table
