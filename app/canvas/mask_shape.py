"""A mask made ready for drawing and hit tests: decoded once, cut to its box, with outlines; and the cache of these."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visolo.rle import Box, Rle
from visolo.rle_box import decode_in_box


@dataclass(frozen=True, eq=False)
class MaskShape:
    """One mask in image px.

    Attributes:
        box: smallest box around the mask, (x, y, width, height).
        mask: (box.height, box.width) uint8, 0 or 1.
        outlines: closed polygons, each (n, 2) float32 of x, y through the middle of border pixels; holes included.
        area: number of pixels.
        peak: (x, y) of the middle of the topmost row, where the label hangs.
    """

    box: Box
    mask: NDArray[np.uint8]
    outlines: tuple[NDArray[np.float32], ...]
    area: int
    peak: tuple[float, float]

    def contains(self, x: float, y: float) -> bool:
        """Whether image point (x, y) is in the mask."""
        column, row = int(np.floor(x)) - self.box.x, int(np.floor(y)) - self.box.y
        inside = 0 <= column < self.box.width and 0 <= row < self.box.height
        return inside and bool(self.mask[row, column])

    @property
    def size_in_bytes(self) -> int:
        """Memory it holds."""
        return self.mask.nbytes + sum(outline.nbytes for outline in self.outlines)


def mask_shape(rle: Rle) -> MaskShape | None:
    """Decode a validated RLE; None for an empty mask."""
    # Imported with the first mask: it takes 30 to 150 ms that the start of the app should not pay.
    import cv2

    box, mask = decode_in_box(rle)
    if not mask.size:
        return None
    found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    to_image = np.array([box.x + 0.5, box.y + 0.5], dtype=np.float32)
    outlines = tuple(contour[:, 0].astype(np.float32) + to_image for contour in found)
    top = np.flatnonzero(mask[0])
    peak = (box.x + float(top.mean()) + 0.5, float(box.y))
    return MaskShape(box, mask, outlines, int(mask.sum()), peak)


def pixel_edges(shape: MaskShape) -> NDArray[np.float64]:
    """The exact border between mask and background, for views zoomed in so far that pixels show.

    Returns:
        (n, 4) float64 of x1, y1, x2, y2 in image px, one unit-long segment a row.
    """
    padded = np.pad(shape.mask, 1).astype(np.int8)
    rows, columns = np.nonzero(np.diff(padded, axis=0))
    flat = np.stack([columns - 1, rows, columns, rows], axis=1)
    rows, columns = np.nonzero(np.diff(padded, axis=1))
    upright = np.stack([columns, rows - 1, columns, rows], axis=1)
    offset = np.array([shape.box.x, shape.box.y, shape.box.x, shape.box.y])
    edges: NDArray[np.float64] = np.concatenate([flat, upright]).astype(np.float64) + offset
    return edges


class MaskShapeCache:
    """Shapes by RLE, bounded in bytes; the least recently used go first."""

    def __init__(self, capacity_bytes: int = 96 * 2**20) -> None:
        self._capacity_bytes = capacity_bytes
        self._shapes: OrderedDict[Rle, MaskShape | None] = OrderedDict()
        self._bytes = 0

    def get(self, rle: Rle) -> MaskShape | None:
        """The shape of an RLE, decoded now if it was not kept; None for an empty mask."""
        if rle in self._shapes:
            self._shapes.move_to_end(rle)
            return self._shapes[rle]
        shape = mask_shape(rle)
        self._shapes[rle] = shape
        self._bytes += shape.size_in_bytes if shape is not None else 0
        while self._bytes > self._capacity_bytes and len(self._shapes) > 1:
            _, dropped = self._shapes.popitem(last=False)
            self._bytes -= dropped.size_in_bytes if dropped is not None else 0
        return shape

    def clear(self) -> None:
        """Forget everything."""
        self._shapes.clear()
        self._bytes = 0
