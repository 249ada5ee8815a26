"""The dialog that says what corrections bought: tables of videos and classes, a plot, and files of both."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QProgressBar, QTabWidget, QWidget

from app.dialogs.form_parts import PathLine, Sentence, choice_box, dialog_column, form_layout, push_button
from app.dialogs.gain_plot import GainPlot
from app.dialogs.text_table import TextTable
from app.document.gain_picture import draw_gains
from app.document.gain_table import CLASS_HEADS, HEAD_TIPS, VIDEO_HEADS, class_rows, summary, video_rows
from app.document.gains import Gains
from app.errors import sentence_of
from app.session import Session
from app.workers.gains import GainQuestion
from app.workers.latest import LatestTask
from visolo.categories import label_set_names
from visolo.errors import VisoloError
from visolo.io.atomic import write_text

_FRAMES = {"confirmed": "Confirmed frames only", "all": "All frames, taking the tracks for correct as they are"}
_SETTLE_MS = 250


class GainsDialog(QDialog):
    """Measures at once and whenever a choice changes; closing it gives a measurement up."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert session.document is not None
        self.setWindowTitle("What corrections bought")
        self.setObjectName("gainsDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._project = session.document.path
        self._gains: Gains | None = None
        self._frames = choice_box("gainsFrames", "Which frames count", _FRAMES)
        self._results = PathLine(
            "gainsResults", "Results file", hint="What the model found, as the project has kept it"
        )
        sets = {"": "The project's own classes"} | {name: name for name in label_set_names()}
        self._labels = choice_box("gainsLabels", "What its class ids mean", sets)
        self._videos = TextTable("gainsVideos", "Videos", VIDEO_HEADS, HEAD_TIPS)
        self._classes = TextTable("gainsClasses", "Classes", CLASS_HEADS, HEAD_TIPS)
        self._plot = GainPlot()
        self._bar = QProgressBar(maximum=1000)
        self._words = Sentence("gainsStatus")
        self._measuring = LatestTask(_SETTLE_MS, self)
        self._build()
        self._frames.currentIndexChanged.connect(self._measure)
        self._labels.currentIndexChanged.connect(self._measure)
        self._results.line.textChanged.connect(self._measure)
        self._results.browse_wanted.connect(self._browse)
        self._measuring.answered.connect(self._show)
        self._measuring.progressed.connect(self._show_progress)
        self._measuring.failed.connect(self._report)
        session.project_opened.connect(self.close)
        self._measure()

    def done(self, result: int) -> None:
        """Close, after the measuring has stopped."""
        self._measuring.close()
        super().done(result)

    def _build(self) -> None:
        form = self._form = form_layout()
        form.addRow("Count", self._frames)
        form.addRow("Predictions", self._results)
        form.addRow("Class ids are of", self._labels)
        tabs = QTabWidget()
        tabs.addTab(self._videos, "Videos")
        tabs.addTab(self._classes, "Classes")
        self._save_table = push_button("Save table…", "gainsSaveTable", self._ask_table)
        self._save_picture = push_button("Save picture…", "gainsSavePicture", self._ask_picture)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._save_table)
        buttons.addWidget(self._save_picture)
        buttons.addStretch(1)
        buttons.addWidget(push_button("Close", "gainsClose", self.close))
        layout = dialog_column(self)
        layout.addLayout(form)
        layout.addWidget(tabs, 3)
        layout.addWidget(self._plot, 3)
        layout.addWidget(self._bar)
        layout.addWidget(self._words)
        layout.addLayout(buttons)
        self.resize(900, 720)

    def _measure(self) -> None:
        path = self._results.text()
        self._form.setRowVisible(self._labels, bool(path))
        self._take(None)
        self._bar.setValue(0)
        self._bar.show()
        self._words.say("Measuring…")
        results = Path(path) if path else None
        self._measuring.ask(
            GainQuestion(self._project, self._frames.currentData(), results, self._labels.currentData())
        )

    def _show(self, gains: object) -> None:
        assert isinstance(gains, Gains)
        self._bar.hide()
        self._take(gains)
        self._words.say(summary(gains))

    def _show_progress(self, share: float) -> None:
        self._bar.setValue(round(1000 * share))

    def _report(self, error: Exception) -> None:
        self._bar.hide()
        self._words.say(sentence_of(error), is_problem=True)

    def _take(self, gains: Gains | None) -> None:
        """Show these, or nothing."""
        self._gains = gains
        self._videos.show_rows(video_rows(gains) if gains else [], [row.words for row in gains.videos] if gains else [])
        self._classes.show_rows(class_rows(gains) if gains else [])
        self._plot.show_gains(gains)
        for button in (self._save_table, self._save_picture):
            button.setEnabled(gains is not None)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Predictions to score", "", "YouTube-VIS results (*.json)")
        if path:
            self._results.line.setText(path)

    def _ask_table(self) -> None:
        self._save("Save table", "gains.csv", "Tables (*.csv)", self._write_table)

    def _ask_picture(self) -> None:
        self._save("Save picture", "gains.png", "Pictures (*.png *.svg *.pdf)", self._write_picture)

    def _save(self, title: str, name: str, kinds: str, write: Callable[[Path, Gains], None]) -> None:
        path, _ = QFileDialog.getSaveFileName(self, title, str(self._project.with_name(name)), kinds)
        if not path or self._gains is None:
            return
        target = Path(path) if Path(path).suffix else Path(path + Path(name).suffix)
        try:
            write(target, self._gains)
        except VisoloError as error:
            self._words.say(sentence_of(error), is_problem=True)
        else:
            self._words.say(f"Wrote {target}")

    def _write_table(self, path: Path, gains: Gains) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([VIDEO_HEADS, *video_rows(gains), [], CLASS_HEADS, *class_rows(gains)])
        write_text(path, text.getvalue())

    def _write_picture(self, path: Path, gains: Gains) -> None:
        from visolo.evaluation.curve_picture import check_picture_path

        check_picture_path(path)
        draw_gains(path, gains)
