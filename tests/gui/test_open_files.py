"""Opening: anything a person may hand over, in every way, and what bad input gets."""

import json
import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton

from app.dialogs.errors import ErrorDialog
from app.dialogs.import_ import ImportDialog
from app.projects import project_path_for
from app.settings import Settings


def wait_for_frame(qtbot, window) -> None:
    """Until something is painted."""
    qtbot.waitUntil(lambda: window.workspace.canvas.shown_frame >= 0, timeout=20_000)


def error_sentence(qtbot, window) -> str:
    """What the error dialog says; closes it."""
    qtbot.waitUntil(lambda: bool(window.findChildren(ErrorDialog)), timeout=20_000)
    dialog = window.findChildren(ErrorDialog)[0]
    sentence = dialog.findChild(QLabel, "sentence").text()
    dialog.accept()
    QApplication.sendPostedEvents(dialog, 0)
    QApplication.processEvents()
    return sentence


def drop(window, *paths: Path) -> None:
    """Drop files on the window."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys, action = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    entering = QDragEnterEvent(QPointF(50, 50).toPoint(), action, data, buttons, keys)
    QApplication.sendEvent(window, entering)
    assert entering.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(50, 50), action, data, buttons, keys))


def write_images(folder: Path, count: int = 5, size: tuple[int, int] = (64, 96)) -> Path:
    """A folder of images."""
    folder.mkdir(parents=True)
    for index in range(count):
        pixels = np.full((*size, 3), 20 * index, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:05d}.png")
    return folder


def write_dataset(folder: Path) -> tuple[Path, Path]:
    """A dataset of two image folders, and results for it."""
    segmentation = {"size": [64, 96], "counts": [0, 64 * 10, 64 * 86]}
    videos = []
    for video_id, name in ((7, "a"), (9, "b")):
        write_images(folder / "JPEGImages" / name)
        names = [f"{name}/{index:05d}.png" for index in range(5)]
        videos.append({"id": video_id, "width": 96, "height": 64, "length": 5, "file_names": names})
    categories = [{"id": 3, "name": "otter"}, {"id": 8, "name": "seal"}]
    annotation = {
        "id": 1,
        "video_id": 9,
        "category_id": 8,
        "iscrowd": 0,
        "length": 5,
        "segmentations": [segmentation] * 4 + [None],
        "bboxes": [[0, 0, 10, 64]] * 4 + [None],
        "areas": [640] * 4 + [None],
    }
    dataset = folder / "instances.json"
    dataset.write_text(json.dumps({"videos": videos, "categories": categories, "annotations": [annotation]}))
    result = {"video_id": 7, "category_id": 3, "score": 0.7, "segmentations": [segmentation] * 5}
    results = folder / "results.json"
    results.write_text(json.dumps([result]))
    return dataset, results


def test_a_video_gets_a_project_that_is_found_again(open_window, clip, press):
    window = open_window(clip)
    document = window.session.document
    assert document.path == project_path_for(clip)
    assert document.path.parent != clip.parent
    assert window.windowTitle() == "clip.visolo — VISOLO Review"
    assert "all changes saved" in window.saved.text()
    video = window.session.video
    assert (video.name, video.frame_count, video.height, video.width) == ("clip.mp4", 40, 64, 96)
    assert video.frame_rate == pytest.approx(25)
    window.session.show_frame(17)
    window.close()
    again = open_window(clip)
    assert again.session.document.path == document.path
    assert again.session.frame_index == 17
    assert len(again.session.document.videos()) == 1


def test_edits_and_their_undo_are_there_after_a_restart(open_window, tracked, clip, press):
    press(tracked, "1", "Ctrl+0", "2", "H")
    before = tracked.session.document.instances(1, 3)
    tracked.close()
    window = open_window(clip)
    assert window.session.document.instances(1, 3) == before
    assert window.session.hidden == {2}
    press(window, "Ctrl+Z")
    assert sorted(i.track_id for i in window.session.document.instances(1, 3)) == [1, 2, 3]


def test_the_adding_of_the_only_video_is_not_undone(window, press):
    press(window, "Ctrl+Z")
    assert len(window.session.document.videos()) == 1
    assert "nothing to undo" in window.status.message().lower()


def test_a_folder_of_images(open_window, tmp_path):
    window = open_window(write_images(tmp_path / "frames"))
    assert window.session.video.frame_count == 5
    assert window.session.video.frame_rate is None


def test_a_davis_folder_gets_a_project(open_window, tmp_path, qtbot):
    """Its videos are the folders of images, whole, though it annotates every second frame only."""
    write_images(tmp_path / "davis" / "JPEGImages" / "a")
    for index in (0, 2, 4):
        labels = np.zeros((64, 96), dtype=np.uint8)
        labels[:, : 10 + index] = 3
        (tmp_path / "davis" / "Annotations" / "a").mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels).save(tmp_path / "davis" / "Annotations" / "a" / f"{index:05d}.png")
    window = open_window(tmp_path / "davis")
    qtbot.waitUntil(lambda: window.session.video is not None, timeout=20_000)
    (video,) = window.session.document.videos()
    assert (video.name, video.frame_count) == ("a", 5)
    assert window.session.document.lane(1, 1).frame_indices.tolist() == [0, 2, 4]
    wait_for_frame(qtbot, window)


def test_dropping_opens_and_further_videos_join(open_window, clip, make_clip, tmp_path, qtbot):
    second = make_clip(tmp_path / "second.mp4", frames=8)
    window = open_window()
    drop(window, clip, second)
    qtbot.waitUntil(
        lambda: window.session.document is not None and len(window.session.document.videos()) == 2, timeout=20_000
    )
    assert window.session.video.name == "clip.mp4"
    wait_for_frame(qtbot, window)


def test_the_recent_list_opens(open_window, clip, qtbot):
    window = open_window(clip)
    assert Settings().recent() == [clip.resolve()]
    window.close()
    again = open_window()
    again.recent_menu.aboutToShow.emit()
    assert again.stack.currentWidget() is again.welcome
    again.recent_menu.actions()[0].trigger()
    wait_for_frame(qtbot, again)


def test_the_welcome_view_opens_a_recent_video(open_window, clip, qtbot):
    open_window(clip).close()
    window = open_window()
    rows = window.welcome._list
    assert rows.item(0).text().startswith("clip.mp4")
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=rows.visualItemRect(rows.item(0)).center())
    wait_for_frame(qtbot, window)


def test_the_sample_opens(open_window, qtbot):
    window = open_window()
    button = next(b for b in window.welcome.findChildren(QPushButton) if b.text() == "Open the sample")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    wait_for_frame(qtbot, window)
    assert window.session.video.frame_count > 10


def test_a_dataset_becomes_a_project_of_its_videos(open_window, tmp_path):
    dataset, _ = write_dataset(tmp_path / "set")
    (tmp_path / "set" / "results.json").unlink()
    window = open_window(dataset)
    assert [video.name for video in window.session.document.videos()] == ["a", "b"]
    window.session.show_video(9)
    tracks = window.session.tracks()
    assert [(s.track.track_id, s.frame_count) for s in tracks] == [(1, 4)]
    assert window.session.category_names()[tracks[0].track.category_id] == "seal"


def test_results_beside_their_dataset_open_with_its_videos(open_window, tmp_path):
    _, results = write_dataset(tmp_path / "set")
    window = open_window(results)
    assert window.session.video.name == "a"
    summary = window.session.tracks()[0]
    assert summary.frame_count == 5
    assert summary.score == pytest.approx(0.7)


def test_results_beside_their_video_are_imported_into_it(open_window, clip, tmp_path, qtbot):
    video = Path(shutil.copy(clip, tmp_path / "walk.mp4"))
    segmentation = {"size": [64, 96], "counts": [0, 640, 64 * 86]}
    results = video.with_suffix(".json")
    entry = {"video_id": 1, "category_id": 1, "score": 0.5, "segmentations": [segmentation] * 40}
    results.write_text(json.dumps([entry]))
    window = open_window(results)
    assert window.session.video.name == "walk.mp4"
    qtbot.waitUntil(lambda: bool(window.findChildren(ImportDialog)))
    assert Settings().recent()[0] == results.resolve()


def test_results_named_like_a_video_are_of_it_whatever_lies_there_too(open_window, clip, tmp_path, qtbot):
    dataset, other = write_dataset(tmp_path / "set")
    assert dataset.exists()
    other.unlink()
    video = Path(shutil.copy(clip, dataset.parent / "walk.mp4"))
    segmentation = {"size": [64, 96], "counts": [0, 640, 64 * 86]}
    entry = {"video_id": 1, "category_id": 1, "score": 0.5, "segmentations": [segmentation] * 40}
    results = video.with_suffix(".json")
    results.write_text(json.dumps([entry]))
    window = open_window(results)
    assert window.session.video.name == "walk.mp4"
    qtbot.waitUntil(lambda: bool(window.findChildren(ImportDialog)))


def test_results_without_a_video_say_what_to_do(open_window, tmp_path, qtbot):
    lonely = tmp_path / "results.json"
    lonely.write_text("[]")
    window = open_window()
    window.open_paths([lonely])
    sentence = error_sentence(qtbot, window)
    assert "open their video" in sentence
    assert window.session.document is None


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("notes.mp4", b"this is not a video, it is a text\n" * 40, "notes.mp4"),
        ("empty.mp4", b"", "empty.mp4"),
        ("broken.json", b'{"videos": [', "broken.json"),
        ("other.json", b'{"hello": 1}', "other.json"),
        ("list.json", b"hello", "not JSON"),
        ("old.visolo", b"not a project", "old.visolo"),
    ],
)
def test_bad_files_get_a_sentence_and_the_old_project_stays(window, tmp_path, qtbot, name, content, word):
    document = window.session.document
    path = tmp_path / name
    path.write_bytes(content)
    window.open_paths([path])
    sentence = error_sentence(qtbot, window)
    assert word in sentence
    assert "Traceback" not in sentence
    assert "\n" not in sentence
    assert window.session.document is document
    assert document.videos()
    assert window.workspace.canvas.shown_frame == 0
    assert path.resolve() not in Settings().recent()
    assert not list((document.path.parent).glob(f"{path.stem}-*.visolo"))


def test_a_missing_file_is_said(window, qtbot, tmp_path):
    window.open_paths([tmp_path / "nowhere.mp4"])
    assert "no such file" in error_sentence(qtbot, window)


def test_a_foreign_database_is_no_project(window, tmp_path, qtbot):
    path = tmp_path / "photos.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    window.open_paths([path])
    assert "photos.db" in error_sentence(qtbot, window)


def test_a_project_that_is_open_elsewhere_is_refused(open_window, clip, make_clip, tmp_path, qtbot):
    first = open_window(clip)
    other = open_window(make_clip(tmp_path / "other.mp4", frames=5))
    other.open_paths([first.session.document.path])
    assert "open" in error_sentence(qtbot, other).lower()
    assert other.session.video.name == "other.mp4"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_home_is_said(open_window, clip, own_home, qtbot):
    window = open_window()
    folder = own_home / "data"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o500)
    try:
        window.open_paths([clip])
        assert "cannot" in error_sentence(qtbot, window)
    finally:
        folder.chmod(0o700)


def test_a_moved_video_is_asked_for_and_shown_when_found(open_window, clip, tmp_path, qtbot):
    video = Path(shutil.copy(clip, tmp_path / "walk.mp4"))
    window = open_window(video)
    project = window.session.document.path
    window.close()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    video.rename(moved / "walk2.mp4")
    again = open_window()
    again.open_paths([project])
    qtbot.waitUntil(lambda: bool(again.findChildren(QMessageBox)))
    box = again.findChildren(QMessageBox)[0]
    assert "walk.mp4" in box.text()
    box.reject()
    again.notes.relocate(moved / "walk2.mp4")
    wait_for_frame(qtbot, again)
    assert again.session.video.source == str((moved / "walk2.mp4").resolve())


def test_another_video_is_not_taken_for_the_moved_one(open_window, clip, make_clip, tmp_path, qtbot):
    window = open_window(clip)
    other = make_clip(tmp_path / "shorter.mp4", frames=12)
    window.notes.relocate(other)
    assert "has 12 frames, but clip.mp4 has 40" in error_sentence(qtbot, window)


def test_save_as_goes_on_in_the_copy(tracked, tmp_path, press):
    original = tracked.session.document.path
    target = tmp_path / "mine.visolo"
    tracked.workspace.opener.save_copy(target)
    assert tracked.session.document.path == target
    assert "mine.visolo" in tracked.windowTitle()
    press(tracked, "1", "Ctrl+Shift+Backspace")
    assert [s.track.track_id for s in tracked.session.tracks()] == [2, 3]
    tracked.workspace.opener.open_path(original)
    assert [s.track.track_id for s in tracked.session.tracks()] == [1, 2, 3]


def test_save_as_over_itself_or_into_nowhere_is_refused(tracked, tmp_path, qtbot):
    document = tracked.session.document
    tracked.workspace.opener.save_copy(document.path)
    assert "choose another name" in error_sentence(qtbot, tracked)
    tracked.workspace.opener.save_copy(tmp_path / "no" / "such" / "x.visolo")
    assert "cannot write there" in error_sentence(qtbot, tracked)
    assert tracked.session.document is document


def test_cancelling_leaves_everything_as_it_was(window, make_clip, tmp_path, qtbot):
    document = window.session.document
    window.open_paths([make_clip(tmp_path / "long.mp4", frames=120)])
    window.workspace.opener.cancel()
    qtbot.waitUntil(window.workspace.tasks.is_idle, timeout=20_000)
    QApplication.processEvents()
    assert window.session.document is document
    assert not list(document.path.parent.glob("long-*"))


def names(window) -> list[str]:
    """Of the project's videos."""
    document = window.session.document
    return [] if document is None else [video.name for video in document.videos()]


def test_a_bad_file_among_several_does_not_keep_the_others_out(open_window, qtbot, make_clip, tmp_path):
    clips = [make_clip(tmp_path / f"clip{number}.mp4", frames=6) for number in range(3)]
    broken, missing = tmp_path / "broken.mp4", tmp_path / "missing.mp4"
    broken.write_bytes(b"no video")
    window = open_window()
    drop(window, clips[0], broken, clips[1], missing, clips[2])
    sentence = error_sentence(qtbot, window)
    assert names(window) == ["clip0.mp4", "clip1.mp4", "clip2.mp4"]
    assert window.session.video.name == "clip0.mp4"
    first, second = sentence.split("\n")
    assert str(broken) in first
    assert str(missing) in second


def test_the_first_file_that_can_be_opened_makes_the_project(open_window, qtbot, make_clip, tmp_path):
    clips = [make_clip(tmp_path / f"clip{number}.mp4", frames=6) for number in range(2)]
    window = open_window()
    window.open_paths([tmp_path / "missing.mp4", *clips])
    assert "missing.mp4" in error_sentence(qtbot, window)
    assert window.session.document.path == project_path_for(clips[0])
    assert names(window) == ["clip0.mp4", "clip1.mp4"]


def test_a_folder_stands_for_the_videos_and_images_below_it(open_window, qtbot, make_clip, tmp_path):
    folder = tmp_path / "all"
    (folder / "day2").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for place in ("clip10.mp4", "clip2.MP4", "day2/clip.mp4", ".hidden/clip.mp4"):
        make_clip(tmp_path / "x.mp4", frames=6).rename(folder / place)
    write_images(folder / "frames")
    (folder / "notes.txt").write_text("no video")
    window = open_window()
    drop(window, folder)
    wanted = ["clip2.MP4", "clip10.mp4", "clip.mp4", "frames"]
    qtbot.waitUntil(lambda: names(window) == wanted, timeout=20_000)
    wait_for_frame(qtbot, window)
    assert window.session.video.name == "clip2.MP4"
    assert not window.findChildren(ErrorDialog)


def test_files_that_are_slow_to_open_are_all_opened(open_window, qtbot, make_clip, tmp_path):
    clips = [make_clip(tmp_path / f"clip{number}.mp4", frames=60) for number in range(4)]
    window = open_window()
    window.notes._patience.setInterval(0)
    asked = []
    window.workspace.opener.busy_changed.connect(asked.append)
    window.open_paths(clips)
    qtbot.waitUntil(lambda: len(names(window)) == 4, timeout=20_000)
    assert [text for text in asked if text][1] == "clip1.mp4 (2 of 4)"


def test_a_folder_with_nothing_in_it(open_window, qtbot, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    window = open_window()
    window.open_paths([tmp_path / "a"])
    assert "no images and no videos in this folder or below" in error_sentence(qtbot, window)
