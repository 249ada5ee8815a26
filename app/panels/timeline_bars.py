"""A lane's bar as an image: one value per device pixel becomes a strip with round ends, score shading and marks."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from app.panels.timeline_lanes import LaneColumns, LaneRow
from app.video.qimage import blank_overlay, premultiplied_bgra

_FAINTEST, _FAINTEST_SCORE, _FULL_SCORE = 0.5, 0.25, 0.75
_DIMMED = 0.28
_GAP_ALPHA = 0.4
_LEVELS = 64
_BAR_PER_GAP_LINE = 14


class Bar(NamedTuple):
    """A drawn lane: its picture and the device pixels where stretches of edited masks begin."""

    image: QImage
    mark_starts: list[int]


class BarCache:
    """Bars as they were drawn last, valid while zoom, scroll, theme and lane stay the same: scrolling lanes is free."""

    def __init__(self) -> None:
        self._view: object = None
        self._bars: dict[int, tuple[LaneColumns, object, Bar]] = {}

    def set_view(self, view: object) -> None:
        """Forget all bars when anything differs that they all depend on."""
        if view != self._view:
            self._bars.clear()
            self._view = view

    def get(self, track_id: int, columns: LaneColumns, look: object) -> Bar | None:
        """The bar of a track if it was drawn from these columns, in this look."""
        found = self._bars.get(track_id)
        return found[2] if found is not None and found[0] is columns and found[1] == look else None

    def put(self, track_id: int, columns: LaneColumns, look: object, bar: Bar) -> None:
        """Keep a bar."""
        self._bars[track_id] = (columns, look, bar)


def bar_image(row: LaneRow, color: QColor, mark: QColor, height: int, dimmed: bool = False) -> QImage:
    """Bar of one lane.

    Args:
        row: (n,) values per device pixel.
        color: of the track; low scores fade it.
        mark: of the strip under frames that a person touched; imported and interpolated ones get it dotted.
        height: device pixels.
        dimmed: the track is hidden on the canvas.

    Returns:
        n x height premultiplied image that owns its pixels.
    """
    shades = _shades(color.rgb(), dimmed)
    body = shades[(row.scores * (_LEVELS - 1)).astype(np.intp).clip(0, _LEVELS - 1)]
    body[~row.present] = 0
    image, bgra = blank_overlay(len(body), height)
    pixels = bgra.view("<u4")[..., 0]
    pixels[:] = body
    _round_corners(pixels, row.present)
    middle, thickness = height // 2, max(1, height // _BAR_PER_GAP_LINE)
    pixels[middle : middle + thickness, row.gap] = _packed(color, _GAP_ALPHA * (_DIMMED if dimmed else 1))
    _draw_marks(pixels, row, _packed(mark, 1.0))
    return image


def mark_starts(row: LaneRow, least_gap: int) -> list[int]:
    """Device pixels where a stretch of a person's masks begins, at least so many pixels apart."""
    begins = np.flatnonzero(row.edited & ~np.concatenate(([False], row.edited[:-1])))
    kept: list[int] = []
    for position in begins.tolist():
        if not kept or position - kept[-1] >= least_gap:
            kept.append(position)
    return kept


def _draw_marks(pixels: NDArray[np.uint32], row: LaneRow, value: int) -> None:
    height = pixels.shape[0]
    thickness = max(2, height // 6)
    dotted = row.imported & ~row.edited & (np.arange(len(row.present)) // max(2, thickness) % 2 == 0)
    pixels[height - thickness :, row.edited | dotted] = value


@cache
def _shades(rgb: int, dimmed: bool) -> NDArray[np.uint32]:
    """(levels,) colour of a bar by score, from 0 to 1."""
    scores = np.linspace(0, 1, _LEVELS)
    strength = np.clip((scores - _FAINTEST_SCORE) / (_FULL_SCORE - _FAINTEST_SCORE), 0, 1)
    alphas = (_FAINTEST + (1 - _FAINTEST) * strength) * (_DIMMED if dimmed else 1)
    return np.array([_packed(QColor(rgb), alpha) for alpha in alphas.tolist()], dtype=np.uint32)


def _packed(color: QColor, alpha: float) -> int:
    """0xAARRGGBB with colours times alpha in [0, 1]."""
    blue, green, red, level = premultiplied_bgra(color, round(alpha * 255))
    return (level << 24) | (red << 16) | (green << 8) | blue


def _corner_insets(radius: int) -> list[int]:
    """Pixels that a round corner takes from each line, outermost first."""
    return [round(radius - math.sqrt(radius**2 - (radius - line - 0.5) ** 2)) for line in range(radius)]


def _round_corners(pixels: NDArray[np.uint32], present: NDArray[np.bool_]) -> None:
    """Clear the corners where presence begins and ends; what goes on outside the view has no corner."""
    height, width = pixels.shape
    begins = np.flatnonzero(present[1:] & ~present[:-1]) + 1
    ends = np.flatnonzero(present[:-1] & ~present[1:])
    for line, inset in enumerate(_corner_insets(max(1, height // 5))):
        steps = range(inset)
        columns = np.concatenate([begins[:0], *(begins + k for k in steps), *(ends - k for k in steps)])
        columns = columns.clip(0, width - 1)
        pixels[line, columns] = 0
        pixels[height - 1 - line, columns] = 0
