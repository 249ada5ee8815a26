"""The classes of the project: rename, join, map to another label set, add, remove, describe; applied as one edit."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QFileDialog, QHBoxLayout, QInputDialog, QWidget

from app.dialogs.class_table import ClassTable
from app.dialogs.form_parts import Sentence, choice_box, counted, dialog_column, form_layout, push_button
from app.document.class_edits import ReviseCategories, category_uses, revised, revision
from app.errors import sentence_of
from app.session import Session
from visolo.categories import Category, folded_name, label_set_names, load_label_set
from visolo.class_names import classes_by_name, conflict, counterpart, suggested_names
from visolo.errors import VisoloError
from visolo.io.label_sets import read_label_set, write_label_set

_OWN, _FILE = "", "file"


class ClassesDialog(QDialog):
    """A row for each class: how much there is of it, and what it shall be; equal names become one class."""

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
        self._target: Sequence[Category] = ()
        sets = {_OWN: "No other set"} | {name: name for name in label_set_names()} | {_FILE: "A file of classes…"}
        self._set = choice_box("classesSet", "Label set to map to", sets)
        self._table = ClassTable()
        self._table.fill(self._categories, self._uses)
        self._all = QCheckBox("Add the set's other classes, too")
        self._all.setObjectName("classesAddAll")
        self._unused = QCheckBox("Remove classes that nothing uses")
        self._unused.setObjectName("classesRemoveUnused")
        self._unused.setToolTip("Classes of a model that has run here stay: it may find more of them")
        self._words = Sentence("classesStatus")
        self._apply = push_button("Apply", "classesApply", self._revise, is_primary=True)
        self._lay_out()
        self._set.activated.connect(self._map)
        self._table.edited.connect(self._describe)
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
        buttons.addWidget(push_button("Export…", "classesExport", self._export))
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
        self.resize(820, 580)

    def _map(self) -> None:
        """Another label set was chosen: its names are offered, and filled in where they are known to be meant."""
        try:
            self._target = self._target_set()
        except VisoloError as error:
            self._target = ()
            self._set.setCurrentIndex(0)
            self._describe()
            self._words.say(sentence_of(error), is_problem=True)
            return
        known = {category.name: category for category in self._target}
        meant = {i: known[name] for i, name in suggested_names(self._categories, self._target).items()}
        self._table.offer([category.name for category in self._target or self._categories])
        self._table.show_meant(meant)

    def _target_set(self) -> Sequence[Category]:
        chosen = self._set.currentData()
        if chosen == _OWN:
            return ()
        if chosen != _FILE:
            return load_label_set(chosen).categories
        path, _ = QFileDialog.getOpenFileName(
            self, "File with the classes", "", "Classes (*.json *.txt);;All files (*)"
        )
        if not path:
            self._set.setCurrentIndex(0)
            return ()
        return read_label_set(Path(path))

    def _ask_new(self) -> None:
        name, is_given = QInputDialog.getText(self, "New class", "Name of the class")
        if is_given and name.strip():
            new = sum(not category.category_id for category in self._table.wanted())
            self._table.add(Category(0, name.strip()), max(self._uses, default=0) + new + 1)

    def _export(self) -> None:
        """Write the classes as they are to a file, which other projects and tools can read."""
        path, _ = QFileDialog.getSaveFileName(self, "Export the classes", "classes.json", "Classes (*.json)")
        if not path:
            return
        assert self._session.document is not None
        categories = self._session.document.categories()
        try:
            write_label_set(Path(path), categories)
        except VisoloError as error:
            self._words.say(sentence_of(error), is_problem=True)
            return
        self._words.say(f"Wrote {counted(len(categories), 'class', 'classes')} to {path}")

    def _revision(self) -> ReviseCategories:
        wanted = self._table.wanted()
        if self._all.isChecked():
            known = classes_by_name(wanted)
            others = (c for c in self._target if counterpart(c, known) is None)
            wanted += [Category(0, c.name, c.color, c.synonyms) for c in others]
        return revision(self._categories, self._uses, wanted, removes_unused=self._unused.isChecked())

    def _describe(self) -> None:
        """What would happen, or what stands against it."""
        self._all.setVisible(bool(self._target))
        edit = self._revision()
        problem = self._problem(edit)
        self._words.say(problem or self._summary(edit), is_problem=bool(problem))
        self._apply.setEnabled(not problem and edit != ReviseCategories())

    def _problem(self, edit: ReviseCategories) -> str:
        if self._session.run.state != "idle":
            return "The model is running; wait for it, or stop the run"
        for category, wanted in zip(self._categories, self._table.wanted(), strict=False):
            if not folded_name(wanted.name):
                return f"Say what {category.name} becomes"
        return conflict(revised(self._categories, edit))

    def _summary(self, edit: ReviseCategories) -> str:
        names = {c.category_id: c.name for c in self._categories}
        moved = sum(self._uses[category_id].track_count for category_id, _ in edit.joined)
        renamed = [category_id for category_id, _ in edit.named if category_id in names]
        new = len(edit.named) - len(renamed)
        pairs = zip(self._categories, self._table.wanted(), strict=False)
        other = sum((c.color, c.synonyms) != (wanted.color, wanted.synonyms) for c, wanted in pairs)
        parts = [f"{counted(len(renamed), 'class', 'classes')} renamed"] if renamed else []
        if edit.joined:
            parts.append(f"{len(edit.joined)} joined with another ({counted(moved, 'track')})")
        parts += [f"{new} added"] if new else []
        parts += [f"{len(edit.removed)} removed"] if edit.removed else []
        parts += [f"{other} with another colour or other synonyms"] if other else []
        text = "; ".join(parts) + "." if parts else "Nothing would change."
        return text + self._outside()

    def _outside(self) -> str:
        """Which classes with tracks the chosen set does not have."""
        known = classes_by_name(self._target)
        pairs = zip(self._categories, self._table.wanted(), strict=False)
        used = [(c, wanted) for c, wanted in pairs if self._uses[c.category_id].track_count]
        outside = [c.name for c, wanted in used if known and folded_name(wanted.name) not in known]
        return f" Not in the chosen set: {', '.join(outside)}." if outside else ""

    def _revise(self) -> None:
        if self._session.do(self._revision()):
            self.accept()
