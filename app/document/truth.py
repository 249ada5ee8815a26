"""Frames of a project's videos as annotated datasets, to score predictions against; predictions cut to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.document.confirmation import wholly_confirmed_frames
from app.document.queries import Queries
from app.document.records import Video
from visolo.io import ytvis
from visolo.rle import Rle


@dataclass(frozen=True)
class Truth:
    """Some frames of one video, and the tracks in them as a dataset of that video alone."""

    dataset: ytvis.Dataset
    frames: list[int]

    @property
    def video_id(self) -> int:
        """Of the video, here and in the project."""
        return self.dataset.videos[0].video_id


def confirmed_frames(queries: Queries, video_id: int) -> list[int]:
    """The wholly confirmed frames of a video."""
    frames: list[int] = np.flatnonzero(wholly_confirmed_frames(queries, video_id)).tolist()
    return frames


def truth_of(queries: Queries, video: Video, frames: list[int]) -> Truth | None:
    """The tracks of a video in some frames; None when these are none."""
    if not frames:
        return None
    annotations = []
    for number, summary in enumerate(queries.tracks(video.video_id), start=1):
        instances = queries.track_instances(video.video_id, summary.track.track_id)
        masks = masks_at({instance.frame_index: instance.rle for instance in instances if not instance.is_box}, frames)
        if any(masks):
            annotations.append(ytvis.Annotation.of_masks(number, video.video_id, summary.track.category_id, masks))
    shape = ytvis.Video(video.video_id, video.width, video.height, len(frames))
    return Truth(ytvis.Dataset((shape,), tuple(queries.categories()), tuple(annotations)), frames)


def joined(truths: Sequence[Truth]) -> ytvis.Dataset:
    """At least one video's truth as one dataset, its annotations numbered from 1."""
    annotations = [a for truth in truths for a in truth.dataset.annotations]
    return ytvis.Dataset(
        tuple(video for truth in truths for video in truth.dataset.videos),
        truths[0].dataset.categories,
        tuple(replace(a, annotation_id=number) for number, a in enumerate(annotations, start=1)),
    )


def masks_at(rles: Mapping[int, Rle], frames: Sequence[int]) -> ytvis.Segmentations:
    """The masks of a track in some frames."""
    return tuple(rles.get(index) for index in frames)
