"""What a project holds and what its review has cost, in numbers. Reads only."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.document.box_prompts import box_counts
from app.document.confirmation import accepted_videos, review_progress
from app.document.effort import Effort, WorkStep, effort_by_author, effort_by_video, work_steps
from app.document.notes import all_notes
from app.document.queries import Queries
from app.document.records import Note, Origin, Video


@dataclass(frozen=True)
class ClassStatistics:
    """One class: its tracks, and the masks of these."""

    name: str
    tracks: int
    masks: int


@dataclass(frozen=True)
class VideoStatistics:
    """One video.

    Attributes:
        edited_masks: touched by a person.
        confirmed_frames: as a whole.
        confirmed_masks: alone or with their frames.
    """

    video: Video
    tracks: int
    masks: int
    edited_masks: int
    confirmed_frames: int
    confirmed_masks: int
    effort: Effort


@dataclass(eq=False)
class Statistics:
    """A whole project.

    Attributes:
        notes: what people noted on frames, by video and frame.
        rejected_count: videos that are left out of everything here.
        track_lengths: masks of every track.
        mask_sizes: root of every mask's share of its frame, in [0, 1]: the side of a square of its area.
        people: what each spent, by name.
        work_minutes: (n,) minutes of work after which each correction was made, see `effort`.
    """

    videos: list[VideoStatistics] = field(default_factory=list)
    classes: list[ClassStatistics] = field(default_factory=list)
    track_lengths: list[int] = field(default_factory=list)
    mask_sizes: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    notes: list[Note] = field(default_factory=list)
    rejected_count: int = 0
    people: dict[str, Effort] = field(default_factory=dict)
    work_minutes: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def effort(self) -> Effort:
        """Of all videos together."""
        return sum((one.effort for one in self.videos), Effort())

    @property
    def confirmed_share(self) -> float:
        """Of all frames, in [0, 1]."""
        frames = sum(one.video.frame_count for one in self.videos)
        return sum(one.confirmed_frames for one in self.videos) / frames if frames else 0.0


def collect_statistics(queries: Queries) -> Iterator[Statistics]:
    """Count video by video.

    Yields:
        The same value again and again, with one video more; the last is complete.
    """
    videos = accepted_videos(queries)
    found = Statistics(rejected_count=len(queries.videos()) - len(videos))
    counted_ids = {video.video_id for video in videos}
    steps = [step for step in work_steps(queries) if step.video_id in counted_ids]
    efforts = effort_by_video(steps)
    tracks: Counter[int] = Counter()
    masks: dict[int, int] = defaultdict(int)
    sizes = []
    for video in videos:
        boxes = box_counts(queries, video.video_id)
        summaries = [s for s in queries.tracks(video.video_id) if s.frame_count > boxes.get(s.track.track_id, 0)]
        for summary in summaries:
            length = summary.frame_count - boxes.get(summary.track.track_id, 0)
            tracks[summary.track.category_id] += 1
            masks[summary.track.category_id] += length
            found.track_lengths.append(length)
        progress = review_progress(queries, video.video_id)
        edited = sum(summary.edited_count for summary in summaries)
        counts = len(summaries), progress.instance_count - sum(boxes.values()), edited
        confirmed = progress.confirmed_frames, progress.confirmed_instances
        found.videos.append(VideoStatistics(video, *counts, *confirmed, efforts.get(video.video_id, Effort())))
        sizes.append(_sizes(queries, video))
        yield found
    found.classes = [ClassStatistics(c.name, tracks[c.category_id], masks[c.category_id]) for c in queries.categories()]
    found.mask_sizes = np.concatenate([np.zeros(0), *sizes])
    found.notes = [note for note in all_notes(queries) if note.video_id in counted_ids]
    found.people = effort_by_author(steps)
    found.work_minutes = _work_minutes(steps)
    yield found


def _sizes(queries: Queries, video: Video) -> NDArray[np.float64]:
    sql = "SELECT area FROM cells JOIN masks USING (mask_id) WHERE video_id = ? AND origin != ?"
    rows = queries.rows(sql, video.video_id, int(Origin.BOX))
    areas = np.fromiter((row[0] for row in rows), np.float64, len(rows))
    return np.asarray(np.sqrt(areas / (video.height * video.width)))


def _work_minutes(steps: Sequence[WorkStep]) -> NDArray[np.float64]:
    ends = np.cumsum([step.seconds for step in steps]) / 60
    return np.asarray(ends[[bool(step.correction) for step in steps]] if steps else ends)
