"""What both forms of MOTS, text and PNG, share: object ids that hold the class, the ignored region, what gets lost.

Source: the annotation format at https://www.vision.rwth-aachen.de/page/mots: id = class * 1000 + instance.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from visolo import rle as rle_module
from visolo.categories import Category, folded_name
from visolo.errors import OutputError
from visolo.formats.exchange import Carried, Progress
from visolo.formats.losses import numbered_anew, without_empty_masks, without_overlaps
from visolo.formats.tracks import TrackTable, dataset_of
from visolo.formats.video_names import frame_stems, in_order
from visolo.io.ytvis import Annotation, Dataset, Video
from visolo.rle import Rle
from visolo.words import counted

IGNORED_ID = 10_000
_IGNORED_CLASS = 10
_PER_CLASS = 1000
_MAX_CLASS = 64  # the last whose ids all fit into 16 bits
_NAMES = {1: "car", 2: "pedestrian", _IGNORED_CLASS: "ignored region"}
_CLASSES_OF_NAMES = {"car": 1, "pedestrian": 2, "person": 2, "ignored region": _IGNORED_CLASS}


def class_name(class_id: int) -> str:
    """What the class is called, by its number if MOTS has no name for it."""
    return _NAMES.get(class_id, f"class {class_id}")


def add_object(table: TrackTable, object_id: int, class_id: int, frame_index: int, rle: Rle) -> None:
    """Add the mask of an object; the ignored region becomes a crowd annotation."""
    is_ignored = object_id == IGNORED_ID or class_id == _IGNORED_CLASS
    name = _NAMES[_IGNORED_CLASS] if is_ignored else class_name(class_id)
    key = IGNORED_ID if is_ignored else object_id
    table.add(key, name, frame_index, rle, iscrowd=is_ignored)


def mots_dataset(videos: Sequence[tuple[Video, TrackTable]]) -> Dataset:
    """The dataset of videos that were read: tracks in the order of their ids, classes with their MOTS ids."""
    names = set()
    for _, table in videos:
        table.sort()
        names |= {track.category for track in table.tracks.values()}
    known = {_CLASSES_OF_NAMES.get(name) or int(name.split()[-1]): name for name in names}
    return dataset_of(videos, [Category(class_id, known[class_id]) for class_id in sorted(known)])


def carry_mots(dataset: Dataset, progress: Progress) -> Carried:
    """What MOTS can carry of a dataset: no overlaps, no names of classes, one ignored region for all crowds of a video.

    Raises:
        OutputError: there are more classes, or more tracks of a class, than ids.
    """
    carried = without_empty_masks(Carried(dataset))
    carried = without_overlaps(_with_ignored_regions(carried), progress)
    carried = _with_frame_numbers(numbered_anew(_with_mots_classes(carried)))
    counts = Counter((a.video_id, a.category_id) for a in carried.dataset.annotations)
    for (video_id, _), count in counts.items():
        if count >= _PER_CLASS:
            raise OutputError(
                f"video {video_id} has {count} tracks of one class, MOTS has ids for {_PER_CLASS - 1};"
                " choose another format"
            )
    return carried


def object_ids(tracks: Iterable[Annotation]) -> list[tuple[int, Annotation]]:
    """The MOTS ids of a video's tracks."""
    counts: Counter[int] = Counter()
    result = []
    for track in tracks:
        counts[track.category_id] += 1
        number = IGNORED_ID if track.iscrowd else track.category_id * _PER_CLASS + counts[track.category_id]
        result.append((number, track))
    return result


def frame_numbers(video: Video) -> list[int]:
    """The numbers of a video's frames: those of its images where they count from 0 or 1, else from 0."""
    stems = frame_stems(video)
    first = int(stems[0]) if stems and stems[0].isdecimal() else 0
    expected = list(range(first, first + video.length))
    is_counted = first in (0, 1) and all(s.isdecimal() and int(s) == n for s, n in zip(stems, expected, strict=True))
    return expected if is_counted else list(range(video.length))


def images_beside(path: Path) -> list[Path]:
    """Where the folders of images of a MOTS dataset may be."""
    return [root / name for root in (path, path.parent, path.parent.parent) for name in ("images", "image_02")]


def _with_frame_numbers(carried: Carried) -> Carried:
    """Frames called by their numbers, as they come back."""
    videos = tuple(
        replace(video, file_names=tuple(f"{name}/{number:06d}.jpg" for number in frame_numbers(video)))
        for video, name in in_order(carried.dataset)
    )
    return Carried(replace(carried.dataset, videos=videos), carried.notes)


def _with_ignored_regions(carried: Carried) -> Carried:
    """All crowds of a video as one annotation, after its tracks."""
    dataset = carried.dataset
    ignored = Category(max((c.category_id for c in dataset.categories), default=0) + 1, _NAMES[_IGNORED_CLASS])
    tracks = [a for a in dataset.annotations if not a.iscrowd]
    crowds: dict[int, list[Annotation]] = {}
    for annotation in dataset.annotations:
        if annotation.iscrowd:
            crowds.setdefault(annotation.video_id, []).append(annotation)
    if not crowds:
        return carried
    first_free = max(a.annotation_id for a in dataset.annotations) + 1
    regions = [
        Annotation.of_masks(first_free + position, video_id, ignored.category_id, _united(parts), iscrowd=True)
        for position, (video_id, parts) in enumerate(crowds.items())
    ]
    count = counted(sum(map(len, crowds.values())), "crowd annotation")
    note = f"{count} of {counted(len(crowds), 'video')} became ignored regions without class."
    changed = replace(dataset, annotations=(*tracks, *regions), categories=(*dataset.categories, ignored))
    return Carried(changed, (*carried.notes, note))


def _united(annotations: Sequence[Annotation]) -> tuple[Rle | None, ...]:
    frames = zip(*(a.segmentations for a in annotations), strict=True)
    parts = ([rle for rle in frame if rle is not None] for frame in frames)
    return tuple(rle_module.union(rles) if rles else None for rles in parts)


def _with_mots_classes(carried: Carried) -> Carried:
    dataset = carried.dataset
    used = {a.category_id for a in dataset.annotations}
    ids = _class_ids([c for c in dataset.categories if c.category_id in used])
    annotations = tuple(replace(a, category_id=ids[a.category_id]) for a in dataset.annotations)
    categories = tuple(Category(class_id, class_name(class_id)) for class_id in sorted(set(ids.values())))
    renamed = [(c.name, ids[c.category_id]) for c in dataset.categories if c.category_id in ids]
    listed = ", ".join(f"{name} is {new}" for name, new in renamed if class_name(new) != name)
    notes = (f"MOTS has no names of classes, only numbers: {listed}.",) if listed else ()
    return Carried(replace(dataset, annotations=annotations, categories=categories), (*carried.notes, *notes))


def _class_ids(categories: Sequence[Category]) -> Mapping[int, int]:
    """The MOTS class of every category: its own name's or number's, else the next free one."""
    wanted = {c.category_id: _CLASSES_OF_NAMES.get(folded_name(c.name), _number_in(c.name)) for c in categories}
    ids = {category_id: class_id for category_id, class_id in wanted.items() if class_id}
    free = (n for n in range(1, _MAX_CLASS + 1) if n not in _NAMES and n not in ids.values())
    for category in categories:
        if category.category_id not in ids:
            class_id = next(free, None)
            if class_id is None:
                raise OutputError(f"MOTS has ids for {_MAX_CLASS - 1} classes only; choose another format")
            ids[category.category_id] = class_id
    return ids


def _number_in(name: str) -> int:
    """The class that `class_name` calls so; 0 for none."""
    number = name.removeprefix("class ")
    is_number = number != name and number.isdecimal() and number.isascii()
    return int(number) if is_number and 0 < int(number) <= _MAX_CLASS and int(number) not in _NAMES else 0
