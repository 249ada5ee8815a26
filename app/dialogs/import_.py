"""The import dialog: a dataset in any format or a model's results become videos and tracks of the open project.

The file is read and checked on another thread; the user then chooses what of it is taken, as one edit.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QWidget,
)

from app.dialogs.form_parts import Sentence, counted, dialog_column
from app.dialogs.import_form import ResultsForm, TracksForm
from app.document.exchange import ImportTracks
from app.errors import sentence_of
from app.session import Session
from app.workers.imports import ImportSource, is_results_file, reading_task
from app.workers.task import Task, TaskQueue
from visolo.errors import VisoloError

_ROLE = Qt.ItemDataRole.UserRole


class ImportDialog(QDialog):
    """Imports one file into the project of the session.

    Args:
        session: with an open document.
        path: a dataset, a file or folder, or a results JSON.
    """

    def __init__(self, session: Session, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert session.document is not None
        self._session, self._path = session, path
        self._tasks = TaskQueue(self)
        self._task: Task | None = None
        self._edit: ImportTracks | None = None
        self.setWindowTitle(f"Import {path.name}")
        self.setObjectName("importDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._results = ResultsForm(session.document, session.video)
        self._tracks = TracksForm()
        self._build()
        self._results.changed.connect(self._read)
        self._tracks.changed.connect(self._describe)
        self._videos.itemChanged.connect(self._describe)
        try:
            self._is_results = is_results_file(path)
        except VisoloError as error:
            self._is_results = False
            self._results.hide()
            self._show_failure(error)
            return
        self._results.setVisible(self._is_results)
        self._read()

    def _build(self) -> None:
        self._videos = QListWidget()
        self._videos.setObjectName("importVideos")
        self._videos.setAccessibleName("Videos to import")
        self._videos.setMinimumHeight(150)
        self._progress = QProgressBar()
        self._progress.setRange(0, 0)
        self._status = Sentence("importStatus")
        self._status.setMinimumWidth(460)
        self._start_button = QPushButton("Import", default=True)
        self._start_button.setObjectName("importStart")
        self._start_button.clicked.connect(self.accept)
        cancel = QPushButton("Cancel", autoDefault=False)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self._start_button)
        layout = dialog_column(self)
        for widget in (self._results, self._videos, self._tracks, self._progress, self._status):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        self._videos.hide()
        self._tracks.hide()

    def _read(self) -> None:
        """Read the file with the present choices of what it is about."""
        assert self._session.document is not None
        self._edit = None
        if self._task is not None:
            self._task.cancel()
            self._task = None
        source = self._results.source(self._path) if self._is_results else ImportSource(self._path, is_results=False)
        self._start_button.setEnabled(False)
        self._progress.setRange(0, 0)
        self._progress.setVisible(source is not None)
        self._tracks.hide()
        if source is None:
            self._status.say("Choose the dataset file that these results are of")
            return
        self._status.say(f"Reading {self._path.name}…")
        self._task = reading_task(self._session.document.path, source)
        self._task.item_ready.connect(self._take_edit)
        self._task.progressed.connect(self._advance)
        self._task.failed.connect(self._show_failure)
        self._tasks.start(self._task)

    def _advance(self, fraction: float) -> None:
        if self.sender() is self._task and fraction > 0:
            self._progress.setRange(0, 1000)
            self._progress.setValue(round(1000 * fraction))

    def _take_edit(self, edit: ImportTracks) -> None:
        if self.sender() is not self._task:
            return
        self._edit = edit
        self._progress.hide()
        counts = Counter(track.video_id for track in edit.tracks)
        self._videos.blockSignals(True)
        self._videos.clear()
        for video in edit.videos:
            frames, tracks = counted(video.frame_count, "frame"), counted(counts[video.video_id], "track")
            item = QListWidgetItem(f"{video.name}  ·  {frames}, {tracks}")
            item.setData(_ROLE, video.video_id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            self._videos.addItem(item)
        self._videos.blockSignals(False)
        self._videos.setVisible(bool(edit.videos))
        self._tracks.offer(has_videos=bool(edit.videos), has_scores=self._is_results, has_boxes=bool(edit.box_count))
        self._tracks.show()
        self._describe()
        self._start_button.setFocus()

    def _chosen_edit(self) -> ImportTracks:
        """The edit with only what was chosen."""
        assert self._edit is not None
        items = (self._videos.item(row) for row in range(self._videos.count()))
        chosen = {item.data(_ROLE) for item in items if item.checkState() is Qt.CheckState.Checked}
        videos = tuple(v for v in self._edit.videos if v.video_id in chosen)
        is_new = {v.video_id for v in self._edit.videos}
        tracks = tuple(
            track
            for track in self._edit.tracks
            if self._tracks.takes(track) and (track.video_id in chosen or track.video_id not in is_new)
        )
        parts = [counted(len(videos), "video")] if videos else []
        text = f"Import {self._path.name}: {', '.join([*parts, counted(len(tracks), 'track')])}"
        return replace(self._edit, text=text, videos=videos, tracks=tracks)

    def _describe(self) -> None:
        if self._edit is None:
            return
        edit = self._chosen_edit()
        masks = sum(rle is not None for track in edit.tracks for rle in track.segmentations) - edit.box_count
        self._start_button.setEnabled(bool(edit.videos or edit.tracks))
        videos = f"{counted(len(edit.videos), 'video')}, " if edit.videos else ""
        new = [c.name for c in edit.categories]
        classes = f" New classes: {', '.join(new[:6])}{' …' if len(new) > 6 else '.'}" if new else ""
        left = len(self._edit.tracks) - len(edit.tracks)
        rest = f" {counted(left, 'track')} left out." if left else ""
        adds = f"Adds {videos}{counted(len(edit.tracks), 'track')} with {counted(masks, 'mask')}.{rest}{classes}"
        self._status.say("\n".join([adds, *edit.all_notes]))

    def _show_failure(self, error: Exception) -> None:
        self._task = None
        self._progress.hide()
        self._start_button.setEnabled(False)
        self._status.say(sentence_of(error), is_problem=True)

    def accept(self) -> None:
        """Make the edit and show the first video that came with it; stays open when it is refused."""
        edit = self._chosen_edit()
        self._session.refused.connect(self._show_refusal)
        is_done = self._session.do(edit)
        self._session.refused.disconnect(self._show_refusal)
        if not is_done:
            return
        if edit.videos:
            self._session.show_video(edit.videos[0].video_id)
        super().accept()

    def _show_refusal(self, sentence: str) -> None:
        self._status.say(sentence, is_problem=True)

    def done(self, result: int) -> None:
        """Close, after the reading has stopped."""
        self._tasks.close()
        super().done(result)
