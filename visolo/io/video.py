"""Frames of a video file: opening and indexing it, what it says about itself, and what is wrong with it."""

import os
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from visolo.errors import MediaError
from visolo.io.frame_index import DecodedIndex, FrameIndex, index_by_decoding, index_by_packets
from visolo.io.frame_reader import FrameReader
from visolo.io.frame_source import FrameSource, Progress
from visolo.io.known_videos import KnownVideo, KnownVideos
from visolo.io.rgb import RgbConverter
from visolo.io.truncation import is_cut_off, is_mp4_without_index
from visolo.io.video_decoder import PacketMismatchError, VideoDecoder

DEFAULT_CACHE_BYTES = 128 << 20
# Videos up to this many pixels in all are decoded once when opened (about a second): nothing is then left to trust.
_DECODED_PIXELS = 600_000_000
_SCAN_SHARE = 0.1
_RATE_TOLERANCE = 0.005
_STEP_TOLERANCE = 0.1
_USUAL_SHARE = 0.9

_known_videos = KnownVideos()


class VideoFrames(FrameSource):
    """The frames of the best video stream of a file that FFmpeg can read.

    What counts as a frame: whatever decoding the stream from its start delivers, in that order. Pictures that an
    edit list hides, that cannot be decoded, or that only serve other pictures, are none. Videos of up to 600
    million pixels, and all whose packets leave any doubt, are decoded once when opened, and every frame reached by
    seeking must then equal what was seen. Longer regular ones are indexed from their packets after a trial of several
    stretches; a frame that later turns out to be undecodable shows the one before it, so no index ever shifts.
    """

    def __init__(self, path: Path, progress: Progress | None = None, cache_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        """Open and index the file.

        Args:
            path: an existing file.
            progress: hears 0..1 while the file is indexed; whatever it raises stops the work and passes through.
            cache_bytes: how much to keep of what was decoded last.

        Raises:
            MediaError: the file cannot be read, or no frame of it can.
        """
        super().__init__()
        self.path, self.name = path, path.name
        self._decoder = _open_decoder(path)
        try:
            self._time_base = self._decoder.stream.time_base or Fraction(1)
            self._index = self._find_index(progress)
            self._converter = RgbConverter(next(self._decoder).frame)
            self._reader = FrameReader(self._decoder, self._index, self._converter, cache_bytes, self._warn)
        except (PacketMismatchError, av.FFmpegError) as error:
            self.close()
            raise self._changed(0) from error
        except BaseException:
            self.close()
            raise
        self.size = self._converter.size
        self.frame_rate = self._measure_frame_rate()
        self.pixel_aspect = self._measure_pixel_aspect()

    def __len__(self) -> int:
        return len(self._index)

    def close(self) -> None:
        """Release the file; reading afterwards raises ValueError. Closing twice is fine."""
        if not self.closed:
            self._decoder.close()
            if hasattr(self, "_reader"):
                self._reader.forget()
        super().close()

    def _read(self, frame_index: int) -> NDArray[np.uint8]:
        try:
            return self._reader.rgb(frame_index)
        except (PacketMismatchError, av.FFmpegError, OSError) as error:
            raise self._changed(frame_index) from error

    def _time_of(self, frame_index: int) -> float | None:
        stamp = self._stamp(frame_index)
        if stamp is not None:
            return float(stamp * self._time_base)
        return frame_index / self.frame_rate if self.frame_rate else None

    def _stamp(self, frame_index: int) -> int | None:
        """The frame's time stamp in the stream's time base; None where the file gives none."""
        packet_index, _ = self._index.sources[frame_index]
        return self._decoder.table.pts[packet_index] if packet_index >= 0 else None

    def _find_index(self, progress: Progress | None) -> FrameIndex:
        """The frames, known from an earlier opening or found now; leaves the decoder at the start."""
        known = _known_videos.find(self.path, progress, lambda: self._build_index(progress))
        self._decoder.table, self._decoder.reorder_depth = known.table, known.reorder_depth
        self._warnings = list(known.warnings)
        self._decoder.start_over(careful=known.frames.is_damaged)
        if progress:
            progress(1.0)
        return known.frames.copy()

    def _build_index(self, progress: Progress | None) -> KnownVideo:
        decoder = self._decoder
        decoder.scan(_part(progress, 0, _SCAN_SHARE))
        pixel_count = len(decoder.table) * decoder.stream.width * decoder.stream.height
        index = index_by_packets(decoder) if pixel_count > _DECODED_PIXELS and not is_cut_off(self.path) else None
        if index is None:
            found = index_by_decoding(decoder, _part(progress, _SCAN_SHARE, 1))
            index = found.frames
            self._judge(found)
        if not index:
            raise MediaError(
                f"{self.path}: nothing in it can be decoded ({len(decoder.table)} packets); convert it to H.264 in mp4"
            )
        return KnownVideo(decoder.table, index, decoder.reorder_depth, tuple(self._warnings))

    def _judge(self, found: DecodedIndex) -> None:
        """Put into words what is wrong with the file."""
        exist = f"the {len(found.frames)} frames that exist are shown"
        if is_cut_off(self.path):
            self._warn(f"the file ends before the length it states; {exist}")
        if found.failed_packets:
            packets = f"{found.failed_packets} of {len(self._decoder.table)} packets"
            self._warn(f"{packets} are damaged and cannot be decoded; {exist}")
        if self._decoder.table.ended_early:
            self._warn(f"the file cannot be read to its end; {exist}")
        if corrupt_packets := self._decoder.table.corrupt_count:
            self._warn(f"data is missing at {corrupt_packets} places; {exist}")
        if found.corrupt_frames:
            first = found.corrupt_frames[0]
            self._warn(f"{len(found.corrupt_frames)} frames are damaged and may look wrong, the first is frame {first}")
        if found.first_resized is not None:
            self._warn(f"the picture size changes at frame {found.first_resized}; all are scaled to the first one's")

    def _warn(self, problem: str) -> None:
        sentence = f"{self.name}: {problem}"
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    def _measure_frame_rate(self) -> float | None:
        """The usual rate, else the mean; the rate that the file states where that agrees, being free of rounding."""
        stated = self._decoder.stream.average_rate or self._decoder.stream.guessed_rate
        stamps = [stamp for stamp in map(self._stamp, range(len(self))) if stamp is not None]
        steps = sorted(later - earlier for earlier, later in pairwise(stamps) if later > earlier)
        if steps:
            usual = [step for step in steps if abs(step / steps[len(steps) // 2] - 1) < _STEP_TOLERANCE]
            steps = usual if len(usual) >= _USUAL_SHARE * len(steps) else steps
            measured = len(steps) / (sum(steps) * self._time_base)
            if not stated or abs(measured / stated - 1) > _RATE_TOLERANCE:
                return float(measured)
        return float(stated) if stated else None

    def _measure_pixel_aspect(self) -> float:
        aspect = float(self._decoder.stream.sample_aspect_ratio or 1) or 1.0
        return 1 / aspect if self._converter.orientation.is_transposed else aspect

    def _changed(self, frame_index: int) -> MediaError:
        return MediaError(
            f"{self.path}: frame {frame_index} cannot be read any more; the file was changed or removed, open it again"
        )


def _open_decoder(path: Path) -> VideoDecoder:
    try:
        return VideoDecoder(path)
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path}: {_why_unreadable(path, error)}") from error


def _why_unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, PermissionError) or not os.access(path, os.R_OK):
        return "no permission to read this file; change its permissions or copy it"
    if not path.stat().st_size:
        return "the file is empty; copy or record it again"
    if is_mp4_without_index(path):
        return "the file was cut off before its index (moov) was written, so no frame can be found; copy it again"
    return "this is not a video in any format that FFmpeg reads; choose another file"


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    """A progress that fills the part from `start` to `end` of another."""
    if progress is None:
        return None
    return lambda done: progress(start + (end - start) * done)
