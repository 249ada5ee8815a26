"""Lists the packets of a video stream without decoding, so that any packet can be recognised again after a seek."""

import zlib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

import av

from visolo.io.frame_source import Progress

_EDGE_BYTES = 64
_REPORT_EVERY = 64


class PacketMark(NamedTuple):
    """What one packet looks like. Time stamps are left out: after a seek some demuxers report others."""

    position: int  # byte offset in the file, -1 where the demuxer knows none
    size: int  # bytes
    checksum: int  # of the first and last bytes


@dataclass
class PacketTable:
    """Every packet of a stream that carries data, in file order. packet_index is the position in these lists.

    Attributes:
        marks: how to recognise each packet.
        pts, dts: time stamps in the stream's time base; None where the file gives none.
        is_discarded: the demuxer's flag; such packets are decoded but never shown.
        key_packets: packet_index of each packet with the demuxer's key flag, rising.
        corrupt_count: how many packets the demuxer calls corrupt.
        ended_early: whether reading ended with an error.
    """

    marks: list[PacketMark] = field(default_factory=list)
    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    is_discarded: list[bool] = field(default_factory=list)
    key_packets: list[int] = field(default_factory=list)
    corrupt_count: int = 0
    ended_early: bool = False
    _packet_index_of: dict[PacketMark, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.marks)

    def find(self, mark: PacketMark) -> int | None:
        """The packet_index of the one packet that looks like `mark`; None when none or several do."""
        packet_index = self._packet_index_of.get(mark, -1)
        return None if packet_index < 0 else packet_index

    @property
    def is_damaged(self) -> bool:
        """Whether the demuxer already found fault with the file."""
        return self.corrupt_count > 0 or self.ended_early

    def keys_up_to(self, packet_index: int) -> int:
        """How many of `key_packets` are not behind `packet_index`."""
        return bisect_right(self.key_packets, packet_index)

    def add(self, packet: av.Packet) -> None:
        """Append one packet."""
        mark = mark_of(packet)
        if packet.is_keyframe:
            self.key_packets.append(len(self.marks))
        self._packet_index_of[mark] = -1 if mark in self._packet_index_of else len(self.marks)
        self.marks.append(mark)
        self.pts.append(packet.pts)
        self.dts.append(packet.dts)
        self.is_discarded.append(bool(packet.is_discard))
        self.corrupt_count += bool(packet.is_corrupt)


def mark_of(packet: av.Packet) -> PacketMark:
    """Describe a packet so that it can be found in a `PacketTable`."""
    view = memoryview(packet)
    checksum = zlib.crc32(view[-_EDGE_BYTES:], zlib.crc32(view[:_EDGE_BYTES]))
    return PacketMark(-1 if packet.pos is None else packet.pos, packet.size, checksum)


def scan_packets(
    container: av.container.InputContainer, stream: av.VideoStream, progress: Progress | None
) -> PacketTable:
    """Read all packets of `stream` from where the container stands.

    Args:
        container: freshly opened; stands at its end afterwards.
        stream: one of its video streams.
        progress: hears 0..1.

    Returns:
        The packets up to the end, or up to where the container cannot be read on.
    """
    table, file_size = PacketTable(), max(container.size, 1)
    try:
        for packet in container.demux(stream):
            if not packet.size:  # the end, or a repeated picture that carries no data
                continue
            table.add(packet)
            if progress and packet.pos is not None and len(table) % _REPORT_EVERY == 0:
                progress(min(packet.pos / file_size, 1.0))
    except av.FFmpegError:
        table.ended_early = True
    return table
