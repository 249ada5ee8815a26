"""The export dialog; what it writes is read again."""

import json
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton, QSpinBox, QTableWidget

from app.dialogs.export import ExportDialog
from app.dialogs.export_preview import OWN_CLASSES, class_mappings
from app.document.edits import Confirm, RenameCategory, SwapTracks
from app.document.exchange import ExportOptions, export_dataset
from app.document.records import FrameRange
from visolo.categories import Category, load_label_set
from visolo.errors import OutputError
from visolo.io.ytvis import read_dataset
from visolo.rle import Rle

LEFT = Qt.MouseButton.LeftButton


class Driver:
    """The dialog as a user sees it."""

    def __init__(self, project, qtbot, target):
        self.project, self._qtbot = project, qtbot
        self.dialog = ExportDialog(project.session)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(self.dialog)
        self.dialog.open()
        line = self.dialog.findChild(QLineEdit, "exportTarget")
        line.setText(str(target))
        qtbot.waitUntil(lambda: "Counting" not in self.status)

    @property
    def status(self) -> str:
        return self.dialog.findChild(QLabel, "exportStatus").text()

    def button(self, name) -> QPushButton:
        return self.dialog.findChild(QPushButton, name)

    def choose(self, name, text):
        box = self.dialog.findChild(QComboBox, name)
        box.setCurrentIndex(box.findText(text, Qt.MatchFlag.MatchContains))

    def preview(self) -> list[tuple[str, ...]]:
        table = self.dialog.findChild(QTableWidget, "classMappings")
        return [tuple(table.item(row, column).text() for column in range(3)) for row in range(table.rowCount())]

    def export(self):
        self._qtbot.mouseClick(self.button("exportStart"), LEFT)
        self._qtbot.waitUntil(lambda: self.is_over)

    @property
    def is_over(self) -> bool:
        return self.button("exportOpenFolder").isVisible() or self.button("exportStart").isEnabled()

    def close(self):
        self._qtbot.mouseClick(self.button("exportClose"), LEFT)


@pytest.fixture
def open_export(qtbot, tmp_path):
    """Opens the dialog: `open_export(project)`; closed at the end, which waits for its threads."""
    drivers = []

    def make(project) -> Driver:
        drivers.append(Driver(project, qtbot, tmp_path / "out.json"))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.dialog.done(0)


@pytest.fixture
def driver(project, open_export) -> Driver:
    return open_export(project)


def test_it_says_what_would_be_written(driver):
    assert driver.status == "Writes 3 tracks of 1 video."
    assert [row[:2] for row in driver.preview()] == [("dog", "2"), ("person", "1")]


def test_the_written_file_holds_the_corrected_tracks(driver, tmp_path):
    driver.project.session.do(SwapTracks(1, 2, 3, FrameRange(30, 39)))  # 3 goes into 2
    driver.export()
    assert driver.status.startswith("Wrote")
    dataset = read_dataset(tmp_path / "out.json")
    document = driver.project.document
    assert [v.length for v in dataset.videos] == [40]
    names = {c.category_id: c.name for c in dataset.categories}
    expected = {s.track.track_id: document.lane(1, s.track.track_id) for s in document.tracks(1)}
    assert len(dataset.annotations) == len(expected) == 2
    for annotation, (track_id, lane) in zip(dataset.annotations, expected.items(), strict=True):
        present = [i for i, rle in enumerate(annotation.segmentations) if rle is not None]
        assert present == lane.frame_indices.tolist()
        assert names[annotation.category_id] == {1: "person", 2: "dog"}[track_id]
        assert isinstance(annotation.segmentations[present[0]], Rle)
        assert annotation.segmentations[present[0]] == document.instance(1, track_id, present[0]).rle


def test_a_shipped_label_set_changes_ids_and_shows_it(driver, tmp_path):
    driver.choose("exportClasses", "2019")
    wanted = {c.name: c.category_id for c in load_label_set("ytvis2019").categories}
    assert ("dog", "2", f"dog ({wanted['dog']})") in driver.preview()
    driver.export()
    found = json.loads((tmp_path / "out.json").read_text())
    assert sorted(a["category_id"] for a in found["annotations"]) == sorted(
        [wanted["person"], wanted["dog"], wanted["dog"]]
    )


def test_tracks_of_classes_that_the_set_lacks_are_left_out_or_added(driver, tmp_path):
    dog = driver.project.document.track(1, 2).category_id
    driver.project.session.do(RenameCategory(dog, "hovercraft"))
    assert not driver.dialog.findChild(QComboBox, "exportUnknown").isVisible()
    driver.choose("exportClasses", "2021")
    assert driver.dialog.findChild(QComboBox, "exportUnknown").isVisible()
    assert ("hovercraft", "2", "left out") in driver.preview()
    assert driver.status == "Writes 1 track of 1 video; 2 tracks left out."
    driver.choose("exportUnknown", "Add")
    assert ("hovercraft", "2", "added to the set") in driver.preview()
    assert driver.status == "Writes 3 tracks of 1 video."
    driver.choose("exportUnknown", "Leave")
    driver.export()
    assert len(read_dataset(tmp_path / "out.json").annotations) == 1


def test_frames_are_written_as_images(driver, tmp_path):
    driver.dialog.findChild(QCheckBox, "exportFrames").click()
    assert "40 images" in driver.status
    driver.export()
    images = sorted((tmp_path / "JPEGImages").rglob("*.jpg"))
    assert len(images) == 40
    video = read_dataset(tmp_path / "out.json").videos[0]
    assert [str(i.relative_to(tmp_path / "JPEGImages")) for i in images] == list(video.file_names)
    assert Image.open(images[3]).getpixel((10, 10))[0] == pytest.approx(15, abs=6)


def test_after_it_the_dialog_offers_the_folder(driver, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("PySide6.QtGui.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile()))
    driver.export()
    assert driver.status.endswith(str(tmp_path / "out.json"))
    driver.button("exportOpenFolder").click()
    assert opened == [str(tmp_path)]
    driver.close()
    assert not driver.dialog.isVisible()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "Choose the name of a file to write"), ("/nowhere/at/all/out.json", "there is no such folder")],
)
def test_a_wrong_target_is_said_before_anything_is_written(driver, qtbot, text, sentence):
    line = driver.dialog.findChild(QLineEdit, "exportTarget")
    line.clear()
    qtbot.keyClicks(line, text)
    assert sentence in driver.status
    assert not driver.button("exportStart").isEnabled()


def test_a_failure_leaves_the_old_file_and_the_form(driver, tmp_path):
    (tmp_path / "out.json").write_text("before")
    driver.dialog.findChild(QCheckBox, "exportFrames").click()
    assert "replaced" in driver.status
    for image in driver.project.frames.iterdir():
        image.unlink()
    driver.export()
    assert "clip1_1" in driver.status
    assert (tmp_path / "out.json").read_text() == "before"
    assert driver.dialog.form.isEnabled()


def test_cancelling_writes_nothing(driver, qtbot, tmp_path):
    driver.dialog.findChild(QCheckBox, "exportFrames").click()
    qtbot.mouseClick(driver.button("exportStart"), LEFT)
    driver.close()
    qtbot.waitUntil(lambda: driver.is_over)
    assert driver.status == "Cancelled; nothing was written."
    assert not (tmp_path / "out.json").exists()
    assert not (tmp_path / "JPEGImages").exists()


def test_the_project_can_be_edited_meanwhile(driver, qtbot, tmp_path):
    qtbot.mouseClick(driver.button("exportStart"), LEFT)
    assert driver.project.session.do(SwapTracks(1, 1, 2, FrameRange(0, None)))
    qtbot.waitUntil(lambda: driver.is_over)
    assert len(read_dataset(tmp_path / "out.json").annotations) == 3


def test_an_untouched_video_has_nothing_to_export(make_project, open_export):
    driver = open_export(make_project(run_to=0))
    assert "no track to export" in driver.status
    assert not driver.button("exportStart").isEnabled()


def test_all_videos_can_be_chosen(make_project, open_export, tmp_path):
    driver = open_export(make_project(video_count=3))
    driver.choose("exportVideos", "All 3")
    assert driver.status == "Writes 3 tracks of 3 videos."
    driver.export()
    assert len(read_dataset(tmp_path / "out.json").videos) == 3


@pytest.mark.parametrize("name", ["Dog", "giant_panda", "Giant-Panda", "dog ", "hot dog", "DOGS", "giantpanda"])
def test_the_preview_knows_what_the_export_does(project, tmp_path, name):
    dog = project.document.track(1, 2).category_id
    project.session.do(RenameCategory(dog, name))
    (mapping,) = [
        m for m in class_mappings(project.document.categories(), {dog: 2}, "ytvis2021") if m.category.category_id == dog
    ]
    options = ExportOptions(tmp_path / "out.json", label_set="ytvis2021")
    if mapping.target is None:
        with pytest.raises(OutputError):
            list(export_dataset(project.document, options))
        return
    list(export_dataset(project.document, options))
    written = json.loads(Path(tmp_path / "out.json").read_text())
    assert [a["category_id"] for a in written["annotations"]].count(mapping.target.category_id) == 2


def test_own_classes_map_to_themselves():
    (mapping,) = class_mappings([Category(7, "otter"), Category(8, "eel")], {7: 2}, OWN_CLASSES)
    assert (mapping.target, mapping.track_count) == (Category(7, "otter"), 2)


def test_only_confirmed_frames_are_written_and_cut_into_clips_when_so_chosen(driver, tmp_path):
    driver.choose("exportPolicy", "Only videos")
    assert "Nothing of these videos is confirmed like that" in driver.status
    assert not driver.button("exportStart").isEnabled()
    driver.close()


def test_confirmed_ranges_become_clips(project, open_export, tmp_path):
    project.session.do(Confirm(1, None, FrameRange(2, 8)))
    project.session.do(Confirm(1, None, FrameRange(31, 33)))
    driver = open_export(project)
    assert driver.status == "Writes 3 tracks of 1 video."
    driver.choose("exportPolicy", "Only confirmed frames")
    assert driver.status == "Writes 4 tracks of 2 videos cut from 1."
    driver.dialog.findChild(QCheckBox, "exportFrames").click()
    driver.dialog.findChild(QCheckBox, "exportLinks").click()
    driver.export()
    dataset = read_dataset(tmp_path / "out.json")
    assert [v.length for v in dataset.videos] == [7, 3]
    images = [tmp_path / "JPEGImages" / name for video in dataset.videos for name in video.file_names]
    assert [image.resolve().name for image in images] == [f"{i:05d}.png" for i in (*range(2, 9), *range(31, 34))]


def test_other_formats_are_written_and_say_what_they_cannot_carry(driver, tmp_path):
    driver.choose("exportFormat", "MOTS text")
    assert driver.dialog.findChild(QLineEdit, "exportTarget").text() == str(tmp_path / "out")
    driver.dialog.findChild(QCheckBox, "exportFrames").click()
    driver.export()
    assert len(list((tmp_path / "out" / "images").rglob("*.jpg"))) == 40
    assert "MOTS has no names of classes, only numbers" in driver.status
    (written,) = (tmp_path / "out").rglob("*.txt")
    assert len(written.read_text().splitlines()) == sum(s.frame_count for s in driver.project.document.tracks(1))


def test_a_format_of_folders_never_replaces_one(driver, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    driver.choose("exportFormat", "DAVIS")
    assert "there is something there already; name a new folder" in driver.status
    assert not driver.button("exportStart").isEnabled()


def test_cvat_takes_a_file_for_one_video_and_a_folder_for_several(make_project, open_export, tmp_path):
    driver = open_export(make_project(video_count=2))
    driver.choose("exportFormat", "CVAT")
    line = driver.dialog.findChild(QLineEdit, "exportTarget")
    assert line.text() == str(tmp_path / "out")
    line.setText(str(tmp_path / "out.xml"))
    assert "has a file for every video: name a folder, without .xml" in driver.status


def test_videos_are_split_when_there_are_several(make_project, open_export, tmp_path):
    assert not open_export(make_project()).dialog.findChild(QSpinBox, "exportShare").isVisible()
    driver = open_export(make_project(video_count=4))
    share = driver.dialog.findChild(QSpinBox, "exportShare")
    share.setValue(5)
    assert driver.status == "4 videos cannot be split like that; choose a share nearer to a half"
    assert not driver.button("exportStart").isEnabled()
    share.setValue(25)
    assert driver.status == "Writes 3 tracks of 4 videos to out-train.json and out-val.json."
    driver.export()
    assert str(tmp_path / "out-val.json") in driver.status
    assert [len(read_dataset(tmp_path / f"out-{part}.json").videos) for part in ("train", "val")] == [3, 1]
