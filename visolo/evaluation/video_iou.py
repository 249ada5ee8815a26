"""Overlap of tracks over a whole video, on RLE: sums of intersections over sums of unions.

Bitmaps are never made. The ratios of pycocotools are turned back into pixel counts, which are exact, so that the
quotient is the official one to the last bit.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from visolo.io.ytvis_types import Segmentations
from visolo.rle import Rle

_BATCH_PAIRS = 8192  # of one call: fewer calls, but pairs of different frames are looked at too, and skipped


class TrackMasks(NamedTuple):
    """One track's checked masks and their areas in pixels, (T,) int64, 0 where there is none."""

    segmentations: Segmentations
    areas: NDArray[np.int64]


def mean_area(areas: NDArray[np.int64] | Sequence[float | None]) -> float:
    """Track area as the official metric defines it: mean of the entries that are neither null nor 0, else 0."""
    if isinstance(areas, np.ndarray):
        count = np.count_nonzero(areas)
        return int(areas.sum()) / count if count else 0.0
    counted = [area for area in areas if area]
    return sum(counted) / len(counted) if counted else 0.0


def video_ious(
    tracks: Sequence[TrackMasks],
    others: Sequence[TrackMasks],
    *,
    at_least: float = 0.0,
    official_quirks: bool = False,
) -> NDArray[np.float64]:
    """Overlap of every track with every other track; both lists hold at least one.

    Lists of different length count as absent beyond their end, masks of different size as disjoint. The official code
    leaves such frames out of both sums, which rewards a prediction that stops early.

    Args:
        tracks: N tracks of one video.
        others: M tracks of the same video.
        at_least: pairs whose areas alone rule out such an overlap are not looked at and get 0.
        official_quirks: count such frames as the official code does.

    Returns:
        (N, M) float64 in [0, 1]; 0 where both are empty.
    """
    length = max(len(track.areas) for track in (*tracks, *others))
    areas = _stacked_areas(tracks, length)[:, :, None]  # (T, N, 1)
    other_areas = _stacked_areas(others, length)[:, None, :]  # (T, 1, M)
    smaller = np.minimum(areas, other_areas)
    if not official_quirks:
        greatest = smaller.sum(axis=0) / np.maximum(np.maximum(areas, other_areas).sum(axis=0), 1)
        smaller[:, greatest < at_least] = 0
    intersections = _intersections(tracks, others, areas + other_areas, smaller > 0)
    unions = areas + other_areas - intersections
    if official_quirks:
        unions[_left_out(tracks, others, length)] = 0
    total, union = intersections.sum(axis=0), unions.sum(axis=0)
    return np.asarray(np.divide(total, union, out=np.zeros(total.shape), where=union > 0))


def frame_intersections(tracks: Sequence[TrackMasks], others: Sequence[TrackMasks]) -> NDArray[np.int64]:
    """Common pixels of every track with every other track frame by frame; both lists hold at least one.

    Args:
        tracks: N tracks of one video.
        others: M tracks of the same video.

    Returns:
        (T, N, M) int64, T the longest list; 0 beyond the end of a list and where masks differ in size.
    """
    length = max(len(track.areas) for track in (*tracks, *others))
    areas = _stacked_areas(tracks, length)[:, :, None]
    other_areas = _stacked_areas(others, length)[:, None, :]
    return _intersections(tracks, others, areas + other_areas, np.minimum(areas, other_areas) > 0)


def _stacked_areas(tracks: Sequence[TrackMasks], length: int) -> NDArray[np.int64]:
    """(T, N) areas, 0 beyond the end of a track."""
    areas = np.zeros((len(tracks), length), dtype=np.int64)
    for row, track in zip(areas, tracks, strict=True):
        row[: len(track.areas)] = track.areas
    return areas.T


def _intersections(
    tracks: Sequence[TrackMasks],
    others: Sequence[TrackMasks],
    area_sums: NDArray[np.int64],
    is_wanted: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Common pixels of every pair in every frame, (T, N, M) int64; 0 where sizes differ.

    Args:
        tracks: N tracks.
        others: M tracks.
        area_sums: (T, N, M) of both masks.
        is_wanted: (T, N, M) pairs to look at; both masks of each have pixels.
    """
    ratios = np.zeros(is_wanted.shape)
    masks, other_masks = (
        _wanted_masks(tracks, np.any(is_wanted, axis=2)),
        _wanted_masks(others, np.any(is_wanted, axis=1)),
    )
    batch_frames = max(1, int((_BATCH_PAIRS / (len(tracks) * len(others))) ** 0.5))
    for first in range(0, len(is_wanted), batch_frames):
        here, there = (side.of_frames(first, first + batch_frames) for side in (masks, other_masks))
        if here.natives:
            overlaps = coco.iou(here.natives, there.natives, [0] * len(there.natives))
            rows, columns = np.nonzero(overlaps > 0)  # pycocotools answers -1 for masks of different size
            ratios[here.frames[rows], here.owners[rows], there.owners[columns]] = overlaps[rows, columns]
    return np.where(is_wanted, np.rint(ratios * area_sums / (1 + ratios)).astype(np.int64), 0)


class _WantedMasks(NamedTuple):
    """K masks by frame, as pycocotools wants them, and of which frame and track they are, (K,)."""

    natives: list[dict[str, object]]
    frames: NDArray[np.intp]
    owners: NDArray[np.intp]

    def of_frames(self, first: int, stop: int) -> "_WantedMasks":
        """Those of frames from `first` to before `stop`."""
        here = slice(*np.searchsorted(self.frames, (first, stop)))
        return _WantedMasks(self.natives[here], self.frames[here], self.owners[here])


def _wanted_masks(tracks: Sequence[TrackMasks], is_wanted: NDArray[np.bool_]) -> _WantedMasks:
    """The wanted masks of tracks; (T, N).

    Every frame gets a width of its own: pairs of different frames are then skipped at once. The C code reads the
    width for nothing else.
    """
    length = len(is_wanted)
    frames, owners = np.nonzero(is_wanted)
    natives: list[dict[str, object]] = []
    for t, n in zip(frames.tolist(), owners.tolist(), strict=True):
        rle = tracks[n].segmentations[t]
        assert rle is not None  # it has pixels
        natives.append({"size": (rle.size[0], rle.size[1] * length + t), "counts": rle.counts})
    return _WantedMasks(natives, frames, owners)


def _left_out(tracks: Sequence[TrackMasks], others: Sequence[TrackMasks], length: int) -> NDArray[np.bool_]:
    """(T, N, M) frames that the official code counts in neither sum."""
    left_out = np.zeros((length, len(tracks), len(others)), dtype=np.bool_)
    for n, track in enumerate(tracks):
        for m, other in enumerate(others):
            left_out[min(len(track.areas), len(other.areas)) :, n, m] = True
            pairs = zip(track.segmentations, other.segmentations, strict=False)
            left_out[[t for t, (mask, mask_of_other) in enumerate(pairs) if _differ(mask, mask_of_other)], n, m] = True
    return left_out


def _differ(mask: Rle | None, other: Rle | None) -> bool:
    return mask is not None and other is not None and mask.size != other.size
