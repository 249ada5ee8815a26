"""The choices of an import: what results are about, and which tracks of a file are taken."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QWidget,
)

from app.dialogs.form_parts import DecimalBox, PathLine, choice_box, form_layout
from app.document.document import Document
from app.document.exchange import ImportedTrack
from app.document.records import Video
from app.workers.imports import ImportSource
from visolo.categories import label_set_names


class ResultsForm(QWidget):
    """What a results file is about: the current video, or the videos of a dataset file.

    Signals:
        changed: the file must be read again.
    """

    changed = Signal()

    def __init__(self, document: Document, video: Video | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._video = video
        here = {"video": f"This video: {video.name}"} if video is not None else {}
        places = here | {"dataset": "The videos of a dataset file"}
        self._about = choice_box("importAbout", "What the results are of", places)
        own: dict[str | None, str] = {None: "The project's own classes"} if document.categories() else {}
        sets = {name: name for name in label_set_names()}
        self._classes = choice_box("importClasses", "What the class ids of the results mean", own | sets)
        self._dataset = PathLine("importDataset", "Dataset file", hint="Choose the dataset's JSON file")
        self._dataset.line.setReadOnly(True)
        self._dataset.browse_wanted.connect(self._browse)
        self._form = form_layout(self)
        self._form.addRow("Results of", self._about)
        self._form.addRow("Class ids are of", self._classes)
        self._form.addRow("Dataset", self._dataset)
        self._about.currentIndexChanged.connect(self._take_choice)
        self._classes.currentIndexChanged.connect(self._take_choice)
        self._show_rows()

    def set_dataset(self, path: Path) -> None:
        """The dataset file that the results are of."""
        self._about.setCurrentIndex(self._about.findData("dataset"))
        self._dataset.line.setText(str(path))
        self._take_choice()

    def source(self, path: Path) -> ImportSource | None:
        """How to read the results at a path; None while the dataset is not chosen."""
        if self._about.currentData() == "video":
            assert self._video is not None
            label_set = self._classes.currentData()
            return ImportSource(path, is_results=True, video_id=self._video.video_id, label_set=label_set)
        dataset = self._dataset.text()
        return ImportSource(path, is_results=True, dataset=Path(dataset)) if dataset else None

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Dataset of the results", "", "YouTube-VIS files (*.json)")
        if path:
            self.set_dataset(Path(path))

    def _take_choice(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _show_rows(self) -> None:
        is_video = self._about.currentData() == "video"
        self._form.setRowVisible(1, is_video)
        self._form.setRowVisible(2, not is_video)


class TracksForm(QWidget):
    """Which tracks of a file are taken.

    Signals:
        changed: others are taken now.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._with_tracks = QCheckBox("Import the tracks too")
        self._with_tracks.setObjectName("importTracks")
        self._with_tracks.setChecked(True)
        self._with_tracks.setToolTip("Without them the videos come in untouched, ready for a run of the model")
        self._with_boxes = QCheckBox("Import objects without masks as boxes, for the model to follow")
        self._with_boxes.setObjectName("importBoxes")
        self._with_boxes.setChecked(True)
        self._with_boxes.setToolTip("What a run finds in a box becomes the mask of its track; boxes are never exported")
        self._least_score = DecimalBox(minimum=0.0, maximum=1.0, singleStep=0.05, decimals=2)
        self._least_score.setObjectName("importLeastScore")
        self._least_score.setAccessibleName("Least score of a track")
        self._form = form_layout(self)
        self._form.addRow(self._with_tracks)
        self._form.addRow(self._with_boxes)
        self._form.addRow("Only tracks with a score of at least", self._least_score)
        self._with_tracks.toggled.connect(self.changed)
        self._with_boxes.toggled.connect(self.changed)
        self._least_score.valueChanged.connect(self.changed)

    def offer(self, *, has_videos: bool, has_scores: bool, has_boxes: bool) -> None:
        """Show only the choices that make sense for a file."""
        for row, makes_sense in enumerate((has_videos, has_boxes, has_scores)):
            self._form.setRowVisible(row, makes_sense)
        if not has_videos:
            self._with_tracks.setChecked(True)

    def takes(self, track: ImportedTrack) -> bool:
        """Whether a track is taken."""
        is_wanted = self._with_boxes.isChecked() if track.are_boxes else track.score >= self._least_score.value()
        return self._with_tracks.isChecked() and is_wanted
