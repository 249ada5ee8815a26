"""COCO image files read as datasets: every image is a video of one frame."""

from pathlib import Path
from typing import Any

from visolo.errors import AnnotationError
from visolo.io.label_sets import read_category
from visolo.io.ytvis_fields import Fields, refuse_repeated
from visolo.io.ytvis_masks import MaskList, VideoShape, parse_mask_list, resolve_masks
from visolo.io.ytvis_text import JsonText
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


def read_coco_stills(path: Path | str) -> Dataset:
    """Read a COCO instances file.

    Args:
        path: JSON with `images`, `categories` and `annotations` whose masks are polygons or RLE.

    Raises:
        AnnotationError: the file breaks a rule; the message names the first offender.
    """
    text = JsonText(path)
    values: dict[str, Any] = {}
    for key in text.keys():  # noqa: SIM118 - not a dict: reads on in the text
        values[key] = text.value()
    table = Fields(values, str(path))
    videos = [_video(value, f"{path}: images[{i}]") for i, value in enumerate(table.items("images"))]
    categories = [read_category(v, f"{path}: categories[{i}]") for i, v in enumerate(table.items("categories"))]
    refuse_repeated((video.video_id for video in videos), "images", path)
    refuse_repeated((category.category_id for category in categories), "categories", path)
    info = values.get("info")
    dataset = Dataset(tuple(videos), tuple(categories), (), info if isinstance(info, dict) else {})
    heads, masks, shapes = [], [], []
    for index, value in enumerate(table.items("annotations")):
        head, mask = _annotation(value, f"{path}: annotations[{index}]", dataset)
        video = dataset.video_by_id[head.video_id]
        heads.append(head)
        masks.append(mask)
        shapes.append(VideoShape(video.video_id, 1, video.size))
    refuse_repeated((head.annotation_id for head in heads), "annotations", path)
    annotations = tuple(
        Annotation.of_masks(h.annotation_id, h.video_id, h.category_id, m.segmentations, iscrowd=h.iscrowd)
        for h, m in zip(heads, resolve_masks(masks, shapes), strict=True)
    )
    return Dataset(dataset.videos, dataset.categories, annotations, dataset.info)


def _video(value: Any, where: str) -> Video:  # noqa: ANN401 - anything may stand in a user's file
    fields = Fields(value, where)
    width, height = fields.whole("width", minimum=1), fields.whole("height", minimum=1)
    return Video(fields.whole("id"), width, height, 1, (fields.text("file_name"),))


def _annotation(value: Any, where: str, dataset: Dataset) -> tuple[Annotation, MaskList]:  # noqa: ANN401
    fields = Fields(value, where)
    image_id, category_id = fields.whole("image_id"), fields.whole("category_id")
    if image_id not in dataset.video_by_id:
        raise AnnotationError(f"{where}: image_id {image_id} is not among the file's images")
    if category_id not in dataset.category_by_id:
        raise AnnotationError(f"{where}: category_id {category_id} is not among the file's categories")
    if not fields.has("segmentation"):
        raise AnnotationError(f"{where}: has no 'segmentation'; masks are needed, boxes are not enough")
    iscrowd = bool(fields.whole("iscrowd")) if fields.has("iscrowd") else False
    head = Annotation(fields.whole("id"), image_id, category_id, iscrowd, (), (), ())
    return head, parse_mask_list([value["segmentation"]], where)
