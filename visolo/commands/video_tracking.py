"""Running the network over one video for whichever command wants it; nothing of a video stays but its tracks."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from visolo.class_names import classes_by_name, counterpart
from visolo.commands.console import warn
from visolo.commands.engine import Engine
from visolo.commands.sources import FrameFeed, VideoToTrack
from visolo.config import InferenceConfig
from visolo.errors import ConfigError
from visolo.io.ytvis import Dataset, ResultEntry
from visolo.results import FrameResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tqdm import tqdm

    from visolo.inference.segmenter import OnlineSegmenter


class FrameSink(Protocol):
    """Takes the results of one video as they come."""

    def add(self, frame: "NDArray[np.uint8]", result: FrameResult) -> None:
        """Take one frame, (H, W, 3) uint8 RGB, and what was found in it."""


Sinks = Callable[[VideoToTrack, FrameFeed, tuple[int, int]], Iterator[AbstractContextManager[FrameSink]]]


@dataclass(frozen=True)
class TrackingJob:
    """Everything that is the same for all videos.

    Attributes:
        engine: the network.
        config: rules of tracking.
        category_ids: category id in the results by class index of the network; classes without one are left out.
        size: (height, width) of the masks in pixels; None for that of the dataset, or else of the frames.
        sinks: take the frames of a video, given its feed and the size of its masks.
        links_by_evidence: see `OnlineSegmenter`.
    """

    engine: Engine
    config: InferenceConfig
    category_ids: Mapping[int, int]
    size: tuple[int, int] | None = None
    sinks: Sinks | None = None
    links_by_evidence: bool = False


@dataclass(frozen=True)
class TrackedVideo:
    """What was found in one video.

    Attributes:
        entries: its tracks.
        frame_count: number of its frames.
        seconds: that the network and the rules took, without reading frames.
    """

    entries: tuple[ResultEntry, ...]
    frame_count: int
    seconds: float


def track_video(job: TrackingJob, video: VideoToTrack, bar: "tqdm[Any]") -> TrackedVideo:
    """Track one video.

    Args:
        job: what to track with.
        video: what to track.
        bar: hears of every frame; its total grows by the frames of a video whose length was not known.

    Raises:
        MediaError: a frame cannot be read.
        DeviceError: the device ran out of memory.
    """
    from visolo.inference.segmenter import OnlineSegmenter

    bar.set_description(video.name[-30:])
    with ExitStack() as stack:
        feed = stack.enter_context(FrameFeed(video.media))
        if video.length is None:
            bar.total = (bar.total or 0) + len(feed.source)
        _compare_sizes(job, video, feed)
        size = job.size or video.size or feed.source.size
        segmenter = OnlineSegmenter(job.engine.model, job.config, size, links_by_evidence=job.links_by_evidence)
        sinks = [stack.enter_context(sink) for sink in job.sinks(video, feed, size)] if job.sinks else []
        frame_count, seconds = _step_all(feed, segmenter, sinks, bar)
        for text in feed.source.warnings:
            warn(text)
    return TrackedVideo(tuple(_entries(job, video, segmenter, frame_count)), frame_count, seconds)


def category_ids_by_name(engine: Engine, dataset: Dataset, where: Path | str) -> Mapping[int, int]:
    """The dataset's category id by class index of the network, for the classes that both know by a name.

    Raises:
        ConfigError: there is none.
    """
    known = classes_by_name(dataset.categories)
    found = {i: counterpart(category, known) for i, category in enumerate(engine.label_set.categories)}
    matched = {i: category.category_id for i, category in found.items() if category is not None}
    if not matched:
        raise ConfigError(f"{where}: shares no class name with the model's {engine.label_set.name}")
    return matched


def _compare_sizes(job: TrackingJob, video: VideoToTrack, feed: FrameFeed) -> None:
    if video.size is None or job.size is not None or video.size == feed.source.size:
        return
    (height, width), (stated_height, stated_width) = feed.source.size, video.size
    warn(
        f"{video.folder_or_file}: its images are {width} x {height} px, the dataset says {stated_width} x "
        f"{stated_height} for video {video.video_id}; masks are written at the dataset's size (--size names another)"
    )


def _step_all(
    feed: FrameFeed, segmenter: "OnlineSegmenter", sinks: list[FrameSink], bar: "tqdm[Any]"
) -> tuple[int, float]:
    """Run all frames of one video; how many there were, and seconds of computing."""
    from visolo.device import device_errors

    frame_count, seconds = 0, 0.0
    for frame in feed:
        started = time.perf_counter()
        with device_errors():
            result = segmenter.step(frame)
        seconds += time.perf_counter() - started
        for sink in sinks:
            sink.add(frame, result)
        frame_count += 1
        bar.update()
    return frame_count, seconds


def _entries(
    job: TrackingJob, video: VideoToTrack, segmenter: "OnlineSegmenter", frame_count: int
) -> Iterator[ResultEntry]:
    for track in segmenter.tracks():
        category_id = job.category_ids.get(track.category_index)
        if category_id is not None:
            masks = tuple(track.rles.get(index) for index in range(frame_count))
            yield ResultEntry(video.video_id, category_id, track.score, masks)
