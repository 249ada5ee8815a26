"""Where the frames of a dataset are: images, or frames of the video that an export without images is of."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo.errors import AnnotationError, MediaError
from visolo.io.dataset_images import find_images, image_roots
from visolo.io.frames import FrameSource, open_frames
from visolo.io.ytvis_types import Video


class VideoFrame(NamedTuple):
    """One frame of a video file."""

    path: Path
    frame_index: int

    def __str__(self) -> str:
        return f"{self.path}, frame {self.frame_index}"


FramePlace = Path | VideoFrame


def require_frames(video: Video, dataset_path: Path) -> tuple[FramePlace, ...]:
    """Where all frames of a video are.

    Args:
        video: of the dataset. Images of the folder `clip.mp4` that are nowhere, as an export without frames names them,
            are frames of the file of that name beside the dataset, or of the video's own source.
        dataset_path: its images are looked for beside it, in `JPEGImages/` and in `images/`.

    Raises:
        AnnotationError: the dataset does not name them.
        MediaError: one of them, or all, are missing.
    """
    if not video.file_names:
        raise AnnotationError(f"{dataset_path}: video {video.video_id} has no 'file_names', so its frames are unknown")
    roots = image_roots(dataset_path)
    if video.source:
        roots = (*roots, Path(video.source).parent)
    images = find_images(video, roots)
    if images is None:
        frames = _frames_of_file(video, roots)
        if frames is None:
            raise MediaError(
                f"{dataset_path}: image {video.file_names[0]!r} is not beside it nor in JPEGImages/ or images/ there, "
                "and no video of that name either; put it there"
            )
        return frames
    missing = next((path for path in images if not path.is_file()), None)
    if missing is not None:
        raise MediaError(f"{missing}: this image of {dataset_path} is missing; put it there or take it out of the file")
    return images


def read_places(places: Sequence[FramePlace]) -> Iterator[NDArray[np.uint8]]:
    """(H, W, 3) uint8 RGB of frames of one video, in their order.

    Raises:
        MediaError: one cannot be read.
    """
    first = places[0]
    if isinstance(first, Path):
        with open_frames([place for place in places if isinstance(place, Path)]) as images:
            yield from images
        return
    with open_frames(first.path) as frames:
        for place in places:
            assert isinstance(place, VideoFrame)  # a video is images or a file, never both
            yield read_frame(frames, place)


def read_frame(frames: FrameSource, place: VideoFrame) -> NDArray[np.uint8]:
    """One frame of an open video.

    Raises:
        MediaError: the video is shorter than what was exported.
    """
    if place.frame_index >= len(frames):
        raise MediaError(f"{place}: the video has {len(frames)} frames only; put the video there that was annotated")
    return frames[place.frame_index]


def _frames_of_file(video: Video, roots: Sequence[Path]) -> tuple[VideoFrame, ...] | None:
    folders = {Path(name).parent for name in video.file_names}
    numbers = [Path(name).stem for name in video.file_names]
    if len(folders) != 1 or not all(number.isdecimal() for number in numbers):
        return None
    folder = folders.pop()
    files = [root / folder for root in roots] + ([Path(video.source)] if video.source else [])
    path = next((path for path in files if path.is_file()), None)
    return None if path is None else tuple(VideoFrame(path, int(number)) for number in numbers)
