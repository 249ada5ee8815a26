"""The real window on a real X server: it opens, takes keys of the keyboard and of the mouse, and survives OpenCV."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from switched_clip import plant_switch

from app.document.document import Document
from app.document.edits import AddVideo
from app.document.history import History
from app.document.records import Video
from visolo.io.frames import open_frames

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "resources" / "samples" / "bikes.mp4"

pytestmark = [
    pytest.mark.xvfb,
    pytest.mark.skipif(shutil.which("Xvfb") is None, reason="no Xvfb on this machine"),
]

# What a person does, with events that go the whole way through Qt's X plugin; prints what came of it.
_DRIVER = """
import cv2  # before Qt: its wheel points Qt's plugin path at its own Qt 5
import sys
from pathlib import Path
from app.application import forget_opencv_plugins, open_window, parse_arguments
forget_opencv_plugins()
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
app = QApplication(["review"])
assert app.platformName() == "xcb", app.platformName()
window = open_window(app, parse_arguments(sys.argv[1:2]))
canvas, session = window.workspace.canvas, window.session
QTest.qWaitForWindowActive(window, 5000)
for _ in range(400):
    if canvas.shown_frame >= 0:
        break
    QTest.qWait(50)
QTest.keyClick(window, Qt.Key.Key_Right)
QTest.keyClick(window, Qt.Key.Key_B)
point = lambda x, y: canvas.view.view.to_widget(QPointF(x, y)).toPoint()
QTest.mousePress(canvas.view, Qt.MouseButton.LeftButton, pos=point(30, 40))
QTest.mouseMove(canvas.view, point(60, 40))
QTest.mouseRelease(canvas.view, Qt.MouseButton.LeftButton, pos=point(60, 40))
QTest.keyClick(canvas.view, Qt.Key.Key_Escape)
QTest.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=point(90, 60))
QTest.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=point(45, 40))
for _ in range(100):
    if canvas.shown_frame == 1:
        break
    QTest.qWait(50)
print("RESULT", canvas.shown_frame, sorted(session.selection), session.history.undo_text)
picture = window.grab().toImage()
center = canvas.view.mapTo(window, point(5, 60))
print("PIXEL", picture.pixelColor(center).red())
window.close()
"""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A virtual X server of this module's own."""
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        number = os.read(read_end, 16).decode().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        os.close(read_end)
        server.terminate()
        server.wait(20)


@pytest.fixture
def environment(display, own_home) -> dict[str, str]:
    """Variables of a program on that server with a home of its own."""
    kept = {k: v for k, v in os.environ.items() if k not in {"QT_QPA_PLATFORM", "WAYLAND_DISPLAY"}}
    own = {"XDG_DATA_HOME": str(own_home / "data"), "XDG_CONFIG_HOME": str(own_home / "config")}
    return kept | own | {"DISPLAY": display, "PYTHONPATH": str(ROOT)}


def test_keys_and_mouse_work_on_a_real_screen_after_opencv(environment, clip):
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, str(clip)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "RESULT 1 [1] Draw new track 1 on frame 1" in done.stdout, done.stdout + done.stderr
    # Frame 1 of the clip is of grey value 16.
    (pixel,) = [line for line in done.stdout.splitlines() if line.startswith("PIXEL")]
    assert int(pixel.split()[1]) == pytest.approx(16, abs=3)


@pytest.fixture
def switched_project(tmp_path) -> Path:
    """A project of the sample video in which the model took two objects for each other."""
    project = tmp_path / "switched.visolo"
    with Document.create(project) as document, open_frames(SAMPLE) as frames:
        history = History(document)
        height, width = frames.size
        history.do(AddVideo(Video(1, "bikes", str(SAMPLE), len(frames), height, width, frames.frame_rate)))
        plant_switch(history, frames.size)
    return project


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (
            "keyboard",
            ["MENDED 2 Swap 1 and 2 from frame 20 on", "ASSIGNED Assign 3 to 4 everywhere",
             "CONFIRMED on frames 0-249"],
        ),
        (
            "mouse",
            ["MENDED 3 Swap 1 and 2 from frame 20 on", "ACCEPTED 2 Swap 1 and 2 from frame 20 on",
             "CONFIRMED on frames 4-30"],
        ),
    ],
)  # fmt: skip
@pytest.mark.skipif(shutil.which("xdotool") is None, reason="no xdotool on this machine")
def test_a_switch_is_mended_with_real_keys_alone_or_the_mouse_alone(environment, switched_project, session, expected):
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("screen_sessions.py")), session, str(switched_project)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == expected


def test_the_program_itself_opens_a_window_there(environment, clip, own_home):
    process = subprocess.Popen([sys.executable, str(ROOT / "main.py"), str(clip)], env=environment, cwd=ROOT)
    try:
        deadline = time.monotonic() + 90
        while not list((own_home / "data").rglob("clip-*.visolo")) and time.monotonic() < deadline:
            assert process.poll() is None, "the program ended by itself"
            time.sleep(0.1)
        assert list((own_home / "data").rglob("clip-*.visolo"))
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
