"""Which detections show an object that something a person made, or holds on to, shows in the same frame already."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from app.document.kept_detections import KeptDetections
from app.document.queries import Queries
from app.document.records import Origin
from app.document.stored_masks import read_masks
from visolo import rle as rle_masks

SAME_OBJECT_IOU = 0.7
"""From this overlap on two masks are taken for one object."""


def covered_by_held(
    queries: Queries, kept: KeptDetections, chosen: NDArray[np.bool_], held: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Detections whose object is there already.

    Args:
        queries: of the project.
        kept: n detections.
        chosen: (n,) which of them to look at.
        held: (n,) those of them that stay; so do all instances of no or another model, boxes without masks excepted.

    Returns:
        (n,) bool, true only among the chosen ones.
    """
    masks: defaultdict[int, list[int]] = defaultdict(list)  # by frame
    held_rows = np.flatnonzero(held)
    for frame_index, mask_id in zip(kept.frames[held_rows].tolist(), kept.column("mask_id")[held_rows], strict=True):
        masks[frame_index].append(int(mask_id))
    for cell in (cell for cell in kept.others if cell.origin != Origin.BOX):
        masks[cell.frame_index].append(cell.mask_id)
    rows = np.flatnonzero(chosen & np.isin(kept.frames, list(masks)))
    wanted = set(kept.mask_ids[rows].tolist())
    wanted |= {mask_id for frame_index in np.unique(kept.frames[rows]).tolist() for mask_id in masks[frame_index]}
    found = read_masks(queries, sorted(wanted))
    covered = np.zeros(len(chosen), np.bool_)
    for row in rows.tolist():
        others = [found[mask_id] for mask_id in masks[int(kept.frames[row])]]
        mine = found[int(kept.mask_ids[row])]
        others = [other for other in others if other.size == mine.size]
        covered[row] = bool(others) and bool((rle_masks.iou([mine], others) >= SAME_OBJECT_IOU).any())
    return covered
