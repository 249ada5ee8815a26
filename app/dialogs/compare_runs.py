"""Asks which two states of the video's tracks to compare: after a run, or as they are now."""

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QWidget

from app.dialogs.form_parts import Sentence, choice_box, dialog_column, form_layout
from app.document.revisions import RunEntry
from app.document.thresholds import Thresholds, run_rules

_NOW = 0


class CompareRunsDialog(QDialog):
    """Two boxes of choices; the last two runs at first, or the only one and now.

    Signals:
        chosen: entries of the history, before and after; None for now.
    """

    chosen = Signal(object, object)

    def __init__(self, entries: Sequence[RunEntry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare runs")
        self.setObjectName("compareRuns")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        choices = {entry.entry_id: _run_words(number, entry) for number, entry in enumerate(entries, 1)}
        choices[_NOW] = "The tracks as they are now"
        ids = list(choices)
        latest = ids[-2:] if len(entries) < 2 else ids[-3:-1]
        self._before = choice_box("compareBefore", "Before", choices, latest[0])
        self._after = choice_box("compareAfter", "After", choices, latest[1])
        form = form_layout()
        form.addRow("Before", self._before)
        form.addRow("After", self._after)
        self._problem = Sentence("compareProblem")
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
        """Hand the two over, unless they are the same."""
        before, after = _entry_id(self._before), _entry_id(self._after)
        if before == after:
            self._problem.say("Choose two that are not the same", is_problem=True)
            self._problem.show()
            return
        self.chosen.emit(before, after)
        super().accept()


def _entry_id(box: QComboBox) -> int | None:
    return box.currentData() or None


def _run_words(number: int, entry: RunEntry) -> str:
    """E.g. "Run 2: visolo-lite, score 0.3, update 0.25, link 0.1, 26 Nov 08:31"."""
    run = entry.run
    when = datetime.fromtimestamp(run.started).strftime("%d %b %H:%M")
    return f"Run {number}: {run.settings.get('model', 'model')}, {Thresholds.of(run_rules(run))}, {when}"
