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

_BATCH_FRAMES = 8  # of one call: fewer calls, but pairs of different frames are looked at too, and skipped


class TrackMasks(NamedTuple):
    """One track's checked masks and their areas in pixels, one per frame, None where there is none."""

    segmentations: Segmentations
    areas: Sequence[int | None]


def mean_area(areas: Sequence[float | None]) -> float:
    """Track area as the official metric defines it: mean of the entries that are neither null nor 0, else 0."""
    counted = [area for area in areas if area]
    return sum(counted) / len(counted) if counted else 0.0


def video_ious(
    tracks: Sequence[TrackMasks], others: Sequence[TrackMasks], *, official_quirks: bool = False
) -> NDArray[np.float64]:
    """Overlap of every track with every other track; both lists hold at least one.

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
    areas = _stacked_areas(tracks, length)[:, :, None]  # (T, N, 1)
    other_areas = _stacked_areas(others, length)[:, None, :]  # (T, 1, M)
    intersections = _intersections(tracks, others, areas, other_areas)
    unions = areas + other_areas - intersections
    if official_quirks:
        unions[_left_out(tracks, others, length)] = 0
    total, union = intersections.sum(axis=0), unions.sum(axis=0)
    return np.asarray(np.divide(total, union, out=np.zeros(total.shape), where=union > 0))


def _stacked_areas(tracks: Sequence[TrackMasks], length: int) -> NDArray[np.int64]:
    """(T, N) areas, 0 beyond the end of a track."""
    areas = np.zeros((length, len(tracks)), dtype=np.int64)
    for n, track in enumerate(tracks):
        areas[: len(track.areas), n] = [area or 0 for area in track.areas]
    return areas


def _intersections(
    tracks: Sequence[TrackMasks],
    others: Sequence[TrackMasks],
    areas: NDArray[np.int64],
    other_areas: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Common pixels of every pair in every frame, (T, N, M) int64; 0 where sizes differ."""
    ratios = np.zeros((len(areas), len(tracks), len(others)))
    shared_frames = np.flatnonzero(areas.any(axis=(1, 2)) & other_areas.any(axis=(1, 2))).tolist()
    for start in range(0, len(shared_frames), _BATCH_FRAMES):
        frames = shared_frames[start : start + _BATCH_FRAMES]
        places, masks = _native_masks(tracks, frames)
        other_places, other_masks = _native_masks(others, frames)
        overlaps = coco.iou(masks, other_masks, [0] * len(other_masks))
        rows, columns = np.nonzero(overlaps > 0)  # pycocotools answers -1 for masks of different size
        (t, n), m = places[rows].T, other_places[columns, 1]
        ratios[t, n, m] = overlaps[rows, columns]
    return np.rint(ratios * (areas + other_areas) / (1 + ratios)).astype(np.int64)


def _native_masks(
    tracks: Sequence[TrackMasks], frames: Sequence[int]
) -> tuple[NDArray[np.intp], list[dict[str, object]]]:
    """The masks of some frames as pycocotools wants them, with their (frame_index, track index), (P, 2).

    Every frame gets a width of its own: pairs of different frames are then skipped at once. The C code reads the
    width for nothing else.
    """
    places: list[tuple[int, int]] = []
    masks: list[dict[str, object]] = []
    for n, track in enumerate(tracks):
        for offset, t in enumerate(frames):
            rle = track.segmentations[t] if t < len(track.segmentations) else None
            if rle is not None:
                places.append((t, n))
                masks.append({"size": (rle.size[0], rle.size[1] * len(frames) + offset), "counts": rle.counts})
    return np.array(places, dtype=np.intp).reshape(-1, 2), masks


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
