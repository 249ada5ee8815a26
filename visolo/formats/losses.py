"""What formats can't carry, one kind after the other: each step takes it out of a dataset and says so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from visolo import rle as rle_module
from visolo.formats.exchange import Carried, Progress
from visolo.formats.label_maps import apart
from visolo.io.ytvis import Annotation, Dataset, Video
from visolo.io.ytvis_types import areas_of
from visolo.rle import Rle
from visolo.words import counted


def without_crowds(carried: Carried) -> Carried:
    """No annotations that stand for groups."""
    dataset = carried.dataset
    kept = tuple(a for a in dataset.annotations if not a.iscrowd)
    count = len(dataset.annotations) - len(kept)
    note = f"{counted(count, 'crowd annotation')} left out: the format has no crowds."
    return _after(carried, replace(dataset, annotations=kept), note if count else "")


def without_empty_masks(carried: Carried) -> Carried:
    """No masks without pixels, and no tracks of which nothing is left."""
    dataset = carried.dataset
    count, annotations = 0, []
    for annotation in dataset.annotations:
        areas = areas_of(annotation.segmentations)
        empty: dict[int, Rle | None] = {index: None for index, area in enumerate(areas) if area == 0}
        count += len(empty)
        annotations.append(_with_masks(annotation, empty) if empty else annotation)
    note = f"{counted(count, 'mask')} without pixels left out: where there is none, an object is absent."
    result = _after(carried, replace(dataset, annotations=tuple(annotations)), note if count else "")
    return _without_unseen(result)


def without_overlaps(carried: Carried, progress: Progress) -> Carried:
    """Every pixel in one mask at most: of those that share one, the first in the file keeps it.

    Args:
        carried: without empty masks.
        progress: hears how much is done.
    """
    dataset = carried.dataset
    changed: dict[int, dict[int, Rle | None]] = {}
    pixels, frames, hidden = 0, 0, 0
    for frame in _shared_frames(dataset, progress):
        pixels, frames = pixels + frame.pixels, frames + 1
        hidden += sum(rle is None for rle in frame.masks.values())
        for annotation_id, rle in frame.masks.items():
            changed.setdefault(annotation_id, {})[frame.frame_index] = rle
    annotations = tuple(
        _with_masks(a, changed[a.annotation_id]) if a.annotation_id in changed else a for a in dataset.annotations
    )
    note = f"Masks can't overlap: {counted(pixels, 'pixel')} in {counted(frames, 'frame')} went to the first track"
    note += f", which hides {counted(hidden, 'mask')} completely." if hidden else "."
    return _without_unseen(_after(carried, replace(dataset, annotations=annotations), note if frames else ""))


def numbered_anew(carried: Carried, kept: str = "") -> Carried:
    """Nothing of the file but videos, tracks and their classes.

    Args:
        carried: what to take the rest out of.
        kept: what of ids the format keeps nevertheless, for the note.
    """
    dataset = carried.dataset
    used = {a.category_id for a in dataset.annotations}
    unused = len(dataset.categories) - len(used)
    if unused:
        note = f"{counted(unused, 'class', 'classes')} without tracks left out."
        carried = _after(carried, dataset, note)
    categories = tuple(c for c in dataset.categories if c.category_id in used)
    note = f"Ids are numbered anew{kept}; the file's 'info' and 'licenses' are left out."
    return _after(carried, replace(dataset, categories=categories, info={}, licenses=()), note)


def _without_unseen(carried: Carried) -> Carried:
    dataset = carried.dataset
    kept = tuple(a for a in dataset.annotations if any(rle is not None for rle in a.segmentations))
    count = len(dataset.annotations) - len(kept)
    note = f"{counted(count, 'track')} without any mask left out."
    return _after(carried, replace(dataset, annotations=kept), note if count else "")


class _SharedFrame(NamedTuple):
    """The masks of a frame that lose pixels, by annotation id, None for hidden ones; pixels that had several."""

    frame_index: int
    masks: Mapping[int, Rle | None]
    pixels: int


def _shared_frames(dataset: Dataset, progress: Progress) -> Iterator[_SharedFrame]:
    by_video: dict[int, list[Annotation]] = {}
    for annotation in dataset.annotations:
        by_video.setdefault(annotation.video_id, []).append(annotation)
    for done, video in enumerate(dataset.videos):
        progress(done / len(dataset.videos))
        yield from _shared_frames_of(video, by_video.get(video.video_id, []))


def _shared_frames_of(video: Video, tracks: Sequence[Annotation]) -> Iterator[_SharedFrame]:
    for frame_index in range(video.length):
        present = [(a.annotation_id, rle) for a in tracks if (rle := a.segmentations[frame_index]) is not None]
        if len(present) < 2:
            continue
        rles = [rle for _, rle in present]
        surplus = int(rle_module.areas(rles).sum()) - rle_module.area(rle_module.union(rles))
        if surplus:
            masks = {present[position][0]: rle for position, rle in apart(rles).items()}
            yield _SharedFrame(frame_index, masks, surplus)


def _with_masks(annotation: Annotation, masks: Mapping[int, Rle | None]) -> Annotation:
    segmentations = tuple(masks.get(index, rle) for index, rle in enumerate(annotation.segmentations))
    return Annotation.of_masks(
        annotation.annotation_id,
        annotation.video_id,
        annotation.category_id,
        segmentations,
        iscrowd=annotation.iscrowd,
    )


def _after(carried: Carried, dataset: Dataset, note: str) -> Carried:
    return Carried(dataset, (*carried.notes, note) if note else carried.notes)
