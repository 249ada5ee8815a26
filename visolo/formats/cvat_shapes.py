"""The shapes in CVAT's XML: masks and polygons become RLE, RLE becomes the attributes of a mask.

A CVAT mask is a box and run lengths in it, row by row, background first.
"""

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from visolo import rle as rle_module
from visolo.errors import AnnotationError
from visolo.formats.boxes import filled_box
from visolo.rle import Rle
from visolo.rle_box import decode_in_box, encode_in_box

_RUNS = re.compile(r"\s*[0-9]{1,9}(?:\s*,\s*[0-9]{1,9})*\s*")
WITHOUT_MASK = ("box", "cuboid", "ellipse", "points", "polyline", "skeleton")


def mask_of_shape(shape: Element, size: tuple[int, int], where: str) -> Rle:
    """The mask of a `mask` or `polygon` element.

    Args:
        shape: the element.
        size: (height, width) of its frame in pixels.
        where: said first in the error message.

    Raises:
        AnnotationError: its numbers are no such shape in a frame of this size.
    """
    if shape.tag == "polygon":
        corners = [pair.split(",") for pair in shape.get("points", "").split(";")]
        try:
            return rle_module.from_polygons(size, [[float(v) for pair in corners for v in pair]], where)
        except ValueError as error:
            raise AnnotationError(f"{where}: its 'points' are not 'x,y;x,y;...'; export the file again") from error
    left, top, width, height = (whole(shape, name, where) for name in ("left", "top", "width", "height"))
    if width < 1 or height < 1 or left + width > size[1] or top + height > size[0]:
        raise AnnotationError(
            f"{where}: its box ({left}, {top}, {width} x {height}) is not inside the frame of {size[1]} x {size[0]}"
        )
    runs = _runs(shape, where)
    if int(runs.sum()) != width * height:
        raise AnnotationError(
            f"{where}: its runs cover {int(runs.sum())} pixels, its box has {width * height}; export the file again"
        )
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    return encode_in_box(inside, left, top, size)


def box_of_shape(shape: Element, size: tuple[int, int]) -> Rle | None:
    """The filled box of a `box` element; None for other shapes, for boxes that are turned, and where it is no box."""
    if shape.tag != "box" or shape.get("rotation", "0.0") not in ("0", "0.0", "0.00"):
        return None
    try:
        left, top, right, bottom = (float(shape.get(name, "")) for name in ("xtl", "ytl", "xbr", "ybr"))
    except ValueError:
        return None
    return filled_box((left, top, right - left, bottom - top), size)


def attributes_of_mask(rle: Rle) -> Mapping[str, str]:
    """The attributes that say a mask with pixels: rle, left, top, width, height."""
    box, mask = decode_in_box(rle)
    inside = mask.reshape(-1)
    changes = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    runs = np.diff(np.concatenate([[0], changes, [inside.size]])).tolist()
    counts = [0, *runs] if inside[0] else runs
    numbers = {"left": box.x, "top": box.y, "width": box.width, "height": box.height}
    return {"rle": ", ".join(map(str, counts)), **{name: str(number) for name, number in numbers.items()}}


def whole(element: Element, name: str, where: str) -> int:
    """An attribute that is a whole number of 0 or more; CVAT writes some with decimals.

    Raises:
        AnnotationError: it is not.
    """
    text = element.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (value.is_integer() and 0 <= value < 2**31):
        raise AnnotationError(f"{where}: '{name}' must be a whole number from 0, not {text[:40]!r}")
    return int(value)


def _runs(shape: Element, where: str) -> NDArray[np.int64]:
    text = shape.get("rle", "")
    if not _RUNS.fullmatch(text):
        raise AnnotationError(f"{where}: its 'rle' must be whole numbers, separated by commas; export the file again")
    return np.fromstring(text, dtype=np.int64, sep=",")
