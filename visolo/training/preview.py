"""A picture of what a network finds in a few validation frames, with the truth beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from visolo.errors import OutputError
from visolo.io.atomic import atomic_path
from visolo.overlay import OverlayItem, draw_overlay
from visolo.rle import Rle

Picture = NDArray[np.uint8]

_TILE = (270, 480)  # height and width in px that a frame is fitted into
_GAP = 6
_CAPTION = 26
_BACKGROUND = (24, 26, 30)
_TEXT = (225, 228, 232)


@dataclass(frozen=True, eq=False)
class PreviewSample:
    """One frame, already small: (H, W, 3) uint8 RGB, and what was found and what is true there."""

    frame: Picture
    predicted: tuple[OverlayItem, ...]
    truth: tuple[OverlayItem, ...]

    @classmethod
    def of(
        cls,
        frame: Picture,
        predicted: Iterable[tuple[int, str, Rle]],
        truth: Iterable[tuple[int, str, Rle | None]],
    ) -> "PreviewSample":
        """A sample of a frame of any size.

        Args:
            frame: (H, W, 3) uint8 RGB.
            predicted: number, label and mask of every instance.
            truth: the same of every annotated object; None where it is absent.
        """
        scale = min(_TILE[0] / frame.shape[0], _TILE[1] / frame.shape[1])
        size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
        small = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
        shown = tuple(OverlayItem(number, label, rle) for number, label, rle in truth if rle is not None)
        return cls(small, tuple(OverlayItem(*item) for item in predicted), shown)


def draw_preview(samples: Sequence[PreviewSample], caption: str) -> Picture:
    """Every sample in a row: predictions to the left, the truth to the right.

    Args:
        samples: at least one.
        caption: ASCII text above the predictions.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = _TILE
    picture = np.full((_CAPTION + len(samples) * (height + _GAP), 2 * width + _GAP, 3), _BACKGROUND, np.uint8)
    for column, text in enumerate((caption, "truth")):
        place = (column * (width + _GAP) + 6, _CAPTION - 8)
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _TEXT, 1, cv2.LINE_AA)
    for row, sample in enumerate(samples):
        for column, items in enumerate((sample.predicted, sample.truth)):
            tile = draw_overlay(sample.frame, items)
            top = _CAPTION + row * (height + _GAP) + (height - tile.shape[0]) // 2
            left = column * (width + _GAP) + (width - tile.shape[1]) // 2
            picture[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return picture


def write_preview(path: Path, samples: Sequence[PreviewSample], caption: str) -> None:
    """Write the picture as JPEG, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    is_encoded, data = cv2.imencode(".jpg", draw_preview(samples, caption)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 85))
    if not is_encoded:
        raise OutputError(f"{path}: the picture could not be encoded; free some memory")
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())
