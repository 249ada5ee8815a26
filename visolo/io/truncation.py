"""Tells from a media file's own headers whether its end is missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MP4_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"wide", b"free", b"skip")
_EBML, _SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"


def is_cut_off(path: Path) -> bool:
    """Whether an mp4 or mov, AVI, or Matroska file ends before the length it states. False for other kinds."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            # Writers that never finished leave 0 or the largest number here, which says nothing.
            stated = int.from_bytes(head[4:8], "little")
            return 0 < stated < 0xFFFFFFF0 and stated + 8 > size + 1
        if head[:4] == _EBML:
            return _matroska_end(file) > size
        if head[4:8] in _MP4_FIRST_BOXES:
            return any(end > size for _, end in _mp4_boxes(file, size))
    return False


def is_mp4_without_index(path: Path) -> bool:
    """Whether this is an mp4 or mov file whose index (the moov box) is missing, so that nothing in it can be found."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(8)[4:8] not in _MP4_FIRST_BOXES:
            return False
        return all(kind != b"moov" for kind, _ in _mp4_boxes(file, size))


def _mp4_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Kind and stated end (bytes) of each box of the top level that begins inside the file."""
    position = 0
    while position < size:
        file.seek(position)
        header = file.read(16)
        length, start = int.from_bytes(header[:4], "big"), 8
        if length == 1:
            length, start = int.from_bytes(header[8:16], "big"), 16
        if length == 0:  # up to the end of the file
            length = size - position
        if length < start:
            return
        position += length
        yield header[4:8], position


def _matroska_end(file: BinaryIO) -> int:
    """Where the segment that holds everything ends by its own statement; 0 where it states nothing."""
    file.seek(4)
    file.seek(_ebml_number(file) or 0, 1)
    if file.read(4) != _SEGMENT:
        return 0
    length = _ebml_number(file)
    return 0 if length is None else file.tell() + length


def _ebml_number(file: BinaryIO) -> int | None:
    """A length of 1 to 8 bytes whose leading zero bits say how many; None for the value that means unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    byte_count = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(byte_count - 1), "big") & ((1 << 7 * byte_count) - 1)
    return None if value == (1 << 7 * byte_count) - 1 else value
