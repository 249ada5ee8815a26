"""Reading YouTube-VIS datasets and results; the first broken rule becomes one sentence with its place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from visolo.errors import AnnotationError
from visolo.garbage import garbage_left_alone
from visolo.io.label_sets import read_category
from visolo.io.ytvis_fields import Fields, described, refuse_repeated
from visolo.io.ytvis_masks import JsonMasks, MaskList, ResolvedMasks, VideoShape, parse_mask_list, resolve_masks
from visolo.io.ytvis_text import JsonText, Progress
from visolo.io.ytvis_types import (
    Annotation,
    BoundingBox,
    Dataset,
    ResultEntry,
    Video,
    boxes_of,
    with_counted_areas,
)


@garbage_left_alone()
def read_dataset(path: Path | str, progress: Progress | None = None) -> Dataset:
    """Read a dataset file: `info, licenses, videos, categories, annotations`.

    Accepts what real files hold: RLE compressed or not, polygons, no or null annotations (valid and test files),
    `"length": 1` in annotations, and no areas, boxes or iscrowd (then they are computed, respectively 0).

    Args:
        path: the JSON file.
        progress: hears how much is done, in [0, 1]; whatever it raises stops the reading.

    Raises:
        AnnotationError: the file is no YouTube-VIS dataset or breaks a rule; the message names the first offender.
    """
    text = JsonText(path)
    tables = _read_tables(text, None if progress is None else lambda share: progress(_PARSING * share))
    videos = [_video(value, f"{path}: videos[{i}]") for i, value in enumerate(tables.videos)]
    categories = [read_category(value, f"{path}: categories[{i}]") for i, value in enumerate(tables.categories)]
    refuse_repeated((video.video_id for video in videos), "videos", path)
    refuse_repeated((category.category_id for category in categories), "categories", path)
    refuse_repeated((raw.head.id for raw in tables.annotations), "annotations", path)
    videos = _with_lengths(videos, tables.annotations, path)
    dataset = Dataset(tuple(videos), tuple(categories), (), tables.info, tuple(tables.licenses))
    hear = None if progress is None else lambda share: progress(_PARSING + (1 - _PARSING) * share)
    annotations = _annotations(tables.annotations, dataset, hear)
    return Dataset(dataset.videos, dataset.categories, annotations, dataset.info, dataset.licenses)


@garbage_left_alone()
def read_results(
    path: Path | str,
    dataset: Dataset | None = None,
    *,
    allow_unknown_categories: bool = False,
    allow_misfits: bool = False,
    polygon_size: tuple[int, int] | None = None,
) -> list[ResultEntry]:
    """Read a results file: a list of `{video_id, category_id, score, segmentations}`.

    Args:
        path: the JSON file.
        dataset: when given, every entry must be of one of its videos and have that video's length and size.
        allow_unknown_categories: keep entries whose class the dataset does not list.
        allow_misfits: keep entries whose number or size of masks is not that of the video.
        polygon_size: (height, width) in pixels of all masks given as polygons, where there is no dataset to say it.

    Raises:
        AnnotationError: the file is no results file or breaks a rule; the message names the first offender.
    """
    text = JsonText(path)
    if not text.starts_with("["):
        raise AnnotationError(f"{path}: {_what_it_is(text)}; a results file is a list of predictions")
    heads: list[_JsonEntry] = []
    lists: list[MaskList] = []
    shapes: list[VideoShape | None] = []
    for index, value in enumerate(text.elements(_ENTRY)):
        where = f"{path}: entry [{index}]"
        entry = value if isinstance(value, _JsonEntry) else _plain_entry(value, where)
        shapes.append(_shape_of_result(entry, where, dataset, allow_unknown_categories=allow_unknown_categories))
        lists.append(parse_mask_list(entry.segmentations, where))
        entry.segmentations = []
        heads.append(entry)
    resolved = resolve_masks(lists, shapes, allow_misfits=allow_misfits, polygon_size=polygon_size)
    return [
        with_counted_areas(ResultEntry(head.video_id, head.category_id, head.score, masks.segmentations), masks.areas)
        for head, masks in zip(heads, resolved, strict=True)
    ]


_PARSING = 0.6  # of the time that reading takes; the rest is checking the masks
_Id = Annotated[int, Meta(ge=0, lt=2**62)]
_Pixels = Annotated[int, Meta(gt=-(10**12), lt=10**12)] | Annotated[float, Meta(gt=-1e12, lt=1e12)]
_Area = Annotated[int, Meta(ge=0, lt=10**12)] | Annotated[float, Meta(ge=0, lt=1e12)]


class _JsonEntry(msgspec.Struct, gc=False):
    """An entry of a results file with values of the right types; anything else is read by `_plain_entry`."""

    video_id: _Id
    category_id: _Id
    score: Annotated[float, Meta(ge=0)]
    segmentations: JsonMasks


class _JsonAnnotation(msgspec.Struct, gc=False):
    """An annotation of a dataset with values of the right types; anything else is read by `_plain_annotation`."""

    id: _Id
    video_id: _Id
    category_id: _Id
    segmentations: JsonMasks
    iscrowd: Annotated[int, Meta(ge=0, le=1)] | None = None
    areas: list[_Area | None] | None = None
    bboxes: list[tuple[_Pixels, _Pixels, _Pixels, _Pixels] | None] | None = None


_ENTRY = msgspec.json.Decoder(_JsonEntry)
_ANNOTATION = msgspec.json.Decoder(_JsonAnnotation)


@dataclass(frozen=True)
class _RawAnnotation:
    """An annotation before its video is known; its masks are moved to `masks`."""

    where: str
    head: _JsonAnnotation
    masks: MaskList


@dataclass
class _Tables:
    """The parts of a dataset file in whatever order they came."""

    videos: list[Any]
    categories: list[Any]
    annotations: list[_RawAnnotation]
    info: dict[str, Any]
    licenses: list[Any]


def _read_tables(text: JsonText, progress: Progress | None) -> _Tables:
    if not text.starts_with("{"):
        raise AnnotationError(f"{text.path}: {_what_it_is(text)}; a dataset has videos, categories and annotations")
    values: dict[str, Any] = {}
    annotations: list[_RawAnnotation] = []
    for key in text.keys():  # noqa: SIM118 - not a dict: reads on in the text
        if key == "annotations" and text.starts_with("[") and "images" not in values:
            annotations = [
                _raw_annotation(value, f"{text.path}: annotations[{i}]")
                for i, value in enumerate(text.elements(_ANNOTATION, progress))
            ]
        else:
            values[key] = text.value()
    if "videos" not in values:
        raise AnnotationError(f"{text.path}: {_kind_of_object(values)}; a YouTube-VIS dataset has 'videos'")
    if values.get("annotations") is not None:
        raise AnnotationError(f"{text.path}: 'annotations' must be a list, not {described(values['annotations'])}")
    fields = Fields(values, str(text.path))
    info = values.get("info")
    return _Tables(
        videos=fields.items("videos"),
        categories=fields.items("categories"),
        annotations=annotations,
        info=info if isinstance(info, dict) else {},
        licenses=fields.items("licenses") if fields.has("licenses") else [],
    )


def _what_it_is(text: JsonText) -> str:
    value = text.value()
    if isinstance(value, dict):
        return _kind_of_object(value)
    if isinstance(value, list):
        is_results = bool(value) and isinstance(value[0], dict) and "score" in value[0]
        return "is a results file (a list of predictions)" if is_results else "is a list"
    return f"holds {described(value)}"


def _kind_of_object(values: dict[str, Any]) -> str:
    if "videos" in values:
        return "is a dataset file (it has 'videos')"
    if "images" in values:
        return "is a COCO image file (it has 'images'; `python -m visolo dataset convert` makes a dataset of it)"
    return "is not a YouTube-VIS file"


def _video(value: Any, where: str) -> Video:  # noqa: ANN401 - anything may stand in a user's file
    fields = Fields(value, where)
    names = fields.items("file_names") if fields.has("file_names") else []
    if not all(isinstance(name, str) and name for name in names):
        raise AnnotationError(f"{where}: 'file_names' must hold one file name per frame")
    length = fields.whole("length", minimum=1) if fields.has("length") else len(names)
    if names and length != len(names):
        raise AnnotationError(
            f"{where} names {len(names)} files, but its 'length' is {length}; both must be its frames"
        )
    width, height = fields.whole("width", minimum=1), fields.whole("height", minimum=1)
    video = Video(fields.whole("id"), width, height, length, tuple(names))
    return _with_source(video, fields, value.get("source"))


def _with_source(video: Video, fields: Fields, source: object) -> Video:
    """A video with what exports of the app say of where its frames are."""
    if not isinstance(source, str) or not source:
        return video
    if not fields.has("source_length"):
        return replace(video, source=source)
    first, length = fields.whole("source_first"), fields.whole("source_length", minimum=1)
    if first + (video.length or 1) > length:
        raise AnnotationError(f"{fields.where}: ends behind the {length} frames of its source; export it again")
    return replace(video, source=source, source_first=first, source_length=length)


def _raw_annotation(value: Any, where: str) -> _RawAnnotation:  # noqa: ANN401 - anything may stand in a user's file
    head = value if isinstance(value, _JsonAnnotation) else _plain_annotation(value, where)
    masks = parse_mask_list(head.segmentations, where)
    head.segmentations = []
    return _RawAnnotation(where, head, masks)


def _plain_annotation(value: Any, where: str) -> _JsonAnnotation:  # noqa: ANN401 - anything may stand in a user's file
    fields = Fields(value, where)
    if "segmentation" in value and "segmentations" not in value:
        raise AnnotationError(
            f"{where}: has a COCO image 'segmentation'; YouTube-VIS has 'segmentations', one per frame"
        )
    iscrowd = fields.whole("iscrowd") if fields.has("iscrowd") else 0
    if iscrowd > 1:
        raise AnnotationError(f"{where}: 'iscrowd' must be 0 or 1, not {iscrowd}")
    return _JsonAnnotation(
        id=fields.whole("id"),
        video_id=fields.whole("video_id"),
        category_id=fields.whole("category_id"),
        segmentations=fields.items("segmentations"),
        iscrowd=iscrowd,
        areas=_areas(fields.items("areas"), where) if fields.has("areas") else None,
        bboxes=_boxes(fields.items("bboxes"), where) if fields.has("bboxes") else None,
    )


def _with_lengths(videos: Sequence[Video], annotations: Sequence[_RawAnnotation], path: Path | str) -> list[Video]:
    """Videos that say neither 'length' nor 'file_names' are as long as their first annotation."""
    found: dict[int, int] = {}
    for raw in annotations:
        found.setdefault(raw.head.video_id, len(raw.masks.items))
    result = []
    for index, video in enumerate(videos):
        length = video.length or found.get(video.video_id, 0)
        if not length:
            raise AnnotationError(f"{path}: videos[{index}] has neither 'length' nor 'file_names'; one is needed")
        result.append(replace(video, length=length))
    return result


def _annotations(raws: Sequence[_RawAnnotation], dataset: Dataset, progress: Progress | None) -> tuple[Annotation, ...]:
    shapes = []
    for raw in raws:
        video = dataset.video_by_id.get(raw.head.video_id)
        if video is None:
            raise AnnotationError(f"{raw.where}: video_id {raw.head.video_id} is not among the file's videos")
        if raw.head.category_id not in dataset.category_by_id:
            raise AnnotationError(f"{raw.where}: category_id {raw.head.category_id} is not among the file's categories")
        shapes.append(VideoShape(video.video_id, video.length, video.size))
    resolved = resolve_masks([raw.masks for raw in raws], shapes, progress=progress)
    return tuple(_annotation(raw, masks) for raw, masks in zip(raws, resolved, strict=True))


def _annotation(raw: _RawAnnotation, masks: ResolvedMasks) -> Annotation:
    head, segmentations = raw.head, masks.segmentations
    for key, values in (("areas", head.areas), ("bboxes", head.bboxes)):
        if values is not None and len(values) != len(segmentations):
            raise AnnotationError(f"{raw.where} has {len(values)} {key}, but {len(segmentations)} segmentations")
    annotation = Annotation(
        annotation_id=head.id,
        video_id=head.video_id,
        category_id=head.category_id,
        iscrowd=bool(head.iscrowd),
        segmentations=segmentations,
        bboxes=boxes_of(segmentations) if head.bboxes is None else tuple(head.bboxes),
        areas=_areas_of_masks(masks) if head.areas is None else tuple(head.areas),
    )
    return with_counted_areas(annotation, masks.areas)


def _areas_of_masks(masks: ResolvedMasks) -> tuple[int | None, ...]:
    pairs = zip(masks.segmentations, masks.areas.tolist(), strict=True)
    return tuple(None if rle is None else area for rle, area in pairs)


def _areas(values: list[Any], where: str) -> list[float | None]:
    for index, value in enumerate(values):
        if value is not None and not (_is_number(value) and value >= 0):
            raise AnnotationError(f"{where}: areas[{index}] must be a number of 0 or more, not {described(value)}")
    return values


def _boxes(values: list[Any], where: str) -> list[BoundingBox | None]:
    for index, box in enumerate(values):
        if box is not None and not (isinstance(box, list) and len(box) == 4 and all(_is_number(v) for v in box)):
            raise AnnotationError(
                f"{where}: bboxes[{index}] must be [x, y, width, height] or null, not {described(box)}"
            )
    return [None if box is None else (box[0], box[1], box[2], box[3]) for box in values]


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < 1e12  # type: ignore[arg-type]


def _plain_entry(value: Any, where: str) -> _JsonEntry:  # noqa: ANN401 - anything may stand in a user's file
    fields = Fields(value, where)
    return _JsonEntry(
        video_id=fields.whole("video_id"),
        category_id=fields.whole("category_id"),
        score=float(fields.number("score")),
        segmentations=fields.items("segmentations"),
    )


def _shape_of_result(
    entry: _JsonEntry, where: str, dataset: Dataset | None, *, allow_unknown_categories: bool
) -> VideoShape | None:
    if dataset is None:
        return None
    video = dataset.video_by_id.get(entry.video_id)
    if video is None:
        raise AnnotationError(f"{where}: video_id {entry.video_id} is not in the dataset; was another one tracked?")
    if not allow_unknown_categories and entry.category_id not in dataset.category_by_id:
        raise AnnotationError(f"{where}: category_id {entry.category_id} is not among the dataset's categories")
    return VideoShape(video.video_id, video.length, video.size)
