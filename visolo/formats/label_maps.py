"""Pictures whose pixel values are objects: read, painted of masks, and taken apart to masks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visolo import rle as rle_module
from visolo.errors import AnnotationError
from visolo.rle import Rle

_FAILURES = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # all that Pillow raises on bad files
_INDEXED = ("P", "L", "1", "I;16", "I;16B", "I;16L", "I;16N", "I")


def read_label_map(path: Path) -> NDArray[np.int32]:
    """The object that each pixel of an indexed or grey PNG belongs to: (H, W), 0 for none.

    Raises:
        AnnotationError: it is missing or damaged, or a picture of colours.
    """
    try:
        with Image.open(path) as image:
            mode = image.mode
            if mode not in _INDEXED:
                raise AnnotationError(
                    f"{path}: is a picture of colours ({mode}), not of object numbers; export indexed PNGs"
                )
            values = np.asarray(image).astype(np.int32)
    except _FAILURES as error:
        raise AnnotationError(f"{path}: this PNG cannot be read ({error}); export it again") from error
    return values


def masks_of(values: NDArray[np.int32]) -> dict[int, Rle]:
    """The mask of every value but 0 that is in a label map, by value."""
    found = np.flatnonzero(np.bincount(values.reshape(-1))).tolist()  # ten times as fast as np.unique
    return {value: rle_module.encode(values == value) for value in found if value}


def paint(masks: Sequence[tuple[int, Rle]], size: tuple[int, int]) -> NDArray[np.int32]:
    """(H, W) label map of masks; where they overlap, the first has the pixel."""
    values = np.zeros(size, dtype=np.int32)
    for value, rle in reversed(masks):
        values[rle_module.decode(rle)] = value
    return values
