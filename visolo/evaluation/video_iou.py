"""Overlap of tracks over a whole video, on RLE: sums of intersections over sums of unions.

Bitmaps are never made. The ratios of pycocotools are turned back into pixel counts, which are exact, so that the
quotient is the official one to the last bit.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from visolo import rle as rle_module
from visolo.rle import Rle

_ABSENT: dict[str, object] = {
    "size": [1, 1],
    "counts": b"1",
}  # one background pixel: overlaps nothing, whatever the size beside it


class TrackMasks:
    """One track's masks, ready for the C code.

    Args:
        segmentations: one checked mask or None per frame.

    Attributes:
        areas: (T,) int64, 0 where there is no mask.
        mean_area: mean over the frames where the area is not 0, as the official code has it; 0 when there is none.
    """

    def __init__(self, segmentations: Sequence[Rle | None]) -> None:
        present = [t for t, rle in enumerate(segmentations) if rle is not None]
        self.sizes = [None if rle is None else rle.size for rle in segmentations]
        self.natives: list[dict[str, object]] = [
            _ABSENT if r is None else {"size": r.size, "counts": r.counts} for r in segmentations
        ]
        self.areas = np.zeros(len(segmentations), dtype=np.int64)
        self.areas[present] = rle_module.areas([rle for rle in segmentations if rle is not None])
        self.mean_area = mean_area(self.areas.tolist())

    def padded_areas(self, length: int) -> NDArray[np.int64]:
        """`areas` with zeros up to `length` frames."""
        return np.pad(self.areas, (0, length - len(self.areas)))

    def native(self, frame_index: int) -> dict[str, object]:
        """The mask as pycocotools wants it, an empty one where there is none or the list is too short."""
        return self.natives[frame_index] if frame_index < len(self.natives) else _ABSENT

    def size(self, frame_index: int) -> tuple[int, int] | None:
        """(height, width) of the mask; None where there is none."""
        return self.sizes[frame_index] if frame_index < len(self.sizes) else None


def mean_area(areas: Sequence[float | None]) -> float:
    """Track area as the official metric defines it: mean of the entries that are neither null nor 0, else 0."""
    counted = [area for area in areas if area]
    return sum(counted) / len(counted) if counted else 0.0


def video_ious(
    tracks: Sequence[TrackMasks], others: Sequence[TrackMasks], *, official_quirks: bool = False
) -> NDArray[np.float64]:
    """Overlap of every track with every other track.

    Lists of different length count as absent beyond their end, masks of different size as disjoint. The official code
    leaves such frames out of both sums, which rewards a prediction that stops early.

    Args:
        tracks: N tracks of one video.
        others: M tracks of the same video.
        official_quirks: count such frames as the official code does.

    Returns:
        (N, M) float64 in [0, 1]; 0 where both are empty.
    """
    length = max(len(track.areas) for track in (*tracks, *others))
    areas = np.stack([track.padded_areas(length) for track in tracks], axis=1)[:, :, None]  # (T, N, 1)
    other_areas = np.stack([track.padded_areas(length) for track in others], axis=1)[:, None, :]  # (T, 1, M)
    intersections = _intersections(tracks, others, areas, other_areas)
    unions = areas + other_areas - intersections
    if official_quirks:
        unions[_left_out(tracks, others, length)] = 0
    total, union = intersections.sum(axis=0), unions.sum(axis=0)
    return np.asarray(np.divide(total, union, out=np.zeros(total.shape), where=union > 0))


def _intersections(
    tracks: Sequence[TrackMasks],
    others: Sequence[TrackMasks],
    areas: NDArray[np.int64],
    other_areas: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Common pixels of every pair in every frame, (T, N, M) int64; 0 where sizes differ."""
    ratios = np.zeros((len(areas), len(tracks), len(others)))
    is_plain = [0] * len(others)
    for t in np.flatnonzero(areas.any(axis=(1, 2)) & other_areas.any(axis=(1, 2))).tolist():
        ratios[t] = coco.iou([track.native(t) for track in tracks], [track.native(t) for track in others], is_plain)
    ratios[ratios < 0] = 0  # pycocotools answers -1 for masks of different size
    return np.rint(ratios * (areas + other_areas) / (1 + ratios)).astype(np.int64)


def _left_out(tracks: Sequence[TrackMasks], others: Sequence[TrackMasks], length: int) -> NDArray[np.bool_]:
    """(T, N, M) frames that the official code counts in neither sum."""
    left_out = np.zeros((length, len(tracks), len(others)), dtype=np.bool_)
    for n, track in enumerate(tracks):
        for m, other in enumerate(others):
            left_out[min(len(track.sizes), len(other.sizes)) :, n, m] = True
            left_out[[t for t in range(length) if _differ(track.size(t), other.size(t))], n, m] = True
    return left_out


def _differ(size: tuple[int, int] | None, other: tuple[int, int] | None) -> bool:
    return size is not None and other is not None and size != other
