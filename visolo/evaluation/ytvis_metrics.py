"""Video AP and AR of YouTube-VIS: the twelve official numbers, on RLE.

Source: the semantics of youtubevos/cocoapi f3f9948 (`YTVOSeval`, iouType segm), written anew.
Departs from official: no predictions give zeros, and lists of different length and masks of different size are
punished, not rewarded; `official_quirks` brings the official behaviour back.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo.evaluation.track_matching import (
    AREA_RANGES,
    IOU_THRESHOLDS,
    GroundTruth,
    Matches,
    match_tracks,
    merge_matches,
)
from visolo.evaluation.video_iou import TrackMasks, mean_area, video_ious
from visolo.io.ytvis_types import Annotation, Dataset, ResultEntry

RECALL_POINTS: NDArray[np.float64] = np.linspace(0.0, 1.0, 101)
_MOST = (1, 10, 100)  # predictions of one video and class that count for AR1, AR10, and all else
_EPSILON = float(np.spacing(1))
_ALL, _SMALL, _MEDIUM, _LARGE = range(len(AREA_RANGES))


@dataclass(frozen=True)
class Scores:
    """The twelve numbers, each in [0, 1], or -1 when there is nothing to average."""

    AP: float
    AP50: float
    AP75: float
    APs: float
    APm: float
    APl: float
    AR1: float
    AR10: float
    AR100: float
    ARs: float
    ARm: float
    ARl: float


@dataclass(frozen=True)
class CategoryScores(Scores):
    """The twelve numbers of one class."""

    category_id: int
    name: str


@dataclass(frozen=True)
class Metrics(Scores):
    """The twelve numbers of a dataset, and of each of its classes in ascending category id."""

    per_category: tuple[CategoryScores, ...]

    def to_json(self) -> dict[str, object]:
        """The numbers under their official names; `per_category` by category id."""
        table: dict[str, object] = asdict(self)
        categories = [asdict(category) for category in self.per_category]
        table["per_category"] = {str(category.pop("category_id")): category for category in categories}
        return table


class _Curves(NamedTuple):
    """What one class, or several stacked, reached; -1 where a class has no annotation in an area range.

    Attributes:
        precision: (K, A, T, R) at the recall points, 100 predictions per video.
        recall: (K, A, T) final recall at 100.
        recall_1: (K, T) final recall at 1, all areas.
        recall_10: (K, T) final recall at 10, all areas.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    recall_1: NDArray[np.float64]
    recall_10: NDArray[np.float64]


def evaluate(dataset: Dataset, results: Sequence[ResultEntry], *, official_quirks: bool = False) -> Metrics:
    """Score predicted tracks against the annotated ones.

    Args:
        dataset: videos, categories and annotations.
        results: predictions; those of other videos or categories than the dataset's are left out.
        official_quirks: reproduce what the official code does with lists of different length, masks of different size,
            and an annotation with id 0.
    """
    annotations = _grouped(dataset.annotations)
    entries = _grouped(results)
    video_ids = sorted(dataset.video_by_id)
    curves = []
    for category_id in sorted(dataset.category_by_id):
        keys = [(video_id, category_id) for video_id in video_ids]
        parts = [
            _match_video(annotations[key], entries[key], official_quirks=official_quirks)
            for key in keys
            if key in annotations or key in entries
        ]
        curves.append(_curves(parts))
    return _summarise(dataset, curves)


def _grouped(items: Sequence) -> Mapping[tuple[int, int], list]:
    groups: dict[tuple[int, int], list] = defaultdict(list)
    for item in items:
        groups[item.video_id, item.category_id].append(item)
    return groups


def _match_video(
    annotations: Sequence[Annotation], entries: Sequence[ResultEntry], *, official_quirks: bool
) -> Matches:
    """Matches of one video and class."""
    best = sorted(entries, key=lambda entry: -entry.score)[: _MOST[-1]]  # stable: file order decides between equals
    tracks = [TrackMasks(entry.segmentations) for entry in best]
    truth = GroundTruth(
        ids=np.array([a.annotation_id for a in annotations], dtype=np.int64),
        is_crowd=np.array([a.iscrowd for a in annotations], dtype=np.bool_),
        areas=np.array([mean_area(a.areas) for a in annotations], dtype=np.float64),
    )
    if best and annotations:
        others = [TrackMasks(a.segmentations) for a in annotations]
        ious = video_ious(tracks, others, official_quirks=official_quirks)
    else:
        ious = np.zeros((len(best), len(annotations)))
    scores = np.array([entry.score for entry in best], dtype=np.float64)
    areas = np.array([track.mean_area for track in tracks], dtype=np.float64)
    return match_tracks(scores, areas, truth, ious, official_quirks=official_quirks)


def _curves(parts: Sequence[Matches]) -> _Curves:
    """Precision and recall of one class from its videos."""
    ranges, thresholds = len(AREA_RANGES), len(IOU_THRESHOLDS)
    precision = np.full((ranges, thresholds, len(RECALL_POINTS)), -1.0)
    recalls = {most: np.full((ranges, thresholds), -1.0) for most in _MOST}
    if parts:
        merged = merge_matches(parts, _MOST[-1])
        for index in np.flatnonzero(merged.positives).tolist():
            for most in _MOST:
                recalls[most][index] = _final_recall(parts, index, most)
            precision[index] = _precision(merged, index)
    return _Curves(precision, recalls[100], recalls[1][_ALL], recalls[10][_ALL])


def _final_recall(parts: Sequence[Matches], index: int, most: int) -> NDArray[np.float64]:
    """(T,) share of the annotations found by the first `most` predictions of each video, in one area range."""
    found = sum((p.is_matched & ~p.is_ignored)[index, :, :most].sum(axis=1) for p in parts)
    return np.asarray(found / sum(int(p.positives[index]) for p in parts), dtype=np.float64)


def _precision(merged: Matches, index: int) -> NDArray[np.float64]:
    """(T, R) precision at the recall points in one area range, made non-increasing."""
    counts = ~merged.is_ignored[index]
    right = np.cumsum(merged.is_matched[index] & counts, axis=1, dtype=np.float64)  # (T, N)
    wrong = np.cumsum(~merged.is_matched[index] & counts, axis=1, dtype=np.float64)
    recall = right / merged.positives[index]
    precision = right / (wrong + right + _EPSILON)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    sampled = np.zeros((len(recall), len(RECALL_POINTS)))
    for row, recall_row, precision_row in zip(sampled, recall, precision, strict=True):
        positions = np.searchsorted(recall_row, RECALL_POINTS, side="left")
        reached = positions < recall_row.size
        row[reached] = precision_row[positions[reached]]
    return sampled


def _summarise(dataset: Dataset, curves: Sequence[_Curves]) -> Metrics:
    categories = [dataset.category_by_id[category_id] for category_id in sorted(dataset.category_by_id)]
    per_category = tuple(
        CategoryScores(**_twelve([curve]), category_id=category.category_id, name=category.name)
        for category, curve in zip(categories, curves, strict=True)
    )
    return Metrics(**_twelve(curves), per_category=per_category)


def _twelve(curves: Sequence[_Curves]) -> dict[str, float]:
    """The twelve numbers as means over the classes that have annotations."""
    if not curves:
        return dict.fromkeys((field for field in Scores.__dataclass_fields__), -1.0)
    precision, recall, recall_1, recall_10 = (np.stack(arrays) for arrays in zip(*curves, strict=True))
    return {
        "AP": _mean(precision[:, _ALL]),
        "AP50": _mean(precision[:, _ALL, 0]),
        "AP75": _mean(precision[:, _ALL, 5]),
        "APs": _mean(precision[:, _SMALL]),
        "APm": _mean(precision[:, _MEDIUM]),
        "APl": _mean(precision[:, _LARGE]),
        "AR1": _mean(recall_1),
        "AR10": _mean(recall_10),
        "AR100": _mean(recall[:, _ALL]),
        "ARs": _mean(recall[:, _SMALL]),
        "ARm": _mean(recall[:, _MEDIUM]),
        "ARl": _mean(recall[:, _LARGE]),
    }


def _mean(values: NDArray[np.float64]) -> float:
    counted = values[values > -1]
    return float(counted.mean()) if counted.size else -1.0
