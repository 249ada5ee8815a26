"""What corrections bought: how far off the predictions were that they mended, against what they cost.

The corrected tracks are the truth here, in the frames that are confirmed; so the numbers are what the model reached
without a person, and what is missing to 1 was bought by the edits and minutes beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from app.document.confirmation import accepted_videos
from app.document.effort import Effort, effort_by_video, work_steps
from app.document.predictions import Predictions, kept_predictions
from app.document.queries import Queries
from app.document.records import Video
from app.document.seen_instances import Progress
from app.document.truth import Truth, confirmed_frames, joined, masks_at, truth_of
from visolo.errors import ProjectError
from visolo.evaluation.identity_matching import TrackCounts
from visolo.evaluation.track_matching import Matches
from visolo.evaluation.tracking_metrics import TrackingScores, count_videos, summarise_tracking
from visolo.evaluation.ytvis_metrics import Scores, match_videos, summarise
from visolo.io import ytvis

ScoredFrames = Literal["confirmed", "all"]


@dataclass(frozen=True)
class GainScores:
    """How the predictions do against the corrected tracks: ratios in [0, 1], -1 where nothing is annotated.

    Attributes:
        id_switches: how often an object changes its identity.
        predicted_tracks, tracks: how many there were, and how many there are now.
    """

    ap: float
    hota: float
    idf1: float
    id_switches: int
    predicted_tracks: int
    tracks: int


@dataclass(frozen=True)
class VideoGain:
    """One video, or all of them together.

    Attributes:
        video_id: 0 for all.
        frame_count: frames that the scores are about.
        scores: None when there are no such frames, or nothing was predicted.
        words: where the predictions come from, or why there are no scores.
    """

    video_id: int
    name: str
    frame_count: int
    scores: GainScores | None
    effort: Effort
    words: str


@dataclass(frozen=True)
class ClassGain:
    """One class over all scored videos."""

    category_id: int
    name: str
    scores: GainScores


@dataclass(frozen=True)
class Gains:
    """What corrections bought in a project.

    Attributes:
        frames: which of the frames count.
        total: over all scored videos; its effort is that spent on them.
        classes: those with tracks on either side.
    """

    frames: ScoredFrames
    videos: tuple[VideoGain, ...]
    total: VideoGain
    classes: tuple[ClassGain, ...]


@dataclass(frozen=True)
class _Scored:
    """A video that can be scored, and the predictions cut to its frames."""

    truth: Truth
    entries: tuple[ytvis.ResultEntry, ...]
    words: str


def measure_gains(
    queries: Queries,
    frames: ScoredFrames = "confirmed",
    given: Mapping[int, Predictions] | None = None,
    progress: Progress = lambda share: None,
) -> Gains:
    """Score what was predicted for every video of a project against what it holds now.

    Args:
        queries: of the project; a snapshot, for a worker thread.
        frames: which count: those that are wholly confirmed, or all that the predictions are about.
        given: predictions by video id; None for those that the project has kept.
        progress: told the share that is done; may raise to stop.

    Raises:
        ProjectError: the project has no video.
    """
    videos = accepted_videos(queries)
    if not videos:
        raise ProjectError(f"{queries.path}: there is no video in this project; add one first")
    efforts = effort_by_video(work_steps(queries))
    found: dict[int, _Scored | str] = {}
    for number, video in enumerate(videos):
        progress(0.5 * number / len(videos))
        predictions = kept_predictions(queries, video.video_id) if given is None else given.get(video.video_id)
        found[video.video_id] = _scored(queries, video, predictions, frames)
    scored = {video_id: one for video_id, one in found.items() if isinstance(one, _Scored)}
    scores, total, classes = _score(list(scored.values()), progress)
    rows = [_row(video, found[video.video_id], scores, efforts) for video in videos]
    spent = sum((row.effort for row in rows if row.scores is not None), Effort())
    frame_count = sum(row.frame_count for row in rows)
    words = "" if scored else "Nothing can be scored yet"
    return Gains(frames, tuple(rows), VideoGain(0, "all scored videos", frame_count, total, spent, words), classes)


def _scored(queries: Queries, video: Video, predictions: Predictions | None, frames: ScoredFrames) -> "_Scored | str":
    """Truth and predictions of one video, or why there are none."""
    if predictions is None:
        return "nothing was predicted for it"
    chosen = range(video.frame_count) if frames == "all" else confirmed_frames(queries, video.video_id)
    within = [index for index in chosen if predictions.frames.first <= index <= predictions.frames.end]
    truth = truth_of(queries, video, within)
    if truth is None:
        return "no frame is confirmed that was predicted, too"
    cut = ((track, masks_at(track.rles, truth.frames)) for track in predictions.tracks)
    entries = tuple(
        ytvis.ResultEntry(video.video_id, track.category_id, track.score, masks) for track, masks in cut if any(masks)
    )
    return _Scored(truth, entries, predictions.words)


def _score(
    scored: Sequence[_Scored], progress: Progress
) -> tuple[dict[int, GainScores], GainScores | None, tuple[ClassGain, ...]]:
    """Scores of each video by id, of all together, and of every class."""
    if not scored:
        return {}, None, ()
    dataset = joined([one.truth for one in scored])
    entries = [entry for one in scored for entry in one.entries]
    matches: dict[tuple[int, int], Matches | None] = {}
    counts: dict[tuple[int, int], TrackCounts] = {}
    by_video: dict[int, GainScores] = {}
    for number, one in enumerate(scored):
        progress(0.5 + 0.5 * number / len(scored))
        own = one.truth.dataset
        found = match_videos(own, one.entries)
        counted = count_videos(own, one.entries)
        matches.update(found)
        counts.update(counted)
        metrics, tracking = summarise(own, one.entries, found), summarise_tracking(own, counted)
        by_video[one.truth.video_id] = _scores(metrics, tracking.combined, len(one.entries))
    metrics, tracking = summarise(dataset, entries, matches), summarise_tracking(dataset, counts)
    classes = []
    for category in metrics.per_category:
        predicted = sum(entry.category_id == category.category_id for entry in entries)
        if (of_class := tracking.per_category.get(category.category_id)) is not None:
            classes.append(ClassGain(category.category_id, category.name, _scores(category, of_class, predicted)))
    return by_video, _scores(metrics, tracking.combined, len(entries)), tuple(classes)


def _scores(metrics: Scores, tracking: TrackingScores, predicted: int) -> GainScores:
    has_objects = tracking.tracks > 0
    hota, idf1 = (tracking.HOTA, tracking.IDF1) if has_objects else (-1.0, -1.0)
    return GainScores(metrics.AP, hota, idf1, tracking.id_switches, predicted, tracking.tracks)


def _row(
    video: Video, found: "_Scored | str", scores: Mapping[int, GainScores], efforts: Mapping[int, Effort]
) -> VideoGain:
    effort = efforts.get(video.video_id, Effort())
    if isinstance(found, str):
        return VideoGain(video.video_id, video.name, 0, None, effort, found)
    frame_count = len(found.truth.frames)
    return VideoGain(video.video_id, video.name, frame_count, scores[video.video_id], effort, found.words)
