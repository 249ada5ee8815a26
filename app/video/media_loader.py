"""Opens the frames of the video that is shown, in a worker, and hands them to the cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.projects import MediaFacts, locate_media, mismatch
from app.session import Session
from app.video.frame_cache import FrameCache, Frames
from app.workers.task import Task, TaskQueue, report_progress
from visolo.errors import MediaError

if TYPE_CHECKING:
    from visolo.io.frames import FrameSource


@dataclass(frozen=True, eq=False)
class OpenedMedia:
    """Facts of a video and its open frames, which belong to whoever holds this.

    Attributes:
        times: (n,) float64 seconds from the first frame to each, never falling; None where there is no clock.
    """

    facts: MediaFacts
    frames: Frames
    times: NDArray[np.float64] | None

    def close(self) -> None:
        """Let go of the frames."""
        self.frames.__exit__(None, None, None)


def opened_media(source: Path) -> Iterator[OpenedMedia]:
    """Open a video or image folder; the iterator of a `Task`.

    Raises:
        MediaError: it cannot be read.
    """
    # Imported here: decoders take a tenth of a second that the start of the app should not pay.
    from visolo.io.frames import open_frames

    frames = open_frames(source, report_progress)
    facts = MediaFacts(source, frames.name, len(frames), frames.size, frames.frame_rate, frames.pixel_aspect)
    yield OpenedMedia(facts, frames, _times(frames))


def _times(frames: "FrameSource") -> NDArray[np.float64] | None:
    stamps = [frames.time_of(frame_index) for frame_index in range(len(frames))]
    if any(stamp is None for stamp in stamps):
        return None
    times = np.array(stamps, dtype=np.float64)
    return np.maximum.accumulate(times - times[0])


class MediaLoader(QObject):
    """Keeps the frame cache on the session's video.

    Attributes:
        times: of the video that is shown, see `OpenedMedia`.

    Signals:
        loading_changed: what is being opened; empty when done.
        progressed: how much of it is indexed, in [0, 1].
        ready: the frames are there.
        missing: the Video whose file is not where it was.
        failed: the exception why it cannot be shown.
        warned: a sentence on what is wrong with the file although it can be read.
    """

    loading_changed = Signal(str)
    progressed = Signal(float)
    ready = Signal()
    missing = Signal(object)
    failed = Signal(object)
    warned = Signal(str)

    def __init__(self, session: Session, cache: FrameCache, tasks: TaskQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._cache, self._tasks = session, cache, tasks
        self.times: NDArray[np.float64] | None = None
        self._offered: OpenedMedia | None = None
        self._task: Task | None = None
        session.video_changed.connect(self.load)
        session.project_opened.connect(self._drop_frames)

    def offer(self, media: OpenedMedia) -> None:
        """Use these open frames if the session comes to show their video next."""
        self._drop_offer()
        self._offered = media

    def use_offer(self) -> None:
        """The session shows that video already: show its frames if there are none, else let the offer go."""
        if self._offered is not None and not self._cache.has_source:
            self.load()
        self._drop_offer()

    def load(self) -> None:
        """Open the frames of the session's video."""
        self._drop_frames()
        document, video = self._session.document, self._session.video
        if document is None or video is None:
            return
        source = locate_media(document, video)
        if source is None:
            self.missing.emit(video)
            return
        if self._offered is not None and self._offered.facts.source.resolve() == source.resolve():
            self._take(self._offered)
            return
        self._task = Task(lambda: opened_media(source), self)
        self._task.item_ready.connect(self._take)
        self._task.progressed.connect(self.progressed)
        self._task.failed.connect(self._fail)
        self.loading_changed.emit(video.name)
        self._tasks.start(self._task)

    def cancel(self) -> None:
        """Stop opening."""
        if self._task is not None:
            self._task.cancel()
        self._end_task()

    def _take(self, media: OpenedMedia) -> None:
        if self._is_outdated():
            media.close()
            return
        if media is self._offered:
            self._offered = None
        self._end_task()
        video = self._session.video
        assert video is not None
        problem = mismatch(video, media.facts)
        if problem is not None:
            media.close()
            self.failed.emit(MediaError(f"{problem}; locate the original file to see it"))
            return
        self._cache.set_source(media.frames)
        self.times = media.times
        self.ready.emit()
        for warning in getattr(media.frames, "warnings", ()):
            self.warned.emit(warning)

    def _is_outdated(self) -> bool:
        sender = self.sender()
        return isinstance(sender, Task) and sender is not self._task

    def _fail(self, error: Exception) -> None:
        if not self._is_outdated():
            self._end_task()
            self.failed.emit(error)

    def _drop_frames(self) -> None:
        self.times = None
        self.cancel()
        self._cache.set_source(None)

    def _drop_offer(self) -> None:
        if self._offered is not None:
            self._offered.close()
            self._offered = None

    def _end_task(self) -> None:
        if self._task is not None:
            self._task = None
            self.loading_changed.emit("")
