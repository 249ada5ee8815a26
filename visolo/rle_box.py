"""Masks decoded and encoded in their box only: what a view needs of twenty masks a frame, without whole frames."""

import numpy as np
from numpy.typing import NDArray

from visolo.rle import Box, Rle, bounding_box, from_run_lengths

_FIRST_CHAR = 48
_CHAR_BITS = 5
_MORE_BIT = 0x20
_SIGN_BIT = 0x10
_PAYLOAD = 0x1F


def decode_in_box(rle: Rle) -> tuple[Box, NDArray[np.uint8]]:
    """The smallest box around a mask, and the mask in it.

    Args:
        rle: checked (see `visolo.rle.checked`), as every RLE of a project is.

    Returns:
        The box, and (box.height, box.width) uint8 of 0 and 1, C-contiguous; both empty for an empty mask.
    """
    box = bounding_box(rle)
    if box.width == 0 or box.height == 0:
        return box, np.zeros((0, 0), dtype=np.uint8)
    height = rle.size[0]
    first, last = box.x * height, (box.x + box.width) * height
    # Runs go down the columns, so the columns of the box are one stretch of the whole.
    ends = np.clip(np.cumsum(_lengths(rle.counts)), first, last)
    inside = np.diff(ends, prepend=first)
    values = (np.arange(len(ends)) & 1).astype(np.uint8)
    columns = np.repeat(values, inside).reshape(box.width, height)
    return box, np.ascontiguousarray(columns[:, box.y : box.y + box.height].T)


def encode_in_box(inside: NDArray[np.bool_], left: int, top: int, size: tuple[int, int]) -> Rle:
    """A mask that is given in a box only; the opposite of `decode_in_box`.

    Args:
        inside: (h, w) bool, what of the mask is in the box; elsewhere there is none.
        left: first column of the box.
        top: first row of the box.
        size: (height, width) in pixels; the box lies within.
    """
    height, width = size
    # (w, h + 2): every run begins and ends in its column. Twice as fast as np.pad and np.diff.
    columns = np.zeros((inside.shape[1], inside.shape[0] + 2), dtype=np.bool_)
    columns[:, 1:-1] = inside.T
    column, row = np.nonzero(columns[:, 1:] != columns[:, :-1])  # start and end of every run in turn, column by column
    ends = np.empty(len(column) + 2, dtype=np.int64)
    ends[0], ends[1:-1], ends[-1] = 0, (column + left) * height + row + top, height * width
    runs = (ends[1:] - ends[:-1]).tolist()
    return from_run_lengths(size, runs if runs[-1] else runs[:-1])


def _lengths(counts: str) -> NDArray[np.int64]:
    """Run lengths of a compressed counts string: five bits a character, differences to the run before last."""
    codes = np.frombuffer(counts.encode("ascii"), dtype=np.uint8).astype(np.int64) - _FIRST_CHAR
    lasts = np.flatnonzero((codes & _MORE_BIT) == 0)
    firsts = np.concatenate([[0], lasts[:-1] + 1])
    sizes = lasts - firsts + 1
    places = np.arange(len(codes)) - np.repeat(firsts, sizes)
    values = np.add.reduceat((codes & _PAYLOAD) << (_CHAR_BITS * places), firsts)
    values -= np.where(codes[lasts] & _SIGN_BIT, 1 << (_CHAR_BITS * sizes), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    lengths: NDArray[np.int64] = values
    return lengths
