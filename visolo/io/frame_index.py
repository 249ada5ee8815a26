"""Says which packet each frame of a video comes from and where decoding may start to reach it.

The truth is what decoding the whole stream from its start delivers, in that order. `index_by_decoding` does just that.
`index_by_packets` foretells it from the packet list for long, regular files, and tries it out before it is believed.
"""

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from copy import copy
from itertools import accumulate, islice, pairwise
from typing import NamedTuple

import av
import numpy as np

from visolo.io.frame_source import Progress
from visolo.io.packet_table import PacketTable
from visolo.io.video_decoder import DecodedFrame, VideoDecoder

_FINGERPRINT_ROWS = 4  # every 4th row: no coded block is smaller, so damage to any block shows
_REPORT_EVERY = 16
_REGULAR_FORMATS = ("mov,mp4", "matroska")
_REGULAR_CODECS = ("h264", "hevc", "vp9", "av1", "libdav1d", "mpeg4", "mjpeg", "prores", "dnxhd")
_TRIED_STARTS = 8
_TRIED_FRAMES = 24
_REFRESH_FRAMES = 8


class Start(NamedTuple):
    """A place to start decoding: from `packet_index` on, frames from `frame_index` on come out right."""

    frame_index: int
    packet_index: int


class FrameIndex:
    """The frames of a video in presentation order.

    Attributes:
        sources: per frame its (packet_index, repeat), as in `DecodedFrame`.
        fingerprints: per frame what `fingerprint` gives for it; empty when the index was foretold from packets.
        is_damaged: whether decoding met with damage.
        is_addressable: whether each frame has a source of its own; if not, frames can only be counted from the start.
    """

    def __init__(
        self, sources: Sequence[tuple[int, int]], keys: Iterable[int], fingerprints: Sequence[int] = ()
    ) -> None:
        """Build the index.

        Args:
            sources: see the class.
            keys: packet_index of packets to start at; those behind which order is lost are left out.
            fingerprints: see the class.
        """
        self.sources = sources
        self.fingerprints = fingerprints
        self.is_damaged = False
        self._frame_index_of = {source: frame_index for frame_index, source in enumerate(sources)}
        self.is_addressable = len(self._frame_index_of) == len(sources) and all(p >= 0 for p, _ in sources)
        self._starts = [Start(0, 0)]
        if self.is_addressable:
            self._starts += self._usable_starts(keys)

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def starts(self) -> Sequence[Start]:
        """Where decoding can start, rising. The first is the start of the file and always there."""
        return self._starts

    def copy(self) -> "FrameIndex":
        """The same frames, for a reader that may distrust other starts."""
        other = copy(self)
        other._starts = list(self._starts)
        return other

    def frame_index_of(self, decoded: DecodedFrame) -> int | None:
        """Which frame this is; None for one that decoding from the start does not deliver."""
        return self._frame_index_of.get((decoded.packet_index, decoded.repeat))

    def start_for(self, frame_index: int) -> Start:
        """The last place from which decoding reaches the frame."""
        return self._starts[bisect_right(self._starts, frame_index, key=lambda start: start.frame_index) - 1]

    def distrust(self, start: Start, first_right: int | None = None) -> None:
        """Forget a start that did not deliver, unless it is the start of the file.

        Args:
            start: the one that failed.
            first_right: keep it, but only for frames from this one on.
        """
        if start.packet_index == 0 or start not in self._starts:
            return
        self._starts.remove(start)
        if first_right is not None:
            self._starts.append(Start(first_right, start.packet_index))
            self._starts.sort()

    def _usable_starts(self, keys: Iterable[int]) -> list[Start]:
        """Keys whose own frame is shown, and behind which nothing is shown that was coded before."""
        earliest_from = list(accumulate((packet for packet, _ in reversed(self.sources)), min))[::-1]
        starts = []
        for key in keys:
            frame_index = self._frame_index_of.get((key, 0))
            if frame_index and earliest_from[frame_index] >= key:
                starts.append(Start(frame_index, key))
        return sorted(starts)


class DecodedIndex(NamedTuple):
    """What decoding a whole stream found.

    Attributes:
        frames: which there are.
        failed_packets: how many packets could not be decoded.
        corrupt_frames: frame_index of frames that the decoder marked as damaged.
        first_resized: the first frame whose size differs from frame 0, None if there is none.
    """

    frames: FrameIndex
    failed_packets: int
    corrupt_frames: list[int]
    first_resized: int | None


def index_by_decoding(decoder: VideoDecoder, progress: Progress | None) -> DecodedIndex:
    """Decode everything once, as PyAV does by default, and note what comes.

    Args:
        decoder: its table filled; left at the end, careful.
        progress: hears 0..1.
    """
    decoder.start_over(careful=True)
    sources: list[tuple[int, int]] = []
    fingerprints: list[int] = []
    corrupt: list[int] = []
    sizes: list[tuple[int, int]] = []
    confirmed_keys: set[int] = set()
    for packet_index, repeat, frame in decoder:
        if frame.is_corrupt:
            corrupt.append(len(sources))
        if frame.key_frame:
            confirmed_keys.add(packet_index)
        sources.append((packet_index, repeat))
        fingerprints.append(fingerprint(frame))
        sizes.append((frame.height, frame.width))
        if progress and len(sources) % _REPORT_EVERY == 0:
            progress(min(max(packet_index, 0) / len(decoder.table), 1.0))
    decoder.keep_reorder_depth()
    keys = [key for key in _true_keys(decoder, confirmed_keys) if _is_unmistakable(decoder.table, key)]
    frames = FrameIndex(sources, keys, fingerprints)
    frames.is_damaged = bool(decoder.failures or corrupt or decoder.table.is_damaged)
    resized = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    return DecodedIndex(frames, len(decoder.failures), corrupt, resized)


def index_by_packets(decoder: VideoDecoder) -> FrameIndex | None:
    """Foretell the frames from the packets alone, and try a few stretches.

    Args:
        decoder: its table filled; left at an unknown place.

    Returns:
        The index, or None where anything at all speaks against it.
    """
    table = decoder.table
    if not _is_regular(decoder):
        return None
    shown = [i for i in range(len(table)) if not table.is_discarded[i]]
    sources = [(i, 0) for i in sorted(shown, key=lambda i: table.pts[i] or 0)]
    index = FrameIndex(sources, [key for key in table.key_packets if _is_unmistakable(table, key)])
    starts = index.starts
    if len(index) - starts[-1].frame_index > len(index) // 2:  # trying the end would be decoding nearly everything
        return None
    tried = {starts[i * (len(starts) - 1) // _TRIED_STARTS] for i in range(_TRIED_STARTS)}
    if not all(_delivers(decoder, index, start, _TRIED_FRAMES) for start in sorted(tried)):
        return None
    return index if _delivers(decoder, index, starts[-1], None) else None


def fingerprint(frame: av.VideoFrame) -> int:
    """A number that two decodings of the same frame share and frames with any other block do not."""
    checksum = 1
    for plane_index, plane in enumerate(frame.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
        if plane.line_size:  # a palette has none; what follows a row's last pixel is left to chance
            rows = rows[::_FINGERPRINT_ROWS, : _row_bytes(frame.format, plane_index)]
        checksum = zlib.adler32(rows.tobytes(), checksum)
    return checksum


def _row_bytes(pixel_format: av.VideoFormat, plane_index: int) -> int:
    parts = [part for part in pixel_format.components if part.plane == plane_index]
    bits = sum(part.width * (part.bits if part.bits < 8 else (part.bits + 7) // 8 * 8) for part in parts)
    return int(bits + 7) // 8


def _true_keys(decoder: VideoDecoder, confirmed: set[int]) -> list[int]:
    """Key packets to start at. Files exist that flag every packet; the decoder knows better.

    Except where H.264 builds its pictures up over several frames: those it never calls key, and fewer are flagged.
    """
    flagged = decoder.table.key_packets
    if decoder.stream.codec_context.name == "h264" and len(flagged) * _REFRESH_FRAMES <= len(decoder.table):
        return flagged
    return [key for key in flagged if key in confirmed]


def _is_unmistakable(table: PacketTable, packet_index: int) -> bool:
    return table.find(table.marks[packet_index]) == packet_index


def _is_regular(decoder: VideoDecoder) -> bool:
    """Whether the file's own account of itself is complete and free of contradictions."""
    table, stream = decoder.table, decoder.stream
    pts, dts = table.pts, table.dts
    # Matroska leaves the first few decoding times open.
    known_dts = [stamp for stamp in dts if stamp is not None]
    if table.is_damaged or None in pts or len(set(pts)) < len(pts) or known_dts != dts[len(dts) - len(known_dts) :]:
        return False
    if not table.key_packets or table.key_packets[0] != 0 or stream.frames not in {0, len(table)}:
        return False
    if any(later <= earlier for earlier, later in pairwise(known_dts)):
        return False
    # Pictures shown before the first key picture need ones that are not in the file.
    if any(stamp < pts[0] for stamp, gone in zip(pts, table.is_discarded, strict=True) if not gone):  # type: ignore[operator]
        return False
    return decoder.container.format.name.startswith(_REGULAR_FORMATS) and stream.codec_context.name in _REGULAR_CODECS


def _delivers(decoder: VideoDecoder, index: FrameIndex, start: Start, count: int | None) -> bool:
    """Whether decoding from `start` gives what the index says, for `count` frames or to the end."""
    decoder.start(start.packet_index)
    expected = start.frame_index
    for decoded in islice(decoder, count):
        frame_index = index.frame_index_of(decoded)
        if frame_index is not None and frame_index < start.frame_index:
            continue  # shown before the key picture, coded after it: of no use from here
        is_key_missing = expected == start.frame_index and not decoded.frame.key_frame and start.packet_index > 0
        if frame_index != expected or decoded.frame.is_corrupt or is_key_missing:
            return False
        expected += 1
    return not decoder.failures and (count is not None or expected == len(index))
