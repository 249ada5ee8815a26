"""Row images: what a stretch of an entry found and what it left, so that undo and redo are plain writing back.

Only narrow rows are kept here; masks and evidence never change and are referred to.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo.errors import ProjectError

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


def cells_of(rows: Iterable[Sequence[Value]]) -> list[Cell]:
    """Cells of rows in the order of the columns; several times quicker than making them one by one."""
    return list(map(partial(tuple.__new__, Cell), rows))


@dataclass
class Images:
    """Rows before and after; a row that is None was not there.

    Attributes:
        before: cells as they were, by position.
        after: cells as they are, same positions.
        rows: of the small tables, by table and primary key; the values are the row's other columns.
    """

    before: dict[Position, Cell | None] = field(default_factory=dict)
    after: dict[Position, Cell | None] = field(default_factory=dict)
    rows: dict[RowKey, tuple[tuple[Value, ...] | None, tuple[Value, ...] | None]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.after or self.rows)

    def note_cells(self, before: dict[Position, Cell], after: dict[Position, Cell]) -> None:
        """Add what one step changed; of a position changed twice the first `before` and the last `after` stay."""
        # Merging whole dicts, because a swap has tens of thousands of positions and a person waits for it.
        self.before = dict.fromkeys(after) | before | self.before
        self.after = self.after | dict.fromkeys(before) | after

    def note_row(self, key: RowKey, before: tuple[Value, ...] | None, after: tuple[Value, ...] | None) -> None:
        """Add a changed row of a small table."""
        earlier = self.rows.get(key)
        self.rows[key] = (before if earlier is None else earlier[0], after)


def encode(images: Images) -> bytes:
    """Compact bytes of the images."""
    rows = [[table, key, before, after] for (table, key), (before, after) in images.rows.items()]
    head = json.dumps(rows, separators=(",", ":")).encode() if rows else b""
    body = b"".join(_pack([c for c in side.values() if c is not None]) for side in (images.before, images.after))
    return zlib.compress(struct.pack("<I", len(head)) + head + body, _COMPRESSION)


def decode(data: bytes) -> Images:
    """The images of `encode`.

    Raises:
        ProjectError: the bytes are damaged.
    """
    try:
        return _decode(zlib.decompress(data))
    except (zlib.error, struct.error, ValueError) as error:
        raise ProjectError("the history in the project file is damaged; restore it from a copy") from error


def _decode(raw: bytes) -> Images:
    (head_size,) = struct.unpack_from("<I", raw)
    offset = 4 + head_size
    images = Images()
    for table, key, before, after in json.loads(raw[4:offset]) if head_size else []:
        images.rows[table, tuple(key)] = (_row(before), _row(after))
    before_cells, offset = _unpack(raw, offset)
    after_cells, _ = _unpack(raw, offset)
    images.note_cells({c[:3]: c for c in before_cells}, {c[:3]: c for c in after_cells})
    return images


def _row(value: list[Any] | None) -> tuple[Value, ...] | None:
    return None if value is None else tuple(value)


_SCORE = Cell._fields.index("score")
_INTEGERS = [i for i in range(len(Cell._fields)) if i != _SCORE]


def _pack(cells: Sequence[Cell]) -> bytes:
    count = struct.pack("<I", len(cells))
    if not cells:
        return count
    values = chain.from_iterable(cells)  # much faster than np.array(cells); ids stay below 2**53
    table = np.fromiter(values, np.float64, len(cells) * len(Cell._fields)).reshape(len(cells), -1)
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
    return cells_of(zip(*columns, strict=True)), offset + 8 * (size + count)
