"""Videos whose frames carry their own number as 16 black or white blocks, in every container and codec at hand."""

import os
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType

os.environ.setdefault("SVT_LOG", "1")  # errors only

FRAMES = 100
SIZE = (64, 96)
QUIET_X265 = "log-level=none:pools=1:frame-threads=1"


def paint(number: int, height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8: the 16 bits of `number`, low bit first, four to a row, on a moving pattern."""
    rows, columns = np.mgrid[:height, :width]
    grey = (110 + 40 * np.sin((columns + 3 * number) / 9) + 20 * np.cos((rows - 2 * number) / 7)).astype(np.uint8)
    for bit, (top, left) in enumerate(_corners(height, width)):
        grey[top + 2 : top + height // 4 - 2, left + 2 : left + width // 4 - 2] = 235 if number >> bit & 1 else 20
    return np.repeat(grey[:, :, None], 3, axis=2)


def read_number(picture: np.ndarray) -> int:
    """The number that `paint` was given."""
    height, width = picture.shape[:2]
    margin_y, margin_x = height // 16, width // 16
    number = 0
    for bit, (top, left) in enumerate(_corners(height, width)):
        block = picture[top + margin_y : top + height // 4 - margin_y, left + margin_x : left + width // 4 - margin_x]
        number |= int(block.mean() > 128) << bit
    return number


def _corners(height: int, width: int) -> list[tuple[int, int]]:
    return [(row * (height // 4), column * (width // 4)) for row in range(4) for column in range(4)]


def checksum(picture: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(picture))


def plain_decode(path: Path) -> list[int]:
    """Checksums of what decoding with PyAV from the start delivers, turned upright."""
    return [checksum(np.rot90(f.to_ndarray(format="rgb24"), round(f.rotation / 90))) for f in _decoded(path)]


def left_to_chance(path: Path) -> set[int]:
    """Frames that the decoder calls damaged, and those built on them: parts of them are what memory held before."""
    found: set[int] = set()
    between: set[int] = set()  # frames shown before the one that they are built on
    is_damaged = False
    for frame_index, frame in enumerate(_decoded(path)):
        is_damaged = frame.is_corrupt or (is_damaged and not frame.key_frame)
        if is_damaged:
            found |= {frame_index} | between
        between = between | {frame_index} if frame.pict_type == PictureType.B else set()
    return found


def _decoded(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        for packet in container.demux(stream):
            if packet.size == 0 and packet.buffer_ptr:  # a repeated picture: no data to decode
                continue
            try:
                yield from packet.decode()
            except av.FFmpegError:
                continue


@dataclass(frozen=True)
class Recipe:
    """How to encode a numbered video; `stamps` gives the time stamp of frame i in units of `time_base`."""

    codec: str
    options: dict[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"
    gop: int | None = None
    b_frames: int | None = None
    size: tuple[int, int] = SIZE
    frame_count: int = FRAMES
    file_format: str | None = None
    muxer_options: dict[str, str] = field(default_factory=dict)
    rotation: int | None = None
    stamps: Callable[[int], int] = lambda i: i
    time_base: Fraction = Fraction(1, 25)
    rate: int = 25


def write_video(path: Path, recipe: Recipe, numbers: Sequence[int] | None = None) -> Path:
    """Encode frames numbered 0, 1, 2, or as `numbers` says."""
    with av.open(str(path), "w", format=recipe.file_format, options=recipe.muxer_options) as container:
        stream = container.add_stream(recipe.codec, rate=recipe.rate, options=recipe.options)
        (stream.height, stream.width), stream.pix_fmt = recipe.size, recipe.pixel_format
        stream.codec_context.thread_count = 1
        if recipe.gop is not None:
            stream.codec_context.gop_size = recipe.gop
        if recipe.b_frames is not None:
            stream.codec_context.max_b_frames = recipe.b_frames
        if recipe.rotation is not None:
            stream.set_display_rotation(recipe.rotation)
        for i, number in enumerate(range(recipe.frame_count) if numbers is None else numbers):
            frame = av.VideoFrame.from_ndarray(paint(number, *recipe.size)).reformat(format=recipe.pixel_format)
            frame.pts, frame.time_base = recipe.stamps(i), recipe.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def copy_stream(source: Path, target: Path, edit: Callable[[int, av.Packet], bool] = lambda i, packet: True) -> Path:
    """Write the packets of `source` to another file as they are; `edit` may change each, and says if it goes in."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        for i, packet in enumerate(reader.demux(stream)):
            if packet.size and edit(i, packet):
                packet.stream = copy
                writer.mux(packet)
    return target


def _uneven(i: int) -> int:
    steps = random.Random(1)
    return sum(40 * steps.choice([1, 1, 2, 5]) for _ in range(i))


_H264 = Recipe("libx264", gop=30, b_frames=3)
_OPEN_GOP = Recipe("libx264", {"x264-params": "open-gop=1:scenecut=0:b-adapt=0"}, gop=24, b_frames=3)
_HEVC_OPEN = Recipe(
    "libx265", {"x265-params": f"{QUIET_X265}:bframes=4:open-gop=1:keyint=24:min-keyint=24:scenecut=0"}, gop=24
)
_VP9_HIDDEN = {"auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "good", "cpu-used": "5"}

RECIPES = {
    "h264.mp4": Recipe("libx264"),
    "long_gop.mp4": Recipe("libx264", {"x264-params": "scenecut=0:b-adapt=0"}, gop=600, b_frames=8),
    "open_gop.mp4": _OPEN_GOP,
    "open_gop.ts": _OPEN_GOP,
    "variable_rate.mp4": Recipe("libx264", gop=30, b_frames=3, stamps=_uneven, time_base=Fraction(1, 1000)),
    "late_start.mp4": Recipe("libx264", gop=30, b_frames=3, stamps=lambda i: i + 100),
    "time_gap.mp4": Recipe("libx264", gop=30, stamps=lambda i: i + (5000 if i > 40 else 0)),
    "fragmented.mp4": Recipe("libx264", gop=30, b_frames=3, muxer_options={"movflags": "frag_keyframe+empty_moov"}),
    "h264.mkv": _H264,
    "no_cues.mkv": Recipe("libx264", gop=30, b_frames=3, muxer_options={"live": "1"}),
    "h264.ts": _H264,
    "h264.avi": _H264,  # no presentation times
    "h264.flv": _H264,
    "raw.h264": _H264,
    "b_frames.avi": Recipe("mpeg4", gop=12, b_frames=2),
    "mjpeg.avi": Recipe("mjpeg", pixel_format="yuvj420p"),
    "vp9.webm": Recipe("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, gop=40),
    "hidden_frames.ivf": Recipe("libvpx-vp9", _VP9_HIDDEN, gop=40),
    "hidden_frames.webm": Recipe("libvpx", _VP9_HIDDEN, gop=40),
    "hevc.mp4": Recipe("libx265", {"x265-params": QUIET_X265}, gop=30),
    "hevc_open_gop.ts": _HEVC_OPEN,
    "hevc_open_gop.mp4": _HEVC_OPEN,
    "av1.mp4": Recipe("libsvtav1", {"preset": "12"}, gop=32, frame_count=70),
    "odd_444.mp4": Recipe("libx264", pixel_format="yuv444p", gop=30, size=(65, 97)),
    "ten_bits.mp4": Recipe("libx264", pixel_format="yuv420p10le", gop=30),
    "interlaced.mp4": Recipe("libx264", {"flags": "+ildct+ilme", "x264-params": "tff=1"}, gop=30, b_frames=3),
    "gradual_refresh.mp4": Recipe("libx264", {"x264-params": "intra-refresh=1:keyint=30:bframes=0"}, gop=30),
    "mpeg2.ts": Recipe("mpeg2video", gop=15, b_frames=2),
    "mpeg2.mpg": Recipe("mpeg2video", gop=15, b_frames=2),
    "mpeg2.mxf": Recipe("mpeg2video", gop=15, b_frames=2),
    "no_index.m1v": Recipe("mpeg1video", gop=15, b_frames=2),
    "wmv.wmv": Recipe("wmv2", gop=20),
    "prores.mov": Recipe("prores_ks", pixel_format="yuv422p10le", frame_count=40),
    "animated.gif": Recipe("gif", pixel_format="rgb8", rate=10, time_base=Fraction(1, 10), frame_count=40),
    "same_times.mkv": Recipe("mpeg4", gop=20, rate=2000, time_base=Fraction(1, 2000)),  # two frames per millisecond
}
