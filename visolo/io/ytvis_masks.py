"""Mask lists of YouTube-VIS files: one RLE, polygon list or null per frame becomes one checked `Rle` or None."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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


class ResolvedMasks(NamedTuple):
    """One track's checked masks and their areas in pixels, None where there is none."""

    segmentations: Segmentations
    areas: tuple[int | None, ...]


@dataclass(frozen=True)
class MaskList:
    """One track's masks as read: compressed counts not looked at yet, polygons until `resolve_masks` fills them."""

    where: str
    items: list[Rle | Polygons | None]


def parse_mask_list(values: list[Any], where: str) -> MaskList:
    """Take the masks of one track out of the JSON tree.

    Args:
        values: the list under 'segmentations'.
        where: place of the track, e.g. ``gt.json: annotations[3]``.

    Raises:
        AnnotationError: an element is neither null nor an RLE nor a list of polygons.
    """
    return MaskList(where, [_parse_mask(value, where, index) for index, value in enumerate(values)])


def resolve_masks(
    lists: Sequence[MaskList], shapes: Sequence[VideoShape | None], *, allow_misfits: bool = False
) -> list[ResolvedMasks]:
    """Check every mask completely and fill polygons.

    Args:
        lists: mask lists of one file.
        shapes: the video of each list; None where it is not known, then all masks of a list must have one size.
        allow_misfits: leave lengths and sizes unchecked, not the counts.

    Raises:
        AnnotationError: a list has another length than its video, a mask another size, or broken counts.
    """
    for masks, shape in zip(lists, shapes, strict=True):
        _fill_polygons(masks, shape)
        if not allow_misfits:
            _check_fit(masks, shape)
    rles = [item for masks in lists for item in masks.items if isinstance(item, Rle)]

    def where(position: int) -> str:
        places = ((masks, t) for masks in lists for t, item in enumerate(masks.items) if item is not None)
        masks, frame_index = next(itertools.islice(places, position, None))
        return f"{masks.where}.segmentations[{frame_index}]"

    checked = checked_all(rles, where)
    masks_left, areas_left = iter(checked.rles), iter(checked.areas.tolist())
    return [
        ResolvedMasks(
            tuple([None if item is None else next(masks_left) for item in masks.items]),
            tuple([None if item is None else next(areas_left) for item in masks.items]),
        )
        for masks in lists
    ]


def _fill_polygons(masks: MaskList, shape: VideoShape | None) -> None:
    for index, item in enumerate(masks.items):
        if type(item) is list:
            masks.items[index] = _from_polygons(item, shape, f"{masks.where}.segmentations[{index}]")


def _from_polygons(polygons: Polygons, shape: VideoShape | None, where: str) -> Rle:
    if shape is None:
        raise AnnotationError(f"{where}: is a polygon, which needs the size of its video; give the dataset too")
    return rle_module.from_polygons(shape.size, polygons, where)


def _check_fit(masks: MaskList, shape: VideoShape | None) -> None:
    """Check number and size of one list's masks against its video, or against each other."""
    if shape is not None and shape.length != len(masks.items):
        raise AnnotationError(
            f"{masks.where} has {len(masks.items)} segmentations, video {shape.video_id} has {shape.length} frames; "
            "there must be one per frame, null where the object is absent"
        )
    sizes = [item.size for item in masks.items if isinstance(item, Rle)]
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
