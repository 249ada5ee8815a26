"""Videos and pictures to look at, masks as pictures, and tracks as a table; each is read back by other code."""

import csv
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from document_data import FRAMES, HEIGHT, LABELS, WIDTH, add_video, frame, new_project

from app.document.adopt import begin_run
from app.document.edits import Confirm, RemoveInstances, ReviseCategories, SetMask
from app.document.export_pictures import (
    PictureOptions,
    export_mask_images,
    export_overlay_images,
    export_overlay_video,
)
from app.document.export_tracks import COLUMNS, export_tracks
from app.document.records import FrameRange
from visolo import rle
from visolo.cli import main
from visolo.errors import ConfigError, MediaError, OutputError
from visolo.palette import track_rgb

GREY = 90


@pytest.fixture
def project(tmp_path):
    """A folder of grey images in which a run has found three tracks; the second is gone from frame 5 on."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for i in range(FRAMES):
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), GREY, dtype=np.uint8)).save(folder / f"{i:05d}.png")
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, source="clip")
        run = begin_run(history, 1, {"model": "lite"}, LABELS, 0)
        run.add([frame(i, [0, 1, 2]) for i in range(FRAMES)])
        run.finish("done")
        history.do(RemoveInstances(1, 2, FrameRange(5, None)))
        yield document, history


def box(left: int, top: int, width: int, height: int) -> rle.Rle:
    pixels = np.zeros((HEIGHT, WIDTH), dtype=bool)
    pixels[top : top + height, left : left + width] = True
    return rle.encode(pixels)


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "clip" and not p.name.startswith("p.visolo"))


def test_overlay_video_has_every_frame_with_the_masks_in_their_colours(project, tmp_path):
    document, history = project
    history.do(SetMask(1, 1, 3, box(2, 2, 12, 12)))
    target = tmp_path / "o.mp4"
    steps = list(export_overlay_video(document, PictureOptions(target, 1)))
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 25)
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(stream)]
    assert len(frames) == FRAMES
    assert frames[3].shape == (HEIGHT, WIDTH, 3)
    list(export_overlay_images(document, PictureOptions(tmp_path / "pictures", 1)))
    for index, found in enumerate(frames):
        drawn = np.asarray(Image.open(tmp_path / "pictures" / f"{index:05d}.png")).astype(int)
        assert np.abs(found - drawn).mean() < 25  # as far as the compression goes
        assert np.abs(found - float(GREY)).mean() > 30
    assert steps[-1].text == f"{target}: {FRAMES} frames"
    assert [s.done for s in steps] == sorted(s.done for s in steps)
    assert leftovers(tmp_path) == ["o.mp4", "pictures"]


def test_only_a_range_is_drawn_when_so_chosen(project, tmp_path):
    document, _ = project
    folder = tmp_path / "pictures"
    list(export_overlay_images(document, PictureOptions(folder, 1, FrameRange(4, 6))))
    assert sorted(p.name for p in folder.iterdir()) == ["00004.png", "00005.png", "00006.png"]
    picture = np.asarray(Image.open(folder / "00004.png"))
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert not (picture == GREY).all()
    with pytest.raises(OutputError, match="its frames are 0 to 11"):
        list(export_overlay_images(document, PictureOptions(tmp_path / "none", 1, FrameRange(50, 60))))


def test_overlays_can_have_the_colours_of_classes(project, tmp_path, monkeypatch):
    document, history = project
    history.do(SetMask(1, 1, 3, box(2, 2, 12, 12)))
    ids = [category.category_id for category in document.categories()]
    history.do(ReviseCategories(described=tuple((category_id, "#ff0000", ()) for category_id in ids)))
    list(export_overlay_images(document, PictureOptions(tmp_path / "a", 1, FrameRange(3, 3), by_class=True)))
    drawn = np.asarray(Image.open(tmp_path / "a" / "00003.png")).astype(int)
    assert (drawn == [255, 0, 0]).all(axis=2).any()  # outlines and labels
    list(export_overlay_images(document, PictureOptions(tmp_path / "c", 1, FrameRange(3, 3))))
    assert not (np.asarray(Image.open(tmp_path / "c" / "00003.png")) == [255, 0, 0]).all(axis=2).any()
    monkeypatch.chdir(tmp_path)
    document.close()
    assert main(["project", "overlay", "p.visolo", "b", "--frames", "3", "3", "--color-by", "class"]) == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b" / "00003.png")), drawn)


def test_mask_pictures_hold_the_tracks_numbers_small_ones_on_top(project, tmp_path):
    document, history = project
    history.do(SetMask(1, 3, 7, box(0, 0, WIDTH, HEIGHT)))
    history.do(SetMask(1, 1, 7, box(3, 4, 5, 6)))
    folder = tmp_path / "masks"
    list(export_mask_images(document, PictureOptions(folder, 1)))
    for index in range(FRAMES):
        with Image.open(folder / f"{index:05d}.png") as image:
            assert image.mode == "P"
            values = np.asarray(image)
        expected = np.zeros((HEIGHT, WIDTH), np.uint8)
        for instance in sorted(document.instances(1, index), key=lambda i: -i.area):
            expected[rle.decode(instance.rle).astype(bool)] = instance.track_id
        np.testing.assert_array_equal(values, expected)
    assert set(np.unique(np.asarray(Image.open(folder / "00007.png")))) == {1, 3}
    with Image.open(folder / "00007.png") as image:
        palette = image.getpalette()
    assert tuple(palette[3:6]) == track_rgb(1)
    with (folder / "tracks.csv").open() as file:
        assert list(csv.reader(file)) == [
            ["value", "track", "category"],
            ["1", "1", "person"],
            ["2", "2", "dog"],
            ["3", "3", "car"],
        ]


def test_numbers_beyond_a_byte_are_counted_anew_and_too_many_are_refused(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, frame_count=2)
        run = begin_run(history, 1, {"model": "lite"}, LABELS, 0)
        run.add([frame(0, list(range(200))), frame(1, list(range(150, 300)))])
        run.finish("done")
        folder = tmp_path / "masks"
        list(export_mask_images(document, PictureOptions(folder, 1, FrameRange(1, 1))))
        with (folder / "tracks.csv").open() as file:
            rows = list(csv.reader(file))[1:]
        assert [int(row[0]) for row in rows] == list(range(1, 151))
        assert [int(row[1]) for row in rows] == list(range(151, 301))
        with pytest.raises(OutputError, match="300 tracks are more than the 255 values"):
            list(export_mask_images(document, PictureOptions(tmp_path / "all", 1)))
        assert leftovers(tmp_path) == ["masks"]


@pytest.mark.parametrize("write", [export_overlay_video, export_overlay_images, export_mask_images])
def test_cancelled_exports_leave_nothing_behind(project, tmp_path, write):
    document, _ = project
    for steps in range(1, FRAMES + 1, 5):
        iterator = write(document, PictureOptions(tmp_path / "out.mp4", 1))
        for _ in range(steps):
            next(iterator)
        iterator.close()
        assert leftovers(tmp_path) == []


def test_a_folder_with_something_in_it_is_not_replaced(project, tmp_path):
    document, _ = project
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for write in (export_overlay_images, export_mask_images):
        with pytest.raises(OutputError, match="is there already; name a new folder"):
            list(write(document, PictureOptions(tmp_path / "full", 1)))
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    list(export_mask_images(document, PictureOptions(tmp_path / "empty", 1)))
    assert len(list((tmp_path / "empty").iterdir())) == FRAMES + 1


def test_what_cannot_be_drawn_is_said(project, tmp_path):
    document, history = project
    with pytest.raises(ConfigError, match="let its name end in"):
        list(export_overlay_video(document, PictureOptions(tmp_path / "o.gif", 1)))
    with pytest.raises(OutputError, match="cannot write there"):
        list(export_overlay_video(document, PictureOptions(tmp_path / "none" / "o.mp4", 1)))
    add_video(history, 2, source="gone.mp4")
    with pytest.raises(MediaError, match="gone"):
        list(export_overlay_video(document, PictureOptions(tmp_path / "o.mp4", 2)))
    (tmp_path / "clip" / "00000.png").unlink()
    with pytest.raises(MediaError, match="has 11 frames"):
        list(export_overlay_images(document, PictureOptions(tmp_path / "o", 1)))
    assert leftovers(tmp_path) == []


def test_the_table_has_a_row_for_each_instance(project, tmp_path):
    document, history = project
    history.do(SetMask(1, 1, 3, box(2, 5, 7, 4)))
    history.do(Confirm(1, 1, FrameRange(0, 3)))
    history.do(Confirm(1, None, FrameRange(8, 9)))
    target = tmp_path / "t.csv"
    steps = list(export_tracks(document, target))
    with target.open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == FRAMES + 5 + FRAMES
    assert steps[-1].text == f"{target}: {len(rows)} rows of 3 tracks"
    assert rows[3] == {
        "video_id": "1", "video": "video 1", "frame_index": "3", "time": "0.1200", "track": "1", "category": "person",
        "score": "0.2500", "box_x": "2", "box_y": "5", "box_width": "7", "box_height": "4", "area": "28", "edited": "1",
        "confirmed": "1",
    }  # fmt: skip
    confirmed = {(int(r["track"]), int(r["frame_index"])) for r in rows if r["confirmed"] == "1"}
    assert confirmed == {(1, i) for i in (0, 1, 2, 3, 8, 9)} | {(3, 8), (3, 9)}
    assert {int(r["frame_index"]) for r in rows if r["track"] == "2"} == set(range(5))


def test_a_cancelled_or_empty_table_leaves_nothing(project, tmp_path):
    document, _ = project
    iterator = export_tracks(document, tmp_path / "t.csv")
    next(iterator)
    iterator.close()
    with pytest.raises(OutputError, match="There is no track to write"):
        list(export_tracks(document, tmp_path / "t.csv", (5,)))
    assert leftovers(tmp_path) == []


# From the command line


def test_commands_write_the_same(project, tmp_path, capsys, monkeypatch):
    project[0].close()
    monkeypatch.chdir(tmp_path)
    assert main(["project", "overlay", "p.visolo", "o.mkv", "--frames", "2", "5"]) == 0
    assert main(["project", "overlay", "p.visolo", "pictures", "--frames", "2", "3"]) == 0
    assert main(["project", "masks", "p.visolo", "masks"]) == 0
    assert main(["project", "tracks", "p.visolo", "t.csv"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "o.mkv: 4 frames",
        "pictures: 2 pictures",
        "masks: 12 pictures",
        "t.csv: 29 rows of 3 tracks",
    ]
    assert leftovers(tmp_path) == ["masks", "o.mkv", "pictures", "t.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["overlay", "p.visolo", "o.gif"], "let its name end in"),
        (["overlay", "p.visolo", "o.mp4", "--video", "3"], "choose a video of this project with --video; it holds: 1"),
        (["masks", "p.visolo", "m", "--frames", "5", "2"], "--frames 5 2 is no range"),
        (["tracks", "p.visolo", "p.visolo"], "this is the project"),
        (["tracks", "none.visolo", "t.csv"], "there is no such project"),
    ],
)
def test_wrong_commands_are_one_sentence(project, tmp_path, capsys, monkeypatch, arguments, words):
    project[0].close()
    monkeypatch.chdir(tmp_path)
    assert main(["project", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert leftovers(tmp_path) == []
