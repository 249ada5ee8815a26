"""Opens anything that holds the frames of a video: a video file, a folder of images, or a list of image paths."""

import os
from collections.abc import Sequence
from pathlib import Path

from visolo.errors import MediaError
from visolo.io.frame_source import FrameSource, Progress
from visolo.io.images import IMAGE_SUFFIXES, ImageFrames, images_in_folder, is_image
from visolo.io.video import DEFAULT_CACHE_BYTES, VideoFrames

__all__ = ["IMAGE_SUFFIXES", "FrameSource", "Progress", "open_frames"]


def open_frames(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    progress: Progress | None = None,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
) -> FrameSource:
    """Open a video.

    Args:
        source: a video file, a single image, a folder of images, or paths of images in the order to show them.
        progress: hears 0..1 while the source is indexed, which takes long for long videos that are not regular;
            whatever it raises stops the work and passes through.
        cache_bytes: how much a video keeps of what it decoded last, so that stepping back is quick.

    Returns:
        Its frames, to be closed (it is a context manager) and used by one thread only.

    Raises:
        MediaError: there is nothing to read, or it cannot be read; says what and why.
    """
    if not isinstance(source, str | os.PathLike):
        return _open_list([Path(path) for path in source], progress)
    path = Path(source)
    if path.is_dir():
        return ImageFrames(path, images_in_folder(path), progress)
    if not os.path.lexists(path):
        raise MediaError(f"{path}: there is no such file or folder; check the path")
    if not path.is_file():
        raise MediaError(f"{path}: this is neither a file nor a folder that can be read; choose another")
    if is_image(path):
        return ImageFrames(path, [path], progress)
    return VideoFrames(path, progress, cache_bytes)


def _open_list(images: list[Path], progress: Progress | None) -> FrameSource:
    if not images:
        raise MediaError("a video of no images was asked for; it needs at least one")
    return ImageFrames(images[0].parent, images, progress)
