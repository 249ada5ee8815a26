"""Kinds of annotated tracks, so that scores can be told apart: by length, size, and how much is hidden."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visolo.evaluation.track_matching import AREA_RANGES
from visolo.evaluation.tracking_metrics import Strata
from visolo.evaluation.video_iou import mean_area
from visolo.io.ytvis_types import Annotation, Video, mask_areas

_LENGTHS = {"up to 10 frames": 10, "11 to 30 frames": 30, "over 30 frames": np.inf}
_SIZES = {name: largest for name, (_, largest) in AREA_RANGES.items() if name != "all"}
_OCCLUSIONS = {"hardly hidden": 0.1, "partly hidden": 0.5, "mostly hidden": 1.0}


def _by_length(_video: Video, annotations: Sequence[Annotation]) -> list[str]:
    """Frames in which the object is visible."""
    return [_named(int(np.count_nonzero(mask_areas(annotation))), _LENGTHS) for annotation in annotations]


def _by_size(_video: Video, annotations: Sequence[Annotation]) -> list[str]:
    """Mean mask area, in the ranges of the official metric."""
    return [_named(mean_area(mask_areas(annotation)), _SIZES) for annotation in annotations]


def _by_occlusion(video: Video, annotations: Sequence[Annotation]) -> list[str]:
    """Mean hidden share from the first to the last frame: how much of its box the largest overlap with another covers.

    A frame in between without the object counts as hidden. Boxes that overlap stand for occlusion as in OVIS
    (Qi et al. 2022), where masks alone do not tell what is behind them.
    """
    boxes = np.zeros((len(annotations), video.length, 4))
    for row, annotation in zip(boxes, annotations, strict=True):
        for t, box in enumerate(annotation.bboxes):
            if box is not None and annotation.segmentations[t] is not None:
                row[t] = box
    covered = _covered(boxes)
    return [_named(_hidden_share(boxes[n], covered[n]), _OCCLUSIONS) for n in range(len(annotations))]


STRATIFICATIONS = {
    "length": Strata(tuple(_LENGTHS), _by_length),
    "size": Strata(tuple(_SIZES), _by_size),
    "occlusion": Strata(tuple(_OCCLUSIONS), _by_occlusion),
}


def _covered(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, T) largest share of each box, (N, T, 4) left, top, width, height, that one other box covers."""
    low, high = boxes[..., :2], boxes[..., :2] + boxes[..., 2:]
    areas = boxes[..., 2:].prod(axis=-1)
    sides = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])  # (N, N, T, 2)
    common = np.clip(sides, 0, None).prod(axis=-1)
    common[np.arange(len(boxes)), np.arange(len(boxes))] = 0
    return np.asarray(common.max(axis=1, initial=0) / np.maximum(areas, 1e-9))


def _hidden_share(boxes: NDArray[np.float64], covered: NDArray[np.float64]) -> float:
    visible = np.flatnonzero(boxes[:, 2:].all(axis=1))
    if not visible.size:
        return 0.0
    shares = np.ones(visible[-1] - visible[0] + 1)
    shares[visible - visible[0]] = covered[visible]
    return float(shares.mean())


def _named(value: float, largest: dict[str, float]) -> str:
    """The first kind whose largest value, included, is not below."""
    return next(name for name, bound in largest.items() if value <= bound)
