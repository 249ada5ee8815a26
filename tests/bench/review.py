"""What a reviewer waits for in a large project: python tests/bench/review.py [--frames 10000] [--objects 20] [--json].

Panels are the window's own, without decoding a video: an edit, undo, a step and a jump to the next suspicion end when
timeline and list are painted. `list` is how long the search behind the window takes, first and after an edit;
`event loop` is the longest that the window stood still meanwhile.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from document import build

from app.application import collect_garbage_less_often
from app.document.document import Document
from app.document.edits import SwapTracks
from app.document.history import History
from app.document.records import FrameRange
from app.panels.review_list import ReviewList
from app.panels.timeline import Timeline
from app.review import ReviewFilter
from app.session import Session
from app.theme import apply_theme
from app.workers.suspicions import SuspicionSearch

_STEPS = 30
_TICK_MS = 5
_PEERS = {
    "edit, p50": "SLEAP 300 (a swap to the end), X-AnyLabeling 10,760 for half of the frames after a dialog of 2,070",
    "edit, p95": "target 200",
    "undo, p50": "none of the three takes such an edit back",
    "frame step, p50": "SLEAP 40, labelme 34 to 42, X-AnyLabeling 57 to 66",
    "frame step, p95": "SLEAP 85, labelme 49 to 70, X-AnyLabeling 70 to 94 (all with the picture, ours without)",
    "list, first": "SLEAP 1,600 (velocity only)",
    "list, after an edit, p50": "SLEAP 1,600 (velocity only, on demand)",
}


def _until(condition: Callable[[], bool]) -> float:
    """Let the window live until then; the longest gap between ticks of its event loop, in milliseconds."""
    loop, last, worst = QEventLoop(), perf_counter(), 0.0

    def tick() -> None:
        nonlocal last, worst
        now = perf_counter()
        worst, last = max(worst, now - last), now
        if condition():
            loop.quit()

    timer = QTimer(interval=_TICK_MS)
    timer.timeout.connect(tick)
    timer.start()
    loop.exec()
    return 1000 * worst


def _timed(step: Callable[[], object], shown: QWidget) -> float:
    started = perf_counter()
    step()
    shown.repaint()
    return 1000 * (perf_counter() - started)


def measure(path: Path, frames: int) -> dict[str, float]:
    """Milliseconds by what is waited for."""
    session = Session()
    search = SuspicionSearch(session)
    panel = QWidget()
    layout = QVBoxLayout(panel)
    layout.addWidget(Timeline(session))
    layout.addWidget(ReviewList(session))
    panel.resize(1600, 900)
    panel.show()
    document = Document.open(path)
    session.open_document(document, History(document))
    started = perf_counter()
    figures = {"event loop, first list": _until(lambda: session.review.is_searched and search.is_idle())}
    figures["list, first"] = 1000 * (perf_counter() - started)
    session.review.set_filter(ReviewFilter(0))
    figures["rows"] = len(session.review.found)
    times: dict[str, list[float]] = {name: [] for name in ("edit", "undo", "frame step", "N", "list, after an edit")}
    for step in range(_STEPS):
        frame = (step + 1) * frames // (_STEPS + 2)
        times["frame step"].append(_timed(lambda frame=frame: session.show_frame(frame), panel))
        times["N"].append(_timed(lambda: session.review.step(1), panel))
        swap = SwapTracks(1, 3, 8, FrameRange(frame, None))
        times["edit"].append(_timed(lambda swap=swap: session.do(swap), panel))
        times["undo"].append(_timed(session.undo, panel))
        if step % 10 == 0:
            started = perf_counter()
            figures["event loop, later list"] = _until(search.is_idle)
            times["list, after an edit"].append(1000 * (perf_counter() - started))
    search.close()
    for name, values in times.items():
        figures |= {f"{name}, p50": float(np.median(values)), f"{name}, p95": float(np.percentile(values, 95))}
    document.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    apply_theme(app, "dark")
    collect_garbage_less_often()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.visolo"
        build(path, options.frames, options.objects)
        figures = measure(path, options.frames)
    if options.json:
        print(json.dumps(figures))
        return
    print(f"{'milliseconds':28} {'ours':>9}  peers, as measured on 8,000 frames x 20 (median and p95)")
    for name, value in figures.items():
        print(f"{name:28} {value:9.1f}  {_PEERS.get(name, '')}")


if __name__ == "__main__":
    main()
