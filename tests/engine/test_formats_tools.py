"""CVAT and labelme, in and out: exact, what gets lost is said, files as those tools write them are understood."""

import base64
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from formats_data import HEIGHT, WIDTH, block, check_round_trip, masks_by_video, plain_dataset
from ytvis_data import datasets

from visolo import rle
from visolo.errors import AnnotationError, OutputError
from visolo.formats.catalogue import content, read_any, recognized, write_any
from visolo.io.ytvis import Dataset

TOOLS = ("cvat", "labelme")


@pytest.mark.parametrize("name", TOOLS)
@settings(max_examples=30, deadline=None)
@given(dataset=datasets())
def test_round_trip_of_any_dataset(name, dataset):
    carried = check_round_trip(name, dataset)
    if any(a.iscrowd for a in dataset.annotations):
        assert any("crowd" in note for note in carried.notes)
    else:
        assert masks_by_video(carried.dataset) == masks_by_video(dataset)


@pytest.mark.parametrize("name", TOOLS)
def test_what_can_be_carried_comes_back(name, tmp_path):
    write_any(tmp_path / "out", plain_dataset(), name)
    assert recognized(tmp_path / "out") == name
    assert content(read_any(tmp_path / "out").dataset) == content(plain_dataset())


def one_video():
    dataset = plain_dataset()
    return Dataset(dataset.videos[:1], dataset.categories, dataset.annotations[:2])


def test_cvat_file_says_what_cvat_wants(tmp_path):
    """Golden: by the format's definition, masks are runs in a box, row by row, and leaving is `outside`."""
    write_any(tmp_path / "out.xml", one_video(), "cvat")
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert root.findtext("meta/task/mode") == "interpolation"
    assert [label.text for label in root.iterfind("meta/task/labels/label/name")] == ["car", "pedestrian"]
    first = [(s.get("frame"), s.get("outside"), s.get("rle")) for s in root.find("track")]
    assert first == [("0", "0", "0, 6"), ("1", "1", "0, 6"), ("2", "0", "0, 6")]
    assert (root.find("track/mask").get("left"), root.find("track/mask").get("height")) == ("0", "2")
    with pytest.raises(OutputError, match="CVAT has a file for every video, the dataset has 2"):
        write_any(tmp_path / "two.xml", plain_dataset(), "cvat")


def cvat_file(path, shapes, head=None):
    head = head or (
        "<task><name>job</name><size>3</size><start_frame>10</start_frame><frame_filter>step=5</frame_filter>"
        f"<source>clip.mp4</source><original_size><width>{WIDTH}</width><height>{HEIGHT}</height></original_size>"
        "<labels><label><name>cat</name></label><label><name>dog</name></label></labels></task>"
    )
    path.write_text(f"<annotations><version>1.1</version><meta>{head}</meta>{shapes}</annotations>")
    return path


@pytest.mark.parametrize("name", ["cvat", "coco", "ytvis"])
def test_colours_of_classes_come_back(name, tmp_path):
    plain = one_video()
    colors = ["#56b4e9", None]
    categories = tuple(replace(c, color=color) for c, color in zip(plain.categories, colors, strict=True))
    write_any(tmp_path / "out", replace(plain, categories=categories), name)
    found = read_any(tmp_path / "out", name).dataset.categories
    assert [(c.name, c.color) for c in found] == [(c.name, c.color) for c in categories]


def test_cvat_video_task(tmp_path):
    """Frames have their numbers in the video; a polygon is filled, a box only counted."""
    path = cvat_file(
        tmp_path / "a.xml",
        '<track id="4" label="dog"><mask frame="10" outside="0" rle="1, 2, 1" left="2" top="1" width="2" height="2"/>'
        '<mask frame="15" outside="1" rle="1, 2, 1" left="2" top="1" width="2" height="2"/>'
        '<polygon frame="20" outside="0" points="1.00,1.00;6.00,1.00;6.00,5.00"/></track>'
        '<track id="5" label="cat"><box frame="10" outside="0" xtl="0" ytl="0" xbr="1" ybr="1"/></track>',
    )
    imported = read_any(path)
    assert recognized(path) == "cvat"
    (video,), (track,) = imported.dataset.videos, imported.dataset.annotations
    assert video.file_names == ("clip.mp4/00000.jpg", "clip.mp4/00001.jpg", "clip.mp4/00002.jpg")
    assert [c.name for c in imported.dataset.categories] == ["cat", "dog"]
    expected = np.zeros((HEIGHT, WIDTH), dtype=bool)
    expected[1, 3] = expected[2, 2] = True
    assert (rle.decode(track.segmentations[0]) == expected).all()
    assert track.segmentations[1] is None
    assert track.segmentations[2] == rle.from_polygons((HEIGHT, WIDTH), [[1, 1, 6, 1, 6, 5]], "")
    assert imported.all_notes == ("1 object has a box and no mask and is left out (track 5, frame 10).",)
    (boxes,) = imported.boxes.tracks
    assert boxes.segmentations == (block(0, 0, 1, 1), None, None)
    assert imported.dataset.category_by_id[boxes.category_id].name == "cat"


def test_cvat_image_task(tmp_path):
    """Images of a folder are a video; shapes of one label and group are a track, those of none stand alone."""
    mask = 'rle="0, 4" left="0" top="0" width="2" height="2"'
    images = "".join(
        f'<image id="{i}" name="a/{i}.png" width="{WIDTH}" height="{HEIGHT}"><mask label="cat" group_id="7" {mask}/>'
        f'<mask label="dog" {mask}/><tag label="cat"/></image>'
        for i in range(2)
    )
    imported = read_any(cvat_file(tmp_path / "a.xml", images, "<task><name>x</name></task>"))
    assert imported.dataset.videos[0].file_names == ("a/0.png", "a/1.png")
    assert [sum(m is not None for m in a.segmentations) for a in imported.dataset.annotations] == [2, 1, 1]
    assert imported.all_notes == ("2 shapes without group id became tracks of one frame.",)


MASK = '<track id="1" label="cat"><mask frame="10" left="0" top="0" width="2" height="2" rle="{}"/></track>'
BROKEN = [
    ("<track", "not valid XML at line 1"),
    (MASK.format("1, 2"), "track 1, frame 10: its runs cover 3 pixels, its box has 4"),
    (MASK.format("1, x"), "its 'rle' must be whole numbers"),
    (MASK.format("4").replace('left="0"', 'left="7"'), "its box (7, 0, 2 x 2) is not inside the frame of 8 x 6"),
    (MASK.format("4").replace('left="0"', 'left="-1"'), "'left' must be a whole number from 0, not '-1'"),
    (MASK.format("4").replace('"10"', '"12"'), "frame 12 is not among the frames of the task"),
    (MASK.format("4").replace('"10"', '"900"'), "frame 900 is not among the frames of the task"),
    ('<track id="1" label="cat"><polygon frame="10" points="1,1;2"/></track>', "a polygon needs x, y of three"),
    ('<track id="1" label="cat"><polygon frame="10" points="a,b;2"/></track>', "its 'points' are not 'x,y;x,y;...'"),
    ('<image name="a.png" width="2147483647" height="5"/>', "is larger than any frame"),
    ('<image name="a.png" width="0" height="5"/>', "image a.png: is 0 x 5 pixels"),
]


@pytest.mark.parametrize(("shapes", "sentence"), BROKEN)
def test_broken_cvat_is_refused_in_words(tmp_path, shapes, sentence):
    path = cvat_file(tmp_path / "a.xml", shapes)
    with pytest.raises(AnnotationError) as caught:
        read_any(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def test_other_xml_is_refused_in_words(tmp_path):
    (tmp_path / "a.xml").write_text("<svg></svg>")
    with pytest.raises(AnnotationError, match="is not CVAT XML"):
        read_any(tmp_path / "a.xml")
    with pytest.raises(AnnotationError, match="is of 2 tasks; export them from CVAT one by one"):
        read_any(cvat_file(tmp_path / "b.xml", "", "<project><tasks><task/><task/></tasks></project>"))
    (tmp_path / "c.xml").write_text('<?xml version="1.0" encoding="none"?><annotations/>')
    with pytest.raises(AnnotationError, match="not valid XML"):
        read_any(tmp_path / "c.xml")
    bomb = '<!DOCTYPE a [<!ENTITY x "ha">' + "".join(
        f'<!ENTITY x{i} "{f"&x{i - 1 if i else str()};" * 10}">' for i in range(12)
    )
    (tmp_path / "bomb.xml").write_text(bomb + "]><annotations>&x11;</annotations>")
    with pytest.raises(AnnotationError, match="not valid XML"):
        read_any(tmp_path / "bomb.xml")


def label_file(path, shapes, **fields):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = {"version": "5.5.0", "shapes": shapes, "imageHeight": HEIGHT, "imageWidth": WIDTH}
    path.write_text(json.dumps(table | fields))


def png_text(mask):
    file = io.BytesIO()
    Image.fromarray(np.array(mask, dtype=bool)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_labelme_folder(tmp_path):
    """Group ids are tracks, two parts are one mask, images without labels are frames, boxes are counted."""
    folder = tmp_path / "clip"
    polygon = {"label": "cat", "group_id": 1, "points": [[1, 1], [6, 1], [6, 5]], "shape_type": "polygon"}
    placed = {"label": "cat", "group_id": 1, "points": [[6, 4], [7, 5]], "shape_type": "mask"}
    label_file(folder / "f2.json", [polygon, placed | {"mask": png_text([[1, 0], [1, 1]])}])
    label_file(folder / "f10.json", [polygon | {"group_id": None}, polygon | {"shape_type": "rectangle"}])
    Image.new("RGB", (WIDTH, HEIGHT)).save(folder / "f3.png")
    imported = read_any(folder)
    assert recognized(folder) == recognized(folder / "f2.json") == "labelme"
    assert imported.dataset.videos[0].file_names == ("clip/f2.jpg", "clip/f3.png", "clip/f10.jpg")
    first, second = imported.dataset.annotations
    outline = rle.decode(rle.from_polygons((HEIGHT, WIDTH), [[1, 1, 6, 1, 6, 5]], ""))
    expected = outline.copy()
    expected[4, 6] = expected[5, 6] = expected[5, 7] = True
    assert (rle.decode(first.segmentations[0]) == expected).all()
    assert [m is not None for m in second.segmentations] == [False, False, True]
    (boxes,) = imported.boxes.tracks
    assert boxes.segmentations == (None, None, block(1, 1, 4, 5))
    assert imported.all_notes == (
        "1 object has a box and no mask and is left out (f10.json, shapes[1]).",
        "1 shape without group id became a track of one frame.",
    )


def test_labelme_reads_what_is_written(tmp_path):
    """Golden: a mask is a PNG for its box, whose corners are its first and last pixel."""
    write_any(tmp_path / "out", one_video(), "labelme")
    table = json.loads((tmp_path / "out" / "left" / "00001.json").read_text())
    assert (table["imagePath"], table["imageHeight"], table["imageWidth"]) == ("00001.jpg", HEIGHT, WIDTH)
    (shape,) = table["shapes"]
    assert (shape["label"], shape["group_id"], shape["shape_type"]) == ("pedestrian", 2, "mask")
    assert shape["points"] == [[2, 2], [4, 4]]
    with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as picture:
        assert np.asarray(picture).all()
        assert picture.size == (3, 3)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ({"points": [[0, 0], [1, 1]]}, "a polygon needs x, y of three or more corners"),
        ({"points": [[0, "a"]]}, "'points' must be a list of [x, y]"),
        ({"points": [[0, 0], [1, 1]], "shape_type": "mask", "mask": "!"}, "its 'mask' is no PNG at a point"),
        ({"points": [], "shape_type": "mask", "mask": png_text([[1]])}, "its 'mask' is no PNG at a point"),
        ({"label": ""}, "'label' must be a text"),
    ],
)
def test_broken_labels_are_refused_in_words(tmp_path, shape, sentence):
    label_file(tmp_path / "v" / "0.json", [{"label": "cat", "points": [], "group_id": 1} | shape])
    with pytest.raises(AnnotationError, match="shapes\\[0\\]") as caught:
        read_any(tmp_path)
    assert sentence in str(caught.value)
    assert str(tmp_path / "v" / "0.json") in str(caught.value)


def test_labels_of_other_sizes_are_refused_in_words(tmp_path):
    label_file(tmp_path / "0.json", [])
    label_file(tmp_path / "1.json", [], imageWidth=9)
    with pytest.raises(AnnotationError, match=r"1\.json: its image is 9 x 6, that of 0\.json is 8 x 6"):
        read_any(tmp_path)
    label_file(tmp_path / "1.json", [], imageWidth=None)
    with pytest.raises(AnnotationError, match="its image is not beside"):
        read_any(tmp_path)


def test_masks_reach_over_the_edge_in_labelme(tmp_path):
    shape = {"label": "cat", "group_id": 1, "points": [[-1, 5], [0, 6]], "shape_type": "mask"}
    label_file(tmp_path / "0.json", [shape | {"mask": png_text([[1, 1], [1, 1]])}])
    assert read_any(tmp_path).dataset.annotations[0].segmentations == (block(5, 0, 1, 1),)
