"""Videos to compare old and new weights on, with a tick each, and beside them what came of it."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.document.records import Video
from app.training.comparison import Comparison, Row, SideScores

_HEADS = ("video", "confirmed frames", "tracks", "AP", "AP50", "IDF1", "ID switches")
_TIPS = (
    "",
    "Frames that are confirmed as a whole; AP, AP50, IDF1 and ID switches are about these only",
    "Tracks found in the whole video, old → new",
    "Official YouTube-VIS AP over IoU 0.50 to 0.95, old → new",
    "AP at IoU 0.50, old → new",
    "Share of masks that keep the right identity, old → new",
    "How often an object changes its identity, old → new",
)
_VIDEO = Qt.ItemDataRole.UserRole
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ComparisonTable(QTableWidget):
    """A row for each video; after a comparison of several, one more for all together.

    Signals:
        changed: another video is ticked or no longer.
    """

    changed = Signal()

    def __init__(self, videos: Sequence[Video], ticked: Collection[int], parent: QWidget | None = None) -> None:
        super().__init__(len(videos), len(_HEADS), parent)
        self.setObjectName("comparisonTable")
        self.setAccessibleName("Videos and scores")
        self.setHorizontalHeaderLabels(_HEADS)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for column, tip in enumerate(_TIPS):
            head = self.horizontalHeaderItem(column)
            assert head is not None
            head.setToolTip(tip)
            head.setTextAlignment(_RIGHT if column else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            mode = QHeaderView.ResizeMode.ResizeToContents if column else QHeaderView.ResizeMode.Stretch
            self.horizontalHeader().setSectionResizeMode(column, mode)
        for row, video in enumerate(videos):
            item = QTableWidgetItem(video.name)
            item.setData(_VIDEO, video)
            item.setToolTip(video.source)
            item.setCheckState(Qt.CheckState.Checked if video.video_id in ticked else Qt.CheckState.Unchecked)
            self.setItem(row, 0, item)
        self._video_count = len(videos)
        self.itemChanged.connect(self.changed)

    def ticked(self) -> list[Video]:
        """The videos to compare on."""
        items = [self.item(row, 0) for row in range(self._video_count)]
        return [i.data(_VIDEO) for i in items if i is not None and i.checkState() is Qt.CheckState.Checked]

    def show_comparison(self, comparison: Comparison | None) -> None:
        """Write the numbers beside their videos; with None take them away."""
        self.blockSignals(True)
        self.setRowCount(self._video_count)
        for row in range(self._video_count):
            self._write(row, [""] * (len(_HEADS) - 1))
        rows = {row.video_id: row for row in (comparison.rows if comparison is not None else ())}
        for index in range(self._video_count):
            item = self.item(index, 0)
            assert item is not None
            found = rows.get(item.data(_VIDEO).video_id)
            if found is not None:
                self._write(index, _cells(found))
        if 0 in rows:
            self.setRowCount(self._video_count + 1)
            self.setItem(self._video_count, 0, QTableWidgetItem("all compared videos"))
            self._write(self._video_count, _cells(rows[0]))
        self.blockSignals(False)

    def _write(self, row: int, texts: Sequence[str]) -> None:
        for column, text in enumerate(texts, start=1):
            item = QTableWidgetItem(text)
            item.setTextAlignment(_RIGHT)
            self.setItem(row, column, item)


def _cells(row: Row) -> list[str]:
    """Everything but the name."""
    counts = _pair(*(str(count) for count in row.track_counts))
    if row.scores is None:
        return ["none", counts, "", "", "", ""]
    old, new = row.scores
    scores = [_pair(a, b) for a, b in zip(_texts(old), _texts(new), strict=True)]
    return [str(row.confirmed_frames), counts, *scores]


def _texts(scores: SideScores) -> list[str]:
    ratios = ["–" if value < 0 else f"{value:.3f}" for value in (scores.ap, scores.ap50, scores.idf1)]
    return [*ratios, str(scores.id_switches)]


def _pair(old: str, new: str) -> str:
    return f"{old} → {new}"
