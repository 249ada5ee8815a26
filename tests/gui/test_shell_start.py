"""How the program starts and ends: arguments, no display, OpenCV's variables, what is imported, signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.application import forget_opencv_plugins, parse_arguments

ROOT = Path(__file__).parents[2]
MAIN = str(ROOT / "main.py")

# Shows the window with a project open, then says which heavy modules are loaded and what the start has cost.
_START = """
import sys, time
from app.application import open_window, parse_arguments
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
app = QApplication([])
window = open_window(app, parse_arguments(sys.argv[1:]))
window.workspace.player.playing_changed.connect(print)
at_once = sorted({"torch", "cv2", "scipy", "matplotlib"} & sys.modules.keys())
deadline = time.monotonic() + 60
while window.workspace.canvas.shown_frame < 0 and time.monotonic() < deadline:
    app.processEvents()
later = sorted({"torch"} & sys.modules.keys())
print("RESULT", at_once, later, window.workspace.canvas.shown_frame >= 0)
window.close()
"""


def _environment(home: Path, **changes: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}}
    own = {"XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config"), "PYTHONPATH": str(ROOT)}
    return kept | own | changes


def _run(arguments: list[str], home: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=_environment(home, **changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only X and Wayland can be missing")
def test_without_a_display_one_sentence_says_what_to_run(own_home):
    done = _run([MAIN, "clip.mp4"], own_home)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no display" in done.stderr
    assert "python -m visolo track" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only X can be dead")
def test_a_display_that_does_not_answer_is_no_display(own_home):
    done = _run([MAIN], own_home, DISPLAY=":4711")
    assert done.returncode == 2
    assert ":4711 does not answer" in done.stderr


def test_help_needs_no_display(own_home):
    done = _run([MAIN, "--help"], own_home)
    assert done.returncode == 0
    assert "RESULTS.json" in done.stdout


def test_an_unknown_device_is_refused(own_home):
    done = _run([MAIN, "--device", "gpu"], own_home)
    assert done.returncode == 2
    assert "invalid choice: 'gpu'" in done.stderr


def test_options_are_read():
    options = parse_arguments(["a.mp4", "b.mp4", "--weights", "w.pth", "--device", "cpu"])
    assert options.paths == [Path("a.mp4"), Path("b.mp4")]
    assert options.weights == Path("w.pth")
    assert options.device == "cpu"


def test_the_plugins_of_opencv_are_forgotten_and_others_kept(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", "/usr/lib/python3/site-packages/cv2/qt/plugins")
    monkeypatch.setenv("QT_QPA_FONTDIR", "/opt/fonts")
    forget_opencv_plugins()
    assert "QT_QPA_PLATFORM_PLUGIN_PATH" not in os.environ
    assert os.environ["QT_QPA_FONTDIR"] == "/opt/fonts"


def test_a_project_is_on_the_screen_without_what_takes_long_to_load(own_home, clip, open_window):
    window = open_window(clip)
    project = window.session.document.path
    window.close()
    done = _run(["-c", _START, str(project)], own_home, QT_QPA_PLATFORM="offscreen")
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    assert line == "RESULT [] [] True", done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_window_and_the_project(own_home, clip, number):
    process = subprocess.Popen(
        [sys.executable, MAIN, str(clip)], env=_environment(own_home, QT_QPA_PLATFORM="offscreen"), cwd=ROOT
    )
    try:
        projects = own_home / "data"
        deadline = time.monotonic() + 60
        while not list(projects.rglob("*.visolo-wal")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert [path.suffix for path in projects.rglob("clip-*") if path.suffix != ".lock"] == [".visolo"]
