"""COCO with tracks, in and out, and BURST: exact, what gets lost is said, independent readers agree."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from pycocotools.coco import COCO

sys.path.insert(0, str(Path(__file__).parent))

from formats_data import HEIGHT, WIDTH, block, check_round_trip, masks_by_video, plain_dataset
from ytvis_data import datasets

from visolo import rle
from visolo.errors import AnnotationError, ConfigError
from visolo.formats.catalogue import content, read_any, recognized, write_any

BOX = {"id": 9, "image_id": 1, "category_id": 1, "track_id": 5, "bbox": [1, 1, 2, 2]}
CORNERS = BOX | {"segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]}


@settings(max_examples=40, deadline=None)
@given(dataset=datasets())
def test_round_trip_of_any_dataset(dataset):
    carried = check_round_trip("coco", dataset)
    assert masks_by_video(carried.dataset) == masks_by_video(dataset)
    assert carried.dataset.categories == dataset.categories


def test_pycocotools_reads_what_is_written(tmp_path):
    dataset = plain_dataset()
    write_any(tmp_path / "out.json", dataset, "coco")
    found = COCO(str(tmp_path / "out.json"))
    assert [image["file_name"] for image in found.loadImgs(found.getImgIds())] == [
        name for video in dataset.videos for name in video.file_names
    ]
    second = found.loadAnns(found.getAnnIds(imgIds=[2]))
    assert [(a["track_id"], a["instance_id"], a["area"], a["bbox"]) for a in second] == [(2, 2, 9, [2, 2, 3, 3])]
    assert found.dataset["tracks"][1] == {"id": 2, "video_id": 1, "category_id": 2}
    assert (found.annToMask(second[0]) == rle.decode(block(2, 2, 3, 3))).all()


def coco_table():
    """COCO-video by hand: two frames of one video in the wrong order, one track, as CocoVID names things."""
    mask = rle.to_json(block(0, 0, 2, 2))
    return {
        "videos": [{"id": 3, "name": "v"}],
        "images": [
            {"id": 2, "video_id": 3, "frame_id": 1, "file_name": "v/b.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 1, "video_id": 3, "frame_id": 0, "file_name": "v/c.jpg", "width": WIDTH, "height": HEIGHT},
        ],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "instance_id": 5, "segmentation": mask},
            {"id": 2, "image_id": 2, "category_id": 1, "instance_id": 5, "segmentation": [[1, 1, 6, 1, 6, 5]]},
        ],
    }


def written(path, table):
    path.write_text(json.dumps(table))
    return path


def test_coco_video_by_hand(tmp_path):
    path = written(tmp_path / "a.json", coco_table())
    imported = read_any(path)
    assert recognized(path) == "coco"
    (video,), (track,) = imported.dataset.videos, imported.dataset.annotations
    assert (video.video_id, video.file_names) == (3, ("v/c.jpg", "v/b.jpg"))
    assert track.segmentations[0] == block(0, 0, 2, 2)
    assert track.segmentations[1] == rle.from_polygons((HEIGHT, WIDTH), [[1, 1, 6, 1, 6, 5]], "")
    assert imported.all_notes == ()


def test_images_of_a_folder_are_a_video(tmp_path):
    """Without videos the folders tell; tracks are known in their video only; CVAT has ids among the attributes."""
    table = coco_table()
    del table["videos"]
    for number, image in enumerate(table["images"]):
        del image["video_id"], image["frame_id"]
        image["file_name"] = f"{'ab'[number]}/{number}.jpg"
    table["annotations"][1] |= {"attributes": {"track_id": 5}}
    imported = read_any(written(tmp_path / "a.json", table))
    assert [video.file_names for video in imported.dataset.videos] == [("a/0.jpg",), ("b/1.jpg",)]
    assert [a.video_id for a in imported.dataset.annotations] == [1, 2]
    del table["annotations"][1]["instance_id"], table["annotations"][1]["attributes"]
    imported = read_any(written(tmp_path / "a.json", table))
    assert imported.all_notes == ("1 object without track id became a track of one frame.",)


def test_images_without_tracks_stay_stills(tmp_path):
    table = coco_table()
    del table["videos"]
    for annotation in table["annotations"]:
        del annotation["instance_id"]
    assert recognized(written(tmp_path / "a.json", table)) == "coco-stills"


def test_boxes_are_counted_and_never_made_masks(tmp_path):
    """TAO writes the corners of its boxes as if they were a mask."""
    table = coco_table()
    table["annotations"] += [BOX, CORNERS | {"id": 10, "image_id": 2}, BOX | {"id": 11, "segmentation": []}]
    imported = read_any(written(tmp_path / "a.json", table))
    assert imported.all_notes == (
        "3 objects have boxes and no masks and are left out, the first at annotations[2], image 1, the last at "
        "annotations[4], image 1.",
    )
    assert len(imported.dataset.annotations) == 1
    (track,) = imported.boxes.tracks  # one track id, one box in each image
    assert [mask is not None for mask in track.segmentations] == [True, True]


BROKEN = [
    ({"annotations": [BOX | {"image_id": 7, "segmentation": [[0, 0, 5, 0, 5, 5]]}]}, "image_id 7 is not among"),
    ({"annotations": [CORNERS | {"bbox": None, "category_id": 7}]}, "category_id 7 is not among the file's categories"),
    ({"annotations": coco_table()["annotations"] * 2}, "annotations[2]: is a second mask of track 5 in its image"),
    ({"annotations": [BOX | {"segmentation": {"size": [6, 8], "counts": "05"}}]}, "RLE counts cover 5 pixels"),
    ({"annotations": [BOX | {"segmentation": {"size": [6, 9], "counts": [54]}}]}, "the mask is 6 x 9"),
    ({"annotations": [BOX | {"segmentation": "x"}]}, "expected an RLE object"),
    ({"images": [coco_table()["images"][0] | {"video_id": 4}]}, "is of no video of the file"),
    ({"images": [coco_table()["images"][0]] * 2}, "images[1] has the id 2 of images[0]"),
    ({"videos": [{"id": 3}, {"id": 3}]}, "videos[1] has the id 3 of a video before it"),
    ({"images": [coco_table()["images"][0], coco_table()["images"][1] | {"width": 3}]}, "of the same video is 3 x 6"),
]


@pytest.mark.parametrize(("change", "sentence"), BROKEN)
def test_broken_files_are_refused_in_words(tmp_path, change, sentence):
    path = written(tmp_path / "a.json", coco_table() | change)
    with pytest.raises(AnnotationError) as caught:
        read_any(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def burst_table():
    """BURST by hand, with the fields that its benchmark reads."""
    sequence = {
        "id": 0,
        "dataset": "YFCC",
        "seq_name": "clip",
        "width": WIDTH,
        "height": HEIGHT,
        "fps": 30,
        "neg_category_ids": [],
        "not_exhaustive_category_ids": [],
        "annotated_image_paths": ["frame0001.jpg", "frame0031.jpg"],
        "all_image_paths": ["frame0001.jpg", "frame0016.jpg", "frame0031.jpg"],
        "track_category_ids": {"1": 805, "2": 95},
        "segmentations": [
            {"1": {"rle": block(0, 0, 2, 2).counts, "is_gt": True}},
            {"1": {"rle": block(1, 1, 2, 2).counts, "is_gt": True}, "2": {"rle": block(4, 0, 2, 2).counts}},
        ],
    }
    categories = [{"id": 95, "name": "bird"}, {"id": 805, "name": "person"}]
    return {"split": "val", "sequences": [sequence], "categories": categories}


def test_burst_is_what_trackeval_makes_of_it(tmp_path):
    """Its converter to TAO, read as COCO with tracks, gives the same masks, classes and frames."""
    convert = pytest.importorskip("trackeval.datasets.burst_helpers.format_converter")
    table = burst_table()
    path = written(tmp_path / "burst.json", table)
    imported = read_any(path)
    assert recognized(path) == "burst"
    assert imported.dataset.videos[0].file_names == ("YFCC/clip/frame0001.jpg", "YFCC/clip/frame0031.jpg")
    assert imported.all_notes == ("1 frame without annotations left out of the videos.",)
    as_tao = convert.GroundTruthBURSTFormatToTAOFormatConverter(table).convert()
    as_tao["categories"] = table["categories"]
    found = content(read_any(written(tmp_path / "tao.json", as_tao)).dataset)
    assert found == content(imported.dataset)


def test_burst_points_and_boxes_and_nameless_classes(tmp_path):
    table = burst_table()
    del table["categories"]
    table["sequences"][0]["segmentations"][0]["1"] = {"bbox": [0, 0, 2, 2]}
    imported = read_any(written(tmp_path / "burst.json", table))
    assert [c.name for c in imported.dataset.categories] == ["class 95", "class 805"]
    assert "1 object has a box and no mask and is left out" in imported.boxes.note
    assert "sequences[0].segmentations[0], track 1" in imported.boxes.note


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"segmentations": []}, "has 0 segmentations, but 2 annotated frames"),
        ({"track_category_ids": {"1": 805}}, "segmentations[1], track 2: has no class"),
        ({"annotated_image_paths": [1, 2]}, "must name the annotated frames"),
        ({"width": 9}, "RLE counts cover 48 pixels, size 6 x 9 needs 54"),
        ({"height": 0}, "'height' must be a whole number from 1"),
    ],
)
def test_broken_burst_is_refused_in_words(tmp_path, change, sentence):
    table = burst_table()
    table["sequences"][0] |= change
    with pytest.raises(AnnotationError, match="sequences\\[0\\]") as caught:
        read_any(written(tmp_path / "burst.json", table))
    assert sentence in str(caught.value)


def test_results_alone_are_no_dataset(tmp_path):
    with pytest.raises(ConfigError, match="name the dataset they are of"):
        read_any(written(tmp_path / "r.json", [{"video_id": 1}]))


def test_results_of_a_dataset(tmp_path):
    carried = write_any(tmp_path / "r.json", plain_dataset(), "results")
    entries = json.loads((tmp_path / "r.json").read_text())
    assert [entry["score"] for entry in entries] == [1.0, 1.0, 1.0]
    assert "each with the score 1" in carried.notes[0]
