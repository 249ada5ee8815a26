"""Masks that come frame by frame, gathered to the tracks of a dataset."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from visolo import rle as rle_module
from visolo.categories import Category
from visolo.io.ytvis import Annotation, Dataset, Video
from visolo.rle import Rle


@dataclass
class _Track:
    category: str
    iscrowd: bool
    masks: dict[int, Rle] = field(default_factory=dict)


class TrackTable:
    """The tracks of one video while its frames are read.

    Attributes:
        tracks: by the key that the format knows them by, in the order in which they came.
    """

    def __init__(self) -> None:
        self.tracks: dict[Hashable, _Track] = {}

    def add(self, key: Hashable, category: str, frame_index: int, rle: Rle, *, iscrowd: bool = False) -> None:
        """Add a mask; a second one of the same track and frame is another part of it.

        Args:
            key: what the format tells tracks apart by.
            category: name of its class; that of the first mask counts.
            frame_index: where it is.
            rle: checked.
            iscrowd: see `Annotation`; that of the first mask counts.
        """
        masks = self.tracks.setdefault(key, _Track(category, iscrowd)).masks
        masks[frame_index] = rle_module.union([masks[frame_index], rle]) if frame_index in masks else rle

    def has(self, key: Hashable, frame_index: int) -> bool:
        """Whether a track has a mask in a frame."""
        return key in self.tracks and frame_index in self.tracks[key].masks

    def sort(self) -> None:
        """Put the tracks in the order of their keys, which must be comparable."""
        self.tracks = dict(sorted(self.tracks.items()))  # type: ignore[type-var]


def dataset_of(
    videos: Sequence[tuple[Video, TrackTable]], categories: Sequence[Category] = (), classes: Iterable[str] = ()
) -> Dataset:
    """A dataset of videos and the tracks that were gathered for each; tracks are numbered from 1.

    Args:
        videos: with ids that differ.
        categories: classes whose ids are known.
        classes: names of further classes, used or not; those and all that tracks are of get the ids after.
    """
    ids = {category.name: category.category_id for category in categories}
    used = (track.category for _, table in videos for track in table.tracks.values())
    first_free = max(ids.values(), default=0) + 1
    new = [name for name in dict.fromkeys((*classes, *used)) if name not in ids]
    ids |= {name: first_free + position for position, name in enumerate(new)}
    annotations: list[Annotation] = []
    for video, table in videos:
        for track in table.tracks.values():
            masks = tuple(track.masks.get(index) for index in range(video.length))
            number = len(annotations) + 1
            annotations.append(
                Annotation.of_masks(number, video.video_id, ids[track.category], masks, iscrowd=track.iscrowd)
            )
    known = (*categories, *(Category(ids[name], name) for name in new))
    return Dataset(tuple(video for video, _ in videos), known, tuple(annotations))
