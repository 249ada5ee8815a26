"""Choosing what a training run learns from: the lists, and the counting behind them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.dialogs.form_parts import choice_box, counted
from app.dialogs.retrain_data import ClassTable, DataTree
from app.document.document import Document
from app.document.exchange import ExportedFrames, ExportOptions
from app.errors import sentence_of
from app.projects import project_title
from app.training.choice import DataFile
from app.workers.task import Task, TaskQueue
from app.workers.training_data import count_file_task, count_project_task

_PROJECT_DATA = "project.json"
_FRAMES = {"confirmed": "Confirmed frames only", "all": "All frames of ticked videos"}


class Sources(QWidget):
    """What there is to train on, and what of it is ticked.

    Args:
        document: the open project, or None.
        label_set: classes of the network, by the name of a shipped set.

    Signals:
        changed: something else is chosen now.
    """

    changed = Signal()

    def __init__(self, document: Document | None, label_set: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._document, self._label_set = document, label_set
        self._tasks = TaskQueue(self)
        self._running: list[Task] = []
        self._failure = ""
        self._tree = DataTree(f"This project: {project_title(document.path)}" if document is not None else "")
        self._classes = ClassTable()
        self._frames = choice_box("retrainFrames", "Which frames of the project", _FRAMES)
        self._frames.setVisible(document is not None)
        self._lay_out()
        self._tree.changed.connect(self._describe)
        self._frames.currentIndexChanged.connect(self._choose_frames)
        self._count_all([])

    def use_label_set(self, label_set: str) -> None:
        """The network has other classes now: count again."""
        if label_set != self._label_set:
            self._label_set = label_set
            self._count_all(self._tree.clear_counts())

    def add_files(self, paths: Sequence[Path]) -> None:
        """Read and add annotation files."""
        for path in paths:
            self._count(count_file_task(path, self._label_set), self._tree.add_file)
        self._describe()

    def video_ids(self) -> tuple[int, ...]:
        """Videos of the project to train on."""
        return self._tree.video_ids()

    def data(self, folder: Path) -> tuple[DataFile, ...]:
        """The files to train on; what is written of the project lies in the folder of the run."""
        own = (DataFile(folder / _PROJECT_DATA, self._tree.project_share()),) if self._tree.video_ids() else ()
        return (*own, *self._tree.files())

    def export_options(self, folder: Path) -> ExportOptions | None:
        """What of the project is written for a run; None where none of its videos is chosen."""
        video_ids = self._tree.video_ids()
        if not video_ids:
            return None
        frames: ExportedFrames = "all" if self._frames.currentData() == "all" else "confirmed-ranges"
        return ExportOptions(folder / _PROJECT_DATA, video_ids, frames=frames, with_frames=True)

    def problem(self) -> str:
        """Why there is nothing to train on, and what to do; empty where there is something."""
        if self._running:
            return "Counting what there is to train on…"
        return self._failure or ("" if self._tree.contents().mask_count else self._nothing())

    def sentence(self) -> str:
        """E.g. "Trains on 2 videos: 412 frames with 960 masks of 3 classes."."""
        contents = self._tree.contents()
        classes = "1 class" if len(contents.masks) == 1 else f"{len(contents.masks)} classes"
        left = f" Left out, because the network lacks them: {', '.join(sorted(contents.unknown))}."
        return (
            f"Trains on {counted(contents.video_count, 'video')}: {counted(contents.frame_count, 'frame')} with"
            f" {counted(contents.mask_count, 'mask')} of {classes}.{left if contents.unknown else ''}"
        )

    def _nothing(self) -> str:
        if self._document is None:
            return "There is nothing to train on: add an export or another annotation file."
        if self._tree.contents().unknown:
            return "The network has none of these classes; rename classes of the project, or add other files."
        if self._frames.currentData() == "confirmed":
            return (
                "Nothing of this project is confirmed yet. Confirm what you have reviewed (C), train on all frames of"
                " its videos instead, or add files."
            )
        return "There is no track to train on: run the model and correct what it finds, or add files."

    def close_tasks(self) -> None:
        """Stop counting; to be called before this goes."""
        self._tasks.close()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Annotation files may be dropped anywhere here."""
        if _json_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was dropped."""
        event.acceptProposedAction()
        self.add_files(_json_files(event.mimeData()))

    def _lay_out(self) -> None:
        add = QPushButton("Add files…", autoDefault=False)
        add.setObjectName("retrainAdd")
        add.clicked.connect(self._browse)
        remove = QPushButton("Remove file", autoDefault=False)
        remove.setObjectName("retrainRemove")
        remove.clicked.connect(self._tree.remove_current)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for widget in (add, remove):
            buttons.addWidget(widget)
        buttons.addStretch(1)
        buttons.addWidget(self._frames)
        lists = QHBoxLayout()
        lists.setSpacing(12)
        lists.addWidget(self._tree, 5)
        lists.addWidget(self._classes, 3)
        self._tree.setMinimumHeight(120)
        self._classes.setMinimumHeight(120)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(lists, 1)
        layout.addLayout(buttons)

    def _count_all(self, paths: Sequence[Path]) -> None:
        if self._document is not None:
            self._count(count_project_task(self._document.path, self._label_set), self._tree.add_video)
        self.add_files(paths)

    def _count(self, task: Task, take: Callable[..., None]) -> None:
        self._failure = ""
        self._running.append(task)
        task.item_ready.connect(take)
        task.failed.connect(self._take_failure)
        task.finished.connect(self._take_end)
        self._tasks.start(task)

    def _take_failure(self, error: Exception) -> None:
        self._failure = sentence_of(error)

    def _take_end(self) -> None:
        self._running = [task for task in self._running if task is not self.sender()]
        self._describe()

    def _describe(self) -> None:
        self._classes.show_contents(self._tree.contents())
        self.changed.emit()

    def _choose_frames(self) -> None:
        self._tree.use_frames(self._frames.currentData())
        self._describe()

    def _browse(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Annotation files", "", "YouTube-VIS or COCO files (*.json)")
        self.add_files([Path(path) for path in paths])


def _json_files(data: QMimeData) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() == ".json"]
