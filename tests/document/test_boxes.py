"""Objects of which a file has boxes only: they come in to be followed, and never leave as masks."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, HEIGHT, LABELS, WIDTH, detection, lanes, new_project, raw_content

from app.document.adopt import begin_run
from app.document.box_prompts import best_pairs
from app.document.edits import Confirm, EditRefused, SetLocked, SetMask
from app.document.exchange import ExportOptions, export_dataset, import_dataset, read_dataset_import
from app.document.export_pictures import PictureOptions, export_mask_images
from app.document.export_tracks import export_tracks
from app.document.records import FrameRange, Origin
from app.document.statistics import collect_statistics
from visolo import rle
from visolo.io.ytvis import read_dataset
from visolo.results import FrameResult
from visolo.rle import Box

LEFT, RIGHT = [1, 2, 6, 8], [11, 3, 7, 9]  # left, top, width, height


def square(left: int, top: int, width: int, height: int, hole: bool = True) -> rle.Rle:
    """A mask whose box this is, with a hole in it."""
    pixels = np.zeros((HEIGHT, WIDTH), dtype=bool)
    pixels[top : top + height, left : left + width] = True
    if hole:
        pixels[top + 2 : top + 4, left + 2 : left + 4] = False
    return rle.encode(pixels)


def write_boxes(folder: Path, annotations) -> Path:
    """A COCO file of a video of 12 images."""
    (folder / "clip").mkdir(parents=True)
    images = []
    for i in range(FRAMES):
        name = f"clip/{i:05d}.png"
        Image.new("RGB", (WIDTH, HEIGHT)).save(folder / name)
        images.append({"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT, "video_id": 1, "frame_index": i})
    tables = {"images": images, "videos": [{"id": 1, "name": "clip"}], "categories": [{"id": 9, "name": "otter"}]}
    path = folder / "boxes.json"
    path.write_text(json.dumps({**tables, "annotations": annotations}))
    return path


def box(number: int, frame: int, track: int, numbers, **fields):
    one = {"id": number, "image_id": frame, "category_id": 9, "track_id": track, "bbox": numbers, "video_id": 1}
    return one | fields


@pytest.fixture
def boxes(tmp_path):
    """Two tracks of boxes: one in frames 0 to 3, one in frame 2."""
    found = [box(i + 1, i, 5, LEFT) for i in range(4)] + [box(9, 2, 6, RIGHT)]
    return write_boxes(tmp_path / "data", found)


@pytest.fixture
def project(boxes, tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        import_dataset(history, boxes)
        yield document, history


def found(frame_index: int, *masks: tuple[int, rle.Rle]) -> FrameResult:
    """What a model found: segmenter tracks and their masks."""
    instances = tuple(replace(detection(track, track), rle=mask) for track, mask in masks)
    return FrameResult(frame_index, instances)


def origins(document, track_id: int) -> list[Origin]:
    return [i.origin for i in document.track_instances(1, track_id)]


def test_boxes_come_in_as_boxes_and_it_is_said(boxes, tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        edit = read_dataset_import(document, boxes)
        assert edit.box_count == 5
        assert edit.all_notes[0].startswith("5 boxes without masks: run the model")
        history.do(edit)
        assert lanes(document) == {1: [0, 1, 2, 3], 2: [2]}
        assert origins(document, 1) == [Origin.BOX] * 4
        assert tuple(document.track_instances(1, 1)[0].box) == tuple(LEFT)
        assert [c.name for c in document.categories()] == ["otter"]
        history.undo()
        assert document.videos() == []


def test_boxes_are_cut_off_at_the_frame_and_those_outside_are_none(tmp_path):
    path = write_boxes(
        tmp_path / "data", [box(1, 0, 5, [-4, -4, 8, 8]), box(2, 1, 5, [90, 3, 5, 5]), box(3, 2, 5, ["x", 1, 2, 3])]
    )
    document, _ = new_project(tmp_path / "p.visolo")
    with document:
        (track,) = read_dataset_import(document, path).tracks
        assert list(track.segmentations) == [square(0, 0, 4, 4, hole=False), *[None] * (FRAMES - 1)]


def test_boxes_never_leave_as_masks(project, tmp_path):
    document, history = project
    history.do(SetMask(1, 1, 1, square(2, 2, 5, 5)))
    list(export_dataset(document, ExportOptions(tmp_path / "out.json")))
    (annotation,) = read_dataset(tmp_path / "out.json").annotations
    assert [mask is not None for mask in annotation.segmentations] == [False, True] + [False] * 10
    list(export_mask_images(document, PictureOptions(tmp_path / "masks", 1)))
    seen = [np.asarray(Image.open(tmp_path / "masks" / f"{i:05d}.png")).any() for i in range(4)]
    assert seen == [False, True, False, False]
    list(export_tracks(document, tmp_path / "tracks.csv"))
    assert len((tmp_path / "tracks.csv").read_text().splitlines()) == 2


def test_a_frame_with_a_box_is_not_confirmed(project):
    _, history = project
    for edit in (Confirm(1, None, FrameRange(0, None)), Confirm(1, 2, FrameRange(2, 2))):
        with pytest.raises(EditRefused, match=r"Track \d has only a box on frame [02]; run the model, draw its mask"):
            history.do(edit)
    history.do(Confirm(1, 2, FrameRange(3, 5)))
    history.do(SetMask(1, 1, 3, square(2, 2, 5, 5)))
    history.do(Confirm(1, None, FrameRange(3, None)))


def test_what_a_run_finds_in_a_box_becomes_the_mask_of_its_track(project):
    """The segmenter's track goes on there when there are no boxes any more; undoing the run brings the boxes back."""
    document, history = project
    before = raw_content(document)
    run = begin_run(history, 1, {"model": "lite"}, LABELS, 0)
    mask, other = square(*LEFT), square(*RIGHT)
    run.add([found(i, (0, mask), (1, other)) for i in range(6)])
    run.finish("done")
    assert origins(document, 1) == [Origin.MODEL] * 6
    assert {i.rle for i in document.track_instances(1, 1)} == {mask}
    # Segmenter track 1 had a track of its own until the box of track 2 was met in frame 2.
    assert lanes(document) == {1: [0, 1, 2, 3, 4, 5], 2: [2, 3, 4, 5], 3: [0, 1]}
    names = {category.category_id: category.name for category in document.categories()}
    assert names[document.track(1, 1).category_id] == "otter"  # as the file says
    history.undo()
    assert raw_content(document) == before


def test_boxes_that_nothing_fits_stay_and_hide_nothing(project):
    document, history = project
    run = begin_run(history, 1, {"model": "lite"}, LABELS, 0)
    far, almost = square(12, 9, 5, 5), square(LEFT[0], LEFT[1], 6, 3, hole=False)
    run.add([found(0, (0, far), (1, almost))])
    run.finish("done")
    assert origins(document, 1)[0] is Origin.BOX
    assert {track: frames for track, frames in lanes(document).items() if track > 2} == {3: [0], 4: [0]}


def test_a_locked_track_of_boxes_is_left_alone(project):
    document, history = project
    history.do(SetLocked(1, (1,), True))
    run = begin_run(history, 1, {"model": "lite"}, LABELS, 0)
    run.add([found(0, (0, square(*LEFT)))])
    run.finish("done")
    assert origins(document, 1)[0] is Origin.BOX
    assert lanes(document)[3] == [0]


def test_each_box_gets_the_detection_that_fits_it_best():
    wanted = [Box(0, 0, 10, 10), Box(20, 0, 10, 10)]
    detections = [Box(1, 0, 10, 10), Box(0, 0, 10, 10), Box(21, 1, 10, 10), Box(50, 50, 3, 3)]
    assert sorted(best_pairs(detections, wanted)) == [(1, 0), (2, 1)]
    assert best_pairs([Box(0, 0, 0, 0)], wanted) == []


def test_statistics_count_masks_only(project):
    document, history = project
    history.do(SetMask(1, 1, 1, square(2, 2, 5, 5)))
    *_, statistics = collect_statistics(document)
    (video,) = statistics.videos
    assert (video.tracks, video.masks) == (1, 1)
    assert statistics.track_lengths == [1]
    assert len(statistics.mask_sizes) == 1
