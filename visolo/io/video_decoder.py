"""Decodes one video stream from its start or from a key packet, and says which packet each frame came from."""

import os
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

import av
from av.stream import Disposition

from visolo.errors import MediaError
from visolo.io.frame_source import Progress
from visolo.io.packet_table import PacketTable, mark_of, scan_packets

# More threads make reading straight on a little faster and every seek slower: each holds one more frame back.
_MAX_THREADS = 4
_STEPS_BACK = (0, 1, 4, 16)


class DecodedFrame(NamedTuple):
    """A frame out of the decoder.

    Attributes:
        packet_index: the packet it came from; -1 where the decoder does not tell.
        repeat: 0 for the first frame out of that packet, 1 for the second.
        frame: the picture as coded.
    """

    packet_index: int
    repeat: int
    frame: av.VideoFrame


class PacketMismatchError(Exception):
    """The packets read are not those of the table."""


class VideoDecoder:
    """Iterator over the decoded frames of the best video stream of a file, which can start at any key packet.

    Packets are told apart by what they contain, not by time stamps, and each frame carries the number of its packet
    through the decoder in place of its time stamp. So it is known which frame was reached, whatever the seek did.

    Attributes:
        path: the file.
        table: its packets, once `scan` has run, or those of an earlier scan.
        reorder_depth: frames that are held back after a start, 0 for what the decoder thinks itself.
        failures: packet_index of packets that could not be decoded; they are skipped.
        is_careful: decodes without frame threads, see `start_over`.
    """

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            av.FFmpegError, OSError: it cannot be opened.
            MediaError: it has no video stream that can be decoded.
        """
        self.path = path
        self.table = PacketTable()
        self.failures: set[int] = set()
        self.reorder_depth = 0
        self.is_careful = False
        self._ready: deque[DecodedFrame] = deque()
        self._open()
        self._seek_methods = ["pts", "dts", "bytes"]  # what worked last comes first

    @property
    def container(self) -> av.container.InputContainer:
        """The open file. Changes with every `start_over`."""
        return self._container

    @property
    def stream(self) -> av.VideoStream:
        """The stream that is decoded. Changes with every `start_over`."""
        return self._stream

    def scan(self, progress: Progress | None) -> None:
        """Fill `table`; must come before `start` and iteration."""
        self.table = scan_packets(self._container, self._stream, progress)
        self.start_over()

    def start_over(self, careful: bool | None = None) -> None:
        """Open the file anew, to decode from its first packet with nothing left of earlier decoding.

        Args:
            careful: decode as PyAV does by default from now on, without frame threads, in which the outcome of damage
                depends on chance. None leaves it as it is.
        """
        self.close()
        if careful is not None:
            self.is_careful = careful
            self.failures.clear()
        self._open()

    def keep_reorder_depth(self) -> None:
        """Have later starts hold back as many frames as this decoding came to; a seek would forget what it learned."""
        self.reorder_depth = getattr(self._codec, "reorder_depth", 0)

    def start(self, packet_index: int) -> None:
        """Make the next frames those decoded from `packet_index` on.

        Raises:
            PacketMismatchError: the file is no longer what it was.
        """
        for target in self._targets(packet_index):
            for method in tuple(self._seek_methods):
                if self._seek(method, target) and self._skip_to(packet_index):
                    self._seek_methods.remove(method)
                    self._seek_methods.insert(0, method)
                    return
        self.start_over()
        for _ in range(packet_index):
            self._take_packet()
        self._next_packet = packet_index

    def close(self) -> None:
        """Release the file."""
        self._ready.clear()
        self._held_back: av.Packet | None = None
        self._packets: Iterator[av.Packet] = iter(())
        self._container.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> DecodedFrame:
        while not self._ready:
            if self._is_drained:
                raise StopIteration
            self._feed()
        return self._ready.popleft()

    def _open(self) -> None:
        # The prefix keeps a colon in a file name from being taken for a protocol; the list keeps playlists local.
        self._container = av.open(
            f"file:{os.path.abspath(self.path)}", metadata_errors="replace", options={"protocol_whitelist": "file"}
        )
        try:
            self._stream = best_stream(self._container, self.path)
            self._codec = self._stream.codec_context
            if not self.is_careful:
                self._stream.thread_type = "AUTO"
                self._codec.thread_count = min(_MAX_THREADS, os.cpu_count() or 1)
        except BaseException:
            self._container.close()
            raise
        self._begin_reading(packet_index=0)

    def _begin_reading(self, packet_index: int) -> None:
        self._packets = self._container.demux(self._stream)
        self._next_packet = packet_index
        self._held_back = None
        self._ready.clear()
        self._frames_of: Counter[int] = Counter()
        self._is_drained = False

    def _targets(self, packet_index: int) -> list[int]:
        """Key packets to seek to, the wanted one first: a demuxer that lands late is asked for an earlier one."""
        count = self.table.keys_up_to(packet_index)
        return [self.table.key_packets[count - 1 - step] for step in _STEPS_BACK if step < count]

    def _seek(self, method: str, target: int) -> bool:
        offset = {"pts": self.table.pts, "dts": self.table.dts}[method][target] if method != "bytes" else None
        if method == "bytes":
            offset = self.table.marks[target].position
        if offset is None or (method == "bytes" and offset < 0):
            return False
        try:
            self._container.seek(offset, stream=self._stream, unsupported_byte_offset=method == "bytes")
        except av.FFmpegError:
            return False
        if self.reorder_depth:
            self._codec.reorder_depth = self.reorder_depth
        return True

    def _skip_to(self, packet_index: int) -> bool:
        """Read on to `packet_index` without decoding; False when the seek has landed behind it."""
        self._begin_reading(packet_index)
        while (packet := self._take_packet()) is not None:
            found = self.table.find(mark_of(packet))
            if found == packet_index:
                self._held_back = packet
                return True
            if found is not None and found > packet_index:
                return False
        return False

    def _take_packet(self) -> av.Packet | None:
        if self._held_back is not None:
            held_back, self._held_back = self._held_back, None
            return held_back
        try:
            return next((packet for packet in self._packets if packet.size), None)
        except av.FFmpegError:
            return None  # where the table ends too

    def _feed(self) -> None:
        packet = self._take_packet() if self._next_packet < len(self.table) else None
        packet_index = self._next_packet
        if packet is None:
            self._is_drained = True
        else:
            if mark_of(packet) != self.table.marks[packet_index]:
                raise PacketMismatchError
            packet.pts = packet.dts = packet_index
            self._next_packet += 1
        try:
            frames = self._codec.decode(packet)
        except av.FFmpegError:
            self.failures.add(packet_index)
            return
        for frame in frames:
            source = -1 if frame.pts is None else frame.pts
            self._ready.append(DecodedFrame(source, self._frames_of[source], frame))
            self._frames_of[source] += 1


def best_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream FFmpeg calls best, cover pictures aside."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise MediaError(f"{path}: there is no video in this file, only {_contents(container)}; choose a video")
    best = container.streams.best("video")
    stream = best if best in streams else max(streams, key=lambda s: s.width * s.height)
    if stream.codec_context is None:
        raise MediaError(f"{path}: its video codec is not supported; convert it to H.264 in mp4")
    return stream


def _contents(container: av.container.InputContainer) -> str:
    kinds = {"audio": "sound", "video": "a cover picture", "subtitle": "subtitles"}
    found = dict.fromkeys(kinds.get(stream.type, "data") for stream in container.streams)
    return " and ".join(found) or "nothing that can be played"
