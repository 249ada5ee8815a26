"""What there is to train on, counted off the GUI thread: the project's videos, and annotation files."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.document.confirmation import accepted_videos, wholly_confirmed_frames
from app.document.queries import Queries, snapshot
from app.document.records import Video
from app.workers.task import Task
from visolo.categories import load_label_set
from visolo.class_names import classes_by_name, counterpart
from visolo.training.datasets import read_training_data


@dataclass(frozen=True)
class Contents:
    """What a source has to train on.

    Attributes:
        video_count: videos.
        frame_count: labelled frames.
        tracks: number of tracks by class name.
        masks: number of instances by class name.
        unknown: names of classes that the network does not have; their objects are counted nowhere.
    """

    video_count: int = 0
    frame_count: int = 0
    tracks: Mapping[str, int] = field(default_factory=dict)
    masks: Mapping[str, int] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    def __add__(self, other: "Contents") -> "Contents":
        return Contents(
            self.video_count + other.video_count,
            self.frame_count + other.frame_count,
            Counter(self.tracks) + Counter(other.tracks),
            Counter(self.masks) + Counter(other.masks),
            self.unknown | other.unknown,
        )

    @property
    def mask_count(self) -> int:
        """Instances of all classes."""
        return sum(self.masks.values())


@dataclass(frozen=True)
class VideoToTrainOn:
    """One video of the project.

    Attributes:
        contents: of all its frames.
        confirmed: of its wholly confirmed frames.
    """

    video: Video
    contents: Contents
    confirmed: Contents


@dataclass(frozen=True)
class FileToTrainOn:
    """One annotation file."""

    path: Path
    contents: Contents


def count_project_task(project: Path, label_set: str) -> Task:
    """A task whose items are the `VideoToTrainOn` of every video.

    Args:
        project: the open one; read on the other thread.
        label_set: classes of the network, by the name of a shipped set.
    """
    return Task(partial(_count_project, project, label_set))


def count_file_task(path: Path, label_set: str) -> Task:
    """A task whose one item is the `FileToTrainOn` of a YouTube-VIS or COCO instances JSON, read as training does.

    It fails with the sentence that training would fail with.
    """
    return Task(partial(_count_file, path, label_set))


def _count_project(project: Path, label_set: str) -> Iterator[VideoToTrainOn]:
    known = classes_by_name(load_label_set(label_set).categories)
    with snapshot(project) as queries:
        names = {c.category_id: c.name for c in queries.categories()}
        known_names = {c.name for c in queries.categories() if counterpart(c, known) is not None}
        for video in accepted_videos(queries):
            marked = wholly_confirmed_frames(queries, video.video_id)
            every = np.ones(video.frame_count, dtype=np.bool_)
            everything, confirmed = (_count_video(queries, video.video_id, names, m) for m in (every, marked))
            yield VideoToTrainOn(video, _without(everything, known_names), _without(confirmed, known_names))


def _without(contents: Contents, known: set[str]) -> Contents:
    """The contents without classes that are not known."""
    unknown = {name for name in contents.masks if name not in known}
    tracks, masks = ({n: c for n, c in d.items() if n not in unknown} for d in (contents.tracks, contents.masks))
    return replace(contents, tracks=tracks, masks=masks, unknown=frozenset(unknown))


def _count_video(queries: Queries, video_id: int, names: Mapping[int, str], chosen: NDArray[np.bool_]) -> Contents:
    """What the chosen frames of a video hold; `chosen` is (n,) bool."""
    tracks: Counter[str] = Counter()
    masks: Counter[str] = Counter()
    for summary in queries.tracks(video_id) if chosen.any() else ():
        frames = queries.lane(video_id, summary.track.track_id).frame_indices
        count = int(np.count_nonzero(chosen[frames[frames < len(chosen)]]))
        if count:
            name = names.get(summary.track.category_id, "?")
            tracks[name] += 1
            masks[name] += count
    return Contents(int(chosen.any()), int(np.count_nonzero(chosen)), tracks, masks)


def _count_file(path: Path, label_set: str) -> Iterator[FileToTrainOn]:
    labels = load_label_set(label_set)
    data = read_training_data(path, labels)
    names = [category.name for category in labels.categories]
    tracks: Counter[str] = Counter()
    masks: Counter[str] = Counter()
    for video in data.videos:
        tracks.update(names[index] for index in video.classes)
        for frame in video.masks:
            masks.update(names[i] for i, rle in zip(video.classes, frame, strict=True) if rle is not None)
    frames = sum(len(video.paths) for video in data.videos)
    yield FileToTrainOn(path, Contents(len(data.videos), frames, tracks, masks, frozenset(data.unknown)))
