"""COCO image files read as datasets: every image is a video of one frame."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from visolo.errors import AnnotationError
from visolo.io.label_sets import read_category
from visolo.io.ytvis_fields import Fields, refuse_repeated
from visolo.io.ytvis_masks import MaskList, VideoShape, parse_mask_list, resolve_masks
from visolo.io.ytvis_text import JsonText, Progress
from visolo.io.ytvis_types import Annotation, Dataset, Video


def is_coco(path: Path | str) -> bool:
    """Whether a JSON file has images and no videos; the whole file is looked through.

    Raises:
        AnnotationError: it is no JSON.
    """
    text = JsonText(path)
    if not text.starts_with("{"):
        return False
    names = set()
    for name in text.keys():  # noqa: SIM118 - not a dict: reads on in the text
        names.add(name)
        text.value()
    return "images" in names and "videos" not in names


def read_coco_stills(path: Path | str, progress: Progress | None = None) -> Dataset:
    """Read a COCO instances file.

    Args:
        path: JSON with `images`, `categories` and `annotations` whose masks are polygons or RLE.
        progress: hears how much is read, in [0, 1]; whatever it raises stops the reading.

    Raises:
        AnnotationError: the file breaks a rule; the message names the first offender.
    """
    found: list[tuple[Annotation, MaskList]] = []

    def take(elements: Iterator[Any]) -> None:
        found.extend(_annotation(value, f"{path}: annotations[{i}]") for i, value in enumerate(elements))

    values = JsonText(path).values_beside("annotations", take, progress)
    table = Fields(values, str(path))
    if "annotations" in values:
        table.items("annotations")  # is no list, which is said
    videos = [_video(value, f"{path}: images[{i}]") for i, value in enumerate(table.items("images"))]
    categories = [read_category(v, f"{path}: categories[{i}]") for i, v in enumerate(table.items("categories"))]
    refuse_repeated((video.video_id for video in videos), "images", path)
    refuse_repeated((category.category_id for category in categories), "categories", path)
    info = values.get("info")
    dataset = Dataset(tuple(videos), tuple(categories), (), info if isinstance(info, dict) else {})
    shapes = []
    for head, mask in found:
        video = dataset.video_by_id.get(head.video_id)
        if video is None:
            raise AnnotationError(f"{mask.where}: image_id {head.video_id} is not among the file's images")
        if head.category_id not in dataset.category_by_id:
            raise AnnotationError(f"{mask.where}: category_id {head.category_id} is not among the file's categories")
        shapes.append(VideoShape(video.video_id, 1, video.size))
    refuse_repeated((head.annotation_id for head, _ in found), "annotations", path)
    annotations = tuple(
        Annotation.of_masks(h.annotation_id, h.video_id, h.category_id, m.segmentations, iscrowd=h.iscrowd)
        for (h, _), m in zip(found, resolve_masks([mask for _, mask in found], shapes), strict=True)
    )
    return Dataset(dataset.videos, dataset.categories, annotations, dataset.info)


def _video(value: Any, where: str) -> Video:  # noqa: ANN401 - anything may stand in a user's file
    fields = Fields(value, where)
    width, height = fields.whole("width", minimum=1), fields.whole("height", minimum=1)
    return Video(fields.whole("id"), width, height, 1, (fields.text("file_name"),))


def _annotation(value: Any, where: str) -> tuple[Annotation, MaskList]:  # noqa: ANN401
    fields = Fields(value, where)
    image_id, category_id = fields.whole("image_id"), fields.whole("category_id")
    if not fields.has("segmentation"):
        raise AnnotationError(f"{where}: has no 'segmentation'; masks are needed, boxes are not enough")
    iscrowd = bool(fields.whole("iscrowd")) if fields.has("iscrowd") else False
    head = Annotation(fields.whole("id"), image_id, category_id, iscrowd, (), (), ())
    return head, parse_mask_list([value["segmentation"]], where)
