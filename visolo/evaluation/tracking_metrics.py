"""How well identities are kept: IDF1, ID switches, fragmentations, MOTA and HOTA with masks, per class and in all.

Unlike AP these count every predicted mask alike, whatever its score; leave out doubtful tracks beforehand.
Matching is `visolo.evaluation.identity_matching`, kinds of tracks `visolo.evaluation.track_strata`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo.evaluation.identity_matching import ALPHAS, IOU_THRESHOLD, TrackCounts, VideoOverlaps, count_tracks
from visolo.evaluation.video_iou import TrackMasks, frame_intersections
from visolo.io.ytvis_types import Annotation, Dataset, ResultEntry, Video, mask_areas

_CROWD_SHARE = 0.5  # of a predicted mask on a crowd from which on it counts neither way


@dataclass(frozen=True)
class TrackingScores:
    """Numbers of one class, or of several summed; ratios in [0, 1] (MOTA may be negative), the rest counts.

    HOTA, DetA, AssA and LocA are means over the IoU thresholds 0.05 to 0.95; all others are at IoU 0.5.
    """

    HOTA: float
    DetA: float
    AssA: float
    LocA: float
    IDF1: float
    IDP: float
    IDR: float
    MOTA: float
    id_switches: int
    fragmentations: int
    tracks: int
    masks: int
    predicted_masks: int


@dataclass(frozen=True)
class StratumScores:
    """What can be said of some annotated tracks: how much was found, and by how few identities.

    Wrong predictions belong to no track, so there is no precision here.
    """

    tracks: int
    masks: int
    recall: float
    IDR: float
    AssA: float
    LocA: float
    id_switches: int
    fragmentations: int


@dataclass(frozen=True)
class TrackingMetrics:
    """Numbers of all classes together, of each with masks on either side (by category id), and of kinds of tracks."""

    combined: TrackingScores
    per_category: dict[int, TrackingScores]
    strata: dict[str, StratumScores]

    def to_json(self) -> dict[str, object]:
        """As plain values; `per_category` by category id, and is empty where classes were not told apart."""
        table: dict[str, object] = asdict(self.combined)
        table["per_category"] = {str(key): asdict(scores) for key, scores in self.per_category.items()}
        if self.strata:
            table["strata"] = {name: asdict(scores) for name, scores in self.strata.items()}
        return table


class Strata(NamedTuple):
    """Kinds of annotated tracks.

    Attributes:
        names: of all kinds, in the order to show them.
        kinds_of: the kind of every annotation of one video.
    """

    names: tuple[str, ...]
    kinds_of: Callable[[Video, Sequence[Annotation]], list[str]]


VideoCounts = Mapping[tuple[int, int], TrackCounts]  # by category id (0 where classes do not matter) and video id


def evaluate_tracking(
    dataset: Dataset, results: Sequence[ResultEntry], *, is_class_agnostic: bool = False, by: Strata | None = None
) -> TrackingMetrics:
    """Score predicted tracks against the annotated ones.

    Annotations of crowds are left out, and predicted masks that lie mostly on one and stand for nothing else.

    Args:
        dataset: videos, categories and annotations.
        results: predictions; those of other videos or categories than the dataset's are left out.
        is_class_agnostic: let any predicted track stand for any annotated one of its video.
        by: kinds of annotated tracks to tell apart; None for none.
    """
    counts = count_videos(dataset, results, is_class_agnostic=is_class_agnostic)
    return summarise_tracking(dataset, counts, is_class_agnostic=is_class_agnostic, by=by)


def count_videos(
    dataset: Dataset,
    results: Sequence[ResultEntry],
    video_ids: Collection[int] | None = None,
    *,
    is_class_agnostic: bool = False,
) -> VideoCounts:
    """The costly half of `evaluate_tracking`, which can be done for some videos here and for others elsewhere.

    Args:
        dataset: as for `evaluate_tracking`.
        results: as for `evaluate_tracking`.
        video_ids: the videos to look at; None for all.
        is_class_agnostic: as for `evaluate_tracking`.
    """
    annotations: dict[tuple[int, int], list[Annotation]] = _annotations(dataset, is_class_agnostic=is_class_agnostic)
    entries: dict[tuple[int, int], list[ResultEntry]] = defaultdict(list)
    for entry in results:
        if entry.video_id in dataset.video_by_id and entry.category_id in dataset.category_by_id:
            entries[0 if is_class_agnostic else entry.category_id, entry.video_id].append(entry)
    return {
        key: _count_video(annotations[key], entries[key])
        for key in sorted(annotations.keys() | entries.keys())
        if video_ids is None or key[1] in video_ids
    }


def summarise_tracking(
    dataset: Dataset, counts: VideoCounts, *, is_class_agnostic: bool = False, by: Strata | None = None
) -> TrackingMetrics:
    """The numbers, given the counts of all videos; arguments as for `evaluate_tracking`."""
    by_category: dict[int, list[TrackCounts]] = defaultdict(list)
    for category_id, video_id in sorted(counts):
        by_category[category_id].append(counts[category_id, video_id])
    everything = _joined(count for of_class in by_category.values() for count in of_class)
    return TrackingMetrics(
        _scores(everything),
        {} if is_class_agnostic else {key: _scores(_joined(of_class)) for key, of_class in by_category.items()},
        {} if by is None else _strata(dataset, everything, by, is_class_agnostic=is_class_agnostic),
    )


def _annotations(dataset: Dataset, *, is_class_agnostic: bool) -> dict[tuple[int, int], list[Annotation]]:
    """By category id (0 where classes do not matter) and video id."""
    annotations: dict[tuple[int, int], list[Annotation]] = defaultdict(list)
    for annotation in dataset.annotations:
        annotations[0 if is_class_agnostic else annotation.category_id, annotation.video_id].append(annotation)
    return annotations


def _strata(
    dataset: Dataset, everything: TrackCounts, by: Strata, *, is_class_agnostic: bool
) -> dict[str, StratumScores]:
    kinds = _kinds(dataset, by.kinds_of)
    groups = sorted(_annotations(dataset, is_class_agnostic=is_class_agnostic).items())  # as the tracks are joined
    labels = np.array([kinds[a.annotation_id] for _, group in groups for a in group if not a.iscrowd], dtype=np.str_)
    return {name: _stratum(everything, labels == name) for name in by.names if name in labels}


def _kinds(dataset: Dataset, kinds_of: Callable[[Video, Sequence[Annotation]], list[str]]) -> dict[int, str]:
    """The kind of every annotation by its id; neighbours of other classes matter, too."""
    per_video: dict[int, list[Annotation]] = defaultdict(list)
    for annotation in dataset.annotations:
        per_video[annotation.video_id].append(annotation)
    kinds: dict[int, str] = {}
    for video_id, here in per_video.items():
        names = kinds_of(dataset.video_by_id[video_id], here)
        kinds.update((annotation.annotation_id, name) for annotation, name in zip(here, names, strict=True))
    return kinds


def _count_video(annotations: Sequence[Annotation], entries: Sequence[ResultEntry]) -> TrackCounts:
    crowds = [_masks_of(a) for a in annotations if a.iscrowd]
    tracks = [_masks_of(a) for a in annotations if not a.iscrowd]
    others = [_masks_of(entry) for entry in entries]
    length = max(len(track.areas) for track in (*crowds, *tracks, *others))
    areas, other_areas = _stacked(tracks, length), _stacked(others, length)
    common = _common(tracks, others, length)
    ious = common / np.maximum(areas[:, :, None] + other_areas[:, None] - common, 1)
    on_crowd = _common(crowds, others, length).max(axis=1, initial=0) > _CROWD_SHARE * other_areas  # (T, M)
    is_predicted = (other_areas > 0) & ~(on_crowd & (ious.max(axis=1, initial=0) < IOU_THRESHOLD))
    ious *= is_predicted[:, None]
    return count_tracks(VideoOverlaps(ious, areas > 0, is_predicted))


def _masks_of(track: Annotation | ResultEntry) -> TrackMasks:
    return TrackMasks(track.segmentations, mask_areas(track))


def _common(tracks: Sequence[TrackMasks], others: Sequence[TrackMasks], length: int) -> NDArray[np.int64]:
    """(T, N, M) common pixels, 0 beyond the end of a list."""
    common = np.zeros((length, len(tracks), len(others)), dtype=np.int64)
    if tracks and others:
        found = frame_intersections(tracks, others)
        common[: len(found)] = found
    return common


def _stacked(tracks: Sequence[TrackMasks], length: int) -> NDArray[np.int64]:
    """(T, N) areas, 0 beyond the end of a track."""
    areas = np.zeros((length, len(tracks)), dtype=np.int64)
    for n, track in enumerate(tracks):
        areas[: len(track.areas), n] = track.areas
    return areas


def _joined(counts: Iterable[TrackCounts]) -> TrackCounts:
    """The tracks of several videos in one row."""
    empty = np.zeros(0)
    nothing = TrackCounts._make([*[empty] * 5, *[np.zeros((len(ALPHAS), 0))] * 3, 0])
    columns = list(zip(nothing, *counts, strict=True))
    return TrackCounts._make([*(np.concatenate(column, axis=-1) for column in columns[:-1]), sum(columns[-1])])


def _scores(counts: TrackCounts) -> TrackingScores:
    masks, predicted = float(counts.frames.sum()), float(counts.predicted_masks)
    found, identified = float(counts.found.sum()), float(counts.identified.sum())
    switches = float(counts.switches.sum())
    matched = counts.matched.sum(axis=1)  # (A,)
    detection = matched / np.maximum(1, masks + predicted - matched)
    association = counts.association.sum(axis=1) / np.maximum(1, matched)
    return TrackingScores(
        HOTA=float(np.sqrt(detection * association).mean()),
        DetA=float(detection.mean()),
        AssA=float(association.mean()),
        LocA=_localization(counts, matched),
        IDF1=identified / max(1.0, 0.5 * (masks + predicted)),
        IDP=identified / max(1.0, predicted),
        IDR=identified / max(1.0, masks),
        MOTA=(found - (predicted - found) - switches) / max(1.0, masks),
        id_switches=int(switches),
        fragmentations=int(counts.fragments.sum()),
        tracks=len(counts.frames),
        masks=int(masks),
        predicted_masks=counts.predicted_masks,
    )


def _stratum(everything: TrackCounts, is_in: NDArray[np.bool_]) -> StratumScores:
    counts = TrackCounts._make([*(values[..., is_in] for values in everything[:-1]), 0])
    masks, matched = float(counts.frames.sum()), counts.matched.sum(axis=1)
    return StratumScores(
        tracks=int(is_in.sum()),
        masks=int(masks),
        recall=float(counts.found.sum()) / max(1.0, masks),
        IDR=float(counts.identified.sum()) / max(1.0, masks),
        AssA=float((counts.association.sum(axis=1) / np.maximum(1, matched)).mean()),
        LocA=_localization(counts, matched),
        id_switches=int(counts.switches.sum()),
        fragmentations=int(counts.fragments.sum()),
    )


def _localization(counts: TrackCounts, matched: NDArray[np.float64]) -> float:
    """Mean IoU of what was matched; 1 at thresholds where nothing was."""
    overlap = counts.overlap.sum(axis=1)
    return float(np.divide(overlap, matched, out=np.ones_like(overlap), where=matched > 0).mean())
