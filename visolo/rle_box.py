"""Masks decoded in their box only: what a view needs of twenty masks a frame, without twenty whole frames."""

import numpy as np
from numpy.typing import NDArray

from visolo.rle import Box, Rle, bounding_box

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
