"""labelme and X-AnyLabeling: a JSON beside every image; the shapes of one label and group id are a track.

Source: https://github.com/wkentaro/labelme, the label files of version 5.
"""

import base64
import binascii
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from visolo import rle as rle_module
from visolo.errors import AnnotationError
from visolo.formats.boxes import BoxesOnly, filled_box
from visolo.formats.exchange import Carried, Imported, Progress, part_of
from visolo.formats.frame_folders import images_by_stem
from visolo.formats.losses import numbered_anew, without_crowds, without_empty_masks
from visolo.formats.tracks import TrackTable, dataset_of
from visolo.formats.video_names import frame_stems, in_order
from visolo.formats.ytvis_files import image_root
from visolo.io.images import image_size, natural_key
from visolo.io.ytvis import Annotation, Dataset, Video
from visolo.io.ytvis_fields import Fields
from visolo.io.ytvis_text import JsonText
from visolo.rle import Rle
from visolo.rle_box import decode_in_box, encode_in_box
from visolo.words import counted

_VERSION = "5.5.0"
_MOST_BYTES = 64 * 2**20  # of a file of one image, even if it holds that, too
_FAILURES = (OSError, SyntaxError, ValueError, binascii.Error, Image.DecompressionBombError)


def read_labelme(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read a folder of label files, or a folder of such folders, each a video.

    Images without a label file are frames without objects. Rectangles, points and lines are counted and left out.

    Args:
        path: the folder, or one file in it.
        images: folder with a folder of images for every video; None looks beside the label files.
        progress: hears how much is done.

    Raises:
        AnnotationError: there are no label files, or one breaks a rule; the message names the first offender.
    """
    folders = _label_folders(path)
    reading = _Reading()
    videos = []
    for position, folder in enumerate(folders):
        step = part_of(progress, position / len(folders), (position + 1) / len(folders))
        beside = folder if images is None else images / folder.name
        videos.append(reading.video(position + 1, folder, images_by_stem(beside), step))
    notes = []
    if reading.loose_shapes:
        count, what = reading.loose_shapes, "a track" if reading.loose_shapes == 1 else "tracks"
        notes.append(f"{counted(count, 'shape')} without group id became {what} of one frame.")
    tables = [*(table for _, table in videos), *reading.boxes.tables.values()]
    dataset = dataset_of(videos, classes=sorted({t.category for table in tables for t in table.tracks.values()}))
    boxes = reading.boxes.found({video.video_id: video for video, _ in videos}, dataset.categories)
    return Imported(dataset, image_root(dataset, (images or folders[0].parent,)), tuple(notes), boxes)


def carry_labelme(dataset: Dataset, progress: Progress) -> Carried:
    """All but crowds and classes without tracks."""
    carried = numbered_anew(without_empty_masks(without_crowds(Carried(dataset))))
    progress(1.0)
    note = (
        "Put the images beside the label files to open them; masks are shapes of type 'mask' (labelme 5.3 and later)."
    )
    return Carried(carried.dataset, (*carried.notes, note))


def write_labelme(folder: Path, dataset: Dataset, progress: Progress) -> None:
    """Write <video>/<frame>.json.

    Args:
        folder: an empty one.
        dataset: as `carry_labelme` made it.
        progress: hears how much is done.
    """
    pairs = in_order(dataset)
    for position, (video, name) in enumerate(pairs):
        (folder / name).mkdir()
        tracks = [a for a in dataset.annotations if a.video_id == video.video_id]
        step = part_of(progress, position / len(pairs), (position + 1) / len(pairs))
        for frame_index, stem in enumerate(frame_stems(video)):
            table = _table(video, stem, frame_index, _shapes(tracks, frame_index, dataset))
            text = json.dumps(table, ensure_ascii=False, indent=1)
            (folder / name / f"{stem}.json").write_text(text, encoding="utf-8")
            step((frame_index + 1) / video.length)


def looks_like_labelme(path: Path) -> bool:
    """Whether a file, or the first JSON in a folder, has shapes."""
    try:
        file = path if path.is_file() else _label_files(_label_folders(path)[0])[0]
        text = JsonText(file) if file.stat().st_size < _MOST_BYTES else None
        return text is not None and text.starts_with("{") and "shapes" in set(text.keys())
    except (AnnotationError, OSError):
        return False


class _Place(NamedTuple):
    """Where a label file belongs, and its image where that is beside."""

    video_id: int
    frame_index: int
    image: Path | None


class _Reading:
    """What is counted while label files are read."""

    def __init__(self) -> None:
        self.boxes = BoxesOnly()
        self.loose_shapes = 0

    def video(
        self, video_id: int, folder: Path, images: Mapping[str, Path], progress: Progress
    ) -> tuple[Video, TrackTable]:
        """The video of one folder."""
        labels = {file.stem: file for file in _label_files(folder)}
        stems = sorted({*labels, *images}, key=natural_key)
        names = tuple(f"{folder.name}/{images[s].name if s in images else s + '.jpg'}" for s in stems)
        table, size = TrackTable(), (0, 0)
        first = next(iter(labels.values()))
        for frame_index, stem in enumerate(stems):
            if stem in labels:
                place = _Place(video_id, frame_index, images.get(stem))
                found = self._frame(labels[stem], place, table)
                if size not in ((0, 0), found):
                    raise AnnotationError(
                        f"{labels[stem]}: its image is {found[1]} x {found[0]}, that of {first.name} is {size[1]} x"
                        f" {size[0]}; all frames of a video must have one size"
                    )
                size = found
            progress((frame_index + 1) / len(stems))
        return Video(video_id, size[1], size[0], len(names), names), table

    def _frame(self, file: Path, place: _Place, table: TrackTable) -> tuple[int, int]:
        fields = Fields(JsonText(file).value(), str(file))
        if fields.has("imageHeight") and fields.has("imageWidth"):
            size = rle_module.checked_size([fields.whole("imageHeight", 1), fields.whole("imageWidth", 1)], str(file))
        elif place.image is not None:
            size = image_size(place.image)
        else:
            raise AnnotationError(f"{file}: has no 'imageHeight' and its image is not beside; put it there")
        for index, value in enumerate(fields.items("shapes")):
            where = f"{file}: shapes[{index}]"
            shape = Fields(value, where)
            label = shape.text("label")
            group = value.get("group_id")
            key = (label, str(group)) if group is not None else (file.stem, index)
            rle = _mask(value, shape, size)
            if rle is None:
                self.boxes.add(f"{file.name}, shapes[{index}]")
                self.boxes.keep(place.video_id, key, label, place.frame_index, _box(value, size))
                continue
            self.loose_shapes += group is None
            table.add(key, label, place.frame_index, rle)
        return size


def _label_folders(path: Path) -> list[Path]:
    folder = path if path.is_dir() else path.parent
    if _label_files(folder):
        return [folder]
    folders = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".") and _label_files(p)]
    if not folders:
        raise AnnotationError(f"{path}: holds no label files (*.json); name the folder of them")
    return sorted(folders, key=lambda p: natural_key(p.name))


def _label_files(folder: Path) -> list[Path]:
    files = [p for p in folder.iterdir() if p.suffix.lower() == ".json" and not p.name.startswith(".")]
    return sorted(files, key=lambda p: natural_key(p.name))


def _mask(value: Mapping[str, Any], shape: Fields, size: tuple[int, int]) -> Rle | None:
    """The mask of a shape; None for those that have none."""
    kind = value.get("shape_type") or "polygon"
    if kind not in ("polygon", "mask"):
        return None
    points = shape.items("points")
    is_sound = all(isinstance(p, list) and len(p) == 2 and all(type(v) in (int, float) for v in p) for p in points)
    if not is_sound:
        raise AnnotationError(f"{shape.where}: 'points' must be a list of [x, y]; save the file again")
    if kind == "polygon":
        return rle_module.from_polygons(size, [[v for point in points for v in point]], shape.where)
    return _placed_mask(shape, points, size)


def _box(value: Mapping[str, Any], size: tuple[int, int]) -> Rle | None:
    """The box of a rectangle, which is given by two corners or all four."""
    points = value.get("points")
    if value.get("shape_type") != "rectangle" or not isinstance(points, list):
        return None
    pairs = [p for p in points if isinstance(p, list) and len(p) == 2 and all(type(v) in (int, float) for v in p)]
    if len(pairs) < 2:
        return None
    (left, right), (top, bottom) = ((min(numbers), max(numbers)) for numbers in zip(*pairs, strict=True))
    return filled_box((left, top, right - left, bottom - top), size)


def _placed_mask(shape: Fields, points: Sequence[Sequence[float]], size: tuple[int, int]) -> Rle:
    """A mask that is given as a PNG for the box whose first corner is the first point; what is outside is cut off."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(shape.text("mask"), validate=True))) as picture:
            inside = np.asarray(picture.convert("L")) > 0
        left, top = (round(v) for v in points[0])
    except (*_FAILURES, IndexError, OverflowError) as error:
        raise AnnotationError(f"{shape.where}: its 'mask' is no PNG at a point; save the file again") from error
    seen = inside[max(-top, 0) : max(size[0] - top, 0), max(-left, 0) : max(size[1] - left, 0)]
    return encode_in_box(seen, max(left, 0), max(top, 0), size)


def _shapes(tracks: Sequence[Annotation], frame_index: int, dataset: Dataset) -> list[dict[str, Any]]:
    shapes = []
    for group_id, track in enumerate(tracks, start=1):
        rle = track.segmentations[frame_index]
        if rle is None:
            continue
        box, inside = decode_in_box(rle)
        png = io.BytesIO()
        Image.fromarray(inside * 255).save(png, "PNG")
        shapes.append(
            {
                "label": dataset.category_by_id[track.category_id].name,
                "points": [[box.x, box.y], [box.x + box.width - 1, box.y + box.height - 1]],
                "group_id": group_id,
                "description": "",
                "shape_type": "mask",
                "flags": {},
                "mask": base64.b64encode(png.getvalue()).decode("ascii"),
            }
        )
    return shapes


def _table(video: Video, stem: str, frame_index: int, shapes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    suffix = Path(video.file_names[frame_index]).suffix if video.file_names else ".jpg"
    return {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{stem}{suffix}",
        "imageData": None,
        "imageHeight": video.height,
        "imageWidth": video.width,
    }
