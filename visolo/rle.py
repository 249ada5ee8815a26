"""COCO run-length masks on numpy: the only place where masks become RLE and back.

Counts are checked here before any C code sees them: pycocotools hangs on counts that are too short or too long and
crashes on empty ones.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from visolo.errors import AnnotationError

_CHAR_BITS = 5
_MORE_BIT = 0x20
_SIGN_BIT = 0x10
_FIRST_CHAR = 48


class Rle(NamedTuple):
    """One mask as compressed COCO run lengths (column-major, first run is background).

    `size` is (height, width) in pixels; `counts` is the ASCII string of the COCO API.
    """

    size: tuple[int, int]
    counts: str


class Box(NamedTuple):
    """Axis-aligned box in pixels: left, top, width, height; all 0 for an empty mask."""

    x: int
    y: int
    width: int
    height: int


def encode(mask: NDArray[np.bool_]) -> Rle:
    """Run-length encode one mask.

    Args:
        mask: (H, W) bool or uint8 of 0 and 1.
    """
    packed = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return Rle((int(mask.shape[0]), int(mask.shape[1])), packed["counts"].decode("ascii"))


def decode(rle: Rle) -> NDArray[np.bool_]:
    """Mask (H, W) bool of a validated RLE."""
    return np.asarray(coco.decode(_native(rle)), dtype=np.bool_)


def area(rle: Rle) -> int:
    """Number of foreground pixels."""
    return int(coco.area(_native(rle)))


def bounding_box(rle: Rle) -> Box:
    """Smallest box around the foreground."""
    return Box(*(int(v) for v in coco.toBbox(_native(rle))))


def iou(rles: Sequence[Rle], others: Sequence[Rle]) -> NDArray[np.float64]:
    """Overlap of every mask with every other mask of the same size.

    Returns:
        (N, M) float64 in [0, 1]; 0 where both masks are empty.
    """
    if not rles or not others:
        return np.zeros((len(rles), len(others)))
    overlaps = coco.iou([_native(r) for r in rles], [_native(r) for r in others], [0] * len(others))
    return np.nan_to_num(np.asarray(overlaps, dtype=np.float64))


def union(rles: Sequence[Rle]) -> Rle:
    """Mask of all pixels that are in any of the masks (at least one, all of one size)."""
    return _from_native(coco.merge([_native(r) for r in rles], intersect=False))


def intersection(rles: Sequence[Rle]) -> Rle:
    """Mask of all pixels that are in every mask (at least one, all of one size)."""
    return _from_native(coco.merge([_native(r) for r in rles], intersect=True))


def run_lengths(counts: str, where: str = "counts") -> NDArray[np.int64]:
    """Decode a compressed counts string to run lengths without C code.

    Raises:
        AnnotationError: the string holds characters that no encoder writes or ends inside a number.
    """
    values: list[int] = []
    value, shift = 0, 0
    for char in counts:
        code = ord(char) - _FIRST_CHAR
        if not 0 <= code < 64:
            raise AnnotationError(f"{where}: {char!r} is not an RLE character; re-export the file")
        value |= (code & 0x1F) << shift
        shift += _CHAR_BITS
        if shift > 60:
            raise AnnotationError(f"{where}: a run length is too large; re-export the file")
        if not code & _MORE_BIT:
            if code & _SIGN_BIT:
                value -= 1 << shift
            values.append(value + values[-2] if len(values) > 2 else value)
            value, shift = 0, 0
    if shift:
        raise AnnotationError(f"{where}: the RLE ends inside a number; re-export the file")
    return np.array(values, dtype=np.int64)


def from_run_lengths(size: tuple[int, int], lengths: Sequence[int], where: str = "counts") -> Rle:
    """Compress run lengths (background first).

    Raises:
        AnnotationError: a length is negative or their sum is not height x width.
    """
    _check_lengths(size, np.asarray(lengths, dtype=np.int64), where)
    packed = coco.frPyObjects({"size": list(size), "counts": [int(v) for v in lengths]}, *size)
    return Rle(size, packed["counts"].decode("ascii"))


def from_json(value: Any, where: str) -> Rle:  # noqa: ANN401 - anything may stand in a user's file
    """Read an RLE object of a JSON file, compressed or not, and check it completely.

    Args:
        value: ``{"size": [height, width], "counts": str or list of int}``.
        where: said first in the error message, e.g. ``gt.json: annotations[3].segmentations[7]``.

    Raises:
        AnnotationError: wrong shape, or counts that do not cover exactly height x width pixels.
    """
    if not isinstance(value, dict) or "size" not in value or "counts" not in value:
        raise AnnotationError(f"{where}: expected an RLE object with 'size' and 'counts'")
    size = _size_of(value["size"], where)
    counts = value["counts"]
    if isinstance(counts, list):
        if not all(isinstance(v, int) and not isinstance(v, bool) for v in counts):
            raise AnnotationError(f"{where}: RLE counts must be whole numbers")
        return from_run_lengths(size, counts, where)
    if not isinstance(counts, str):
        raise AnnotationError(f"{where}: RLE counts must be a string or a list, not {type(counts).__name__}")
    _check_lengths(size, run_lengths(counts, where), where)
    return Rle(size, counts)


def to_json(rle: Rle) -> dict[str, object]:
    """``{"size": [height, width], "counts": str}`` for a JSON file."""
    return {"size": list(rle.size), "counts": rle.counts}


def _size_of(size: object, where: str) -> tuple[int, int]:
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(v, int) and v > 0 for v in size):
        raise AnnotationError(f"{where}: RLE size must be [height, width] in pixels, not {size!r}")
    return size[0], size[1]


def _check_lengths(size: tuple[int, int], lengths: NDArray[np.int64], where: str) -> None:
    if lengths.size and lengths.min() < 0:
        raise AnnotationError(f"{where}: RLE counts contain a negative run; re-export the file")
    total, expected = int(lengths.sum()), size[0] * size[1]
    if total != expected:
        raise AnnotationError(
            f"{where}: RLE counts cover {total} pixels, size {size[0]} x {size[1]} needs {expected}; re-export the file"
        )


def _native(rle: Rle) -> dict[str, object]:
    return {"size": list(rle.size), "counts": rle.counts.encode("ascii")}


def _from_native(value: dict[str, Any]) -> Rle:
    return Rle((int(value["size"][0]), int(value["size"][1])), value["counts"].decode("ascii"))
