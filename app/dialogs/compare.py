"""The compare dialog: old and new weights over chosen videos, as a table and as the frame where they differ most."""

from collections.abc import Collection

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QProgressBar, QWidget

from app.dialogs.comparison_picture import ComparisonPicture
from app.dialogs.comparison_table import ComparisonTable
from app.dialogs.form_parts import Sentence, dialog_column, muted, push_button
from app.errors import sentence_of
from app.projects import locate_media
from app.run_choice import RunChoice
from app.session import Session
from app.training.comparison import Comparison
from app.workers.comparison import ComparisonControl, ComparisonProgress, VideoToCompare


class CompareDialog(QDialog):
    """Compares two weights; closing it gives a comparison up.

    Args:
        session: with an open project.
        old: weights of the one side, and how to run them.
        new: those of the other.
        ticked: ids of the videos proposed.
    """

    def __init__(
        self, session: Session, old: RunChoice, new: RunChoice, ticked: Collection[int], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        assert session.document is not None
        self.setWindowTitle("Compare old and new weights")
        self.setObjectName("compareDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session, self._document, self._old, self._new = session, session.document, old, new
        self._control = ComparisonControl(self)
        videos = self._document.videos()
        self._table = ComparisonTable(videos, ticked)
        self._picture = ComparisonPicture()
        self._picture.hide()
        self._caption = muted()
        self._caption.setObjectName("compareCaption")
        self._caption.hide()
        self._bar = QProgressBar(maximum=1000)
        self._words = Sentence("compareStatus")
        self._build()
        self._table.changed.connect(self._describe)
        self._control.progressed.connect(self._show_progress)
        self._control.succeeded.connect(self._show)
        self._control.failed.connect(self._report)
        self._control.canceled.connect(self._describe)
        session.run_changed.connect(self._describe)
        session.project_opened.connect(self.close)
        self._describe()

    def done(self, result: int) -> None:
        """Close, after everything has stopped."""
        self._control.close()
        super().done(result)

    def _build(self) -> None:
        names = QLabel(f"old: {self._old.weights_path}\nnew: {self._new.weights_path}")
        names.setObjectName("compareNames")
        names.setTextFormat(Qt.TextFormat.PlainText)
        names.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._start = push_button("Compare", "compareStart", self._begin, is_primary=True)
        self._cancel = push_button("Cancel", "compareCancel", self._control.cancel)
        close = push_button("Close", "compareClose", self.close)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (close, self._cancel, self._start):
            buttons.addWidget(button)
        layout = dialog_column(self)
        layout.addWidget(names)
        layout.addWidget(self._table, 2)
        layout.addWidget(self._caption)
        layout.addWidget(self._picture, 3)
        layout.addWidget(self._bar)
        layout.addWidget(self._words)
        layout.addLayout(buttons)
        self.resize(860, 640)

    def _begin(self) -> None:
        places = [(video, locate_media(self._document, video)) for video in self._table.ticked()]
        lost = [video.source for video, place in places if place is None]
        if lost:
            self._words.say(f"{lost[0]} is not there any more; locate it first, or untick it", is_problem=True)
            return
        self._table.show_comparison(None)
        self._caption.hide()
        self._picture.hide()
        found = [VideoToCompare(video, place) for video, place in places if place is not None]
        self._control.start(self._document.path, found, self._old, self._new)
        self._describe()

    def _describe(self) -> None:
        """The sentence at the bottom, and which buttons there are."""
        is_active = self._control.is_active
        problem = "" if is_active else self._problem()
        self._table.setEnabled(not is_active)
        self._bar.setVisible(is_active)
        self._cancel.setVisible(is_active)
        self._start.setVisible(not is_active)
        self._start.setEnabled(not problem)
        if not is_active:
            frames = sum(video.frame_count for video in self._table.ticked())
            self._words.say(problem or f"Both weights track {frames} frames; nothing of the project changes.", False)

    def _problem(self) -> str:
        if not self._table.ticked():
            return "Tick the videos to compare on."
        if self._session.run.state != "idle":
            return "The model is running on a video; stop it to compare."
        return ""

    def _show_progress(self, progress: ComparisonProgress) -> None:
        self._bar.setValue(round(1000 * progress.done / max(1, progress.total)))
        self._words.say(f"{progress.text}: {progress.done} of {progress.total} frames…")

    def _show(self, comparison: Comparison) -> None:
        self._describe()
        self._table.show_comparison(comparison)
        self._picture.show_comparison(comparison)
        self._picture.setVisible(comparison.difference is not None)
        self._caption.show()
        difference = comparison.difference
        if difference is None:
            self._caption.setText("Both find the same in every frame.")
        else:
            name, index = difference.video.name, difference.frame_index
            self._caption.setText(f"Where they differ most: frame {index} of {name}, {difference.pixels:,} pixels")
        if all(row.scores is None for row in comparison.rows):
            self._words.say("No frame of these videos is confirmed (C), so nothing says which is right.")

    def _report(self, error: Exception) -> None:
        self._describe()
        self._words.say(sentence_of(error), is_problem=True)
