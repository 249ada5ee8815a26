"""Row images: what a stretch of an entry found and what it left, so that undo and redo are plain writing back.

Only narrow rows are kept here; masks and evidence never change and are referred to.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Value = int | float | str | None
RowKey = tuple[str, tuple[Value, ...]]
Position = tuple[int, int, int]

_COMPRESSION = 1  # fast: a swap over 10,000 frames is written while the user waits


class Cell(NamedTuple):
    """One row of `cells`, in the order of its columns: the instance that a track has in a frame.

    `run_id` and `slot` say which detection of which run it is; 0 and -1 when no model detected it.
    """

    video_id: int
    track_id: int
    frame_index: int
    instance_id: int
    mask_id: int
    score: float
    origin: int
    edited: int
    run_id: int
    slot: int

    @property
    def position(self) -> Position:
        """Primary key: video, track, frame."""
        return self[:3]


@dataclass
class Images:
    """Rows before and after; a row that is None was not there.

    Attributes:
        cells: by position; both sides of one row.
        rows: of the small tables, by table and primary key; the values are the row's other columns.
    """

    cells: dict[Position, tuple[Cell | None, Cell | None]] = field(default_factory=dict)
    rows: dict[RowKey, tuple[tuple[Value, ...] | None, tuple[Value, ...] | None]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.cells or self.rows)

    def note_cells(self, before: Iterable[Cell], after: Iterable[Cell]) -> None:
        """Add what one step changed; the first `before` and the last `after` of a position stay."""
        found: dict[Position, Cell] = {cell[:3]: cell for cell in before}
        left: dict[Position, Cell] = {cell[:3]: cell for cell in after}
        for position in dict.fromkeys((*found, *left)):  # in order: neighbours pack well
            earlier = self.cells.get(position)
            first = found.get(position) if earlier is None else earlier[0]
            self.cells[position] = (first, left.get(position))

    def note_row(self, key: RowKey, before: tuple[Value, ...] | None, after: tuple[Value, ...] | None) -> None:
        """Add a changed row of a small table."""
        earlier = self.rows.get(key)
        self.rows[key] = (before if earlier is None else earlier[0], after)


def encode(images: Images) -> bytes:
    """Compact bytes of the images."""
    pairs = list(images.cells.values())
    rows = [[table, key, before, after] for (table, key), (before, after) in images.rows.items()]
    head = json.dumps(rows, separators=(",", ":")).encode() if rows else b""
    body = _pack([b for b, _ in pairs if b is not None]) + _pack([a for _, a in pairs if a is not None])
    return zlib.compress(struct.pack("<I", len(head)) + head + body, _COMPRESSION)


def decode(data: bytes) -> Images:
    """The images of `encode`."""
    raw = zlib.decompress(data)
    (head_size,) = struct.unpack_from("<I", raw)
    offset = 4 + head_size
    images = Images()
    for table, key, before, after in json.loads(raw[4:offset]) if head_size else []:
        images.rows[table, tuple(key)] = (_row(before), _row(after))
    before_cells, offset = _unpack(raw, offset)
    after_cells, _ = _unpack(raw, offset)
    left = {cell[:3]: cell for cell in after_cells}
    for cell in before_cells:
        images.cells[cell[:3]] = (cell, left.pop(cell[:3], None))
    for position, cell in left.items():
        images.cells[position] = (None, cell)
    return images


def _row(value: list[Any] | None) -> tuple[Value, ...] | None:
    return None if value is None else tuple(value)


_SCORE = Cell._fields.index("score")
_INTEGERS = [i for i in range(len(Cell._fields)) if i != _SCORE]


def _pack(cells: Sequence[Cell]) -> bytes:
    count = struct.pack("<I", len(cells))
    if not cells:
        return count
    table = np.array(cells, dtype=np.float64)  # ids stay below 2**53
    integers = np.diff(table[:, _INTEGERS].astype(np.int64).T, prepend=0)  # neighbours differ little: packs well
    return count + integers.tobytes() + table[:, _SCORE].tobytes()


def _unpack(raw: bytes, offset: int) -> tuple[list[Cell], int]:
    (count,) = struct.unpack_from("<I", raw, offset)
    offset += 4
    if not count:
        return [], offset
    size = len(_INTEGERS) * count
    differences: NDArray[np.int64] = np.frombuffer(raw, np.int64, size, offset).reshape(len(_INTEGERS), count)
    scores = np.frombuffer(raw, np.float64, count, offset + 8 * size).tolist()
    columns: list[list[Any]] = np.cumsum(differences, axis=1).tolist()
    columns.insert(_SCORE, scores)
    return [Cell._make(values) for values in zip(*columns, strict=True)], offset + 8 * (size + count)
