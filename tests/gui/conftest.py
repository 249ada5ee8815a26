"""The real window, offscreen, on a real short video, with settings and projects in a temporary folder."""

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

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
            pixels = np.full((size[1], size[0], 3), 10 + index * STEP, dtype=np.uint8)
            left = 4 + index * 2
            pixels[20:36, left : left + 16] = (250, 240, 60)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


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
        window.close()
        window.deleteLater()
    qapp.processEvents()


@pytest.fixture
def window(open_window, clip):
    """The main window with the clip open."""
    return open_window(clip)


@pytest.fixture
def tracked(window):
    """The main window with the clip open and three tracks in its frames, two of them to frame 29 only."""
    from tests_gui_tracks import add_tracks

    add_tracks(window.session)
    return window
