"""Two projects compared in a thread: ours as it is now, theirs as it lies there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.document.project_merge.plan import ProjectMerge, VideoMerge, compare_projects
from app.document.project_merge.their_project import read, readable
from app.document.queries import snapshot
from app.workers.task import report_progress


@dataclass(frozen=True)
class MergeAnswer:
    """What was found.

    Attributes:
        coming: how much of each video comes over, in words, in the order of the videos.
    """

    merge: ProjectMerge
    coming: tuple[str, ...]
    is_empty: bool


@dataclass(frozen=True)
class MergeQuestion:
    """Which projects to compare; called by `Task`, it gives one item, the `MergeAnswer`.

    Attributes:
        folder: empty, for a copy of theirs where that can't be read as it is.
    """

    ours: Path
    theirs: Path
    folder: Path

    def __call__(self) -> Iterator[MergeAnswer]:
        """The answer, in the thread that iterates."""
        file = readable(self.ours, self.theirs, self.folder)
        with snapshot(self.ours) as ours, read(file) as theirs:
            merge = compare_projects(ours, theirs, report_progress)
        yield MergeAnswer(merge, tuple(map(_coming, merge.videos)), merge.is_empty())


def _coming(video: VideoMerge) -> str:
    return str(video.coming()) if video.their_id else ""
