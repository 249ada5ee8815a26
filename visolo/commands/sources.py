"""What `track` is given: one video, or all videos of a dataset; and reading their frames one ahead."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from visolo.errors import AnnotationError
from visolo.io.dataset_images import image_roots, require_images
from visolo.io.ytvis import Dataset, Video, read_dataset

if TYPE_CHECKING:
    from visolo.io.frames import FrameSource

SINGLE_VIDEO_ID = 1


@dataclass(frozen=True)
class VideoToTrack:
    """One video to run the network on.

    Attributes:
        video_id: in the results.
        name: for people.
        media: a video file, a folder of images, or the images of all frames.
        size: (height, width) of the masks in pixels; None for that of the frames.
        length: number of frames where it is known already.
    """

    video_id: int
    name: str
    media: Path | tuple[Path, ...]
    size: tuple[int, int] | None
    length: int | None

    @property
    def folder_or_file(self) -> Path:
        """The one path that stands for the video."""
        return self.media if isinstance(self.media, Path) else self.media[0].parent


@dataclass(frozen=True)
class Source:
    """What was given: the videos, and the dataset they are from, if any."""

    videos: tuple[VideoToTrack, ...]
    dataset: Dataset | None


def find_videos(source: Path, images: Path | None = None) -> Source:
    """The videos that a path stands for.

    Args:
        source: a video file, a folder of images, or a dataset JSON.
        images: the folder that a dataset's file names start from; None looks beside the file.

    Raises:
        AnnotationError: a JSON file is no dataset or names no images.
        MediaError: images of a dataset are missing.
    """
    if source.suffix.lower() != ".json":
        return Source((VideoToTrack(SINGLE_VIDEO_ID, source.name or str(source), source, None, None),), None)
    dataset = read_dataset(source)
    if not dataset.videos:
        raise AnnotationError(f"{source}: lists no videos; there is nothing to track")
    roots = image_roots(source, images)
    return Source(tuple(_dataset_video(video, roots, source) for video in dataset.videos), dataset)


def _dataset_video(video: Video, roots: tuple[Path, ...], dataset_path: Path) -> VideoToTrack:
    paths = require_images(video, dataset_path, roots, " or name their folder with --images")
    name = Path(video.file_names[0]).parent.name or f"video {video.video_id}"
    return VideoToTrack(video.video_id, name, paths, video.size, video.length)


class FrameFeed:
    """Frames of one source, read in a thread of its own one ahead of whoever works on them.

    Raises:
        MediaError: by entering and by iterating, when the source cannot be read.
    """

    def __init__(self, media: Path | Sequence[Path]) -> None:
        self._media = media
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="frames")
        self._frames: FrameSource | None = None

    def __enter__(self) -> Self:
        from visolo.io.frames import open_frames

        try:
            self._frames = self._thread.submit(open_frames, self._media).result()
        except BaseException:
            self._thread.shutdown(cancel_futures=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.submit(self.source.close).result()
        self._thread.shutdown()

    @property
    def source(self) -> "FrameSource":
        """The open source, for its size, rate and warnings; reading is left to the iteration."""
        assert self._frames is not None  # entered
        return self._frames

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        upcoming = self._read(0) if len(self.source) else None
        index = 0
        while upcoming is not None:
            frame = upcoming.result()
            index += 1
            upcoming = self._read(index) if index < len(self.source) else None
            yield frame

    def _read(self, frame_index: int) -> Future[NDArray[np.uint8]]:
        return self._thread.submit(self.source.__getitem__, frame_index)
