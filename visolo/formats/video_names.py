"""What videos and their frames are called in formats where a video is a folder or a file of its own."""

import re
from collections.abc import Sequence
from pathlib import Path

from visolo.io.images import natural_key
from visolo.io.ytvis import Dataset, Video

_UNSAFE = re.compile(r"[^\w.\-]+")


def video_names(videos: Sequence[Video]) -> dict[int, str]:
    """A name for every video by its id: unique also where case makes no difference, fit for a file, without spaces.

    That of the folder of its images, else of its source, else its id.
    """
    names: dict[int, str] = {}
    taken: set[str] = set()
    for video in videos:
        base = _UNSAFE.sub("_", _own_name(video)).strip(".") or f"video_{video.video_id}"
        name = base if base.casefold() not in taken else f"{base}_{video.video_id}"
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        names[video.video_id] = name
    return names


def frame_stems(video: Video) -> list[str]:
    """A name without suffix for every frame, unique in the video and sorted as the frames are.

    Those of its images where they are so; else the frame indices in five digits.
    """
    stems = [_UNSAFE.sub("_", Path(name).stem) for name in video.file_names]
    if stems and len({s.casefold() for s in stems}) == len(stems) and stems == sorted(stems, key=natural_key):
        return stems
    return [f"{index:05d}" for index in range(video.length)]


def in_order(dataset: Dataset) -> list[tuple[Video, str]]:
    """Videos with their names as `video_names` gives them, sorted by name as people count."""
    names = video_names(dataset.videos)
    pairs = [(video, names[video.video_id]) for video in dataset.videos]
    return sorted(pairs, key=lambda pair: natural_key(pair[1]))


def _own_name(video: Video) -> str:
    if video.file_names:
        return Path(video.file_names[0]).parent.name
    return Path(video.source).stem
