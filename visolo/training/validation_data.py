"""What a run is validated on: annotated videos and stills in the network's own classes, cut to a bounded size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from visolo.categories import LabelSet
from visolo.errors import AnnotationError
from visolo.io.coco_stills import is_coco, read_coco_stills
from visolo.io.frame_places import FramePlace, require_frames
from visolo.io.ytvis_read import read_dataset
from visolo.io.ytvis_types import Annotation, Dataset, Video
from visolo.training.category_map import match_categories

_LEAST_FRAMES = 8  # of a video that is cut: fewer would say nothing about tracking


@dataclass(frozen=True, eq=False)
class ValidationVideo:
    """One video or still: its id in the truth, where its frames are, and (height, width) of its masks in px."""

    video_id: int
    paths: tuple[FramePlace, ...]
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class ValidationData:
    """Videos and their truth.

    Attributes:
        videos: numbered from 1.
        truth: the same videos, the network's classes and their annotations.
        text: what was taken, for people; the same text means the same data.
    """

    videos: tuple[ValidationVideo, ...]
    truth: Dataset
    text: str

    @property
    def frame_count(self) -> int:
        """Frames of all videos."""
        return sum(len(video.paths) for video in self.videos)


def read_validation_data(
    paths: Sequence[Path],
    label_set: LabelSet,
    limit: int = 0,
    held_out: int = 0,
    category_map: Mapping[str, str] | None = None,
) -> ValidationData | None:
    """Read annotation files for validation.

    Args:
        paths: YouTube-VIS or COCO instances JSON; a still is a video of one frame.
        label_set: classes of the network; categories are matched as for training, others are left out.
        limit: most frames; evenly chosen videos, cut to an equal share. 0 takes all.
        held_out: only videos and images whose id is divisible by it; 0 takes all.
        category_map: as for training.

    Returns:
        None when no video is left.

    Raises:
        AnnotationError: a file cannot be read, or no object of the classes is annotated in what was taken.
        MediaError: an image is missing.
    """
    parts = [_read(path, label_set, category_map) for path in paths]
    found = [pair for part in parts for pair in part if not held_out or pair[0].video_id % held_out == 0]
    if not found:
        return None
    kept = _within(found, limit)
    videos, annotations = [], []
    for video_id, (video, objects) in enumerate(kept, start=1):
        videos.append(replace(video, video_id=video_id))
        shown = (_cut(item, video_id, len(video.paths)) for item in objects)
        annotations += [item for item in shown if any(mask is not None for mask in item.segmentations)]
    names = ", ".join(str(path) for path in paths)
    if not any(not item.iscrowd for item in annotations):
        raise AnnotationError(f"{names}: no object of the preset's classes to validate on; annotate some")
    truth = Dataset(
        tuple(Video(v.video_id, v.size[1], v.size[0], len(v.paths)) for v in videos),
        label_set.categories,
        tuple(replace(item, annotation_id=number) for number, item in enumerate(annotations, start=1)),
    )
    frames = sum(len(video.paths) for video in videos)
    part = f", ids divisible by {held_out}" if held_out else ""
    return ValidationData(tuple(videos), truth, f"{names}{part}: {len(videos)} videos and images, {frames} frames")


_Labelled = tuple[ValidationVideo, list[Annotation]]


def _read(path: Path, label_set: LabelSet, category_map: Mapping[str, str] | None) -> list[_Labelled]:
    dataset = read_coco_stills(path) if is_coco(path) else read_dataset(path)
    classes, _ = match_categories(dataset.categories, label_set, path, category_map)
    objects: dict[int, list[Annotation]] = {}
    for item in dataset.annotations:
        if item.category_id in classes:
            own_id = label_set.categories[classes[item.category_id]].category_id
            objects.setdefault(item.video_id, []).append(replace(item, category_id=own_id))
    return [
        (
            ValidationVideo(video.video_id, require_frames(video, path), video.size),
            objects.get(video.video_id, []),
        )
        for video in dataset.videos
    ]


def _within(found: list[_Labelled], limit: int) -> list[_Labelled]:
    """Evenly chosen videos, each cut to its first frames, that have at most `limit` frames together."""
    if not limit or sum(len(video.paths) for video, _ in found) <= limit:
        return found
    lengths = sorted(min(len(video.paths), _LEAST_FRAMES) for video, _ in found)
    mean = sum(lengths) / len(lengths)
    count = max(1, min(len(found), int(limit / mean)))
    chosen = [found[int((i + 0.5) * len(found) / count)] for i in range(count)]
    shares = _shares([len(video.paths) for video, _ in chosen], limit)
    return [
        (replace(video, paths=video.paths[:share]), objects)
        for (video, objects), share in zip(chosen, shares, strict=True)
        if share
    ]


def _shares(lengths: list[int], limit: int) -> list[int]:
    """How many frames each video may have: the same for all, and more where short ones leave some over."""
    shares = [0] * len(lengths)
    left = limit
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    for place, index in enumerate(order):
        shares[index] = min(lengths[index], left // (len(order) - place))
        left -= shares[index]
    return shares


def _cut(item: Annotation, video_id: int, length: int) -> Annotation:
    return replace(
        item,
        video_id=video_id,
        segmentations=item.segmentations[:length],
        bboxes=item.bboxes[:length],
        areas=item.areas[:length],
    )
