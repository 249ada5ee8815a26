"""Export off the GUI thread: what there is to export, and the export itself, both from snapshots of the project."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.document.exchange import POLICIES, ExportedFrames, ExportOptions, export_dataset
from app.document.export_plan import planned_entries
from app.document.queries import Queries, snapshot
from app.workers.task import Task, report_progress


@dataclass(frozen=True)
class VideoContents:
    """What one video would add to a dataset under one policy.

    Attributes:
        entry_count: videos that it becomes; 0 when nothing of it is exported.
        track_counts: number of tracks by category id of the project.
        frame_count: frames of these.
    """

    video_id: int
    frames: ExportedFrames
    entry_count: int
    track_counts: Mapping[int, int]
    frame_count: int


def contents_task(project: Path) -> Task:
    """A task whose items are the `VideoContents` of every video under every policy."""
    return Task(partial(_contents, project))


def export_task(document: Queries, options: ExportOptions) -> Task:
    """A task that writes a dataset; its items are `Progress`. Cancelled or failed it leaves nothing behind.

    Args:
        document: the open project; only its path is used on the other thread.
        options: what to export.
    """
    return Task(partial(export_dataset, document, options, report_progress))


def _contents(project: Path) -> Iterator[VideoContents]:
    with snapshot(project) as queries:
        for video in queries.videos():
            for frames in POLICIES:
                entries = planned_entries(queries, ExportOptions(project, frames=frames), [video])
                counts = Counter(track.category_id for entry in entries for track in entry.tracks)
                frame_count = sum(len(entry.frame_indices) for entry in entries)
                yield VideoContents(video.video_id, frames, len(entries), counts, frame_count)
