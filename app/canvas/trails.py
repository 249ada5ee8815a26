"""Trails: where the visible tracks were in the frames before, as fading lines through the middles of their boxes."""

from collections.abc import Callable, Collection
from itertools import pairwise
from typing import NamedTuple

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from app.canvas.view_transform import ViewTransform
from app.document.positions import frame_centres
from app.document.records import FrameRange
from app.session import Session

# A trail goes on over gaps of so many frames; beyond that nobody knows which way it went.
_BRIDGED = 3
_FADE_STEPS = 6
_FAINTEST = 0.12
_KEPT_FRAMES = 4000

_Centres = dict[int, tuple[float, float]]


class TrailPoint(NamedTuple):
    """Where a track was: image px."""

    frame_index: int
    x: float
    y: float


class Trails:
    """Reads middles frame by frame and keeps them, so that a step reads one frame.

    Attributes:
        length: frames back that a trail reaches; 0 for none.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._centres: dict[int, _Centres] = {}
        self.length = 0

    def forget(self, frames: FrameRange | None = None) -> None:
        """Instances of some frames are others now; None for all frames."""
        if frames is None:
            self._centres.clear()
        for frame_index in [f for f in self._centres if frames is not None and frames.first <= f <= frames.end]:
            del self._centres[frame_index]

    def before(self, frame_index: int, track_ids: Collection[int]) -> dict[int, list[TrailPoint]]:
        """Points of some tracks up to a frame, oldest first, by track id; tracks with less than two have none."""
        found: dict[int, list[TrailPoint]] = {track_id: [] for track_id in track_ids}
        if self.length and self._session.document is not None and self._session.video is not None:
            for past in range(max(0, frame_index - self.length), frame_index + 1):
                for track_id, (x, y) in self._read(past).items():
                    if track_id in found:
                        found[track_id].append(TrailPoint(past, x, y))
        return {track_id: points for track_id, points in found.items() if len(points) > 1}

    def _read(self, frame_index: int) -> _Centres:
        if frame_index not in self._centres:
            assert self._session.document is not None
            assert self._session.video is not None
            while len(self._centres) >= _KEPT_FRAMES:
                del self._centres[next(iter(self._centres))]
            self._centres[frame_index] = frame_centres(
                self._session.document, self._session.video.video_id, frame_index
            )
        return self._centres[frame_index]


def paint_trails(
    image: QImage,
    trails: dict[int, list[TrailPoint]],
    view: ViewTransform,
    length: int,
    color_of: Callable[[int], QColor],
) -> None:
    """Draw trails over a picture of the view in their tracks' colours; a trail is faintest `length` frames back."""
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    newest = max((points[-1].frame_index for points in trails.values()), default=0)
    for track_id, points in trails.items():
        for piece in _pieces(points, newest, max(1, length // _FADE_STEPS)):
            age = min(1.0, (newest - piece[0].frame_index) / max(1, length))
            color = QColor(color_of(track_id))
            color.setAlphaF(_FAINTEST + (1 - _FAINTEST) * (1 - age))
            painter.setPen(QPen(color, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin))
            painter.drawPolyline(QPolygonF([view.to_widget(QPointF(p.x, p.y)) for p in piece]))
    painter.end()


def _pieces(points: list[TrailPoint], newest: int, step: int) -> list[list[TrailPoint]]:
    """The trail cut where it is broken, and every `step` frames, so that a piece has one shade."""
    pieces, piece = [], points[:1]
    for previous, point in pairwise(points):
        if point.frame_index - previous.frame_index > _BRIDGED:
            pieces.append(piece)
            piece = [point]
            continue
        if (newest - previous.frame_index) // step != (newest - piece[0].frame_index) // step:
            pieces.append(piece)
            piece = [previous]
        piece.append(point)
    return [piece for piece in (*pieces, piece) if len(piece) > 1]
