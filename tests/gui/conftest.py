"""The real window, offscreen, on a real short video, with settings and projects in a temporary folder."""

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QSettings
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication

from app.document.adopt import begin_run
from visolo.categories import load_label_set
from visolo.results import FrameResult, InstanceResult
from visolo.rle import encode

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Networks of this size are done before a second thread has started; on a busy computer waiting for it takes seconds.
os.environ.setdefault("OMP_NUM_THREADS", "1")

WIDTH, HEIGHT, FRAMES, RATE = 96, 64, 40, 25
# Frame k of the clip is this much brighter than frame k - 1, so that a picture says which frame it is.
STEP = 6


def pytest_collection_modifyitems(items) -> None:
    """Qt without a screen says of some calls that it cannot do them; that is no defect of ours."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch) -> Path:
    """Settings, projects and the log of a test lie in a folder of its own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(home / "config"))
    return home


def write_clip(path: Path, frames: int = FRAMES, size: tuple[int, int] = (WIDTH, HEIGHT), aspect: str = "1") -> Path:
    """A video whose frame k is grey of value 10 + k * STEP, with a bright square that moves right."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "4", "g": "12", "bf": "2"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)
        for index in range(frames):
            pixels = np.full((size[1], size[0], 3), (10 + index * STEP) % 256, dtype=np.uint8)
            left = 4 + index * 2 % size[0]
            pixels[2:18, left : left + 16] = (250, 240, 60)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Path]:
    """`write_clip`, for tests that need another clip."""
    return write_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """A short video that says in its grey value which frame is shown."""
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory) -> Path:
    """A real network of the smallest shape with random weights; it sees something in every frame."""
    import torch

    from visolo.config import ModelConfig
    from visolo.model.checkpoint import save_weights
    from visolo.model.visolo import build_model

    torch.manual_seed(5)
    config = ModelConfig(
        backbone="resnet18",
        bottleneck_width=64,
        num_classes=20,
        label_set="lite",
        grid=(4, 6),
        width=16,
        embedding=8,
        norm_groups=4,
        input_size=(64, 96),
    )
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(build_model(config).eval(), path)
    return path


@pytest.fixture
def open_window(qtbot, qapp: QApplication) -> Iterator[Callable[..., object]]:
    """Opens main windows: `open_window(path)`; waits until the first frame is painted, closes all at the end."""
    from app.main_window import MainWindow
    from app.settings import Settings
    from app.theme import apply_theme

    if not qapp.styleSheet():
        apply_theme(qapp, "dark")
    windows: list[MainWindow] = []

    def make(path: Path | None = None) -> MainWindow:
        window = MainWindow(Settings())
        windows.append(window)
        window.resize(1280, 800)
        window.show()
        qtbot.waitExposed(window)
        if path is not None:
            window.open_paths([path])
            qtbot.waitUntil(lambda: window.workspace.canvas.shown_frame >= 0, timeout=20_000)
        return window

    yield make
    for window in windows:
        window.workspace.commands.training.closes_unasked = True
        window.close()
        window.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def window(open_window, clip):
    """The main window with the clip open."""
    return open_window(clip)


def square(left: int, top: int, size: int = 16, shape: tuple[int, int] = (HEIGHT, WIDTH)):
    """RLE of a square."""
    mask = np.zeros(shape, dtype=np.bool_)
    mask[top : top + size, left : left + size] = True
    return encode(mask)


def results(frame_index: int) -> FrameResult:
    """Three squares side by side, 1 person, 2 dog, 3 dog; the third leaves after frame 29."""
    labels = load_label_set("ytvis2021")
    classes = [next(i for i, c in enumerate(labels.categories) if c.name == name) for name in ("person", "dog", "dog")]
    found = []
    for track, category_index in enumerate(classes if frame_index < 30 else classes[:2]):
        scores = np.full(len(labels.categories), 0.01, dtype=np.float32)
        scores[category_index] = 0.9
        vector = np.zeros(8, dtype=np.float16)
        mask = square(6 + 30 * track, 20)
        found.append(InstanceResult(track, category_index, 0.8, mask, track, scores, vector, vector))
    return FrameResult(frame_index, tuple(found))


@pytest.fixture
def frame_results() -> list[FrameResult]:
    """What a model finds in the clip; see `results`."""
    return [results(index) for index in range(FRAMES)]


@pytest.fixture
def tracked(window):
    """The main window with the clip open and three tracks in it."""
    session = window.session
    writer = begin_run(session.history, session.video.video_id, {"model": "test"}, load_label_set("ytvis2021"), 0)
    change = writer.add([results(index) for index in range(FRAMES)])
    writer.finish("done")
    session.results_landed(change)
    return window


@pytest.fixture
def press(qtbot) -> Callable[..., None]:
    """Types keys into a window as a person does: `press(window, "Ctrl+T")`."""

    def press_keys(window, *keys: str) -> None:
        QApplication.processEvents()
        for key in keys:
            combination = QKeySequence(key)[0]
            target = QApplication.focusWidget() or window
            qtbot.keyClick(target, combination.key(), combination.keyboardModifiers())
            QApplication.processEvents()

    return press_keys
