"""Training data on disk: YouTube-VIS JSON and COCO instances JSON, both as videos of labelled frames.

A still image is a video of one frame. Pixels are read when a clip needs them; see `frames.py`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from visolo import rle
from visolo.categories import LabelSet
from visolo.errors import AnnotationError
from visolo.resources import resource_path
from visolo.rle import Rle

_IMAGE_FOLDERS = ("", "images", "JPEGImages")


@dataclass(frozen=True, eq=False)
class LabelledVideo:
    """One video or still with its objects.

    Attributes:
        paths: image files of the frames.
        size: (height, width) in px of every frame and mask.
        classes: class index of each object.
        masks: per frame, per object: the visible mask, None where absent.
    """

    paths: tuple[Path, ...]
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
        unknown: names of the file's categories that no class stands for; their objects are left out.
        skipped: videos and images without any usable object.
    """

    path: Path
    videos: tuple[LabelledVideo, ...]
    backgrounds: tuple[LabelledVideo, ...]
    unknown: tuple[str, ...]
    skipped: int


def read_training_data(path: Path, label_set: LabelSet, hold_out: int = 0) -> TrainingData:
    """Read an annotation file.

    Args:
        path: YouTube-VIS JSON (with `videos`) or COCO instances JSON (with `images`). Frames are looked for beside the
            file, in `images/` and in `JPEGImages/`.
        label_set: classes of the network; categories are matched by name, COCO's by the published table.
        hold_out: videos and images whose id is divisible by it are left out; 0 keeps all.

    Raises:
        AnnotationError: the file is missing, is no such JSON, or names an image that is not there.
    """
    table = _read_json(path)
    classes, unknown = match_categories(table, label_set, path)
    of_videos = isinstance(table.get("videos"), list)
    records = [r for r in table["videos" if of_videos else "images"] if not hold_out or r["id"] % hold_out]
    by_parent: dict[int, list[dict[str, Any]]] = {}
    parent = "video_id" if of_videos else "image_id"
    try:
        for annotation in table.get("annotations") or []:
            if annotation["category_id"] in classes and not annotation.get("iscrowd", 0):
                by_parent.setdefault(annotation[parent], []).append(annotation)
        read = _read_video if of_videos else _read_still
        folder = _image_folder(path, records)
        videos = [read(r, by_parent[r["id"]], classes, folder) for r in records if r["id"] in by_parent]
        annotated = {a[parent] for a in table.get("annotations") or []}
        # A crowd is left out of the objects, but it is no background either.
        relevant = {a[parent] for a in table.get("annotations") or [] if a["category_id"] in classes}
        empty = [r for r in records if not of_videos and r["id"] in annotated - relevant]
        backgrounds = [_read_still(r, [], classes, folder) for r in empty]
    except (KeyError, TypeError, IndexError) as error:
        raise AnnotationError(
            f"{path}: a record lacks or has a malformed {error}; check the file with its exporter"
        ) from error
    return TrainingData(path, tuple(videos), tuple(backgrounds), unknown, len(records) - len(videos))


def match_categories(table: dict[str, Any], label_set: LabelSet, path: Path) -> tuple[dict[int, int], tuple[str, ...]]:
    """Class index by category id of the file, and the names that match no class.

    Raises:
        AnnotationError: no category of the file matches the label set.
    """
    coco_table = json.loads(resource_path("mappings", "coco.json").read_text(encoding="utf-8"))
    pairs = {(c["id"], c["name"]) for c in coco_table["categories"]}
    source = [(int(c["id"]), str(c["name"])) for c in table["categories"]]
    renamed: dict[str, str] = {}
    is_coco = all(pair in pairs for pair in source)
    if is_coco:
        renamed = coco_table["maps"].get(label_set.name, coco_table["maps"]["ytvis2021"])
    index = {category.name: i for i, category in enumerate(label_set.categories)}
    classes, unknown = {}, []
    for category_id, name in source:
        target = renamed.get(name) if is_coco else name
        if target in index:
            classes[category_id] = index[target]
        else:
            unknown.append(name)
    if not classes:
        raise AnnotationError(
            f"{path}: no category matches the label set {label_set.name!r}; rename some or choose another preset"
        )
    return classes, tuple(unknown)


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


def _image_folder(path: Path, records: list[dict[str, Any]]) -> Path:
    if not records:
        return path.parent
    record = records[0]
    first = record["file_names"][0] if "file_names" in record else record["file_name"]
    for name in _IMAGE_FOLDERS:
        if (path.parent / name / first).is_file():
            return path.parent / name
    raise AnnotationError(f"{path}: image {first!r} is not beside it nor in images/ or JPEGImages/ there; put it there")


def _read_video(
    record: dict[str, Any], annotations: list[dict[str, Any]], classes: dict[int, int], folder: Path
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
        tuple(folder / name for name in record["file_names"]),
        size,
        tuple(classes[a["category_id"]] for a in annotations),
        tuple(zip(*per_object, strict=True)),
    )


def _read_still(
    record: dict[str, Any], annotations: list[dict[str, Any]], classes: dict[int, int], folder: Path
) -> LabelledVideo:
    size = (int(record["height"]), int(record["width"]))
    masks = tuple(
        _mask(a["segmentation"], size, f"annotation {a.get('id')} of image {record['id']}") for a in annotations
    )
    return LabelledVideo(
        (folder / record["file_name"],), size, tuple(classes[a["category_id"]] for a in annotations), (masks,)
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
