"""How responsive the window is: start, frame steps, and the event loop while the model runs.

    python tests/bench/window.py VIDEO [--weights W] [--seconds 20]

Uses the display when there is one, else draws offscreen; settings and projects go to a temporary folder.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
_TICK_MS = 10
_STEPS = 100


def _gaps(values: list[float]) -> str:
    p50, p99, worst = np.percentile(values, [50, 99, 100]) * 1e3
    return f"p50 {p50:.1f}  p99 {p99:.1f}  worst {worst:.1f} ms  ({len(values)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
        measure(options)


def _wait(milliseconds: int) -> None:
    """Let the window live; unlike QTest.qWait, this lets other threads have the interpreter meanwhile."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def measure(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    from app.application import open_window, parse_arguments

    arguments = [str(options.video)] + (["--weights", str(options.weights)] if options.weights else [])
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    app = QApplication(sys.argv[:1])
    window = open_window(app, parse_arguments(arguments))
    app.processEvents()
    print(f"window shown after {time.perf_counter() - started:.2f} s")
    canvas, session = window.workspace.canvas, window.session
    while canvas.shown_frame < 0:
        _wait(5)
    print(f"first frame after {time.perf_counter() - started:.2f} s")
    _wait(1500)

    steps = []
    for frame_index in range(1, min(_STEPS, session.video.frame_count)):
        before = time.perf_counter()
        session.show_frame(frame_index)
        while canvas.shown_frame != frame_index:
            app.processEvents()
        canvas.view.repaint()
        steps.append(time.perf_counter() - before)
    print("next frame   ", _gaps(steps))

    ticks: list[float] = []
    last = [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        ticks.append(now - last[0])
        last[0] = now

    timer = QTimer(interval=_TICK_MS)
    timer.timeout.connect(tick)
    timer.start()
    window.workspace.actions.run("run.toggle")
    asked = time.perf_counter()
    while session.run.state == "loading":
        _wait(20)
    print(f"model loaded after {time.perf_counter() - asked:.2f} s; loop", _gaps(ticks))
    ticks.clear()
    begun, rate = time.perf_counter(), 0.0
    while session.run.state == "running" and time.perf_counter() - begun < options.seconds:
        session.show_frame(max(0, session.run.head - 2))
        rate = session.run.frames_per_second or rate
        _wait(40)
    print(f"running      {_gaps(ticks)}, {rate:.1f} frames/s")
    window.close()


if __name__ == "__main__":
    main()
