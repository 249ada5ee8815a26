"""COCO files of images: each for itself, or with tracks: per frame, COCO-video (CocoVID), and TAO.

Source: https://cocodataset.org/#format-data; CocoVID adds videos, frame_id and instance_id, TAO tracks, frame_index and
track_id.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from visolo.errors import AnnotationError
from visolo.formats.boxes import BoxesOnly, filled_box
from visolo.formats.exchange import Imported, Progress, part_of
from visolo.formats.json_formats import TRACK_KEYS, track_of
from visolo.formats.tracks import TrackTable, dataset_of
from visolo.formats.ytvis_files import image_root
from visolo.io.coco_stills import read_coco_stills
from visolo.io.dataset_images import image_roots
from visolo.io.images import natural_key
from visolo.io.label_sets import read_category
from visolo.io.ytvis import Video
from visolo.io.ytvis_fields import Fields, refuse_repeated
from visolo.io.ytvis_masks import MaskList, VideoShape, parse_mask_list, resolve_masks
from visolo.io.ytvis_text import JsonText
from visolo.words import counted

_FRAME_KEYS = ("frame_index", "frame_id", "mot_frame_id")


def read_stills(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read a COCO instances file, every image as a video of one frame; see `read_coco_stills`."""
    dataset = read_coco_stills(path, progress)
    progress(1.0)
    return Imported(dataset, image_root(dataset, image_roots(path, images)))


def is_of_stills(path: Path) -> bool:
    """Whether images of one folder differ in size, so that they are no frames of a video.

    Raises:
        AnnotationError: the file is no such JSON.
    """
    sizes: dict[str, tuple[int, int]] = {}
    values = JsonText(path).values_beside("annotations", lambda _: None)
    for index, value in enumerate(Fields(values, str(path)).items("images")):
        image = Fields(value, f"{path}: images[{index}]")
        size = (image.whole("height", 1), image.whole("width", 1))
        if sizes.setdefault(PurePosixPath(image.text("file_name")).parent.as_posix(), size) != size:
            return True
    return False


def read_coco_video(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read a COCO file with tracks.

    Images are of the video that they name, else of their folder; annotations of one `track_id` or `instance_id` in a
    video are one track.

    Args:
        path: JSON with `images`, `categories`, `annotations`, and `videos` if it has them.
        images: folder that file names start from; None looks beside the file.
        progress: hears how much is done.

    Raises:
        AnnotationError: the file breaks a rule; the message names the first offender.
    """
    annotations: list[_Object] = []
    boxes = _Boxes()
    values = JsonText(path).values_beside(
        "annotations",
        lambda elements: annotations.extend(_read_objects(elements, path, boxes)),
        part_of(progress, 0.0, 0.6),
    )
    table = Fields(values, str(path))
    frames = _frames(table, values, str(path))
    categories = [read_category(v, f"{path}: categories[{i}]") for i, v in enumerate(table.items("categories"))]
    refuse_repeated((category.category_id for category in categories), "categories", path)
    names = {category.category_id: category.name for category in categories}
    loose = _add_objects(frames, annotations, names, part_of(progress, 0.6, 1.0))
    boxes.place(frames, names)
    info = values.get("info")
    dataset = dataset_of([(v, frames.tables[v.video_id]) for v in frames.videos], categories)
    dataset = replace(dataset, info=info if isinstance(info, dict) else {})
    notes = []
    if loose:
        notes.append(
            f"{counted(loose, 'object')} without track id became {'a track' if loose == 1 else 'tracks'} of one frame."
        )
    progress(1.0)
    found = boxes.only.found({v.video_id: v for v in frames.videos}, categories)
    return Imported(dataset, image_root(dataset, image_roots(path, images)), tuple(notes), found)


class _Object(NamedTuple):
    """One annotation, its mask not resolved yet."""

    where: str
    image_id: int
    category_id: int
    track: str | None
    iscrowd: bool
    masks: MaskList


@dataclass
class _Boxes:
    """Objects without masks, while it is not known yet of which video their images are."""

    only: BoxesOnly = field(default_factory=BoxesOnly)
    _found: list[tuple[str, int, Mapping[str, Any]]] = field(default_factory=list)

    def add(self, index: int, image_id: int, value: Mapping[str, Any]) -> None:
        """One annotation of the file."""
        where = f"annotations[{index}], image {image_id}"
        self.only.add(where)
        if isinstance(value.get("bbox"), list):
            kept = {key: value.get(key) for key in ("bbox", "category_id", "attributes", *TRACK_KEYS)}
            self._found.append((where, image_id, kept))

    def place(self, frames: "_Frames", names: Mapping[int, str]) -> None:
        """Put every box into its track; those of images or classes that the file lacks stay out."""
        videos = {video.video_id: video for video in frames.videos}
        for where, image_id, value in self._found:
            category = value["category_id"]
            if image_id not in frames.places or not isinstance(category, int) or category not in names:
                continue
            video_id, frame_index = frames.places[image_id]
            track = track_of(value)
            numbers = [v for v in value["bbox"] if type(v) in (int, float)]
            box = filled_box(numbers, videos[video_id].size)
            self.only.keep(video_id, where if track is None else (track,), names[category], frame_index, box)


def _read_objects(elements: Iterator[Any], path: Path, boxes: _Boxes) -> Iterator[_Object]:
    for index, value in enumerate(elements):
        where = f"{path}: annotations[{index}]"
        fields = Fields(value, where)
        image_id = fields.whole("image_id")
        if _is_box_only(value):
            boxes.add(index, image_id, value)
            continue
        iscrowd = bool(fields.whole("iscrowd")) if fields.has("iscrowd") else False
        masks = parse_mask_list([value["segmentation"]], where)
        if masks.items[0] is None:
            boxes.add(index, image_id, value)
            continue
        yield _Object(where, image_id, fields.whole("category_id"), track_of(value), iscrowd, masks)


def _is_box_only(value: Mapping[str, Any]) -> bool:
    """Whether there is no mask, or only the four corners of the box, as TAO has them."""
    mask, box = value.get("segmentation"), value.get("bbox")
    if not mask:
        return True
    if not (isinstance(mask, list) and len(mask) == 1 and isinstance(box, list) and len(box) == 4):
        return False
    numbers = mask[0] if isinstance(mask[0], list) else []
    if len(numbers) != 8 or not all(type(v) in (int, float) for v in [*numbers, *box]):
        return False
    left, top, width, height = box
    corners = {(left, top), (left + width, top), (left + width, top + height), (left, top + height)}
    return {(numbers[i], numbers[i + 1]) for i in range(0, 8, 2)} == corners


class _Frames(NamedTuple):
    """Where every image is: its video's id and its index there; the videos and their tracks."""

    places: Mapping[int, tuple[int, int]]
    videos: Sequence[Video]
    tables: Mapping[int, TrackTable]


class _Image(NamedTuple):
    image_id: int
    file_name: str
    size: tuple[int, int]
    frame: int


def _frames(table: Fields, values: Mapping[str, Any], path: str) -> _Frames:
    groups: dict[int | str, list[_Image]] = {}
    sizes: dict[int | str, tuple[int, int] | None] = {}
    for index, value in enumerate(table.items("videos") if table.has("videos") else []):
        fields = Fields(value, f"{path}: videos[{index}]")
        has_size = fields.has("width") and fields.has("height")
        video_id = fields.whole("id")
        if video_id in groups:
            raise AnnotationError(f"{fields.where} has the id {video_id} of a video before it; ids must differ")
        groups[video_id] = []
        sizes[video_id] = (fields.whole("height", 1), fields.whole("width", 1)) if has_size else None
    is_listed = bool(groups)
    images = [Fields(value, f"{path}: images[{index}]") for index, value in enumerate(table.items("images"))]
    refuse_repeated((image.whole("id") for image in images), "images", path)
    for image, value in zip(images, values["images"], strict=True):
        name = image.text("file_name")
        key: int | str = image.whole("video_id") if image.has("video_id") else PurePosixPath(name).parent.as_posix()
        if is_listed and key not in groups:
            raise AnnotationError(f"{image.where}: is of no video of the file; give it the 'video_id' of one")
        size = sizes.get(key) or (image.whole("height", 1), image.whole("width", 1))
        frame = next((image.whole(k) for k in _FRAME_KEYS if type(value.get(k)) is int), 0)
        groups.setdefault(key, []).append(_Image(image.whole("id"), name, size, frame))
    return _placed({key: found for key, found in groups.items() if found}, path)


def _placed(groups: Mapping[int | str, list[_Image]], path: str) -> _Frames:
    places: dict[int, tuple[int, int]] = {}
    videos = []
    has_ids = all(isinstance(key, int) for key in groups)
    ids = {key: int(key) if has_ids else number for number, key in enumerate(groups, start=1)}
    for key, images in groups.items():
        images.sort(key=lambda image: (image.frame, natural_key(image.file_name)))
        height, width = images[0].size
        odd = next((image for image in images if image.size != (height, width)), None)
        if odd is not None:
            raise AnnotationError(
                f"{path}: image {odd.file_name} is {odd.size[1]} x {odd.size[0]}, {images[0].file_name} of the same"
                f" video is {width} x {height}; put them into different videos"
            )
        names = tuple(image.file_name for image in images)
        videos.append(Video(ids[key], width, height, len(names), names))
        places |= {image.image_id: (ids[key], index) for index, image in enumerate(images)}
    return _Frames(places, videos, {video.video_id: TrackTable() for video in videos})


def _add_objects(frames: _Frames, objects: Sequence[_Object], names: Mapping[int, str], progress: Progress) -> int:
    """Put every mask into its track; how many had no track id."""
    sizes = {video.video_id: video.size for video in frames.videos}
    shapes = []
    for item in objects:
        if item.image_id not in frames.places:
            raise AnnotationError(f"{item.where}: image_id {item.image_id} is not among the file's images")
        if item.category_id not in names:
            raise AnnotationError(f"{item.where}: category_id {item.category_id} is not among the file's categories")
        video_id = frames.places[item.image_id][0]
        shapes.append(VideoShape(video_id, 1, sizes[video_id]))
    resolved = resolve_masks([item.masks for item in objects], shapes, progress=progress)
    loose: Counter[int] = Counter()
    for item, masks in zip(objects, resolved, strict=True):
        video_id, frame_index = frames.places[item.image_id]
        table = frames.tables[video_id]
        loose[video_id] += item.track is None
        key = item.where if item.track is None else (item.track,)
        if table.has(key, frame_index):
            raise AnnotationError(f"{item.where}: is a second mask of track {item.track} in its image; keep one")
        rle = masks.segmentations[0]
        assert rle is not None  # those without were counted as boxes
        table.add(key, names[item.category_id], frame_index, rle, iscrowd=item.iscrowd)
    return loose.total()
