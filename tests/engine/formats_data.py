"""Datasets that formats can and can't carry, and the round trip that every format must pass."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from visolo import rle
from visolo.categories import Category
from visolo.errors import OutputError
from visolo.formats.catalogue import content, read_any, write_any
from visolo.io.ytvis import Annotation, Dataset, Video

HEIGHT, WIDTH = 6, 8
NEED_MASKS = ("mots-txt",)  # formats without a place for the size of a video


def block(top, left, height, width, size=(HEIGHT, WIDTH)):
    """A rectangle as a mask."""
    mask = np.zeros(size, dtype=bool)
    mask[top : top + height, left : left + width] = True
    return rle.encode(mask)


def plain_dataset():
    """Two videos whose three tracks every format with classes can carry; one leaves and comes back."""
    videos = (
        Video(1, WIDTH, HEIGHT, 3, ("left/00000.jpg", "left/00001.jpg", "left/00002.jpg")),
        Video(2, WIDTH, HEIGHT, 2, ("right/00000.jpg", "right/00001.jpg")),
    )
    annotations = (
        Annotation.of_masks(1, 1, 1, (block(0, 0, 2, 3), None, block(1, 1, 2, 3))),
        Annotation.of_masks(2, 1, 2, (None, block(2, 2, 3, 3), block(3, 4, 3, 3))),
        Annotation.of_masks(3, 2, 2, (block(5, 0, 1, 8), block(4, 0, 2, 8))),
    )
    return Dataset(videos, (Category(1, "car"), Category(2, "pedestrian")), annotations)


def masks_by_video(dataset):
    """The masks of every video, whatever their tracks are called; one without pixels is none."""
    found = {video.video_id: Counter() for video in dataset.videos}
    for annotation in dataset.annotations:
        masks = tuple(m if m is not None and rle.area(m) else None for m in annotation.segmentations)
        if any(masks):
            found[annotation.video_id][masks] += 1
    return found


def check_round_trip(name, dataset):
    """Write, read, write and read again: the second reading is the first, which is what was said to be carried.

    Returns None where the format can't hold a dataset without masks.
    """
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "first", Path(folder) / "second"
        if name in NEED_MASKS and not any(masks_by_video(dataset).values()):
            with pytest.raises(OutputError, match="nothing is left to write"):
                write_any(first, dataset, name)
            return None
        carried = write_any(first, dataset, name)
        read = read_any(first, name).dataset
        assert content(read) == content(carried.dataset)
        write_any(second, read, name)
        assert read_any(second, name).dataset == read
        assert sorted(path.name for path in Path(folder).iterdir()) == ["first", "second"]
    return carried


def overlap_free(dataset):
    """Whether no two masks of a frame share a pixel."""
    for video in dataset.videos:
        for frame_index in range(video.length):
            masks = [a.segmentations[frame_index] for a in dataset.annotations if a.video_id == video.video_id]
            shown = [rle.decode(mask).astype(int) for mask in masks if mask is not None]
            if shown and sum(shown).max() > 1:
                return False
    return True
