"""Masks drawn on frames, for people: translucent fill, contour, id and class; as pictures and as an H.264 video."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from visolo.errors import ConfigError, OutputError
from visolo.io.atomic import atomic_path
from visolo.palette import Rgb, text_rgb, track_rgb
from visolo.results import FrameResult, InstanceResult
from visolo.rle import Rle
from visolo.rle_box import decode_in_box

Frame = NDArray[np.uint8]

SUFFIXES = (".mp4", ".mkv", ".mov")
_FILL = 0.45  # opacity
_DEFAULT_RATE = 25.0  # frames per second of image folders
_HIGH_DEFINITION = 720  # lines from which players take BT.709 for granted
_FONTS = ("DejaVuSans.ttf", "Arial.ttf", "Helvetica.ttc")
_PADDING = 3  # px around a label's text


@dataclass(frozen=True)
class OverlayItem:
    """One object to draw: `number` is the track as people count, from 1; it decides the colour unless one is given."""

    number: int
    label: str
    rle: Rle
    own_color: Rgb | None = None

    @property
    def color(self) -> Rgb:
        """What it is drawn in."""
        return self.own_color or track_rgb(self.number)


def draw_overlay(frame: Frame, items: Sequence[OverlayItem], opacity: float = _FILL) -> Frame:
    """A copy of a frame with objects drawn on it, the first on top.

    Args:
        frame: (H, W, 3) uint8 RGB.
        items: masks of any size; they are stretched to the frame's.
        opacity: of the fill, 0 to 1.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    picture = np.array(frame)
    line = max(1, round(min(frame.shape[:2]) / 360))
    placed = [(item, _mask_at(item.rle, frame.shape[:2])) for item in reversed(items)]
    for item, mask in placed:
        _fill(picture, mask, item.color, opacity)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, item.color, line, cv2.LINE_AA)
    for item, mask in placed:
        _put_label(picture, mask, f"{item.number} {item.label}".strip(), item.color)
    return picture


def check_overlay_path(path: Path) -> None:
    """Check the ending of a video to write.

    Raises:
        ConfigError: it is none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{path}: an overlay is an H.264 video; let its name end in {', '.join(SUFFIXES)}")


@contextmanager
def overlay_video(
    path: Path, size: tuple[int, int], frame_rate: float | None, names: Sequence[str] = ()
) -> Iterator["OverlaySink"]:
    """Write the frames of one video with their objects drawn on them; whole or not at all.

    Args:
        path: ends in one of `SUFFIXES`.
        size: (height, width) of the frames in pixels.
        frame_rate: frames per second; None for image folders.
        names: of the network's classes, in order; needed for what a network found only.

    Raises:
        ConfigError: the ending is another.
        OutputError: the file cannot be written.
    """
    check_overlay_path(path)
    with atomic_path(path) as temporary:
        try:
            with av.open(str(temporary), "w") as container:
                sink = OverlaySink(container, size, frame_rate, names)
                yield sink
                sink.finish()
        except av.FFmpegError as error:
            raise OutputError(f"{path}: writing the video failed ({error}); is the disk full?") from error


class OverlaySink:
    """Draws and encodes the frames of `overlay_video`."""

    def __init__(
        self,
        container: av.container.OutputContainer,
        size: tuple[int, int],
        frame_rate: float | None,
        names: Sequence[str],
    ) -> None:
        self._container, self._names = container, list(names)
        self._odd = (size[0] % 2, size[1] % 2)
        is_high_definition = size[0] >= _HIGH_DEFINITION
        self._colorspace = "ITU709" if is_high_definition else "ITU601"
        rate = Fraction(frame_rate or _DEFAULT_RATE).limit_denominator(1001)
        self._stream: Any = container.add_stream("libx264", rate=rate)
        self._stream.height, self._stream.width = size[0] + self._odd[0], size[1] + self._odd[1]
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": "20", "preset": "veryfast"}
        self._stream.codec_context.colorspace = 1 if is_high_definition else 6  # as H.264 numbers them
        self._class_sums: dict[int, NDArray[np.float64]] = {}

    def add(self, frame: Frame, result: FrameResult) -> None:
        """Draw and encode the next frame, (H, W, 3) uint8 RGB, with what a network found in it."""
        self.draw(frame, [self._item(instance) for instance in result.instances])

    def draw(self, frame: Frame, items: Sequence[OverlayItem]) -> None:
        """Draw and encode the next frame, (H, W, 3) uint8 RGB, with these objects."""
        picture = draw_overlay(frame, items)
        # H.264 halves the colour planes, so both sides must be even.
        picture = np.pad(picture, ((0, self._odd[0]), (0, self._odd[1]), (0, 0)), mode="edge")
        video_frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        self._encode(video_frame.reformat(format="yuv420p", dst_colorspace=self._colorspace))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._encode(None)

    def _encode(self, video_frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(video_frame):
            self._container.mux(packet)

    def _item(self, instance: InstanceResult) -> OverlayItem:
        sums = self._class_sums.setdefault(instance.track_id, np.zeros(len(self._names)))
        sums += instance.class_scores
        # Numbers from 1, as in the app; the class is the best so far, so that it does not flicker.
        return OverlayItem(instance.track_id + 1, self._names[int(sums.argmax())], instance.rle)


def _mask_at(rle: Rle, size: tuple[int, ...]) -> NDArray[np.uint8]:
    box, part = decode_in_box(rle)
    mask = np.zeros(rle.size, dtype=np.uint8)
    mask[box.y : box.y + box.height, box.x : box.x + box.width] = part
    if rle.size != tuple(size):
        mask = np.asarray(cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return mask


def _fill(picture: Frame, mask: NDArray[np.uint8], color: Rgb, opacity: float) -> None:
    x, y, width, height = cv2.boundingRect(mask)
    part = picture[y : y + height, x : x + width]
    inside = mask[y : y + height, x : x + width].astype(bool)
    part[inside] = np.rint(part[inside] * (1 - opacity) + np.array(color) * opacity).astype(np.uint8)


def _put_label(picture: Frame, mask: NDArray[np.uint8], text: str, color: Rgb) -> None:
    """Put the label on top of the object's box, inside the frame."""
    label = _label(text, color, max(11, round(picture.shape[0] / 40)))
    x, y, _, _ = cv2.boundingRect(mask)
    height, width = (min(side, limit) for side, limit in zip(label.shape[:2], picture.shape[:2], strict=True))
    left = min(max(x, 0), picture.shape[1] - width)
    top = min(max(y - height, 0), picture.shape[0] - height)
    picture[top : top + height, left : left + width] = label[:height, :width]


@lru_cache(maxsize=1024)
def _label(text: str, color: Rgb, size_px: int) -> Frame:
    font = _font(size_px)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("RGB", (round(right - left) + 2 * _PADDING, round(bottom - top) + 2 * _PADDING), color)
    ImageDraw.Draw(image).text((_PADDING - left, _PADDING - top), text, font=font, fill=text_rgb(color))
    return np.asarray(image)


@lru_cache(maxsize=16)
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of the system with more letters than Pillow's own, which knows no accents."""
    for name in _FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, size_px)
    return ImageFont.load_default(size_px)
