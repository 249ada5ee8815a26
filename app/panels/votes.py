"""How the model voted on a track's class: shares as a bar, the winner of every frame as a strip. Drawing only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.document.records import ClassVotes

_BAR_HEIGHT = 22
_STRIP_HEIGHT = 14
_RADIUS = 4
_SHOWN_CLASSES = 5
_LEAST_SHARE = 0.005
# After the winner, which takes the theme's "good": told apart from it and from each other, also colour-blind.
_OTHER_COLOURS = ("#5b6c9b", "#c9803c", "#a9506b", "#4d9aa8")


@dataclass(frozen=True, eq=False)
class VoteSummary:
    """The votes of one track, best class first.

    Attributes:
        category_ids: of all classes the model knows, by mean score.
        means: (C,) float64 mean class score in that order, in [0, 1].
        frame_indices: (n,) int32 frames where the model detected the track.
        winners: (n,) int32 category id with the best score in each of these frames.
    """

    category_ids: tuple[int, ...]
    means: NDArray[np.float64]
    frame_indices: NDArray[np.int32]
    winners: NDArray[np.int32]

    @property
    def disagreeing(self) -> int:
        """Number of frames whose best class is not the track's winner."""
        return int((self.winners != self.category_ids[0]).sum())

    @property
    def shown(self) -> list[tuple[int, float]]:
        """The classes worth naming with their means: the best few that are not 0."""
        pairs = zip(self.category_ids[:_SHOWN_CLASSES], self.means.tolist(), strict=False)
        return [(c, m) for i, (c, m) in enumerate(pairs) if i == 0 or m >= _LEAST_SHARE]


def summarise(votes: ClassVotes | None) -> VoteSummary | None:
    """Means and winners of a track's votes; None without any."""
    if votes is None or not len(votes.frame_indices) or not len(votes.category_ids):
        return None
    means = votes.class_scores.mean(axis=0, dtype=np.float64)
    order = np.argsort(-means, kind="stable")
    winners = votes.category_ids[votes.class_scores.argmax(axis=1)]
    return VoteSummary(tuple(votes.category_ids[order].tolist()), means[order], votes.frame_indices, winners)


def vote_colors(summary: VoteSummary) -> dict[int, QColor]:
    """Colour of every named class; the others are drawn faint."""
    colors = [theme.color("good"), *(QColor(value) for value in _OTHER_COLOURS)]
    return {category_id: color for (category_id, _), color in zip(summary.shown, colors, strict=False)}


class VoteBar(QWidget):
    """Mean class scores side by side, scaled to the full width."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summary: VoteSummary | None = None
        self._names: dict[int, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Class votes")

    def sizeHint(self) -> QSize:  # noqa: D102 - Qt's
        return QSize(200, _BAR_HEIGHT)

    def show_votes(self, summary: VoteSummary | None, names: dict[int, str]) -> None:
        """Show these votes, or nothing."""
        self._summary, self._names = summary, names
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), _RADIUS, _RADIUS)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), theme.color("raised"))
        if self._summary is None:
            return
        colors = vote_colors(self._summary)
        for category_id, area in self._areas():
            painter.fillRect(area, colors[category_id])

    def event(self, event: QEvent) -> bool:
        """Tooltips name the class under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._tip_at(event.pos().x()), self)
            return True
        return super().event(event)

    def _areas(self) -> list[tuple[int, QRect]]:
        assert self._summary is not None
        total = float(self._summary.means.sum()) or 1.0
        left, result = 0.0, []
        for category_id, mean in self._summary.shown:
            right = left + mean / total * self.width()
            result.append((category_id, QRect(round(left), 0, round(right) - round(left), self.height())))
            left = right
        return result

    def _tip_at(self, x: int) -> str:
        if self._summary is None:
            return ""
        means = dict(self._summary.shown)
        for category_id, area in self._areas():
            if area.left() <= x <= area.right():
                return f"{self._names.get(category_id, '?')}: mean score {means[category_id]:.3f}"
        return "all other classes"


class VoteStrip(QWidget):
    """The best class of every frame over the whole video; a click or drag goes to the frame.

    Signals:
        frame_chosen: frame index under the mouse.
    """

    frame_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summary: VoteSummary | None = None
        self._names: dict[int, str] = {}
        self._frame_count, self._frame_index = 1, 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Best class of every frame")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:  # noqa: D102 - Qt's
        return QSize(200, _STRIP_HEIGHT)

    def show_votes(self, summary: VoteSummary | None, names: dict[int, str], frame_count: int) -> None:
        """Show these votes over a video of so many frames."""
        self._summary, self._names, self._frame_count = summary, names, max(1, frame_count)
        self.update()

    def show_frame(self, frame_index: int) -> None:
        """Mark the current frame."""
        self._frame_index = frame_index
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("raised"))
        if self._summary is not None:
            colors = vote_colors(self._summary)
            for area, category_id in self._runs(self._summary):
                painter.fillRect(area, colors.get(category_id, theme.color("faint")))
        x = (self._frame_index + 0.5) / self._frame_count * self.width()
        painter.fillRect(QRectF(x - 0.75, 0, 1.5, self.height()), theme.color("bad"))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102
        if event.button() is Qt.MouseButton.LeftButton:
            self.frame_chosen.emit(self._frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: D102
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.frame_chosen.emit(self._frame_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: D102
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Tooltips name frame and class under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._tip_at(event.pos().x()), self)
            return True
        return super().event(event)

    def _runs(self, summary: VoteSummary) -> list[tuple[QRectF, int]]:
        """Areas of one class each; where a pixel holds many frames, one that disagrees wins: flips must not drown."""
        width = max(1, self.width())
        columns = (summary.frame_indices.astype(np.int64) * width) // self._frame_count
        is_flip = summary.winners != summary.category_ids[0]
        classes = np.full(width, -1, dtype=np.int64)
        classes[columns] = summary.category_ids[0]
        classes[columns[is_flip]] = summary.winners[is_flip]
        if self._frame_count < width:
            classes = _stretched(classes, columns, summary.winners, width / self._frame_count)
        edges = np.flatnonzero(np.diff(classes, prepend=-2, append=-2))
        spans = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        return [(QRectF(a, 0, b - a, self.height()), int(classes[a])) for a, b in spans if classes[a] >= 0]

    def _frame_at(self, x: float) -> int:
        return max(0, min(int(x / max(1, self.width()) * self._frame_count), self._frame_count - 1))

    def _tip_at(self, x: int) -> str:
        frame = self._frame_at(x)
        if self._summary is None:
            return ""
        position = int(np.searchsorted(self._summary.frame_indices, frame))
        is_there = position < len(self._summary.frame_indices) and self._summary.frame_indices[position] == frame
        if not is_there:
            return f"frame {frame}: no vote"
        return f"frame {frame}: {self._names.get(int(self._summary.winners[position]), '?')}"


def _stretched(
    classes: NDArray[np.int64], columns: NDArray[np.int64], winners: NDArray[np.int32], frame_width: float
) -> NDArray[np.int64]:
    """Fill every column that a frame covers when frames are wider than a pixel."""
    for column, winner in zip(columns.tolist(), winners.tolist(), strict=True):
        classes[column : column + int(np.ceil(frame_width))] = winner
    return classes


def vote_sentence(summary: VoteSummary, names: dict[int, str], shown: Sequence[tuple[int, float]]) -> str:
    """E.g. "elephant 0.91 · bear 0.04: 9 of 318 frames disagree"."""
    parts = " · ".join(f"{names.get(category_id, '?')} {mean:.2f}" for category_id, mean in shown)
    count = len(summary.frame_indices)
    if not summary.disagreeing:
        return f"{parts} — all {count} frames agree" if count > 1 else parts
    return f"{parts} — {summary.disagreeing} of {count} frames disagree"
