"""The videos of two projects: which both have, what comes over of each, and which are added."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTableWidgetItem, QWidget

from app.dialogs.text_table import TextTable
from app.document.project_merge.plan import NOTHING, VideoFate, VideoMerge

_HEADS = ("video", "where", "comes over", "conflicts")
_TIPS = {
    "comes over": "What only they changed; marks are classes, locks, absences, confirmed ranges, dismissals and notes",
    "conflicts": "What both changed differently, and what would change something confirmed or locked here",
}
_CAN_BE_ADDED = (VideoFate.ONLY_THEIRS, VideoFate.REMOVED)


class MergeVideos(TextTable):
    """A row for each video; those that only they have can be ticked.

    Signals:
        changed: another video shall be added, or no longer.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("mergeVideos", "Videos", _HEADS, _TIPS, parent)
        self._videos: Sequence[VideoMerge] = ()
        self.itemChanged.connect(self.changed)

    def show_videos(self, videos: Sequence[VideoMerge], coming: Sequence[str]) -> None:
        """Show these, those with news first; `coming` says how much of each comes over."""
        self.blockSignals(True)
        pairs = list(zip(videos, coming, strict=True))
        pairs.sort(key=lambda pair: not pair[0].conflicts and pair[0].fate is VideoFate.MATCHED and pair[1] == NOTHING)
        self._videos = [video for video, _ in pairs]
        self.show_rows(
            [(v.video.name, v.fate.value, words, str(len(v.conflicts) or "")) for v, words in pairs],
            [video.video.source for video in self._videos],
        )
        for row, video in enumerate(self._videos):
            if video.fate in _CAN_BE_ADDED:
                is_new = video.fate is VideoFate.ONLY_THEIRS
                self._first(row).setCheckState(Qt.CheckState.Checked if is_new else Qt.CheckState.Unchecked)
                self._first(row).setToolTip(f"Ticked, it is added with all its tracks\n{video.video.source}")
        self.blockSignals(False)

    def added(self) -> list[int]:
        """Ids of the videos that shall be added."""
        rows = [(row, v.video.video_id) for row, v in enumerate(self._videos) if v.fate in _CAN_BE_ADDED]
        return [video_id for row, video_id in rows if self._first(row).checkState() is Qt.CheckState.Checked]

    def _first(self, row: int) -> QTableWidgetItem:
        item = self.item(row, 0)
        assert item is not None
        return item
