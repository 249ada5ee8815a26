"""COCO run-length masks on numpy: the only place where masks become RLE and back.

Counts are checked here before any C code sees them: pycocotools hangs on counts that are too short or too long and
crashes on empty ones. `visolo.rle_check` does the same for whole files at once.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from visolo.errors import AnnotationError

_CHAR_BITS = 5
_MORE_BIT = 0x20
_SIGN_BIT = 0x10
_FIRST_CHAR = 48
_MAX_PIXELS = 2**31 - 1  # positions are 32-bit numbers in the C code
_AREA_CHUNK = 255  # pycocotools.area overflows on longer lists


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


def areas(rles: Iterable[Rle]) -> NDArray[np.int64]:
    """Number of foreground pixels of every mask, (N,) int64."""
    natives = [_native(rle) for rle in rles]
    chunks = [coco.area(natives[i : i + _AREA_CHUNK]) for i in range(0, len(natives), _AREA_CHUNK)]
    return np.concatenate([np.zeros(0), *chunks]).astype(np.int64)


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
    runs = np.asarray(lengths, dtype=np.int64)
    check_run_lengths(size, runs, where)
    packed = coco.frPyObjects({"size": list(size), "counts": _without_empty_runs(runs)}, *size)
    return Rle(size, packed["counts"].decode("ascii"))


def from_json(value: Any, where: str) -> Rle:  # noqa: ANN401 - anything may stand in a user's file
    """Read an RLE object of a JSON file, compressed or not, and check it completely.

    Args:
        value: ``{"size": [height, width], "counts": str or list of int}``.
        where: said first in the error message, e.g. ``gt.json: annotations[3].segmentations[7]``.

    Raises:
        AnnotationError: wrong shape, or counts that do not cover exactly height x width pixels.
    """
    rle = from_json_unchecked(value, where)
    return rle if isinstance(value["counts"], list) else checked(rle, where)


def from_json_unchecked(value: Any, where: str) -> Rle:  # noqa: ANN401 - anything may stand in a user's file
    """As `from_json`, but a compressed counts string is taken unread; for `visolo.rle_check.checked_all`.

    Raises:
        AnnotationError: wrong shape, or run lengths (uncompressed) that do not cover exactly height x width pixels.
    """
    if not isinstance(value, dict) or "size" not in value or "counts" not in value:
        raise AnnotationError(f"{where}: expected an RLE object with 'size' and 'counts'")
    size = checked_size(value["size"], where)
    counts = value["counts"]
    if isinstance(counts, str):
        return Rle(size, counts)
    if not isinstance(counts, list):
        raise AnnotationError(f"{where}: RLE counts must be a string or a list, not {type(counts).__name__}")
    if not all(type(v) is int and abs(v) <= _MAX_PIXELS for v in counts):
        raise AnnotationError(f"{where}: RLE counts must be whole numbers of pixels")
    return from_run_lengths(size, counts, where)


def checked(rle: Rle, where: str) -> Rle:
    """The same mask, its counts verified; empty runs inside, which stop the C code early, are taken out.

    Raises:
        AnnotationError: the counts do not cover exactly height x width pixels.
    """
    lengths = run_lengths(rle.counts, where)
    check_run_lengths(rle.size, lengths, where)
    return rle if lengths[1:].all() else from_run_lengths(rle.size, lengths.tolist(), where)


def from_polygons(size: tuple[int, int], polygons: Sequence[Sequence[float]], where: str) -> Rle:
    """Mask of the pixels inside any of the polygons, as the COCO API fills them.

    Args:
        size: (height, width) in pixels.
        polygons: each ``[x0, y0, x1, y1, ...]`` in pixels, at least three corners.
        where: said first in the error message.

    Raises:
        AnnotationError: a polygon has too few or unpaired numbers, or lies far outside the frame.
    """
    reach = 4 * max(size)  # the C code walks along every edge: a far corner would take for ever
    for i, polygon in enumerate(polygons):
        if len(polygon) < 6 or len(polygon) % 2:
            raise AnnotationError(
                f"{where}[{i}]: a polygon needs x, y of three or more corners, not {len(polygon)} numbers"
            )
        if not all(-reach <= v <= reach for v in polygon):
            raise AnnotationError(f"{where}[{i}]: a polygon corner lies far outside the {size[0]} x {size[1]} frame")
    parts = coco.frPyObjects([[float(v) for v in polygon] for polygon in polygons], *size)
    return _from_native(coco.merge(parts))


def check_run_lengths(size: tuple[int, int], lengths: NDArray[np.int64], where: str) -> None:
    """Check that run lengths are a mask of this size (height, width).

    Raises:
        AnnotationError: a run is negative or they do not cover exactly height x width pixels.
    """
    if lengths.size and lengths.min() < 0:
        raise AnnotationError(f"{where}: RLE counts contain a negative run; re-export the file")
    total, expected = int(lengths.sum()), size[0] * size[1]
    if total != expected:
        raise AnnotationError(
            f"{where}: RLE counts cover {total} pixels, size {size[0]} x {size[1]} needs {expected}; re-export the file"
        )


def checked_size(size: object, where: str) -> tuple[int, int]:
    """(height, width) from ``[height, width]`` of a JSON file.

    Raises:
        AnnotationError: it is not two whole numbers of pixels, or larger than any frame.
    """
    height, width = size if isinstance(size, list) and len(size) == 2 else (None, None)
    if type(height) is not int or type(width) is not int or height <= 0 or width <= 0:
        raise AnnotationError(f"{where}: RLE size must be [height, width] in pixels, not {str(size)[:40]}")
    if height * width > _MAX_PIXELS:
        raise AnnotationError(f"{where}: RLE size {height} x {width} is larger than any frame; re-export the file")
    return height, width


def to_json(rle: Rle) -> dict[str, object]:
    """``{"size": [height, width], "counts": str}`` for a JSON file."""
    return {"size": list(rle.size), "counts": rle.counts}


def _without_empty_runs(lengths: NDArray[np.int64]) -> list[int]:
    if lengths[1:].all():
        return cast("list[int]", lengths.tolist())
    runs = [int(lengths[0])]
    is_foreground = False
    for index, length in enumerate(lengths[1:].tolist(), start=1):
        if length == 0:
            continue
        if bool(index % 2) is is_foreground:
            runs[-1] += length
        else:
            runs.append(length)
            is_foreground = not is_foreground
    return runs


def _native(rle: Rle) -> dict[str, object]:
    return {"size": list(rle.size), "counts": rle.counts.encode("ascii")}


def _from_native(value: dict[str, Any]) -> Rle:
    return Rle((int(value["size"][0]), int(value["size"][1])), value["counts"].decode("ascii"))
