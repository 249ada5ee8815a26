"""Pictures whose pixel values are objects: read, painted of masks, and taken apart to masks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visolo import rle as rle_module
from visolo.errors import AnnotationError
from visolo.formats.exchange import Progress
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


class LabelledFrame(NamedTuple):
    """One label map: its file, (height, width) in pixels, and the mask of every object."""

    png: Path
    size: tuple[int, int]
    masks: dict[int, Rle]


def read_video_masks(pngs: Sequence[Path], progress: Progress) -> Iterator[LabelledFrame]:
    """The label maps of a video, frame by frame.

    Raises:
        AnnotationError: one cannot be read, or is not of the size of those before it.
    """
    size: tuple[int, int] | None = None
    for frame_index, png in enumerate(pngs):
        values = read_label_map(png)
        height, width = values.shape
        if size is not None and (height, width) != size:
            raise AnnotationError(
                f"{png}: is {width} x {height}, the PNGs before it are {size[1]} x {size[0]};"
                " all frames of a video must have one size"
            )
        size = (height, width)
        yield LabelledFrame(png, size, masks_of(values))
        progress((frame_index + 1) / len(pngs))


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
