"""The import dialog: datasets and results come in as one edit."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QListWidget, QPushButton

from app.dialogs.import_ import ImportDialog
from app.dialogs.import_form import ResultsForm
from app.document.exchange import ExportOptions, export_dataset
from visolo.formats.catalogue import write_any
from visolo.io.ytvis import read_dataset


class Driver:
    """The dialog as a user sees it."""

    def __init__(self, session, qtbot, path):
        self._qtbot = qtbot
        self.dialog = ImportDialog(session, path)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(self.dialog)
        self.dialog.open()
        self.wait()

    def wait(self):
        self._qtbot.waitUntil(lambda: not self.status.startswith("Reading"))

    @property
    def status(self) -> str:
        return self.dialog.findChild(QLabel, "importStatus").text()

    @property
    def start(self) -> QPushButton:
        return self.dialog.findChild(QPushButton, "importStart")

    def do(self):
        self._qtbot.mouseClick(self.start, Qt.MouseButton.LeftButton)


@pytest.fixture
def open_import(qtbot):
    """Opens the dialog: `open_import(session, path)`; closed at the end, which waits for its thread."""
    drivers = []

    def make(session, path) -> Driver:
        drivers.append(Driver(session, qtbot, path))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.dialog.close()


@pytest.fixture
def dataset(make_project, tmp_path):
    """A dataset of two videos with frames, the first with three tracks."""
    project = make_project(video_count=2)
    path = tmp_path / "data" / "train.json"
    path.parent.mkdir()
    list(export_dataset(project.document, ExportOptions(path, with_frames=True)))
    return path


@pytest.fixture
def results(tmp_path, project):
    """A model's results on the project's video: person 0.9, dog 0.2."""
    ids = {c.name: c.category_id for c in project.document.categories()}
    entries = []
    for name, score, track_id in (("person", 0.9, 1), ("dog", 0.2, 2)):
        rle = project.document.instance(1, track_id, 20).rle
        masks = [None] * 20 + [{"size": list(rle.size), "counts": rle.counts}] * 20
        entries.append({"video_id": 77, "category_id": ids[name], "score": score, "segmentations": masks})
    path = tmp_path / "results.json"
    path.write_text(json.dumps(entries))
    return path


def test_a_dataset_brings_its_videos_and_tracks(make_project, dataset, open_import):
    project = make_project(video_count=0, run_to=0)
    driver = open_import(project.session, dataset)
    assert driver.status.startswith("Adds 2 videos, 3 tracks with 75 masks.")
    driver.do()
    document = project.document
    assert [v.frame_count for v in document.videos()] == [40, 40]
    assert [s.frame_count for s in document.tracks(1)] == [40, 25, 10]
    assert project.session.video.video_id == 1
    assert not driver.dialog.isVisible()
    project.session.undo()
    assert document.videos() == []


def test_videos_can_be_left_out(make_project, dataset, open_import):
    project = make_project(video_count=0, run_to=0)
    driver = open_import(project.session, dataset)
    videos = driver.dialog.findChild(QListWidget, "importVideos")
    assert "3 tracks" in videos.item(0).text()
    videos.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert driver.status.startswith("Adds 1 video, 0 tracks")
    driver.do()
    assert [v.video_id for v in project.document.videos()] == [2]


def test_videos_can_come_without_tracks(make_project, dataset, open_import):
    project = make_project(video_count=0, run_to=0)
    driver = open_import(project.session, dataset)
    driver.dialog.findChild(QCheckBox, "importTracks").click()
    assert "3 tracks left out" in driver.status
    driver.do()
    assert len(project.document.videos()) == 2
    assert project.document.tracks(1) == []


def test_results_become_tracks_of_the_video(project, results, open_import):
    driver = open_import(project.session, results)
    assert driver.status.startswith("Adds 2 tracks with 40 masks")
    driver.do()
    assert [s.track.track_id for s in project.document.tracks(1)] == [1, 2, 3, 4, 5]
    assert project.document.lane(1, 4).frame_indices.tolist() == list(range(20, 40))
    assert project.history.undo_text == "Import results.json: 2 tracks"
    project.session.undo()
    assert len(project.document.tracks(1)) == 3


def test_weak_results_can_be_left_out(project, results, open_import):
    driver = open_import(project.session, results)
    driver.dialog.findChild(QDoubleSpinBox, "importLeastScore").setValue(0.5)
    assert driver.status.startswith("Adds 1 track with 20 masks. 1 track left out.")
    driver.do()
    assert len(project.document.tracks(1)) == 4


def test_results_of_a_dataset_need_its_file(project, results, dataset, open_import):
    entries = json.loads(results.read_text())
    for entry in entries:
        entry["video_id"] = 1
    results.write_text(json.dumps(entries))
    driver = open_import(project.session, results)
    about = driver.dialog.findChild(QComboBox, "importAbout")
    about.setCurrentIndex(about.findData("dataset"))
    assert "Choose the dataset file" in driver.status
    assert not driver.start.isEnabled()
    driver.dialog.findChild(ResultsForm).set_dataset(dataset)
    driver.wait()
    assert driver.status.startswith("Adds 2 videos, 2 tracks")


def link_images(images, target, form):
    """Put the images where the format has them."""
    if form == "labelme":
        for image in images.glob("*/*"):
            (target / image.parent.name / image.name).symlink_to(image)
    else:
        (target / ("JPEGImages" if form == "davis" else "images")).symlink_to(images)


@pytest.mark.parametrize("form", ["coco", "davis", "mots-png", "cvat", "labelme"])
def test_other_formats_bring_the_same_tracks(make_project, dataset, open_import, tmp_path, form):
    """What is written as another format comes in like the dataset itself, and what was left behind is said."""
    target = dataset.parent / "coco.json" if form == "coco" else tmp_path / "other"
    write_any(target, read_dataset(dataset), form)
    if form != "coco":
        link_images(dataset.parent / "JPEGImages", target, form)
    project = make_project(video_count=0, run_to=0)
    driver = open_import(project.session, target)
    assert driver.status.startswith("Adds 2 videos, 3 tracks with 75 masks."), driver.status
    assert ("MOTS names its classes by numbers only" in driver.status) == (form == "mots-png")
    driver.do()
    document = project.document
    lengths = sorted(s.frame_count for v in document.videos() for s in document.tracks(v.video_id))
    assert lengths == [10, 25, 40]
    assert all((document.path.parent / v.source).is_dir() for v in document.videos())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("hello", "is not JSON"),
        ("{}", "videos"),
        ('[{"video_id": 1}]', "category_id"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(project, tmp_path, open_import, content, sentence):
    path = tmp_path / "bad.json"
    path.write_text(content)
    driver = open_import(project.session, path)
    assert sentence in driver.status
    assert not driver.start.isEnabled()


def test_a_missing_file_is_said(project, tmp_path, open_import):
    driver = open_import(project.session, tmp_path / "gone.json")
    assert "cannot be read" in driver.status


def test_results_of_another_size_are_refused(project, results, open_import):
    entries = json.loads(results.read_text())
    for entry in entries:
        entry["segmentations"] = entry["segmentations"][:30]
    results.write_text(json.dumps(entries))
    driver = open_import(project.session, results)
    assert "30 masks" in driver.status
    assert not driver.start.isEnabled()
