"""Boxes that stand for objects without masks: how many there are, and which detections answer which of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.document.queries import Queries
from app.document.records import Origin
from visolo.rle import Box

FITTING_IOU = 0.5
"""From so much overlap of their boxes on, a detection is the object that a box is of."""


def box_counts(queries: Queries, video_id: int) -> Mapping[int, int]:
    """How many boxes every track has that has any."""
    sql = "SELECT track_id, COUNT(*) FROM cells WHERE video_id = ? AND origin = ? GROUP BY track_id"
    return dict(queries.rows(sql, video_id, int(Origin.BOX)))


def best_pairs(found: Sequence[Box], wanted: Sequence[Box]) -> list[tuple[int, int]]:
    """Pairs of positions in both lists, those that overlap most first; each box is in one pair at most."""
    overlaps = _overlaps(_edges(found), _edges(wanted))
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(-overlaps, axis=None, kind="stable").tolist():
        one, other = divmod(flat, len(wanted))
        if overlaps[one, other] < FITTING_IOU:
            break
        if all(one != a and other != b for a, b in pairs):
            pairs.append((one, other))
    return pairs


def _edges(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """(n, 4) left, top, right, bottom."""
    table = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    table[:, 2:] += table[:, :2]
    return table


def _overlaps(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M) intersection by union; 0 for boxes without extent."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    areas = [(table[:, 2:] - table[:, :2]).prod(axis=1) for table in (boxes, others)]
    union = areas[0][:, None] + areas[1][None] - shared
    overlaps: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlaps
