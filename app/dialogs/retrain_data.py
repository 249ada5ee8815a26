"""What a training run learns from: videos of the project and annotation files, with what is in them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.dialogs.form_parts import NumberBox
from app.training.choice import DataFile
from app.workers.training_data import Contents, FileToTrainOn, VideoToTrainOn

_SOURCE, _FRAMES, _MASKS, _SHARE = range(4)
_VALUE = Qt.ItemDataRole.UserRole
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter

ChosenFrames = Literal["confirmed", "all"]


class DataTree(QTreeWidget):
    """The project with its videos, and files; each with a tick, and each source with its share of the clips.

    Signals:
        changed: something else is chosen now.
    """

    changed = Signal()

    def __init__(self, project_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("retrainData")
        self.setAccessibleName("What to train on")
        self.setHeaderLabels(["train on", "frames", "masks", "share"])
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setUniformRowHeights(True)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(_SOURCE, QHeaderView.ResizeMode.Stretch)
        for column, width in ((_FRAMES, 72), (_MASKS, 72), (_SHARE, 108)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, width)
            self.headerItem().setTextAlignment(column, _RIGHT)
        self._frames: ChosenFrames = "confirmed"
        self._project: QTreeWidgetItem | None = None
        if project_name:
            self._project = self._add_source(project_name, None)
            self._project.setFlags(self._project.flags() | Qt.ItemFlag.ItemIsAutoTristate)
        self.itemChanged.connect(self._notice)

    def add_video(self, counted: VideoToTrainOn) -> None:
        """One more video of the project; ticked where something of it is confirmed."""
        assert self._project is not None
        item = QTreeWidgetItem([counted.video.name, "", "", ""])
        item.setData(_SOURCE, _VALUE, counted)
        is_confirmed = counted.confirmed.frame_count > 0
        self.blockSignals(True)
        self._project.addChild(item)
        item.setCheckState(_SOURCE, Qt.CheckState.Checked if is_confirmed else Qt.CheckState.Unchecked)
        self._project.setExpanded(True)
        self.blockSignals(False)
        self.refresh()

    def add_file(self, counted: FileToTrainOn) -> None:
        """One more file, ticked; one that is on the list already stays as it is."""
        if any(known.path == counted.path for _, known in self._files()):
            return
        item = self._add_source(counted.path.name, counted)
        item.setToolTip(_SOURCE, str(counted.path))
        self.refresh()
        self.changed.emit()

    def remove_current(self) -> None:
        """Take the selected file off the list."""
        item = self.currentItem()
        if item is not None and isinstance(item.data(_SOURCE, _VALUE), FileToTrainOn):
            self.takeTopLevelItem(self.indexOfTopLevelItem(item))
            self.changed.emit()

    def clear_counts(self) -> list[Path]:
        """Take all videos and files off; the paths of the files."""
        paths = [counted.path for _, counted in self._files()]
        for item, _ in self._files():
            self.takeTopLevelItem(self.indexOfTopLevelItem(item))
        if self._project is not None:
            self._project.takeChildren()
        return paths

    def use_frames(self, frames: ChosenFrames) -> None:
        """Train on confirmed frames only, or on all frames of the ticked videos."""
        if frames == self._frames:
            return
        self._frames = frames
        self.blockSignals(True)
        for item in self._videos():
            has_any = self._of_video(item).mask_count > 0
            item.setCheckState(_SOURCE, Qt.CheckState.Checked if has_any else Qt.CheckState.Unchecked)
        self.blockSignals(False)
        self.refresh()
        self.changed.emit()

    def refresh(self) -> None:
        """Write the counts again."""
        self.blockSignals(True)
        for item in self._videos():
            contents = self._of_video(item)
            _write_counts(item, contents)
            item.setText(_SHARE, "" if contents.frame_count else "not confirmed")
        if self._project is not None:
            _write_counts(self._project, self.of_project())
        for item, counted in self._files():
            _write_counts(item, counted.contents)
        self.blockSignals(False)

    def video_ids(self) -> tuple[int, ...]:
        """Ticked videos that have something to train on."""
        return tuple(item.data(_SOURCE, _VALUE).video.video_id for item in self._ticked_videos())

    def files(self) -> tuple[DataFile, ...]:
        """Ticked files with their shares."""
        return tuple(
            DataFile(counted.path, self._share(item))
            for item, counted in self._files()
            if item.checkState(_SOURCE) is Qt.CheckState.Checked
        )

    def project_share(self) -> float:
        """Share of the project's videos."""
        return self._share(self._project) if self._project is not None else 0.0

    def of_project(self) -> Contents:
        """What the ticked videos hold together."""
        return sum((self._of_video(item) for item in self._ticked_videos()), Contents())

    def contents(self) -> Contents:
        """What everything that is ticked holds together."""
        ticked = (c.contents for item, c in self._files() if item.checkState(_SOURCE) is Qt.CheckState.Checked)
        return sum(ticked, self.of_project())

    def _add_source(self, name: str, value: FileToTrainOn | None) -> QTreeWidgetItem:
        item = QTreeWidgetItem([name, "", "", ""])
        item.setData(_SOURCE, _VALUE, value)
        self.blockSignals(True)
        self.addTopLevelItem(item)
        item.setCheckState(_SOURCE, Qt.CheckState.Checked)
        share = NumberBox(minimum=1, maximum=99, value=1)
        share.setAccessibleName(f"Share of {name}")
        share.setToolTip("How much is drawn from here in relation to the others")
        self.setItemWidget(item, _SHARE, share)
        self.blockSignals(False)
        return item

    def _share(self, item: QTreeWidgetItem) -> float:
        box = self.itemWidget(item, _SHARE)
        assert isinstance(box, QSpinBox)
        return float(box.value())

    def _videos(self) -> Iterable[QTreeWidgetItem]:
        if self._project is not None:
            rows = range(self._project.childCount())
            yield from (item for row in rows if (item := self._project.child(row)) is not None)

    def _ticked_videos(self) -> list[QTreeWidgetItem]:
        return [
            item
            for item in self._videos()
            if item.checkState(_SOURCE) is Qt.CheckState.Checked and self._of_video(item).mask_count
        ]

    def _of_video(self, item: QTreeWidgetItem) -> Contents:
        counted = item.data(_SOURCE, _VALUE)
        assert isinstance(counted, VideoToTrainOn)
        return counted.confirmed if self._frames == "confirmed" else counted.contents

    def _files(self) -> list[tuple[QTreeWidgetItem, FileToTrainOn]]:
        rows = range(self.topLevelItemCount())
        items = (item for row in rows if (item := self.topLevelItem(row)) is not None)
        found = ((item, item.data(_SOURCE, _VALUE)) for item in items)
        return [(item, counted) for item, counted in found if isinstance(counted, FileToTrainOn)]

    def _notice(self, _item: QTreeWidgetItem, column: int) -> None:
        if column == _SOURCE:
            self.refresh()
            self.changed.emit()


class ClassTable(QTableWidget):
    """How much there is of each class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self.setObjectName("retrainClasses")
        self.setAccessibleName("What there is of each class")
        self.setHorizontalHeaderLabels(["class", "tracks", "masks"])
        for column in range(3):
            title = self.horizontalHeaderItem(column)
            assert title is not None
            title.setTextAlignment(_RIGHT if column else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for column, mode in enumerate(("Stretch", "ResizeToContents", "ResizeToContents")):
            self.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode[mode])

    def show_contents(self, contents: Contents) -> None:
        """One row a class, the most frequent first, then the classes that are left out."""
        names = sorted(contents.masks, key=lambda name: -contents.masks[name])
        rows = [(name, str(contents.tracks[name]), str(contents.masks[name])) for name in names]
        rows += [(name, "", "left out") for name in sorted(contents.unknown)]
        self.setRowCount(len(rows))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(_RIGHT)
                if texts[2] == "left out":
                    item.setToolTip("The network has no class of this name; rename the class to one it has")
                self.setItem(row, column, item)


def _write_counts(item: QTreeWidgetItem, contents: Contents) -> None:
    for column, count in ((_FRAMES, contents.frame_count), (_MASKS, contents.mask_count)):
        item.setText(column, f"{count:,}".replace(",", " "))
        item.setTextAlignment(column, _RIGHT)
