"""Checking one annotation (or prediction) of a file after the other, and mending it in place where that is no guess."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from visolo import rle as rle_module
from visolo.errors import AnnotationError
from visolo.io.validation.report import BBOX_TOLERANCE, Report
from visolo.io.ytvis_fields import Fields, described
from visolo.io.ytvis_masks import VideoShape
from visolo.io.ytvis_types import BoundingBox
from visolo.rle import Rle
from visolo.rle_check import checked_all

_RENUMBERED = "gave a new id to annotations whose id is taken or no whole number"
_NULLED = "made masks without pixels null"
_RECOUNTED = "counted areas anew from the masks"
_REBOXED = "drew boxes anew around the masks"
_RESIZED = "set width and height of annotations to those of their video"
_DROPPED = "left out tracks that stand in the file twice"
_CROWD = "wrote iscrowd as 0 or 1"


class _Masks(NamedTuple):
    """The checked masks of one track; `is_sound` when every one could be read and fits its video."""

    items: list[Rle | None]
    areas: list[int | None]
    is_sound: bool


class AnnotationChecker:
    """Checks the annotations of one file.

    Args:
        report: hears of every problem.
        videos: what a mask list must fit, by video id; length 0 or an empty size where the file does not say.
        category_ids: the classes of the file; None where they are not known.
        first_free_id: larger than every id of the file; only matters when the mended tables are kept.
        are_results: entries of a results file, which have a score and no id.
    """

    def __init__(
        self,
        report: Report,
        videos: Mapping[int, VideoShape] | None,
        category_ids: set[int] | None,
        first_free_id: int = 1,
        *,
        are_results: bool = False,
    ) -> None:
        self._report = report
        self._videos = videos
        self._category_ids = category_ids
        self._next_id = first_free_id
        self._are_results = are_results
        self._index_of_id: dict[int, int] = {}
        self._index_of_track: dict[int, int] = {}
        self.entry_count = 0
        self.mask_count = 0

    @property
    def largest_id(self) -> int:
        """The largest id seen so far."""
        return max(self._index_of_id, default=0)

    def check(self, table: Any, place: str, index: int) -> bool:  # noqa: ANN401 - a user's file
        """Check one entry.

        Args:
            table: as it stands in the file; mended in place.
            place: said first in every problem, e.g. ``annotations[3]``.
            index: its position in the list.

        Returns:
            False when mending leaves the entry out.
        """
        self.entry_count += 1
        if not isinstance(table, dict):
            self._report.add("structure", place, f"expected an object in braces, not {described(table)}")
            return True
        fields = Fields(table, place)
        if self._are_results:
            self._try("score", place, lambda: fields.number("score"))
        else:
            self._check_id(table, fields, index)
            self._check_crowd(table, place)
        shape = self._shape(fields)
        category_id = self._try("unknown-category", place, lambda: fields.whole("category_id"))
        if category_id is not None and self._category_ids is not None and category_id not in self._category_ids:
            self._report.add("unknown-category", place, f"category_id {category_id} is not among the file's categories")
        masks = self._masks(table, place, shape)
        if masks is None:
            return True
        self.mask_count += sum(mask is not None for mask in masks.items)
        if not self._are_results:
            self._check_size_fields(table, place, shape)
            self._check_areas(table, place, masks)
            self._check_boxes(table, place, masks)
        return not self._is_repeated(table, place, masks, index)

    def _try(self, rule: str, place: str, read: Any) -> Any:  # noqa: ANN401 - what the reader returns
        try:
            return read()
        except AnnotationError as error:
            self._report.add(rule, place, str(error))
            return None

    def _check_id(self, table: dict[str, Any], fields: Fields, index: int) -> None:
        try:
            one_id = fields.whole("id")
        except AnnotationError as error:
            problem = str(error)
        else:
            first = self._index_of_id.setdefault(one_id, index)
            if first == index:
                return
            problem = f"has the id {one_id} of annotations[{first}]; ids must differ"
        self._report.add("annotation-id", fields.where, problem, _RENUMBERED)
        table["id"] = self._next_id
        self._next_id += 1

    def _check_crowd(self, table: dict[str, Any], place: str) -> None:
        value = table.get("iscrowd")
        if value is None or (type(value) is int and value in (0, 1)):
            return
        is_clear = type(value) in (bool, float) and value in (0, 1)
        self._report.add(
            "iscrowd", place, f"'iscrowd' must be 0 or 1, not {described(value)}", _CROWD if is_clear else None
        )
        if is_clear:
            table["iscrowd"] = int(value)

    def _shape(self, fields: Fields) -> VideoShape | None:
        video_id = self._try("unknown-video", fields.where, lambda: fields.whole("video_id"))
        if video_id is None or self._videos is None:
            return None
        shape = self._videos.get(video_id)
        if shape is None:
            self._report.add("unknown-video", fields.where, f"video_id {video_id} is not among the dataset's videos")
        return shape

    def _masks(self, table: dict[str, Any], place: str, shape: VideoShape | None) -> _Masks | None:
        values = table.get("segmentations")
        if not isinstance(values, list):
            hint = "; 'segmentation' is of COCO images" if "segmentation" in table else ""
            self._report.add("length", place, f"'segmentations' must be a list, not {described(values)}{hint}")
            return None
        if shape is not None and shape.length and len(values) != shape.length:
            self._report.add(
                "length",
                place,
                f"has {len(values)} segmentations, video {shape.video_id} has {shape.length} frames; "
                "there must be one per frame, null where the object is absent",
            )
        masks = self._checked(values, place, shape)
        for frame_index, area in enumerate(masks.areas):
            if area == 0:
                where = f"{place}.segmentations[{frame_index}]"
                self._report.add("empty-mask", where, "the mask has no pixels; null says absent", _NULLED)
                values[frame_index] = masks.items[frame_index] = masks.areas[frame_index] = None
        if masks.is_sound and not any(masks.areas):
            self._report.add("no-mask", place, "the track has no mask with any pixel; draw one or delete the track")
        return masks

    def _checked(self, values: list[Any], place: str, shape: VideoShape | None) -> _Masks:
        items: list[Rle | None] = []
        is_sound = True
        for frame_index, value in enumerate(values):
            if value is None or value == []:
                items.append(None)
                continue
            mask = self._mask(value, f"{place}.segmentations[{frame_index}]", shape)
            is_sound = is_sound and mask is not None
            items.append(mask)
        frames = [frame_index for frame_index, mask in enumerate(items) if mask is not None]
        rles = [mask for mask in items if mask is not None]
        areas: list[int | None] = [None] * len(items)
        try:
            found = checked_all(rles, lambda i: f"{place}.segmentations[{frames[i]}]")
        except AnnotationError:
            is_sound = False
            for frame_index, mask in zip(frames, rles, strict=True):
                items[frame_index] = self._counts_checked(mask, f"{place}.segmentations[{frame_index}]")
                if (checked := items[frame_index]) is not None:
                    areas[frame_index] = rle_module.area(checked)
        else:
            for frame_index, mask, area in zip(frames, found.rles, found.areas.tolist(), strict=True):
                items[frame_index], areas[frame_index] = mask, area
        return _Masks(items, areas, is_sound)

    def _counts_checked(self, mask: Rle, where: str) -> Rle | None:
        try:
            return rle_module.checked(mask, where)
        except AnnotationError as error:
            self._report.add("mask", where, str(error))
            return None

    def _mask(self, value: Any, where: str, shape: VideoShape | None) -> Rle | None:  # noqa: ANN401 - a user's file
        if isinstance(value, list):
            return self._polygons(value, where, shape)
        try:
            rle = rle_module.from_json_unchecked(value, where)
        except AnnotationError as error:
            self._report.add("mask", where, str(error))
            return None
        if shape is not None and shape.size[0] and rle.size != shape.size:
            self._report.add(
                "mask-size",
                where,
                f"the mask is {rle.size[0]} x {rle.size[1]} (height x width), video {shape.video_id} is "
                f"{shape.size[0]} x {shape.size[1]}; export the masks at the video's size",
            )
            return None
        return rle

    def _polygons(self, value: list[Any], where: str, shape: VideoShape | None) -> Rle | None:
        if shape is None or not shape.size[0]:
            return None  # its video is a problem already; without its size a polygon says nothing
        is_list = all(isinstance(part, list) and all(type(v) in (int, float) for v in part) for part in value)
        if not is_list:
            self._report.add("mask", where, "expected an RLE object or polygons [[x, y, x, y, ...], ...]")
            return None
        height, width = shape.size
        if any(not -1 <= v <= (height if i % 2 else width) + 1 for part in value for i, v in enumerate(part)):
            self._report.add("outside", where, f"a polygon reaches out of the {height} x {width} frame; it is cut off")
        try:
            return rle_module.from_polygons(shape.size, value, where)
        except AnnotationError as error:
            self._report.add("mask", where, str(error))
            return None

    def _check_size_fields(self, table: dict[str, Any], place: str, shape: VideoShape | None) -> None:
        if shape is None or not shape.size[0]:
            return
        for key, expected in (("height", shape.size[0]), ("width", shape.size[1])):
            if table.get(key) not in (None, expected):
                problem = f"'{key}' is {described(table[key])}, video {shape.video_id} has {expected}"
                self._report.add("size-fields", place, problem, _RESIZED)
                table[key] = expected

    def _check_areas(self, table: dict[str, Any], place: str, masks: _Masks) -> None:
        values = table.get("areas")
        fix = _RECOUNTED if masks.is_sound else None
        if values is None:
            return
        if not isinstance(values, list) or len(values) != len(masks.items):
            problem = f"has {described(values)} for 'areas', not one number or null per frame"
            self._report.add("areas", place, problem, fix)
        else:
            for frame_index, (value, area) in enumerate(zip(values, masks.areas, strict=True)):
                where = f"{place}.areas[{frame_index}]"
                if value is not None and not (_is_number(value) and value >= 0):
                    self._report.add("areas", where, f"must be 0 or more, not {described(value)}", fix)
                elif masks.is_sound and abs((value or 0) - (area or 0)) >= 1:
                    self._report.add("areas-differ", where, f"is {value}, the mask has {area or 'no'} pixels", fix)
        if masks.is_sound:
            table["areas"] = _mended(
                values, masks.areas, lambda value, area: _is_number(value) and abs(value - area) < 1
            )

    def _check_boxes(self, table: dict[str, Any], place: str, masks: _Masks) -> None:
        values = table.get("bboxes")
        fix = _REBOXED if masks.is_sound else None
        if values is None:
            return
        boxes = [None if mask is None else _box(mask) for mask in masks.items]
        if not isinstance(values, list) or len(values) != len(boxes):
            self._report.add(
                "bboxes", place, f"has {described(values)} for 'bboxes', not one box or null per frame", fix
            )
        else:
            for frame_index, (value, box) in enumerate(zip(values, boxes, strict=True)):
                where = f"{place}.bboxes[{frame_index}]"
                if value is not None and not _is_box(value):
                    self._report.add("bboxes", where, f"must be [x, y, width, height], not {described(value)}", fix)
                elif masks.is_sound and not _is_near(value, box):
                    self._report.add("bboxes-differ", where, f"is {value}, the mask's box is {box}", fix)
        if masks.is_sound:
            table["bboxes"] = _mended(values, boxes, lambda value, box: _is_box(value) and _is_near(value, box))

    def _is_repeated(self, table: dict[str, Any], place: str, masks: _Masks, index: int) -> bool:
        if not masks.is_sound or not any(masks.areas):
            return False
        key = hash((table.get("video_id"), table.get("category_id"), table.get("iscrowd", 0), tuple(masks.items)))
        first = self._index_of_track.setdefault(key, index)
        if first == index:
            return False
        name = "the prediction at" if self._are_results else "the track of annotations"
        self._report.add("repeated-track", place, f"has the video, class and masks of {name}[{first}]", _DROPPED)
        return True


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < 1e12  # type: ignore[arg-type]


def _is_box(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(_is_number(v) for v in value)


def _box(mask: Rle) -> BoundingBox:
    box = rle_module.bounding_box(mask)
    return float(box.x), float(box.y), float(box.width), float(box.height)


def _is_near(value: Any, box: BoundingBox | None) -> bool:  # noqa: ANN401 - a list of four numbers or None
    """Whether the four edges of two boxes agree; a box without extent is as good as none."""
    if value is None or box is None:
        return box is None and (value is None or not (value[2] and value[3]))
    edges = ((v[0], v[1], v[0] + v[2], v[1] + v[3]) for v in (value, box))
    return all(abs(a - b) <= BBOX_TOLERANCE for a, b in zip(*edges, strict=True))


def _mended(values: Any, right: list[Any], is_fine: Any) -> list[Any]:  # noqa: ANN401 - a user's file
    """The right values, but those of the file where they are fine."""
    if not isinstance(values, list) or len(values) != len(right):
        return right
    return [None if r is None else (v if is_fine(v, r) else r) for v, r in zip(values, right, strict=True)]
