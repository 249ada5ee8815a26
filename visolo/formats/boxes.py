"""Objects that a file gives boxes of and no masks: how many, where, and the boxes, for whoever can use them."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from visolo.categories import Category
from visolo.formats.tracks import TrackTable, dataset_of
from visolo.io.ytvis import Annotation, Video
from visolo.rle import Rle
from visolo.rle_box import encode_in_box


@dataclass(frozen=True)
class Boxes:
    """The boxes of a dataset that are of no mask.

    Attributes:
        tracks: their ids are of no meaning; what stands for a mask is its box, filled.
        note: one sentence on how many there are and where.
    """

    tracks: tuple[Annotation, ...] = ()
    note: str = ""


@dataclass
class BoxesOnly:
    """Gathers objects without masks; a box is never made a mask.

    Attributes:
        tables: the boxes by the key that the reader knows the video by.
    """

    tables: dict[Hashable, TrackTable] = field(default_factory=dict)
    _count: int = 0
    _first: str = ""
    _last: str = ""

    def add(self, where: str) -> None:
        """One more, e.g. at ``annotations[3], image v/00001.jpg``."""
        self._count += 1
        self._first = self._first or where
        self._last = where

    def keep(self, video: Hashable, track: Hashable, category: str, frame_index: int, box: Rle | None) -> None:
        """Keep the box of an object that was added, if any of it is in the frame."""
        if box is not None:
            self.tables.setdefault(video, TrackTable()).add(track, category, frame_index, box)

    def found(self, videos: Mapping[Hashable, Video], categories: Sequence[Category]) -> Boxes:
        """What was gathered.

        Args:
            videos: of the dataset, by the reader's keys.
            categories: of the dataset; boxes of other classes are left out.
        """
        pairs = [(video, self.tables[key]) for key, video in videos.items() if key in self.tables]
        known = {category.category_id for category in categories}
        tracks = dataset_of(pairs, categories).annotations
        return Boxes(tuple(track for track in tracks if track.category_id in known), self._note())

    def _note(self) -> str:
        if not self._count:
            return ""
        if self._count == 1:
            return f"1 object has a box and no mask and is left out ({self._first})."
        return (
            f"{self._count} objects have boxes and no masks and are left out, the first at {self._first}, the last at"
            f" {self._last}."
        )


def filled_box(box: Sequence[float], size: tuple[int, int]) -> Rle | None:
    """A box as a mask of all its pixels, cut off at the frame; None when nothing is left.

    Args:
        box: left, top, width, height in pixels.
        size: (height, width) of the frame in pixels.
    """
    if len(box) != 4 or not all(np.isfinite(value) and abs(value) < 1e9 for value in box):
        return None
    left, top = (round(max(0.0, value)) for value in box[:2])
    right, bottom = round(min(size[1], box[0] + box[2])), round(min(size[0], box[1] + box[3]))
    if right <= left or bottom <= top:
        return None
    return encode_in_box(np.ones((bottom - top, right - left), dtype=np.bool_), left, top, size)
