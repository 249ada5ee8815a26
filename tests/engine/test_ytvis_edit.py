"""Datasets made of datasets, and of COCO images."""

import json
import sys
from pathlib import Path

import pytest

from visolo import rle
from visolo.categories import Category
from visolo.errors import AnnotationError, ConfigError
from visolo.io.coco_stills import is_coco, read_coco_stills
from visolo.io.ytvis import Annotation, Dataset, Video
from visolo.io.ytvis_edit import merge_datasets, relabelled, relocated, split_dataset

sys.path.insert(0, str(Path(__file__).parent))

from ytvis_data import HEIGHT, WIDTH, mask_rle

DOG, CAT = Category(2, "dog"), Category(5, "cat")


def dataset_of(video_ids, categories, category_id, first_annotation=1):
    videos = tuple(Video(i, WIDTH, HEIGHT, 1, (f"v{i}/0.jpg",)) for i in video_ids)
    annotations = tuple(
        Annotation.of_masks(first_annotation + i, video.video_id, category_id, (mask_rle(video.video_id),))
        for i, video in enumerate(videos)
    )
    return Dataset(videos, tuple(categories), annotations)


def test_merged_datasets_share_classes_by_name_and_nothing_else():
    merged = merge_datasets([dataset_of([7, 3], [DOG, CAT], 5), dataset_of([7], [Category(2, "cat")], 2)])
    assert [video.video_id for video in merged.videos] == [1, 2, 3]
    assert [video.file_names[0] for video in merged.videos] == ["v7/0.jpg", "v3/0.jpg", "v7/0.jpg"]
    assert merged.categories == (DOG, CAT)
    assert [(a.annotation_id, a.video_id, a.category_id) for a in merged.annotations] == [
        (1, 1, 5),
        (2, 2, 5),
        (3, 3, 5),
    ]
    assert merged.annotations[2].segmentations == (mask_rle(7),)


def test_a_new_class_whose_id_is_taken_gets_a_free_one():
    merged = merge_datasets([dataset_of([1], [DOG, CAT], 5), dataset_of([1], [Category(2, "owl")], 2)])
    assert merged.categories == (DOG, CAT, Category(6, "owl"))
    assert merged.annotations[1].category_id == 6


def test_split_parts_are_disjoint_complete_and_repeatable():
    dataset = dataset_of(range(10), [DOG], 2)
    train, valid = split_dataset(dataset, [80, 20], seed=3)
    assert (len(train.videos), len(valid.videos)) == (8, 2)
    ids = [video.video_id for part in (train, valid) for video in part.videos]
    assert sorted(ids) == list(range(10))
    for part in (train, valid):
        assert [a.video_id for a in part.annotations] == [video.video_id for video in part.videos]
        assert list(part.videos) == sorted(part.videos, key=lambda video: video.video_id)
    assert split_dataset(dataset, [0.8, 0.2], seed=3) == [train, valid]
    assert split_dataset(dataset, [80, 20], seed=4) != [train, valid]


@pytest.mark.parametrize("shares", [[1, 1, 1], [99, 1], [1, 0], [1, -1]])
def test_impossible_splits(shares):
    with pytest.raises(ConfigError):
        split_dataset(dataset_of([1, 2], [DOG], 2), shares)


def test_relabelled_leaves_other_classes_out():
    dataset = dataset_of([1, 2], [DOG, CAT], 5)
    owl = Category(9, "owl")
    assert relabelled(dataset, [owl], {5: 9}).annotations[1].category_id == 9
    assert relabelled(dataset, [owl], {2: 9}).annotations == ()


def test_relocated_names_lead_to_the_same_files(tmp_path):
    moved = relocated(dataset_of([1], [DOG], 2), tmp_path / "a" / "JPEGImages", tmp_path / "b")
    assert moved.videos[0].file_names == ("../a/JPEGImages/v1/0.jpg",)


def coco_table():
    square = [[1.0, 1.0, 6.0, 1.0, 6.0, 5.0, 1.0, 5.0]]
    crowd = {"size": [HEIGHT, WIDTH], "counts": [10, 5, 33]}
    return {
        "images": [{"id": 4, "width": WIDTH, "height": HEIGHT, "file_name": "4.jpg"}],
        "annotations": [
            {"id": 11, "image_id": 4, "category_id": 2, "iscrowd": 0, "segmentation": square, "bbox": [1, 1, 5, 4]},
            {"id": 12, "image_id": 4, "category_id": 2, "iscrowd": 1, "segmentation": crowd, "bbox": [1, 1, 5, 4]},
        ],
        "categories": [{"id": 2, "name": "dog"}],
    }


def test_coco_images_become_videos_of_one_frame(tmp_path):
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(coco_table()))
    assert is_coco(path)
    dataset = read_coco_stills(path)
    assert dataset.videos == (Video(4, WIDTH, HEIGHT, 1, ("4.jpg",)),)
    square, crowd = dataset.annotations
    assert (square.annotation_id, square.video_id, square.areas, square.bboxes) == (11, 4, (20,), ((1, 1, 5, 4),))
    assert crowd.iscrowd
    assert rle.run_lengths(crowd.segmentations[0].counts).tolist() == [10, 5, 33]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("image_id", 5, "image_id 5 is not among"),
        ("category_id", 5, "category_id 5 is not among"),
        ("segmentation", None, "has no 'segmentation'"),
        ("segmentation", {"size": [HEIGHT, WIDTH], "counts": [10]}, "cover 10 pixels"),
        ("segmentation", {"size": [WIDTH, HEIGHT], "counts": [48]}, "video 4 is 6 x 8"),
    ],
)
def test_broken_coco_files(tmp_path, key, value, words):
    table = coco_table()
    table["annotations"][0][key] = value
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(table))
    with pytest.raises(AnnotationError, match=words) as caught:
        read_coco_stills(path)
    assert "annotations[0]" in str(caught.value)
