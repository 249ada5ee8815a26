"""Asks which two states of the video's tracks to compare: after a run, as they are now, or those of a results file."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QFormLayout, QWidget

from app.dialogs.form_parts import PathLine, Sentence, choice_box, dialog_column, form_layout
from app.document.revisions import ResultsSide, RunEntry, Side
from app.document.thresholds import Thresholds, run_rules
from visolo.categories import label_set_names

_NOW, _FILE = 0, -1


class CompareRunsDialog(QDialog):
    """Two boxes of choices; the last two runs at first, or the only one and now.

    Signals:
        chosen: `Side` before, `Side` after.
    """

    chosen = Signal(object, object)

    def __init__(self, entries: Sequence[RunEntry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare runs")
        self.setObjectName("compareRuns")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        choices = {entry.entry_id: _run_words(number, entry) for number, entry in enumerate(entries, 1)}
        choices |= {_NOW: "The tracks as they are now", _FILE: "A results file"}
        latest = [*[entry.entry_id for entry in entries][-2:], _NOW]
        form = form_layout()
        self._before = _SideRows(form, "Before", choices, latest[0] if entries else _FILE)
        self._after = _SideRows(form, "After", choices, latest[1] if entries else _NOW)
        self._problem = Sentence("compareProblem")
        self._problem.setMinimumWidth(460)
        self._problem.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        compare = buttons.addButton("Compare", QDialogButtonBox.ButtonRole.AcceptRole)
        compare.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = dialog_column(self, 14)
        layout.addLayout(form)
        layout.addWidget(self._problem)
        layout.addWidget(buttons)

    def accept(self) -> None:
        """Hand the two over, unless they are the same or a file is missing."""
        before, after = self._before.side(), self._after.side()
        problem = _problem_of(before) or _problem_of(after)
        if before == after and not problem:
            problem = "Choose two that are not the same"
        if problem:
            self._problem.say(problem, is_problem=True)
            self._problem.show()
            return
        self.chosen.emit(before, after)
        super().accept()


class _SideRows:
    """The rows of one side: what it is, and of a results file which one and what its class ids mean."""

    def __init__(self, form: QFormLayout, title: str, choices: Mapping[int, str], current: int) -> None:
        self._form = form
        self._what = choice_box(f"compare{title}", title, choices, current)
        self._file = PathLine(f"compare{title}File", f"Results file {title.lower()}", hint="YouTube-VIS results")
        own: dict[str | None, str] = {None: "The project's own classes"}
        sets = own | {name: name for name in label_set_names()}
        self._classes = choice_box(f"compare{title}Classes", f"What the class ids {title.lower()} mean", sets)
        form.addRow(title, self._what)
        form.addRow("File", self._file)
        form.addRow("Class ids are of", self._classes)
        self._what.currentIndexChanged.connect(self._show_rows)
        self._file.browse_wanted.connect(self._browse)
        self._show_rows()

    def side(self) -> Side:
        """What is chosen; the path of a file may be empty."""
        chosen: int = self._what.currentData()
        if chosen == _FILE:
            return ResultsSide(Path(self._file.text()), self._classes.currentData())
        return chosen or None

    def _show_rows(self) -> None:
        is_file = self._what.currentData() == _FILE
        self._form.setRowVisible(self._file, is_file)
        self._form.setRowVisible(self._classes, is_file)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._file, "Results to compare", self._file.text(), "YouTube-VIS results (*.json)"
        )
        if path:
            self._file.line.setText(path)


def _problem_of(side: Side) -> str:
    if not isinstance(side, ResultsSide):
        return ""
    if side.path == Path():
        return "Choose a results file"
    return "" if side.path.is_file() else f"{side.path}: there is no such file; check the path"


def _run_words(number: int, entry: RunEntry) -> str:
    """E.g. "Run 2: visolo-lite, score 0.3, update 0.25, link 0.1, 26 Nov 08:31"."""
    run = entry.run
    when = datetime.fromtimestamp(run.started).strftime("%d %b %H:%M")
    return f"Run {number}: {run.settings.get('model', 'model')}, {Thresholds.of(run_rules(run))}, {when}"
