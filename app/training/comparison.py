"""Two networks on the same videos: what each found, scored against what is confirmed, and where they differ. No Qt.

A network's tracks get their class as everywhere else: from the mean of their class scores.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.document.queries import Queries
from app.document.records import Video
from app.document.truth import Truth, confirmed_frames, joined, masks_at, truth_of
from visolo import rle as rle_masks
from visolo.categories import LabelSet, folded_name
from visolo.class_names import classes_by_name
from visolo.evaluation.tracking_metrics import evaluate_tracking
from visolo.evaluation.ytvis_metrics import evaluate
from visolo.io import ytvis
from visolo.results import FrameResult, TrackResult
from visolo.rle import Rle


@dataclass(frozen=True)
class Named:
    """One object in one frame; `track_id` counts from 1, as in the app."""

    track_id: int
    class_name: str
    rle: Rle


class FoundTracks:
    """What a network found in one video, collected frame by frame.

    Args:
        labels: the network's classes.
    """

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels
        self._scores: dict[int, NDArray[np.float64]] = {}
        self._rles: dict[int, dict[int, Rle]] = {}

    def add(self, result: FrameResult) -> None:
        """Take the result of one more frame."""
        for instance in result.instances:
            scores = self._scores.setdefault(instance.track_id, np.zeros(len(instance.class_scores)))
            scores += instance.class_scores
            self._rles.setdefault(instance.track_id, {})[result.frame_index] = instance.rle

    def tracks(self) -> list[TrackResult]:
        """All tracks by track id."""
        found = []
        for track_id, rles in sorted(self._rles.items()):
            mean = self._scores[track_id] / len(rles)
            found.append(TrackResult(track_id, int(mean.argmax()), float(mean.max()), rles))
        return found

    def class_name(self, track: TrackResult) -> str:
        """Name of a track's class."""
        return self.labels.categories[track.category_index].name

    def by_frame(self) -> Mapping[int, list[Named]]:
        """The objects of every frame that has any."""
        found: dict[int, list[Named]] = defaultdict(list)
        for track in self.tracks():
            for frame_index, rle in track.rles.items():
                found[frame_index].append(Named(track.track_id + 1, self.class_name(track), rle))
        return found


@dataclass(frozen=True)
class ComparedVideo:
    """One video and what the old and the new network found in it."""

    video: Video
    old: FoundTracks
    new: FoundTracks


@dataclass(frozen=True)
class SideScores:
    """How one network does against confirmed frames: AP, AP50 and IDF1 in [0, 1], -1 where nothing is annotated."""

    ap: float
    ap50: float
    idf1: float
    id_switches: int


@dataclass(frozen=True)
class Row:
    """Old and new in one video, or in all together.

    Attributes:
        video_id: the video, 0 for all together.
        confirmed_frames: number of wholly confirmed frames, which the scores are about.
        track_counts: tracks found by the old and the new network.
        scores: of the old and the new network; None where no frame is confirmed.
    """

    video_id: int
    confirmed_frames: int
    track_counts: tuple[int, int]
    scores: tuple[SideScores, SideScores] | None


@dataclass(frozen=True)
class Difference:
    """The frame where most pixels have another class in one network's masks than in the other's.

    Attributes:
        pixels: number of such pixels.
        old, new: the objects that each found there.
    """

    video: Video
    frame_index: int
    pixels: int
    old: list[Named]
    new: list[Named]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came of comparing two networks.

    Attributes:
        rows: one for each video; then one for all of them together where several have confirmed frames.
        difference: None where both find the same in every frame.
        picture: (H, W, 3) uint8 RGB of the frame of `difference`; None without it.
    """

    rows: tuple[Row, ...]
    difference: Difference | None = None
    picture: NDArray[np.uint8] | None = None


def score_videos(queries: Queries, videos: Sequence[ComparedVideo]) -> tuple[Row, ...]:
    """A row of numbers for each video, and one for all together where several have confirmed frames."""
    truths = [
        truth_of(queries, compared.video, confirmed_frames(queries, compared.video.video_id)) for compared in videos
    ]
    pairs = list(zip(videos, truths, strict=True))
    rows = [_row(compared.video.video_id, [(compared, truth)]) for compared, truth in pairs]
    if sum(truth is not None for truth in truths) > 1:
        rows.append(_row(0, pairs))
    return tuple(rows)


def largest_difference(videos: Sequence[ComparedVideo], between: Callable[[], object]) -> Difference | None:
    """Where two networks differ most, in pixels.

    Args:
        videos: what they found.
        between: called before every frame; may raise to end the search.
    """
    best: Difference | None = None
    for compared in videos:
        olds, news = compared.old.by_frame(), compared.new.by_frame()
        for frame_index in sorted(olds.keys() | news.keys()):
            between()
            old, new = olds.get(frame_index, []), news.get(frame_index, [])
            pixels = _differing_pixels(old, new)
            if pixels > (best.pixels if best is not None else 0):
                best = Difference(compared.video, frame_index, pixels, old, new)
    return best


def _differing_pixels(old: Sequence[Named], new: Sequence[Named]) -> int:
    """Pixels of a class on one side only, summed over classes."""
    total = 0
    for name in {named.class_name for named in (*old, *new)}:
        sides = [[named.rle for named in side if named.class_name == name] for side in (old, new)]
        alone = sum(rle_masks.area(rle_masks.union(rles)) for rles in sides if rles)
        total += 2 * rle_masks.area(rle_masks.union([rle for rles in sides for rle in rles])) - alone
    return total


def _row(video_id: int, pairs: Sequence[tuple[ComparedVideo, Truth | None]]) -> Row:
    counts = [sum(len(side.tracks()) for side in sides) for sides in _sides([c for c, _ in pairs])]
    known = [(compared, truth) for compared, truth in pairs if truth is not None]
    frame_count = sum(len(truth.frames) for _, truth in known)
    row = Row(video_id, frame_count, (counts[0], counts[1]), None)
    if not known:
        return row
    truths = [truth for _, truth in known]
    old, new = (_scores(truths, side) for side in _sides([compared for compared, _ in known]))
    return Row(video_id, frame_count, row.track_counts, (old, new))


def _sides(videos: Collection[ComparedVideo]) -> tuple[list[FoundTracks], list[FoundTracks]]:
    return [compared.old for compared in videos], [compared.new for compared in videos]


def _scores(truths: Sequence[Truth], found: Sequence[FoundTracks]) -> SideScores:
    """One network's numbers over the confirmed frames of several videos."""
    together = joined(truths)
    entries = [entry for truth, tracks in zip(truths, found, strict=True) for entry in _entries(truth, tracks)]
    metrics, tracking = evaluate(together, entries), evaluate_tracking(together, entries).combined
    has_objects = bool(together.annotations)
    return SideScores(metrics.AP, metrics.AP50, tracking.IDF1 if has_objects else -1.0, tracking.id_switches)


def _entries(truth: Truth, found: FoundTracks) -> list[ytvis.ResultEntry]:
    """Tracks cut to the confirmed frames; classes that the project lacks are left out, as in any evaluation."""
    known = classes_by_name(truth.dataset.categories)
    entries = []
    for track in found.tracks():
        category = known.get(folded_name(found.class_name(track)))
        masks = masks_at(track.rles, truth.frames)
        if category is not None and any(masks):
            entries.append(ytvis.ResultEntry(truth.video_id, category.category_id, track.score, masks))
    return entries
