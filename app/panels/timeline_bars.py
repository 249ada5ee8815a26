"""A lane's bar as an image: one value per device pixel becomes a strip with round ends, score shading and marks."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from app.panels.timeline_lanes import LaneRow
from app.video.qimage import qimage_of_bgra

_FAINTEST, _FAINTEST_SCORE, _FULL_SCORE = 0.45, 0.25, 0.75
_DIMMED = 0.28
_GAP_ALPHA = 0.4


def bar_image(row: LaneRow, color: QColor, mark: QColor, height: int, dimmed: bool = False) -> QImage:
    """Bar of one lane.

    Args:
        row: (n,) values per device pixel.
        color: of the track; low scores fade it.
        mark: of the strip under frames that a person made; imported and interpolated ones get it dotted.
        height: device pixels.
        dimmed: the track is hidden on the canvas.

    Returns:
        n x height premultiplied image that owns its pixels.
    """
    span = _FULL_SCORE - _FAINTEST_SCORE
    alpha = _FAINTEST + (1 - _FAINTEST) * np.clip((row.scores - _FAINTEST_SCORE) / span, 0, 1)
    if dimmed:
        alpha = alpha * _DIMMED
    body = _premultiplied(color, alpha)
    pixels = np.broadcast_to(np.where(row.present, body, np.uint32(0)), (height, len(body))).copy()
    for inset_row, inset in enumerate(_corner_insets(height)):
        keep = _eroded(row.present, inset)
        pixels[inset_row, ~keep] = 0
        pixels[height - 1 - inset_row, ~keep] = 0
    pixels[height // 2, row.gap] = _premultiplied(color, np.full(1, _GAP_ALPHA * (_DIMMED if dimmed else 1)))[0]
    _draw_marks(pixels, row, _premultiplied(mark, np.ones(1))[0])
    return qimage_of_bgra(pixels.astype("<u4").view(np.uint8).reshape(height, -1, 4))


def mark_starts(row: LaneRow, least_gap: int) -> list[int]:
    """Device pixels where a stretch of a person's masks begins, at least so many pixels apart."""
    begins = np.flatnonzero(row.edited & ~np.concatenate(([False], row.edited[:-1])))
    kept: list[int] = []
    for position in begins.tolist():
        if not kept or position - kept[-1] >= least_gap:
            kept.append(position)
    return kept


def _draw_marks(pixels: NDArray[np.uint32], row: LaneRow, value: np.uint32) -> None:
    height = pixels.shape[0]
    thickness = max(2, height // 6)
    dotted = row.imported & ~row.edited & (np.arange(len(row.present)) // max(2, thickness) % 2 == 0)
    pixels[height - thickness :, row.edited | dotted] = value


def _premultiplied(color: QColor, alpha: NDArray) -> NDArray[np.uint32]:
    """0xAARRGGBB with colours times alpha, per alpha in [0, 1]."""
    levels = np.rint(alpha * 255).astype(np.uint32)
    red, green, blue = (levels * channel // 255 for channel in (color.red(), color.green(), color.blue()))
    packed: NDArray[np.uint32] = (levels << 24) | (red << 16) | (green << 8) | blue
    return packed


def _corner_insets(height: int) -> list[int]:
    radius = max(1, height // 6)
    return [radius - i for i in range(radius)]


def _eroded(present: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """Present here and `by` pixels to both sides; what lies outside the view counts as its edge."""
    padded = np.pad(present, by, mode="edge")
    return present & padded[: len(present)] & padded[2 * by :]
