"""Small datasets and results for the tests of YouTube-VIS files."""

import runpy
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from visolo import rle
from visolo.categories import Category
from visolo.io.ytvis import Annotation, Dataset, ResultEntry, Video

CHECKER = runpy.run_path(str(Path(__file__).parents[1] / "youtubevos_checker.py"))
dataset_problems, results_problems = CHECKER["dataset_problems"], CHECKER["results_problems"]

HEIGHT, WIDTH = 6, 8


def mask_rle(seed, height=HEIGHT, width=WIDTH):
    return rle.encode(np.random.default_rng(seed).random((height, width)) < 0.5)


def dataset_table():
    """A valid file of one video of three frames and one annotation, as plain JSON values."""
    masks = [rle.to_json(mask_rle(0)), None, rle.to_json(mask_rle(1))]
    areas = [rle.area(mask_rle(0)), None, rle.area(mask_rle(1))]
    return {
        "info": {"description": "made for a test"},
        "licenses": [],
        "videos": [video_table(7, 3)],
        "categories": [{"id": 2, "name": "dog", "supercategory": "object"}, {"id": 5, "name": "cat"}],
        "annotations": [
            {
                "id": 1,
                "video_id": 7,
                "category_id": 5,
                "iscrowd": 0,
                "height": HEIGHT,
                "width": WIDTH,
                "length": 1,
                "segmentations": masks,
                "bboxes": [[0, 0, 8, 6], None, [0, 0, 8, 6]],
                "areas": areas,
            }
        ],
    }


def video_table(video_id, length):
    names = [f"v{video_id}/{index:05d}.jpg" for index in range(length)]
    return {"id": video_id, "width": WIDTH, "height": HEIGHT, "length": length, "file_names": names}


def results_table():
    """A valid results file for `dataset_table`."""
    return [{"video_id": 7, "category_id": 5, "score": 0.5, "segmentations": [rle.to_json(mask_rle(2)), None, None]}]


@st.composite
def masks(draw, height, width):
    if draw(st.integers(0, 3)) == 0:
        return None
    bits = draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    return rle.encode(np.array(bits, dtype=bool).reshape(height, width))


@st.composite
def datasets(draw):
    categories = [
        Category(i, f"class {i} é", draw(st.sampled_from([None, "#56b4e9"])), draw(st.sampled_from([(), (f"k {i}",)])))
        for i in draw(st.sets(st.integers(0, 60), min_size=1, max_size=4))
    ]
    videos, annotations = [], []
    for video_id in draw(st.sets(st.integers(0, 10**6), min_size=1, max_size=3)):
        height, width, length = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
        names = tuple(f"{video_id}/{t}.jpg" for t in range(length)) if draw(st.booleans()) else ()
        videos.append(Video(video_id, width, height, length, names))
        for _ in range(draw(st.integers(0, 2))):
            segmentations = tuple(draw(masks(height, width)) for _ in range(length))
            category = draw(st.sampled_from(categories))
            annotations.append(
                Annotation.of_masks(
                    len(annotations) + 1, video_id, category.category_id, segmentations, iscrowd=draw(st.booleans())
                )
            )
    return Dataset(tuple(videos), tuple(categories), tuple(annotations), {"year": 2021}, ({"id": 1},))


@st.composite
def results_for(draw, dataset):
    entries = []
    for _ in range(draw(st.integers(0, 4))):
        video = draw(st.sampled_from(dataset.videos))
        segmentations = tuple(draw(masks(video.height, video.width)) for _ in range(video.length))
        score = draw(st.floats(0, 1))
        entries.append(
            ResultEntry(video.video_id, draw(st.sampled_from(dataset.categories)).category_id, score, segmentations)
        )
    for annotation in dataset.annotations:  # and some that are nearly right
        if draw(st.booleans()):
            segmentations = list(annotation.segmentations)
            if draw(st.booleans()):
                segmentations[0] = None
            score = draw(st.sampled_from([0.2, 0.5, 0.9]))
            entries.append(ResultEntry(annotation.video_id, annotation.category_id, score, tuple(segmentations)))
    return entries
