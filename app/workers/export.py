"""Export off the GUI thread: what there is to export, and the export itself, both from snapshots of the project."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.document.exchange import ExportOptions, export_dataset
from app.document.queries import Queries, snapshot
from app.workers.task import Task


@dataclass(frozen=True)
class VideoContents:
    """What one video would add to a dataset.

    Attributes:
        track_counts: number of tracks by category id of the project.
        frame_count: frames of the video.
    """

    video_id: int
    track_counts: Mapping[int, int]
    frame_count: int


def contents_task(project: Path) -> Task:
    """A task whose items are the `VideoContents` of every video."""
    return Task(partial(_contents, project))


def export_task(document: Queries, options: ExportOptions) -> Task:
    """A task that writes a dataset; its items are `Progress`. Cancelled or failed it leaves nothing behind.

    Args:
        document: the open project; only its path is used on the other thread.
        options: what to export.
    """
    return Task(partial(export_dataset, document, options))


def _contents(project: Path) -> Iterator[VideoContents]:
    with snapshot(project) as queries:
        for video in queries.videos():
            counts = Counter(summary.track.category_id for summary in queries.tracks(video.video_id))
            yield VideoContents(video.video_id, counts, video.frame_count)
