"""Pictures whose pixel values are objects: read, painted of masks, and taken apart to masks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visolo.errors import AnnotationError
from visolo.formats.exchange import Progress
from visolo.rle import Box, Rle
from visolo.rle_box import decode_in_box, encode_in_box

_FAILURES = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # all that Pillow raises on bad files
_RUN_LENGTHS = 3  # zlib's strategy Z_RLE
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


def save_label_map(picture: Image.Image, path: Path) -> None:
    """Write a picture of object numbers as PNG: for such runs this is the fastest way to pack, and the smallest."""
    picture.save(path, compress_type=_RUN_LENGTHS)


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
    box = _box_of(values)
    inside = values[_place(box)]
    found = np.flatnonzero(np.bincount(inside.reshape(-1))).tolist()  # ten times as fast as np.unique
    return {value: _mask_of(inside == value, box, values.shape) for value in found if value}


def paint(masks: Sequence[tuple[int, Rle]], size: tuple[int, int]) -> NDArray[np.int32]:
    """(H, W) label map of masks; where they overlap, the first has the pixel."""
    values = np.zeros(size, dtype=np.int32)
    for value, rle in reversed(masks):
        box, inside = decode_in_box(rle)
        values[_place(box)][inside.view(bool)] = value
    return values


def apart(masks: Sequence[Rle]) -> Mapping[int, Rle | None]:
    """The masks of a frame without what they share with those before them.

    Args:
        masks: all of one size.

    Returns:
        Those that became others, by their position; None where nothing is left.
    """
    changed: dict[int, Rle | None] = {}
    taken = np.zeros(masks[0].size, dtype=bool)
    for position, rle in enumerate(masks):
        box, pixels = decode_in_box(rle)
        inside, place = pixels.view(bool), taken[_place(box)]
        left = inside & ~place
        if not np.array_equal(left, inside):
            changed[position] = encode_in_box(left, box.x, box.y, rle.size) if left.any() else None
        place |= inside
    return changed


def _place(box: Box) -> tuple[slice, slice]:
    return slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)


def _box_of(values: NDArray[np.int32] | NDArray[np.bool_]) -> Box:
    """The smallest box around all that is not 0."""
    rows, columns = (np.flatnonzero(values.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return Box(0, 0, 0, 0)
    return Box(int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1)


def _mask_of(mask: NDArray[np.bool_], around: Box, size: tuple[int, ...]) -> Rle:
    """The RLE of a mask with pixels that is given in a box; only its own box is gone through column by column."""
    box = _box_of(mask)
    return encode_in_box(mask[_place(box)], around.x + box.x, around.y + box.y, (size[0], size[1]))
