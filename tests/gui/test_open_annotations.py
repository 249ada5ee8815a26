"""Annotations of other tools, opened as they come: a folder or file, and its videos come in with their tracks."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QLabel, QMessageBox

sys.path.insert(0, str(Path(__file__).parent))

from test_open_files import drop, error_sentence, wait_for_frame, write_dataset, write_images

from app.dialogs.import_ import ImportDialog
from app.document.edits import Confirm
from app.document.exchange import ExportOptions, export_dataset
from app.document.records import FrameRange

HEIGHT, WIDTH = 64, 96
POLYGON = {"label": "otter", "group_id": 1, "shape_type": "polygon", "points": [[5, 5], [40, 5], [40, 40], [5, 40]]}
MASK = 'rle="0, 400" left="3" top="4" width="20" height="20"'
META = (
    "<task><name>dive</name><size>5</size><start_frame>0</start_frame><labels><label><name>otter</name></label>"
    f"</labels><original_size><width>{WIDTH}</width><height>{HEIGHT}</height></original_size></task>"
)


def write_labels(folder: Path, frames) -> Path:
    """Label files of a polygon beside five images."""
    write_images(folder)
    for index in frames:
        table = {"version": "5.5.0", "flags": {}, "shapes": [POLYGON], "imageHeight": HEIGHT, "imageWidth": WIDTH}
        table |= {"imagePath": f"{index:05d}.png", "imageData": None}
        (folder / f"{index:05d}.json").write_text(json.dumps(table))
    return folder


def write_cvat(path: Path, inside: str, meta: str = META) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotations><version>1.1</version><meta>{meta}</meta>{inside}</annotations>")
    return path


def track(shape: str = "mask", place: str = MASK) -> str:
    shapes = "".join(f'<{shape} frame="{i}" outside="0" {place}/>' for i in (0, 1, 3))
    return f'<track id="0" label="otter">{shapes}</track>'


def notes_of(window) -> str:
    """What was said after opening; closes it."""
    (box,) = window.findChildren(QMessageBox, "openingNotes")
    text = box.informativeText()
    box.accept()
    return text


@pytest.fixture
def opened(open_window, qtbot):
    """Drops a path on an empty window: `opened(path)`, the window once frames are shown."""

    def make(path: Path):
        window = open_window()
        drop(window, path)
        qtbot.waitUntil(lambda: window.session.video is not None, timeout=20_000)
        wait_for_frame(qtbot, window)
        return window

    return make


def test_a_folder_of_images_with_label_files(opened, tmp_path):
    window = opened(write_labels(tmp_path / "dive", (0, 2)))
    (video,) = window.session.document.videos()
    assert (video.name, video.frame_count) == ("dive", 5)
    assert window.session.document.lane(1, 1).frame_indices.tolist() == [0, 2]
    assert [c.name for c in window.session.document.categories()] == ["otter"]
    assert not window.findChildren(QMessageBox)  # nothing was left out


def test_a_folder_of_such_folders(opened, tmp_path):
    for name in ("clip10", "clip2"):
        write_labels(tmp_path / "all" / name, (1,))
    window = opened(tmp_path / "all")
    assert [video.name for video in window.session.document.videos()] == ["clip2", "clip10"]


def test_a_folder_of_images_beside_other_json_stays_one(opened, tmp_path):
    folder = write_images(tmp_path / "frames")
    (folder / "settings.json").write_text('{"hello": 1}')
    window = opened(folder)
    assert (window.session.video.frame_count, window.session.tracks()) == (5, [])


def test_a_cvat_folder_as_it_is_downloaded(opened, tmp_path):
    """One XML and the task's images in images/, which are the frames whatever they are called."""
    write_cvat(tmp_path / "dive" / "annotations.xml", track())
    write_images(tmp_path / "dive" / "images")
    window = opened(tmp_path / "dive")
    (video,) = window.session.document.videos()
    assert (video.name, video.frame_count, Path(video.source)) == ("dive", 5, tmp_path / "dive" / "images")
    assert window.session.document.lane(1, 1).frame_indices.tolist() == [0, 1, 3]


def test_a_cvat_file_of_frames_without_suffix(opened, tmp_path):
    """So CVAT names the frames of a video in its format for images."""
    images = "".join(
        f'<image id="{i}" name="frame_{i:06d}" width="{WIDTH}" height="{HEIGHT}">'
        f'<mask label="otter" group_id="4" {MASK}/></image>'
        for i in range(5)
    )
    path = write_cvat(tmp_path / "dive" / "annotations.xml", images, "<task><name>dive</name></task>")
    (tmp_path / "dive" / "images").mkdir()
    for index in range(5):
        picture = Image.fromarray(np.full((HEIGHT, WIDTH, 3), 30 * index, dtype=np.uint8))
        picture.save(tmp_path / "dive" / "images" / f"frame_{index:06d}.png")
    window = opened(path)
    assert window.session.document.lane(1, 1).frame_indices.tolist() == [0, 1, 2, 3, 4]


def test_a_cvat_file_beside_its_video(opened, make_clip, tmp_path):
    make_clip(tmp_path / "walk.mp4", frames=5)
    meta = META.replace("</task>", "<source>walk.mp4</source></task>")
    window = opened(write_cvat(tmp_path / "job.xml", track(), meta))
    assert Path(window.session.video.source) == tmp_path / "walk.mp4"
    assert window.session.document.lane(1, 1).frame_indices.tolist() == [0, 1, 3]


def test_what_could_not_be_taken_is_said_after_opening(opened, tmp_path):
    folder = write_labels(tmp_path / "dive", (0, 2))
    table = json.loads((folder / "00002.json").read_text())
    table["shapes"].append(POLYGON | {"group_id": None})
    (folder / "00002.json").write_text(json.dumps(table))
    window = opened(folder)
    assert notes_of(window) == "1 shape without group id became a track of one frame."


def test_annotations_that_are_added_to_a_project_are_imported(opened, tmp_path, qtbot):
    window = opened(write_images(tmp_path / "first"))
    window.workspace.opener.add_paths([write_labels(tmp_path / "dive", (0,))])
    qtbot.waitUntil(lambda: bool(window.findChildren(ImportDialog)), timeout=20_000)
    (dialog,) = window.findChildren(ImportDialog)
    status = dialog.findChild(QLabel, "importStatus")
    qtbot.waitUntil(lambda: status.text().startswith("Adds 1 video, 1 track with 1 mask"), timeout=20_000)
    dialog.accept()
    assert [video.name for video in window.session.document.videos()] == ["first", "dive"]


def test_a_folder_with_the_file_of_a_dataset(opened, tmp_path):
    write_dataset(tmp_path / "set")
    (tmp_path / "set" / "results.json").unlink()
    window = opened(tmp_path / "set")
    assert [video.name for video in window.session.document.videos()] == ["a", "b"]
    assert len(window.session.document.tracks(9)) == 1


def test_images_of_several_sizes_become_a_video_each(opened, tmp_path):
    """COCO's are no frames of a video."""
    images, annotations = [], []
    for number, width in ((1, 96), (2, 80), (3, 96)):
        Image.new("RGB", (width, HEIGHT)).save(tmp_path / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": width, "height": HEIGHT})
        outline = [[5, 5, 40, 5, 40, 40]]
        annotations.append({"id": number, "image_id": number, "category_id": 1, "segmentation": outline})
    tables = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "otter"}]}
    (tmp_path / "stills.json").write_text(json.dumps(tables))
    window = opened(tmp_path / "stills.json")
    videos = window.session.document.videos()
    assert [(v.name, v.frame_count, v.width) for v in videos] == [
        ("1.png", 1, 96),
        ("2.png", 1, 80),
        ("3.png", 1, 96),
    ]
    assert [len(window.session.document.tracks(v.video_id)) for v in videos] == [1, 1, 1]


def test_an_archive_is_to_be_unpacked_first(open_window, qtbot, tmp_path):
    shutil.make_archive(str(tmp_path / "job"), "zip", write_labels(tmp_path / "dive", (0,)))
    window = open_window()
    drop(window, tmp_path / "job.zip")
    assert "job.zip: is an archive; unpack it and open the folder" in error_sentence(qtbot, window)


def test_clips_of_a_video_are_shown_on_its_frames(tracked, open_window, qtbot, tmp_path):
    """Exported without images: the whole video is shown, with the tracks where they were cut from."""
    session = tracked.session
    assert session.do(Confirm(1, None, FrameRange(3, 5)))
    assert session.do(Confirm(1, None, FrameRange(9, 9)))
    path = tmp_path / "clips.json"
    list(export_dataset(session.document, ExportOptions(path, frames="confirmed-ranges")))
    window = open_window(path)
    (video,) = window.session.document.videos()
    assert video.frame_count == session.video.frame_count
    assert "2 clips of 1 video came to the frames that they were cut from" in notes_of(window)
    lanes = [
        window.session.document.lane(1, summary.track.track_id).frame_indices.tolist()
        for summary in window.session.tracks()
    ]
    present = [[i for i in (3, 4, 5) if session.document.instance(1, t, i)] for t in (1, 2, 3)]
    assert [lane for lane in lanes if lane != [9]] == [frames for frames in present if frames]
    window.session.show_frame(9)
    qtbot.waitUntil(lambda: window.workspace.canvas.shown_frame == 9, timeout=20_000)
