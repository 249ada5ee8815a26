"""Comparing old and new weights: both track the chosen videos in a model process of their own, one after the other.

The project is read and never changed. Scores and the picture are made in a thread, in `app.training.comparison`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.document.queries import snapshot
from app.document.records import Video
from app.run_choice import RunChoice
from app.training.comparison import ComparedVideo, Comparison, Difference, FoundTracks, largest_difference, score_videos
from app.workers.engine_link import EngineLink
from app.workers.engine_messages import Ended, Failed, Landed, RunRequest, Started, Taken
from app.workers.task import Task, TaskQueue, check_canceled
from visolo.errors import DeviceError, VisoloError
from visolo.io.frames import open_frames

_MOST_AHEAD = 32


@dataclass(frozen=True)
class VideoToCompare:
    """A video of the project, and where its frames are now."""

    video: Video
    source: Path


@dataclass(frozen=True)
class ComparisonProgress:
    """Frames done, of all for both weights, and what is being done in words."""

    done: int
    total: int
    text: str


@dataclass(frozen=True)
class _Job:
    """One network over one video."""

    video: VideoToCompare
    choice: RunChoice
    is_new: bool


class ComparisonControl(QObject):
    """Owns one comparison at a time; ends in exactly one of succeeded, failed and canceled.

    Signals:
        progressed: a `ComparisonProgress`.
        succeeded: the `Comparison`.
        failed: the exception that ended it.
        canceled: it was given up.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    canceled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = EngineLink(self)
        self._link.message_received.connect(self._receive)
        self._link.process_died.connect(self._report_death)
        self._tasks = TaskQueue(self)
        self._project = Path()
        self._videos: Sequence[VideoToCompare] = ()
        self._jobs: list[_Job] = []
        self._found: dict[tuple[int, bool], FoundTracks] = {}
        self._number = self._done = self._taken = 0
        self.is_active = False

    def start(self, project: Path, videos: Sequence[VideoToCompare], old: RunChoice, new: RunChoice) -> None:
        """Let both weights track all videos, then compare.

        Args:
            project: where the confirmed content is read.
            videos: at least one.
            old: weights and rules of the one side.
            new: those of the other.
        """
        assert not self.is_active
        self.is_active = True
        self._project, self._videos = project, videos
        self._jobs = [_Job(video, choice, choice is new) for choice in (old, new) for video in videos]
        self._found.clear()
        self._done = 0
        self._next()

    def cancel(self) -> None:
        """Give it up."""
        if self.is_active:
            self._rest()
            self.canceled.emit()

    def close(self) -> None:
        """Give it up without a word, and wait until everything has ended."""
        self._rest()

    def _next(self) -> None:
        if not self._jobs:
            self._link.close()
            self._compare()
            return
        job = self._jobs[0]
        self._number += 1
        self._taken = 0
        video = job.video.video
        size = (video.height, video.width)
        self._link.request(
            RunRequest(self._number, self._project, video.video_id, job.video.source, size, 0, job.choice, _MOST_AHEAD)
        )
        self._tell()

    def _receive(self, message: object) -> None:
        # One that was given up may still be sending.
        if getattr(message, "number", None) != self._number or not self._jobs:
            return
        key = self._jobs[0].video.video.video_id, self._jobs[0].is_new
        if isinstance(message, Started):
            self._found[key] = FoundTracks(message.label_set)
        elif isinstance(message, Landed):
            self._found[key].add(message.result)
            self._done += 1
            self._taken += 1
            self._link.order(Taken(self._taken))
            self._tell()
        elif isinstance(message, Ended):
            self._jobs.pop(0)
            self._next()
        elif isinstance(message, Failed):
            self._fail(VisoloError(message.sentence))

    def _tell(self) -> None:
        job = self._jobs[0]
        side = "new" if job.is_new else "old"
        total = 2 * sum(video.video.frame_count for video in self._videos)
        self.progressed.emit(ComparisonProgress(self._done, total, f"The {side} weights on {job.video.video.name}"))

    def _compare(self) -> None:
        videos = [
            ComparedVideo(v.video, self._found[v.video.video_id, False], self._found[v.video.video_id, True])
            for v in self._videos
        ]
        total = 2 * sum(video.video.frame_count for video in self._videos)
        self.progressed.emit(ComparisonProgress(total, total, "Comparing"))
        sources = {v.video.video_id: v.source for v in self._videos}
        task = Task(partial(_comparison, self._project, videos, sources), self)
        task.item_ready.connect(self._finish)
        task.failed.connect(self._fail)
        self._tasks.start(task)

    def _finish(self, comparison: Comparison) -> None:
        if self.is_active:
            self._rest()
            self.succeeded.emit(comparison)

    def _fail(self, error: Exception) -> None:
        if self.is_active:
            self._rest()
            self.failed.emit(error)

    def _report_death(self, exit_code: int) -> None:
        sentence = (
            f"the model's process ended by itself (code {exit_code}), perhaps out of memory; compare fewer videos"
        )
        self._fail(DeviceError(sentence))

    def _rest(self) -> None:
        """Nothing is going on any more; what is still under way is not listened to."""
        self.is_active = False
        self._jobs.clear()
        self._number += 1
        self._link.close(wait_s=0)  # it writes nothing, so nothing is lost
        self._tasks.close()


def _comparison(project: Path, videos: Sequence[ComparedVideo], sources: dict[int, Path]) -> Iterator[Comparison]:
    with snapshot(project) as queries:
        rows = score_videos(queries, videos)
    check_canceled()
    difference = largest_difference(videos, check_canceled)
    yield Comparison(rows, difference, _picture(difference, sources) if difference is not None else None)


def _picture(difference: Difference, sources: dict[int, Path]) -> NDArray[np.uint8]:
    with open_frames(sources[difference.video.video_id]) as frames:
        return frames[difference.frame_index]
