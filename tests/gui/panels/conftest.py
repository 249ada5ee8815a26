"""A small project with real frames and the results of a run, open in a session."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddVideo
from app.document.history import History
from app.document.records import Video
from app.session import RunStatus, Session
from app.theme import apply_theme
from visolo import rle
from visolo.categories import load_label_set
from visolo.results import FrameResult, InstanceResult
from visolo.rle import Rle

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

HEIGHT, WIDTH, FRAMES = 36, 64, 40
LABELS = load_label_set("ytvis2021")
DOG, PERSON = (next(i for i, c in enumerate(LABELS.categories) if c.name == name) for name in ("dog", "person"))
# Class index and frames (first, end) of the tracks that the run finds: tracks 1, 2, 3.
TRACKS = ((PERSON, 0, 40), (DOG, 5, 30), (DOG, 30, 40))


def pytest_collection_modifyitems(items) -> None:
    """Qt without a screen cannot do some calls and says so; pycocotools lags behind numpy. Neither is our defect."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))


@dataclass
class Project:
    """An open project and where its frames are."""

    document: Document
    history: History
    session: Session
    frames: Path


def mask_at(left: int, top: int, size: int = 8) -> Rle:
    """A square."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    mask[top : top + size, left : left + size] = True
    return rle.encode(mask)


def instance(track: int, category_index: int, frame_index: int, score: float = 0.8) -> InstanceResult:
    """A detection; in frames 10 to 13 the class scores favour the wrong class."""
    scores = np.full(len(LABELS.categories), 0.01, dtype=np.float32)
    scores[PERSON if category_index == DOG and 10 <= frame_index <= 13 else category_index] = 0.9
    empty = np.zeros(4, dtype=np.float16)
    mask = mask_at(2 + 18 * track, 4 + frame_index // 4)
    return InstanceResult(track, category_index, score, mask, track, scores, empty, empty)


def frame_result(frame_index: int) -> FrameResult:
    """What the model finds in a frame."""
    present = [(k, c) for k, (c, first, end) in enumerate(TRACKS) if first <= frame_index < end]
    return FrameResult(frame_index, tuple(instance(k, c, frame_index) for k, c in present))


def write_frames(folder: Path, count: int = FRAMES) -> Path:
    """A folder of images that differ from each other."""
    folder.mkdir()
    for index in range(count):
        pixels = np.full((HEIGHT, WIDTH, 3), (index * 5, 120, 200), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:05d}.png")
    return folder


@pytest.fixture(scope="session", autouse=True)
def dark_theme(qapp: QApplication) -> None:
    """The app's fonts and colours."""
    apply_theme(qapp, "dark")


@pytest.fixture
def make_project(tmp_path) -> Iterator[Callable[..., Project]]:
    """Makes a project: `make_project(video_count=1, run_to=40)`; 0 frames run is an untouched video."""
    opened: list[Document] = []

    def make(video_count: int = 1, run_to: int = FRAMES) -> Project:
        document = Document.create(tmp_path / f"project{len(opened)}.visolo")
        opened.append(document)
        history = History(document)
        folders = [write_frames(tmp_path / f"clip{len(opened)}_{k + 1}") for k in range(video_count)]
        for number, folder in enumerate(folders, 1):
            history.do(AddVideo(Video(number, folder.name, str(folder), FRAMES, HEIGHT, WIDTH, 10.0)))
        if run_to:
            run = begin_run(history, 1, {"model": "test"}, LABELS, 0)
            run.add([frame_result(index) for index in range(run_to)])
            run.finish("done" if run_to == FRAMES else "stopped")
        session = Session()
        session.open_document(document, history)
        return Project(document, history, session, folders[0] if folders else tmp_path)

    yield make
    for document in opened:
        document.close()


class LandingRun:
    """A run whose frames land one by one, as from a model."""

    def __init__(self, project: Project) -> None:
        self._session = project.session
        self._writer = begin_run(project.history, 1, {"model": "test"}, LABELS, 0)
        self._session.set_run(RunStatus("running", 1, 0, 0, FRAMES))

    def land(self, frame_index: int) -> None:
        self._session.results_landed(self._writer.add([frame_result(frame_index)]))
        self._session.set_run(RunStatus("running", 1, frame_index + 1, 0, FRAMES))

    def finish(self) -> None:
        self._writer.finish("stopped")
        self._session.set_run(RunStatus())


@pytest.fixture
def landing_run() -> type[LandingRun]:
    """Begins a run: `landing_run(project)`."""
    return LandingRun


@pytest.fixture
def project(make_project) -> Project:
    """One video, three tracks: person 1, dog 2 that becomes dog 3 at frame 30."""
    return make_project()
