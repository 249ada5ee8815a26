"""Pixels and labels of training frames, read once and kept shrunk in memory; out of images or out of video files."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from visolo import rle
from visolo.errors import MediaError
from visolo.io.frame_places import VideoFrame, read_frame
from visolo.io.frames import FrameSource, open_frames
from visolo.training.datasets import LabelledVideo

_OPEN_VIDEOS = 4
_VIDEO_BYTES = 2**26  # of decoded frames kept for each: those on the way to a frame are often wanted next


@dataclass(frozen=True, eq=False)
class LabelledFrame:
    """One frame.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8, position of the object in its video plus 1; 0 is background.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class FrameStore:
    """Reads frames and keeps the latest ones.

    Args:
        longest_side: frames are shrunk to it; the clip size decides how much is worth keeping.
        limit_bytes: memory for kept frames.
    """

    def __init__(self, longest_side: int, limit_bytes: int = 2**30) -> None:
        self._longest_side = longest_side
        self._limit = limit_bytes
        self._kept: OrderedDict[tuple[LabelledVideo, int], LabelledFrame] = OrderedDict()
        self._bytes = 0
        self._videos: OrderedDict[Path, FrameSource] = OrderedDict()

    def load(self, video: LabelledVideo, frame_index: int) -> LabelledFrame:
        """A frame with its labels; the arrays are shared and must not be changed.

        Raises:
            MediaError: the image cannot be read or is not as large as its record says.
        """
        key = (video, frame_index)
        frame = self._kept.get(key)
        if frame is not None:
            self._kept.move_to_end(key)
            return frame
        frame = self._read(video, frame_index)
        self._kept[key] = frame
        self._bytes += frame.image.nbytes + frame.labels.nbytes
        while self._bytes > self._limit and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.image.nbytes + oldest.labels.nbytes
        return frame

    def _read(self, video: LabelledVideo, frame_index: int) -> LabelledFrame:
        path = video.paths[frame_index]
        image = self._read_video_frame(path) if isinstance(path, VideoFrame) else _read_image(path)
        if image.shape[:2] != video.size:
            raise MediaError(
                f"{path}: is {image.shape[1]} x {image.shape[0]} px, its record says "
                f"{video.size[1]} x {video.size[0]}; restore the image the masks were drawn on"
            )
        labels = label_map(video, frame_index)
        scale = self._longest_side / max(video.size)
        if scale < 1:
            size = (max(1, round(video.size[1] * scale)), max(1, round(video.size[0] * scale)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            labels = np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        return LabelledFrame(image, labels)

    def _read_video_frame(self, place: VideoFrame) -> NDArray[np.uint8]:
        if place.path not in self._videos:
            # Opened late, so that every process that prepares data has its own.
            self._videos[place.path] = open_frames(place.path, cache_bytes=_VIDEO_BYTES)
        self._videos.move_to_end(place.path)
        if len(self._videos) > _OPEN_VIDEOS:
            self._videos.popitem(last=False)[1].close()
        return read_frame(self._videos[place.path], place)


def _read_image(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise MediaError(f"{path}: cannot be read as an image; restore the file or remove it from the JSON")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def label_map(video: LabelledVideo, frame_index: int) -> NDArray[np.uint8]:
    """(H, W) labels of a frame; where masks overlap the smaller object is in front. At most 255 objects."""
    labels = np.zeros(video.size, np.uint8)
    present = [(i, mask) for i, mask in enumerate(video.masks[frame_index][:255]) if mask is not None]
    for index, mask in sorted(present, key=lambda item: -rle.area(item[1])):
        labels[rle.decode(mask)] = index + 1
    return labels
