"""How quick the queue of a project with many videos is: opened, filtered, searched, put in order, scrolled.

    QT_QPA_PLATFORM=offscreen python tests/bench/video_queue.py [--videos 1000] [--frames 36] [--tracks 3] [--json]

Half of the videos have tracks, some of these are confirmed, rejected or wait to be checked. Every step is a choice in
the menu, letters in the line or a turn of the wheel, painted at once; the one that reads all states says "first".
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.document.document import Document
from app.document.edits import AddCategory, Confirm, RejectVideo
from app.document.history import History
from app.document.import_tracks import ImportedTrack, ImportTracks
from app.document.records import FrameRange, Video
from app.panels.queue import QueuePanel
from app.panels.queue_model import QueueOrder, QueueShare
from app.session import Session
from app.theme import apply_theme
from visolo import rle

_HEIGHT, _WIDTH = 720, 240


def build_project(path: Path, video_count: int, frame_count: int, track_count: int) -> Document:
    """A project in which every second video has tracks; of these every fifth is confirmed, every seventh rejected."""
    document = Document.create(path)
    history = History(document)
    history.do(AddCategory(1, "person"))
    mask = np.zeros((36, 64), dtype=np.bool_)
    mask[10:20, 10:30] = True
    shape = rle.encode(mask)
    videos = tuple(
        Video(i, f"clip {i:04}.mp4", f"clips/{i}.mp4", frame_count, 36, 64, 25.0) for i in range(1, video_count + 1)
    )
    tracked = range(2, video_count + 1, 2)
    tracks = tuple(ImportedTrack(i, 1, 0.5, (shape,) * frame_count) for i in tracked for _ in range(track_count))
    history.do(ImportTracks("bench", videos, (), tracks))
    for video_id in tracked:
        if video_id % 5 == 0:
            history.do(Confirm(video_id, None, FrameRange(0, None if video_id % 10 else frame_count // 2)))
        if video_id % 7 == 0:
            history.do(RejectVideo(video_id, "dark"))
        document.set_view_state(
            f"suspicions/{video_id}", [["POSSIBLE_SWITCH", 0.01 * (video_id % 90)]] * (video_id % 9)
        )
    return document


def timed(step: Callable[[], object], panel: QueuePanel) -> float:
    """Milliseconds until a step is painted."""
    started = perf_counter()
    step()
    panel.repaint()
    QApplication.processEvents()
    return (perf_counter() - started) * 1e3


def measure(panel: QueuePanel, session: Session, document: Document, history: History) -> dict[str, float]:
    """Milliseconds by step."""
    found = {"open": timed(lambda: session.open_document(document, history), panel)}
    menu = {action.data(): action for action in panel.tools.findChild(type(panel.tools._button)).menu().actions()}
    for share in QueueShare:
        found[f"first: {share.value}" if share is QueueShare.NEW else share.value] = timed(menu[share].trigger, panel)
    menu[QueueShare.ALL].trigger()
    for order in QueueOrder:
        found[order.value] = timed(menu[order].trigger, panel)
    line = panel.tools._line
    found["search"] = max(
        timed(lambda text=text: line.setText(text), panel) for text in ("c", "cl", "clip 0", "clip 09")
    )
    line.clear()
    bar = panel.view.verticalScrollBar()
    places = np.linspace(0, bar.maximum(), 120).astype(int).tolist()
    steps = [timed(lambda place=place: bar.setValue(place), panel) for place in places]
    found |= {"scroll, median": float(np.median(steps)), "scroll, worst": max(steps)}
    edit = RejectVideo(1, "dark")
    found["reject one"] = timed(lambda: session.do(edit), panel)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=36)
    parser.add_argument("--tracks", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    app = QApplication(sys.argv[:1])
    apply_theme(app, "dark")
    with tempfile.TemporaryDirectory() as folder:
        document = build_project(Path(folder) / "p.visolo", options.videos, options.frames, options.tracks)
        session = Session()
        panel = QueuePanel(session)
        panel.resize(_WIDTH, _HEIGHT)
        panel.show()
        found = measure(panel, session, document, History(document))
        panel.stop()
        session.close_document()
    if options.json:
        print(json.dumps({name: round(value, 2) for name, value in found.items()}))
        return
    for name, value in found.items():
        print(f"{name:32} {value:8.1f} ms")


if __name__ == "__main__":
    main()
