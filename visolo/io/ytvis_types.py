"""What a YouTube-VIS file says, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from visolo import rle as rle_module
from visolo.categories import Category
from visolo.rle import Rle

Segmentations = tuple[Rle | None, ...]  # one per frame, None where the object is absent
BoundingBox = tuple[float, float, float, float]  # left, top, width, height in pixels


@dataclass(frozen=True)
class Video:
    """One video of a dataset.

    Attributes:
        video_id: as in the JSON.
        width: of every frame in pixels.
        height: of every frame in pixels.
        length: number of frames; every list of an annotation is as long.
        file_names: image of each frame below the dataset's image folder; empty when the file names none.
        source: absolute path of the video file or image folder, in exports of the app without frames; else empty.
        source_first: of a clip: frame of the source that its first one is.
        source_length: of a clip: how many frames its source has; 0 for what is no clip.
    """

    video_id: int
    width: int
    height: int
    length: int
    file_names: tuple[str, ...] = ()
    source: str = ""
    source_first: int = 0
    source_length: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width


@dataclass(frozen=True)
class Annotation:
    """One annotated object over its video.

    Attributes:
        annotation_id: as in the JSON, unique in the dataset.
        video_id: the video it is in.
        category_id: its class.
        iscrowd: it stands for a group; the official metric ignores it.
        segmentations: mask per frame.
        bboxes: box per frame, None where absent.
        areas: mask area in pixels per frame, None where absent; as in the JSON, which the official metric believes.
        counted_areas: (T,) pixels of every mask, 0 where absent, if known; see `with_counted_areas`.
    """

    annotation_id: int
    video_id: int
    category_id: int
    iscrowd: bool
    segmentations: Segmentations
    bboxes: tuple[BoundingBox | None, ...]
    areas: tuple[float | None, ...]
    counted_areas: NDArray[np.int64] | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def of_masks(
        cls, annotation_id: int, video_id: int, category_id: int, segmentations: Segmentations, *, iscrowd: bool = False
    ) -> "Annotation":
        """An annotation whose boxes and areas are those of its masks."""
        return cls(
            annotation_id,
            video_id,
            category_id,
            iscrowd,
            segmentations,
            boxes_of(segmentations),
            areas_of(segmentations),
        )


@dataclass(frozen=True)
class Dataset:
    """A whole dataset file; every annotation's video and category are in it.

    Attributes:
        videos: in file order.
        categories: in file order.
        annotations: in file order; empty for the unannotated valid and test files.
        info: the 'info' object as it stood.
        licenses: the 'licenses' list as it stood.
    """

    videos: tuple[Video, ...]
    categories: tuple[Category, ...]
    annotations: tuple[Annotation, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)
    licenses: tuple[Any, ...] = ()

    @cached_property
    def video_by_id(self) -> Mapping[int, Video]:
        """Every video under its id."""
        return {video.video_id: video for video in self.videos}

    @cached_property
    def category_by_id(self) -> Mapping[int, Category]:
        """Every category under its id."""
        return {category.category_id: category for category in self.categories}


@dataclass(frozen=True)
class ResultEntry:
    """One predicted track of a results file.

    Attributes:
        video_id: the video it is in.
        category_id: its class.
        score: in [0, 1] for most models, never negative.
        segmentations: mask per frame.
        counted_areas: (T,) pixels of every mask, 0 where absent, if known; see `with_counted_areas`.
    """

    video_id: int
    category_id: int
    score: float
    segmentations: Segmentations
    counted_areas: NDArray[np.int64] | None = field(default=None, init=False, repr=False, compare=False)


_Track = TypeVar("_Track", Annotation, ResultEntry)


def with_counted_areas(track: _Track, areas: NDArray[np.int64]) -> _Track:
    """A track whose masks were counted already; what `dataclasses.replace` makes of it, with other masks, is not.

    Args:
        track: new, of nobody else yet.
        areas: (T,) pixels of its masks, 0 where absent.
    """
    object.__setattr__(track, "counted_areas", areas)
    return track


def mask_areas(track: Annotation | ResultEntry) -> NDArray[np.int64]:
    """(T,) pixels of every mask, 0 where there is none."""
    if track.counted_areas is not None:
        return track.counted_areas
    return np.array([area or 0 for area in areas_of(track.segmentations)], dtype=np.int64)


def areas_of(segmentations: Segmentations) -> tuple[int | None, ...]:
    """Area of every mask in pixels, None where there is none."""
    found = iter(rle_module.areas([rle for rle in segmentations if rle is not None]).tolist())
    return tuple(None if rle is None else next(found) for rle in segmentations)


def boxes_of(segmentations: Segmentations) -> tuple[BoundingBox | None, ...]:
    """Smallest box around every mask, None where there is none."""
    boxes = [None if rle is None else rle_module.bounding_box(rle) for rle in segmentations]
    return tuple(None if b is None else (float(b.x), float(b.y), float(b.width), float(b.height)) for b in boxes)
