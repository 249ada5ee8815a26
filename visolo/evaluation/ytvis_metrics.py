"""Video AP and AR of YouTube-VIS: the twelve official numbers, on RLE.

Source: the semantics of youtubevos/cocoapi f3f9948 (`YTVOSeval`, iouType segm), written anew.
Departs from official: no predictions give zeros, and lists of different length and masks of different size are
punished, not rewarded; `official_quirks` brings the official behaviour back.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo.evaluation.track_matching import AREA_RANGES, IOU_THRESHOLDS, GroundTruth, Matches, is_outside, match_tracks
from visolo.evaluation.video_iou import TrackMasks, mean_area, video_ious
from visolo.io.ytvis_types import Annotation, Dataset, ResultEntry, mask_areas

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


class _Outcome(NamedTuple):
    """The predictions of one class over all videos, N together, best score first.

    Attributes:
        ranks: (N,) position among the predictions of its own video.
        is_right: (A, T, N) stands for an annotation that counts.
        is_wrong: (A, T, N) stands for none, and counts.
        positives: (A,) annotations that should be found.
    """

    ranks: NDArray[np.int64]
    is_right: NDArray[np.bool_]
    is_wrong: NDArray[np.bool_]
    positives: NDArray[np.int64]


class _SortedOut(NamedTuple):
    """Annotations and predictions by category id, then video id."""

    annotations: Mapping[int, Mapping[int, list[Annotation]]]
    entries: Mapping[int, Mapping[int, list[ResultEntry]]]


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


VideoMatches = Mapping[tuple[int, int], Matches | None]  # by category id and video id; None: no prediction matches


def evaluate(dataset: Dataset, results: Sequence[ResultEntry], *, official_quirks: bool = False) -> Metrics:
    """Score predicted tracks against the annotated ones.

    Args:
        dataset: videos, categories and annotations.
        results: predictions; those of other videos or categories than the dataset's are left out.
        official_quirks: reproduce what the official code does with lists of different length, masks of different size,
            and an annotation with id 0.
    """
    return summarise(dataset, results, match_videos(dataset, results, official_quirks=official_quirks))


def match_videos(
    dataset: Dataset,
    results: Sequence[ResultEntry],
    video_ids: Collection[int] | None = None,
    *,
    official_quirks: bool = False,
) -> VideoMatches:
    """The costly half of `evaluate`, which can be done for some videos here and for others elsewhere.

    Args:
        dataset: as for `evaluate`.
        results: as for `evaluate`.
        video_ids: the videos to match; None for all.
        official_quirks: as for `evaluate`.
    """
    annotations, entries = _sorted_out(dataset, results)
    matches: dict[tuple[int, int], Matches | None] = {}
    for category_id in dataset.category_by_id:
        for video_id, here in entries[category_id].items():
            truth = annotations[category_id].get(video_id)
            if truth and (video_ids is None or video_id in video_ids):
                ious = _ious(_best(here), truth, official_quirks=official_quirks)
                matches[category_id, video_id] = match_tracks(
                    ious, _ground_truth(truth), official_quirks=official_quirks
                )
    return matches


def summarise(dataset: Dataset, results: Sequence[ResultEntry], matches: VideoMatches) -> Metrics:
    """The numbers, given the matches of all videos."""
    return _summarise(dataset, list(_curves_by_category(dataset, results, matches).values()))


def precision_curves(
    dataset: Dataset, results: Sequence[ResultEntry], matches: VideoMatches
) -> dict[int, NDArray[np.float64]]:
    """Precision at `RECALL_POINTS` for every IoU threshold, all sizes, by category id in ascending order.

    Returns:
        (T, R) float64 in [0, 1] each; classes without annotations are left out.
    """
    curves = _curves_by_category(dataset, results, matches)
    return {key: curve.precision[_ALL] for key, curve in curves.items() if curve.precision[_ALL].min() > -1}


def _curves_by_category(
    dataset: Dataset, results: Sequence[ResultEntry], matches: VideoMatches
) -> dict[int, "_Curves"]:
    annotations, entries = _sorted_out(dataset, results)
    return {
        category_id: _curves(
            _outcome(
                annotations[category_id],
                entries[category_id],
                {video_id: matches.get((category_id, video_id)) for video_id in entries[category_id]},
            )
        )
        for category_id in sorted(dataset.category_by_id)
    }


def _sorted_out(dataset: Dataset, results: Sequence[ResultEntry]) -> "_SortedOut":
    annotations: dict[int, dict[int, list[Annotation]]] = defaultdict(lambda: defaultdict(list))
    for annotation in dataset.annotations:
        annotations[annotation.category_id][annotation.video_id].append(annotation)
    entries: dict[int, dict[int, list[ResultEntry]]] = defaultdict(lambda: defaultdict(list))
    for entry in results:
        if entry.video_id in dataset.video_by_id:
            entries[entry.category_id][entry.video_id].append(entry)
    return _SortedOut(annotations, entries)


def _outcome(
    annotations: Mapping[int, Sequence[Annotation]],
    entries: Mapping[int, Sequence[ResultEntry]],
    matches: Mapping[int, Matches | None],
) -> _Outcome:
    """The predictions of one class in one row; annotations, predictions and matches by video id."""
    best = {video_id: _best(entries[video_id]) for video_id in sorted(entries)}
    predictions = [entry for video_entries in best.values() for entry in video_entries]
    shape = (len(AREA_RANGES), len(IOU_THRESHOLDS), len(predictions))
    is_matched, is_ignored = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    start = 0
    for video_id, video_entries in best.items():
        here = slice(start, start + len(video_entries))
        start = here.stop
        found = matches[video_id]
        if found is not None:
            is_matched[..., here], is_ignored[..., here] = found
    scores = np.array([entry.score for entry in predictions], dtype=np.float64)
    ranks = np.array([rank for video_entries in best.values() for rank in range(len(video_entries))], dtype=np.int64)
    areas = np.array([mean_area(mask_areas(entry)) for entry in predictions], dtype=np.float64)
    is_ignored |= ~is_matched & is_outside(areas)[:, None, :]
    order = np.argsort(-scores, kind="stable")
    truth = _ground_truth([annotation for video in annotations.values() for annotation in video])
    return _Outcome(
        ranks[order],
        (is_matched & ~is_ignored)[..., order],
        (~is_matched & ~is_ignored)[..., order],
        (~truth.is_ignored()).sum(axis=1, dtype=np.int64),
    )


def _best(entries: Sequence[ResultEntry]) -> list[ResultEntry]:
    """The predictions of one video and class that count, best first."""
    return sorted(entries, key=_by_score)[: _MOST[-1]]  # stable: file order of equals


def _by_score(entry: ResultEntry) -> float:
    return -entry.score


def _ious(
    entries: Sequence[ResultEntry], annotations: Sequence[Annotation], *, official_quirks: bool
) -> NDArray[np.float64]:
    """(N, M) overlaps; 0 also where no threshold can be reached."""
    tracks, others = (
        [TrackMasks(track.segmentations, mask_areas(track)) for track in group] for group in (entries, annotations)
    )
    return video_ious(tracks, others, at_least=float(IOU_THRESHOLDS[0]), official_quirks=official_quirks)


def _ground_truth(annotations: Sequence[Annotation]) -> GroundTruth:
    return GroundTruth(
        ids=np.array([a.annotation_id for a in annotations], dtype=np.int64),
        is_crowd=np.array([a.iscrowd for a in annotations], dtype=np.bool_),
        areas=np.array([mean_area(a.areas) for a in annotations], dtype=np.float64),
    )


def _curves(outcome: _Outcome) -> _Curves:
    """Precision and recall of one class."""
    ranges, thresholds = len(AREA_RANGES), len(IOU_THRESHOLDS)
    precision = np.full((ranges, thresholds, len(RECALL_POINTS)), -1.0)
    recalls = {most: np.full((ranges, thresholds), -1.0) for most in _MOST}
    for index in np.flatnonzero(outcome.positives).tolist():
        for most in _MOST:
            found = outcome.is_right[index][:, outcome.ranks < most].sum(axis=1)
            recalls[most][index] = found / outcome.positives[index]
        precision[index] = _precision(outcome.is_right[index], outcome.is_wrong[index], outcome.positives[index])
    return _Curves(precision, recalls[100], recalls[1][_ALL], recalls[10][_ALL])


def _precision(is_right: NDArray[np.bool_], is_wrong: NDArray[np.bool_], positives: np.int64) -> NDArray[np.float64]:
    """(T, R) precision at the recall points, made non-increasing, from (T, N) decisions."""
    right = np.cumsum(is_right, axis=1, dtype=np.float64)
    wrong = np.cumsum(is_wrong, axis=1, dtype=np.float64)
    recall = right / positives
    precision = right / (wrong + right + _EPSILON)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    sampled = np.zeros((len(recall), len(RECALL_POINTS)))
    for row, recall_row, precision_row in zip(sampled, recall, precision, strict=True):
        positions = np.searchsorted(recall_row, RECALL_POINTS, side="left")
        reached = np.count_nonzero(positions < recall_row.size)  # the first so many: positions do not decrease
        row[:reached] = precision_row[positions[:reached]]
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
