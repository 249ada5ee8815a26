"""One picture that shows what a video is about, without indexing it. Not frame-exact: for thumbnails only."""

import os
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from visolo.errors import MediaError
from visolo.io.frames import open_frames
from visolo.io.images import images_in_folder, is_image
from visolo.io.rgb import RgbConverter
from visolo.io.video_decoder import best_stream

# First frames are often black or a title.
_SHARE = 0.25


def preview_frame(source: Path) -> NDArray[np.uint8]:
    """A frame from about a quarter into a video file or an image folder: (H, W, 3) uint8 RGB, upright.

    Raises:
        MediaError: there is nothing to read, or it cannot be read.
    """
    if source.is_dir():
        images = images_in_folder(source)
        return open_frames(images[int(len(images) * _SHARE)])[0]
    if is_image(source) or not source.is_file():
        return open_frames(source)[0]
    try:
        with av.open(f"file:{os.path.abspath(source)}", options={"protocol_whitelist": "file"}) as container:
            return _decoded_key_frame(container, source)
    except (av.FFmpegError, StopIteration) as error:
        raise MediaError(f"{source}: no picture of it can be decoded; check that it plays") from error


def _decoded_key_frame(container: "av.container.InputContainer", source: Path) -> NDArray[np.uint8]:
    stream = best_stream(container, source)
    if container.duration:
        with suppress(av.FFmpegError):  # formats without an index cannot seek; then it is the first frame
            container.seek((container.start_time or 0) + int(container.duration * _SHARE))
    frame = next(iter(container.decode(stream)))
    return RgbConverter(frame).to_rgb(frame)
