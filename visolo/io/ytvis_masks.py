"""Mask lists of YouTube-VIS files: one RLE, polygon list or null per frame becomes one checked `Rle` or None."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from visolo import rle as rle_module
from visolo.errors import AnnotationError
from visolo.io.ytvis_fields import described
from visolo.io.ytvis_types import Segmentations
from visolo.rle import Rle
from visolo.rle_check import checked_all

Polygons = list[list[float]]


@dataclass(frozen=True)
class VideoShape:
    """What a mask list must fit: `size` is (height, width) in pixels; `length` 0 when the file does not say."""

    video_id: int
    length: int
    size: tuple[int, int]


class JsonMask(msgspec.Struct, gc=False):
    """An RLE of a file, of the right types but unchecked."""

    size: tuple[int, int]
    counts: str | list[int]


JsonMasks = list[JsonMask | list[list[int | float]] | None]  # one track's masks of a file, where the types are right


class ResolvedMasks(NamedTuple):
    """One track's checked masks and their areas in pixels, (T,) int64, 0 where there is none."""

    segmentations: Segmentations
    areas: NDArray[np.int64]


@dataclass(frozen=True)
class MaskList:
    """One track's masks as read: compressed counts not looked at yet, polygons until `resolve_masks` fills them.

    Attributes:
        has_polygons: whether some items are.
    """

    where: str
    items: list[Rle | Polygons | None]
    has_polygons: bool


def parse_mask_list(values: list[Any], where: str) -> MaskList:
    """Take the masks of one track out of the JSON tree.

    Args:
        values: the list under 'segmentations'; an RLE is a `JsonMask` or a plain value.
        where: place of the track, e.g. ``gt.json: annotations[3]``.

    Raises:
        AnnotationError: an element is neither null nor an RLE nor a list of polygons.
    """
    items: list[Rle | Polygons | None] = []
    size: tuple[int, int] = (0, 0)  # of the mask before, already checked
    has_polygons = False
    for index, value in enumerate(values):
        if type(value) is JsonMask and type(value.counts) is str:
            if value.size != size:
                size = rle_module.checked_size(list(value.size), f"{where}.segmentations[{index}]")
            items.append(Rle(size, value.counts))
        elif value is None:
            items.append(None)
        else:
            items.append(_parse_mask(value, where, index))
            has_polygons = has_polygons or type(items[-1]) is list
    return MaskList(where, items, has_polygons)


def resolve_masks(
    lists: Sequence[MaskList],
    shapes: Sequence[VideoShape | None],
    *,
    allow_misfits: bool = False,
    polygon_size: tuple[int, int] | None = None,
    progress: Callable[[float], object] | None = None,
) -> list[ResolvedMasks]:
    """Check every mask completely and fill polygons.

    Args:
        lists: mask lists of one file.
        shapes: the video of each list; None where it is not known, then all masks of a list must have one size.
        allow_misfits: leave lengths and sizes unchecked, not the counts.
        polygon_size: (height, width) in pixels that polygons are filled in where the video is not known.
        progress: hears how much is checked, in [0, 1]; may raise to stop.

    Raises:
        AnnotationError: a list has another length than its video, a mask another size, or broken counts.
    """
    for masks, shape in zip(lists, shapes, strict=True):
        if masks.has_polygons:
            _fill_polygons(masks, polygon_size if shape is None else shape.size)
        if not allow_misfits:
            _check_fit(masks, shape)
    rles = [item for masks in lists for item in masks.items if type(item) is Rle]
    is_present = np.array([item is not None for masks in lists for item in masks.items], dtype=np.bool_)
    indices = np.flatnonzero(is_present)
    ends = np.cumsum([len(masks.items) for masks in lists], dtype=np.intp)

    def place(position: int) -> tuple[MaskList, int]:
        owner = int(np.searchsorted(ends, indices[position], side="right"))
        return lists[owner], int(indices[position] - ends[owner]) + len(lists[owner].items)

    def where(position: int) -> str:
        masks, frame_index = place(position)
        return f"{masks.where}.segmentations[{frame_index}]"

    checked = checked_all(rles, where, progress)
    for position, (rle, sound) in enumerate(zip(rles, checked.rles, strict=True)):
        if sound is not rle:
            masks, frame_index = place(position)
            masks.items[frame_index] = sound
    areas = np.zeros(len(is_present), dtype=np.int64)
    areas[is_present] = checked.areas
    segmentations = (tuple(cast("list[Rle | None]", masks.items)) for masks in lists)
    return [ResolvedMasks(*pair) for pair in zip(segmentations, np.split(areas, ends[:-1]), strict=False)]


def _fill_polygons(masks: MaskList, size: tuple[int, int] | None) -> None:
    for index, item in enumerate(masks.items):
        if type(item) is list:
            masks.items[index] = _from_polygons(item, size, f"{masks.where}.segmentations[{index}]")


def _from_polygons(polygons: Polygons, size: tuple[int, int] | None, where: str) -> Rle:
    if size is None:
        raise AnnotationError(f"{where}: is a polygon, which needs the size of its video; give the dataset too")
    return rle_module.from_polygons(size, polygons, where)


def _check_fit(masks: MaskList, shape: VideoShape | None) -> None:
    """Check number and size of one list's masks against its video, or against each other."""
    if shape is not None and shape.length != len(masks.items):
        raise AnnotationError(
            f"{masks.where} has {len(masks.items)} segmentations, video {shape.video_id} has {shape.length} frames; "
            "there must be one per frame, null where the object is absent"
        )
    sizes = [item.size for item in masks.items if type(item) is Rle]
    expected = shape.size if shape is not None else next(iter(sizes), (0, 0))
    if sizes.count(expected) != len(sizes):
        found = ((t, item.size) for t, item in enumerate(masks.items) if isinstance(item, Rle))
        index, size = next((t, size) for t, size in found if size != expected)
        raise AnnotationError(_size_mismatch(f"{masks.where}.segmentations[{index}]", size, expected, shape))


def _size_mismatch(where: str, size: tuple[int, int], expected: tuple[int, int], shape: VideoShape | None) -> str:
    owner = f"video {shape.video_id} is" if shape is not None else "the masks before it are"
    return (
        f"{where}: the mask is {size[0]} x {size[1]} (height x width), {owner} {expected[0]} x {expected[1]}; "
        "export the masks at the video's size"
    )


def _parse_mask(value: Any, where: str, index: int) -> Rle | Polygons | None:  # noqa: ANN401 - a user's file
    if value is None:
        return None
    place = f"{where}.segmentations[{index}]"
    if isinstance(value, JsonMask):
        value = {"size": list(value.size), "counts": value.counts}
    if isinstance(value, list):
        return _polygons(value, place) or None  # COCO tools write a mask without polygons as an empty list
    return rle_module.from_json_unchecked(value, place)


def _polygons(value: list[Any], where: str) -> Polygons:
    for part in value:
        if not isinstance(part, list) or not all(type(v) in (int, float) for v in part):
            raise AnnotationError(
                f"{where}: expected an RLE object or polygons [[x, y, x, y, ...], ...], not {described(value)}"
            )
    return value
