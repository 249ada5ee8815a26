"""DAVIS and MOTS, in and out: exact where they can be, what gets lost is said, independent readers agree."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image
from pycocotools import mask as coco

sys.path.insert(0, str(Path(__file__).parent))

from formats_data import HEIGHT, WIDTH, block, check_round_trip, masks_by_video, overlap_free, plain_dataset
from ytvis_data import datasets

from visolo import rle
from visolo.categories import Category
from visolo.errors import AnnotationError, OutputError
from visolo.formats.catalogue import content, read_any, recognized, write_any
from visolo.io.ytvis import Annotation, Dataset, Video, read_dataset

FOLDERS = ("davis", "mots-txt", "mots-png")


@pytest.mark.parametrize("name", FOLDERS)
@settings(max_examples=30, deadline=None)
@given(dataset=datasets())
def test_round_trip_of_any_dataset(name, dataset):
    carried = check_round_trip(name, dataset)
    if carried is None:
        return
    before, after = masks_by_video(dataset), masks_by_video(carried.dataset)
    if after != {video_id: masks for video_id, masks in before.items() if video_id in after}:
        assert any("overlap" in note or "crowd" in note for note in carried.notes)
        assert not overlap_free(dataset) or any(a.iscrowd for a in dataset.annotations)


@pytest.mark.parametrize("name", FOLDERS)
def test_what_can_be_carried_comes_back(name, tmp_path):
    dataset = plain_dataset()
    carried = write_any(tmp_path / "out", dataset, name)
    assert recognized(tmp_path / "out") == name
    assert content(read_any(tmp_path / "out").dataset)["left"][::2] == content(dataset)["left"][::2]
    assert [note for note in carried.notes if "anew" not in note] == []


def test_davis_is_read_by_pillow_and_says_classes(tmp_path):
    write_any(tmp_path / "out", plain_dataset(), "davis")
    with Image.open(tmp_path / "out" / "Annotations" / "left" / "00002.png") as picture:
        assert picture.mode == "P"
        assert picture.getpalette()[:12] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]
        values = np.asarray(picture)
    assert values.tolist() == (rle.decode(block(1, 1, 2, 3)) + 2 * rle.decode(block(3, 4, 3, 3))).tolist()
    meta = json.loads((tmp_path / "out" / "meta.json").read_text())
    assert meta["videos"]["left"]["objects"]["2"] == {"category": "pedestrian", "frames": ["00001", "00002"]}


def test_davis_2016_and_void(tmp_path):
    """Grey pictures of 0 and 255 are one object; beside other objects 255 is void."""
    for name, values in (("one", [[0, 255]]), ("void", [[1, 255]])):
        (tmp_path / name).mkdir()
        Image.fromarray(np.array(values, dtype=np.uint8)).save(tmp_path / name / "00000.png")
    imported = read_any(tmp_path)
    masks = [rle.decode(a.segmentations[0]).tolist() for a in imported.dataset.annotations]
    assert masks == [[[False, True]], [[True, False]]]
    assert imported.notes[1] == "Void pixels (value 255) in 1 frame belong to no track."


def test_davis_with_images_and_a_resolution(tmp_path):
    write_any(tmp_path / "new", plain_dataset(), "davis")
    (tmp_path / "new" / "Annotations").rename(tmp_path / "new" / "480p")
    (tmp_path / "new" / "Annotations").mkdir()
    (tmp_path / "new" / "480p").rename(tmp_path / "new" / "Annotations" / "480p")
    images = tmp_path / "new" / "JPEGImages" / "480p" / "left"
    images.mkdir(parents=True)
    for index in range(3):
        Image.new("RGB", (WIDTH, HEIGHT)).save(images / f"{index:05d}.png")
    imported = read_any(tmp_path / "new")
    assert imported.images == (tmp_path / "new" / "JPEGImages" / "480p").resolve()
    assert imported.dataset.videos[0].file_names[1] == "left/00001.png"


def test_mots_text_is_read_by_trackeval(tmp_path):
    """Its reader also refuses masks that overlap, and wants the ignored region apart."""
    trackeval = pytest.importorskip("trackeval")
    crowd = Annotation.of_masks(9, 1, 1, (block(0, 0, 6, 8), None, None), iscrowd=True)
    dataset = plain_dataset()
    dataset = Dataset(dataset.videos, dataset.categories, (*dataset.annotations, crowd))
    carried = write_any(tmp_path / "out", dataset, "mots-txt")
    assert "1 crowd annotation of 1 video became ignored regions without class." in carried.notes
    config = {
        "GT_FOLDER": str(tmp_path / "out"),
        "TRACKERS_FOLDER": str(tmp_path),
        "TRACKERS_TO_EVAL": [],
        "SEQ_INFO": {"left": 3},
        "GT_LOC_FORMAT": "{gt_folder}/instances_txt/{seq}.txt",
        "PRINT_CONFIG": False,
    }
    read = trackeval.datasets.KittiMOTS(config)._load_raw_file(None, "left", is_gt=True)
    assert [ids.tolist() for ids in read["gt_ids"]] == [[1001], [2001], [1001, 2001]]
    assert [classes.tolist() for classes in read["gt_classes"]] == [[1], [2], [1, 2]]
    assert (coco.decode(read["gt_dets"][2][1]) == rle.decode(block(3, 4, 3, 3))).all()
    assert coco.area(read["gt_ignore_region"][0]) == HEIGHT * WIDTH - 6


def test_mots_png_holds_ids(tmp_path):
    write_any(tmp_path / "out", plain_dataset(), "mots-png")
    with Image.open(tmp_path / "out" / "instances" / "left" / "000002.png") as picture:
        values = np.asarray(picture)
    assert values.dtype == np.uint16
    assert set(np.unique(values)) == {0, 1001, 2001}
    assert (values == 2001).sum() == 9


def test_mots_example_of_its_authors(tmp_path):
    """The line of the format's definition, shortened to a small image: ids, class and frame are what it says."""
    mask = block(1, 2, 3, 4, (5, 9))
    (tmp_path / "0002.txt").write_text(f"52 1005 1 5 9 {mask.counts}\n53 10000 10 5 9 {mask.counts}\n")
    imported = read_any(tmp_path / "0002.txt")
    dataset = imported.dataset
    assert recognized(tmp_path / "0002.txt") == "mots-txt"
    assert dataset.videos[0].file_names[0] == "0002/000001.jpg"
    assert dataset.videos[0].length == 53
    assert [(a.category_id, a.iscrowd) for a in dataset.annotations] == [(1, False), (10, True)]
    assert dataset.annotations[0].segmentations[51] == mask
    assert "No images were found beside, so frames are counted from 1" in imported.notes[1]


def test_mots_frames_are_those_of_the_images(tmp_path):
    write_any(tmp_path / "out", plain_dataset(), "mots-txt")
    (tmp_path / "frames" / "left").mkdir(parents=True)
    for number in range(4):
        Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "frames" / "left" / f"{number:04d}.png")
    imported = read_any(tmp_path / "out", images=tmp_path / "frames")
    assert [video.length for video in imported.dataset.videos] == [4, 2]
    assert imported.dataset.videos[0].file_names[3] == "left/0003.png"


def test_overlaps_go_to_the_first_track(tmp_path):
    video = Video(1, WIDTH, HEIGHT, 1, ("v/0.jpg",))
    masks = (block(0, 0, 2, 2), block(0, 0, 3, 3), block(1, 1, 1, 1))
    annotations = tuple(Annotation.of_masks(i + 1, 1, 1, (mask,)) for i, mask in enumerate(masks))
    carried = write_any(tmp_path / "o", Dataset((video,), (Category(1, "car"),), annotations), "davis")
    assert [rle.area(a.segmentations[0]) for a in carried.dataset.annotations] == [4, 5]
    assert carried.notes[0] == (
        "Masks can't overlap: 5 pixels in 1 frame went to the first track, which hides 1 mask completely."
    )
    assert carried.notes[1] == "1 track without any mask left out."


def save(path, values, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(values), mode).save(path)


def broken_pictures(folder):
    """Folders and files that are wrong, and what is said of them."""
    save(folder / "colours" / "0.png", np.zeros((2, 2, 3), np.uint8))
    yield "colours", "davis", "is a picture of colours (RGB), not of object numbers"
    save(folder / "sizes" / "0.png", np.zeros((2, 2), np.uint8))
    save(folder / "sizes" / "1.png", np.zeros((2, 3), np.uint8))
    yield "sizes", "davis", "is 3 x 2, the PNGs before it are 2 x 2"
    (folder / "cut").mkdir()
    (folder / "cut" / "0.png").write_bytes((folder / "sizes" / "0.png").read_bytes()[:40])
    yield "cut", "davis", "this PNG cannot be read"
    (folder / "empty").mkdir()
    yield "empty", "davis", "holds no PNGs"
    yield "empty", "mots-txt", "holds no text files"
    yield "missing", "davis", "there is no such folder"
    save(folder / "meta" / "v" / "0.png", np.ones((2, 2), np.uint8))
    (folder / "meta" / "meta.json").write_text('{"videos": {"v": {"objects": {"1": {}}}}}')
    yield "meta", "davis", "object '1' of video 'v' has no 'category'"
    save(folder / "small" / "0.png", np.full((2, 2), 7, np.uint16))
    yield "small", "mots-png", "holds the value 7; MOTS ids are class x 1000 + instance"
    for name, line, sentence in (
        ("short", "0 1001 1 2 2", "line 1 is not 'frame id class height width rle'"),
        ("word", "0 x 1 2 2 04", "line 1 is not 'frame id class height width rle'"),
        ("over", "0 1001 1 2 2 05", "line 1: RLE counts cover 5 pixels"),
        ("far", "9999999 1001 1 2 2 04", "line 1 holds a number that is too large"),
        (
            "twice",
            "0 1001 1 2 2 04\n0 1001 1 2 2 04",
            "line 2 is a second mask of object 1001 in frame 0, after line 1",
        ),
        ("size", "0 1001 1 2 2 04\n1 1001 1 2 3 06", "line 2 has another size than line 1"),
        ("none", "", "has no masks and no images beside to tell its size"),
    ):
        (folder / f"{name}.txt").write_text(line)
        yield f"{name}.txt", "mots-txt", sentence


def test_broken_pictures_are_refused_in_words(tmp_path):
    for name, form, sentence in broken_pictures(tmp_path):
        with pytest.raises(AnnotationError) as caught:
            read_any(tmp_path / name, form)
        assert sentence in str(caught.value)
        assert str(tmp_path / name) in str(caught.value)


def test_nothing_is_left_of_a_cancelled_or_refused_export(tmp_path):
    def stop(fraction):
        if fraction > 0.5:
            raise KeyboardInterrupt

    for name in FOLDERS:
        with pytest.raises(KeyboardInterrupt):
            write_any(tmp_path / "out", plain_dataset(), name, stop)
    many = tuple(Annotation.of_masks(i + 1, 2, 1, (block(i % 6, i % 8, 1, 1), None)) for i in range(48))
    few = Dataset(plain_dataset().videos, (Category(1, "car"),), many * 6)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").touch()
    with pytest.raises(OutputError, match="is there already; name a new folder"):
        write_any(tmp_path / "full", few, "davis")
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "photo.jpg"]


def test_real_masks_through_every_format(shared, tmp_path):
    """DAVIS sequences: one of six, out and back, pixel for pixel."""
    whole = read_dataset(shared / "data" / "davis6" / "instances.json")
    videos = whole.videos[:1]
    tracks = tuple(a for a in whole.annotations if a.video_id in {v.video_id for v in videos})
    dataset = Dataset(videos, whole.categories, tracks)
    for name in FOLDERS:
        write_any(tmp_path / name, dataset, name)
        read = read_any(tmp_path / name, images=shared / "data" / "davis6" / "JPEGImages").dataset
        assert sorted(v.file_names for v in read.videos) == sorted(v.file_names for v in videos)
        assert {a.segmentations for a in read.annotations} == {a.segmentations for a in tracks}
