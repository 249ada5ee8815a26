"""Training data on disk: YouTube-VIS JSON and COCO instances JSON, both as videos of labelled frames.

A still image is a video of one frame. Pixels are read when a clip needs them; see `frames.py`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from visolo import rle
from visolo.categories import LabelSet
from visolo.errors import AnnotationError
from visolo.io.frame_places import FramePlace, require_frames
from visolo.io.label_sets import read_category
from visolo.io.ytvis_types import Video
from visolo.rle import Rle
from visolo.training.category_map import match_categories

_NAMED = 6
_Places = Callable[[dict[str, Any], Sequence[str]], tuple[FramePlace, ...]]


@dataclass(frozen=True, eq=False)
class LabelledVideo:
    """One video or still with its objects.

    Attributes:
        paths: where the frames are.
        size: (height, width) in px of every frame and mask.
        classes: class index of each object.
        masks: per frame, per object: the visible mask, None where absent.
    """

    paths: tuple[FramePlace, ...]
    size: tuple[int, int]
    classes: tuple[int, ...]
    masks: tuple[tuple[Rle | None, ...], ...]

    @property
    def is_still(self) -> bool:
        """Whether clips are made from one image by moving it."""
        return len(self.paths) == 1


@dataclass(frozen=True, eq=False)
class TrainingData:
    """One annotation file, matched to a label set.

    Attributes:
        path: the annotation file.
        videos: those with at least one object of the label set.
        backgrounds: stills without any, where everything else was annotated and so may count as background.
        categories: names of the file's categories.
        unknown: those that have objects and stand for no class; the objects are left out.
        skipped: videos and images without any usable object.
    """

    path: Path
    videos: tuple[LabelledVideo, ...]
    backgrounds: tuple[LabelledVideo, ...]
    categories: tuple[str, ...]
    unknown: tuple[str, ...]
    skipped: int


def read_training_data(
    path: Path, label_set: LabelSet, hold_out: int = 0, category_map: Mapping[str, str] | None = None
) -> TrainingData:
    """Read an annotation file.

    Args:
        path: YouTube-VIS JSON (with `videos`) or COCO instances JSON (with `images`). Frames are looked for beside the
            file, in `images/` and in `JPEGImages/`.
        label_set: classes of the network; categories are matched by name, COCO's by the published table.
        hold_out: videos and images whose id is divisible by it are left out; 0 keeps all.
        category_map: names of classes by names of categories, before everything else.

    Raises:
        AnnotationError: the file is missing, or is no such JSON.
        MediaError: one of its images, or all, are missing.
    """
    table = _read_json(path)
    try:
        categories = [read_category(value, f"{path}: categories[{i}]") for i, value in enumerate(table["categories"])]
        classes, unknown = match_categories(categories, label_set, path, category_map)
        return _training_data(path, table, classes, unknown, hold_out)
    except (KeyError, TypeError, IndexError) as error:
        raise AnnotationError(
            f"{path}: a record lacks or has a malformed {error}; check the file with its exporter"
        ) from error


def left_out(data: TrainingData) -> str:
    """One sentence about categories that stand for no class; empty where there are none."""
    if not data.unknown:
        return ""
    names = ", ".join(data.unknown[:_NAMED]) + (" and others" if len(data.unknown) > _NAMED else "")
    return f"{data.path}: objects of {names} are left out, the network has no such class; --map OLD=NEW takes them in"


def _training_data(
    path: Path, table: dict[str, Any], classes: dict[int, int], unknown: tuple[str, ...], hold_out: int
) -> TrainingData:
    of_videos = isinstance(table.get("videos"), list)
    records = [r for r in table["videos" if of_videos else "images"] if not hold_out or r["id"] % hold_out]
    parent = "video_id" if of_videos else "image_id"
    annotations = table.get("annotations") or []
    by_parent: dict[int, list[dict[str, Any]]] = {}
    for annotation in annotations:
        if annotation["category_id"] in classes and not annotation.get("iscrowd", 0):
            by_parent.setdefault(annotation[parent], []).append(annotation)
    read = _read_video if of_videos else _read_still
    places = partial(_places, path)
    videos = [read(r, by_parent[r["id"]], classes, places) for r in records if r["id"] in by_parent]
    annotated = {a[parent] for a in annotations}
    # A crowd is left out of the objects, but it is no background either.
    relevant = {a[parent] for a in annotations if a["category_id"] in classes}
    empty = [r for r in records if not of_videos and r["id"] in annotated - relevant]
    backgrounds = [_read_still(r, [], classes, places) for r in empty]
    names = {int(category["id"]): str(category["name"]) for category in table["categories"]}
    used = {names.get(a["category_id"]) for a in annotations}
    unknown = tuple(name for name in unknown if name in used)
    skipped = len(records) - len(videos)
    return TrainingData(path, tuple(videos), tuple(backgrounds), tuple(names.values()), unknown, skipped)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except ValueError as error:
        raise AnnotationError(f"{path}: is not JSON ({error}); check the path") from error
    has_records = isinstance(table, dict) and (
        isinstance(table.get("videos"), list) or isinstance(table.get("images"), list)
    )
    if not has_records or not isinstance(table.get("categories"), list):
        raise AnnotationError(
            f"{path}: has no lists 'videos' or 'images', and 'categories'; give a YouTube-VIS or COCO instances JSON"
        )
    return dict(table)


def _places(path: Path, record: dict[str, Any], names: Sequence[str]) -> tuple[FramePlace, ...]:
    source = record.get("source")
    return require_frames(
        Video(record["id"], 0, 0, len(names), tuple(names), source if isinstance(source, str) else ""), path
    )


def _read_video(
    record: dict[str, Any], annotations: list[dict[str, Any]], classes: dict[int, int], places: _Places
) -> LabelledVideo:
    size = (int(record["height"]), int(record["width"]))
    length = len(record["file_names"])
    per_object = []
    for annotation in annotations:
        where = f"annotation {annotation.get('id')} of video {record['id']}"
        masks = annotation["segmentations"]
        if len(masks) != length:
            raise AnnotationError(f"{where}: has {len(masks)} masks, the video has {length} frames; re-export it")
        per_object.append([None if mask is None else _mask(mask, size, where) for mask in masks])
    return LabelledVideo(
        places(record, record["file_names"]),
        size,
        tuple(classes[a["category_id"]] for a in annotations),
        tuple(zip(*per_object, strict=True)),
    )


def _read_still(
    record: dict[str, Any], annotations: list[dict[str, Any]], classes: dict[int, int], places: _Places
) -> LabelledVideo:
    size = (int(record["height"]), int(record["width"]))
    masks = tuple(
        _mask(a["segmentation"], size, f"annotation {a.get('id')} of image {record['id']}") for a in annotations
    )
    return LabelledVideo(
        places(record, [record["file_name"]]), size, tuple(classes[a["category_id"]] for a in annotations), (masks,)
    )


def _mask(value: object, size: tuple[int, int], where: str) -> Rle:
    """RLE of a segmentation that is an RLE object or a list of polygons [x, y, x, y, ...] in px."""
    if not isinstance(value, list):
        mask = rle.from_json(value, where)
        if mask.size != size:
            raise AnnotationError(f"{where}: mask is {mask.size}, its frame {size} (height, width); re-export it")
        return mask
    polygons = [p for p in value if isinstance(p, list) and len(p) >= 6 and np.isfinite(p).all()]
    if not polygons:
        return rle.encode(np.zeros(size, dtype=np.bool_))
    merged = coco.merge(coco.frPyObjects(polygons, *size))
    return Rle(size, merged["counts"].decode("ascii"))
