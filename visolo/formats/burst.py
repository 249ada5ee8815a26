"""BURST: masks of tracks in the annotated frames of sequences; read only.

Source: https://github.com/Ali2500/BURST-benchmark, ANNOTATION_FORMAT.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from visolo import rle as rle_module
from visolo.categories import Category
from visolo.errors import AnnotationError
from visolo.formats.boxes import BoxesOnly, filled_box
from visolo.formats.exchange import Imported, Progress
from visolo.formats.tracks import TrackTable, dataset_of
from visolo.formats.ytvis_files import image_root
from visolo.io.label_sets import read_category
from visolo.io.ytvis import Video
from visolo.io.ytvis_fields import Fields
from visolo.io.ytvis_text import JsonText
from visolo.rle import Rle
from visolo.rle_check import checked_all
from visolo.words import counted


def read_burst(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read a BURST file; frames that it does not annotate are left out of the videos.

    Args:
        path: JSON with `sequences`, and `categories` if it has them.
        images: folder of the frames, with one of a dataset, of sequences below; None looks beside the file.
        progress: hears how much is done.

    Raises:
        AnnotationError: the file breaks a rule; the message names the first offender.
    """
    sequences: list[_Sequence] = []
    boxes = BoxesOnly()

    def take(elements: Iterator[Any]) -> None:
        for index, value in enumerate(elements):
            sequences.append(_read_sequence(value, f"{path}: sequences[{index}]", boxes))

    values = JsonText(path).values_beside("sequences", take, progress)
    if not sequences:
        raise AnnotationError(f"{path}: has no 'sequences'; a BURST file lists its videos there")
    categories = _classes(Fields(values, str(path)), sequences)
    known = {c.category_id: c.name for c in categories}
    videos = [_video(video_id, sequence, known) for video_id, sequence in enumerate(sequences, start=1)]
    for video_id, sequence in enumerate(sequences, start=1):
        _keep_boxes(boxes, video_id, sequence, known)
    notes = []
    skipped = sum(sequence.skipped_frames for sequence in sequences)
    if skipped:
        notes.append(f"{counted(skipped, 'frame')} without annotations left out of the videos.")
    if not values.get("categories"):
        notes.append("The file names no classes; they are called by their numbers.")
    dataset = dataset_of(videos, categories)
    split = str(values.get("split", ""))
    roots = (
        [images, images / split] if images else [path.parent, path.parent / "frames", path.parent / "frames" / split]
    )
    progress(1.0)
    found = boxes.found({video.video_id: video for video, _ in videos}, categories)
    return Imported(dataset, image_root(dataset, tuple(roots)), tuple(notes), found)


class _Sequence(NamedTuple):
    """One sequence, its masks checked."""

    name: str
    size: tuple[int, int]
    frames: list[str]
    skipped_frames: int
    categories: Mapping[str, int]
    masks: list[tuple[str, int, Rle]]  # track, frame index, mask
    boxes: list[tuple[str, int, list[Any]]]  # of those without mask


def _read_sequence(value: Any, where: str, boxes: BoxesOnly) -> _Sequence:  # noqa: ANN401 - a user's file
    fields = Fields(value, where)
    size = (fields.whole("height", 1), fields.whole("width", 1))
    frames = fields.items("annotated_image_paths")
    if not frames or not all(isinstance(name, str) and name for name in frames):
        raise AnnotationError(f"{where}: 'annotated_image_paths' must name the annotated frames")
    segmentations = fields.items("segmentations")
    if len(segmentations) != len(frames):
        raise AnnotationError(
            f"{where} has {len(segmentations)} segmentations, but {len(frames)} annotated frames; one each is needed"
        )
    categories = _categories(value, where)
    places, masks, found_boxes = [], [], []
    for frame_index, found in enumerate(segmentations):
        for track, mask in (found if isinstance(found, dict) else {}).items():
            place = f"{where}.segmentations[{frame_index}], track {track}"
            if track not in categories:
                raise AnnotationError(f"{place}: has no class; name it in 'track_category_ids'")
            if not isinstance(mask, dict) or not isinstance(mask.get("rle"), str):
                boxes.add(f"{place.partition(': ')[2]}")
                if isinstance(mask, dict) and isinstance(mask.get("bbox"), list):
                    found_boxes.append((track, frame_index, mask["bbox"]))
                continue
            places.append(place)
            masks.append((track, frame_index, Rle(rle_module.checked_size(list(size), place), mask["rle"])))
    checked = checked_all([rle for _, _, rle in masks], places.__getitem__)
    masks = [(track, index, rle) for (track, index, _), rle in zip(masks, checked.rles, strict=True)]
    every = value.get("all_image_paths")
    skipped = len(every) - len(frames) if isinstance(every, list) else 0
    name = "/".join(str(value[key]) for key in ("dataset", "seq_name") if value.get(key))
    name = name or f"sequence {value.get('id')}"
    return _Sequence(name, size, frames, max(skipped, 0), categories, masks, found_boxes)


def _classes(table: Fields, sequences: Sequence[_Sequence]) -> list[Category]:
    """The file's classes, and the tracks' that it does not name."""
    listed = table.items("categories") if table.has("categories") else []
    categories = [read_category(value, f"{table.where}: categories[{i}]") for i, value in enumerate(listed)]
    named = {category.category_id for category in categories}
    used = {category_id for sequence in sequences for category_id in sequence.categories.values()}
    return [*categories, *(Category(number, f"class {number}") for number in sorted(used - named))]


def _categories(value: Mapping[str, Any], where: str) -> dict[str, int]:
    found = value.get("track_category_ids")
    if not isinstance(found, dict):
        raise AnnotationError(f"{where}: 'track_category_ids' must be an object of classes by track")
    fields = Fields(found, f"{where}.track_category_ids")
    return {str(track): fields.whole(track) for track in found}


def _keep_boxes(boxes: BoxesOnly, video_id: int, sequence: _Sequence, names: Mapping[int, str]) -> None:
    for track, frame_index, value in sequence.boxes:
        numbers = [v for v in value if type(v) in (int, float)]
        box = filled_box(numbers, sequence.size)
        boxes.keep(video_id, track, names[sequence.categories[track]], frame_index, box)


def _video(video_id: int, sequence: _Sequence, names: Mapping[int, str]) -> tuple[Video, TrackTable]:
    table = TrackTable()
    for track, frame_index, rle in sequence.masks:
        table.add(track, names[sequence.categories[track]], frame_index, rle)
    height, width = sequence.size
    files = tuple(f"{sequence.name}/{name}" for name in sequence.frames)
    return Video(video_id, width, height, len(files), files), table
