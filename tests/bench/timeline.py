"""How long a paint of the timeline takes with 200 tracks over 10,000 frames: scrolling, zooming, playing.

    QT_QPA_PLATFORM=offscreen python tests/bench/timeline.py [--tracks 200] [--frames 10000] [--notes 1000] [--json]

Every step is a real scroll, zoom or frame change, painted at once. A figure is the time from the change to the finished
paint; `load` is the time until all lanes in view have been read from the project.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.document.document import Document
from app.document.edits import AddCategory, AddNote, AddVideo, EditGroup, ResolveNote
from app.document.exchange import ImportedTrack, ImportTracks
from app.document.history import History
from app.document.notes import notes_of
from app.document.records import Video
from app.panels.timeline import Timeline
from app.session import Session
from app.theme import apply_theme
from visolo import rle

_WIDTH, _HEIGHT = 1680, 420
_STEPS = 240


def build_project(path: Path, track_count: int, frame_count: int, note_count: int) -> Document:
    """A project whose tracks come, go and have gaps, about a tenth of them in any frame; every other note is open."""
    generator = np.random.default_rng(0)
    document = Document.create(path)
    history = History(document)
    history.do(AddCategory(1, "person"))
    history.do(AddVideo(Video(1, "long", "long.mp4", frame_count, 36, 64, 25.0)))
    mask = np.zeros((36, 64), dtype=np.bool_)
    mask[10:20, 10:30] = True
    shape = rle.encode(mask)
    tracks = []
    for _ in range(track_count):
        present = np.zeros(frame_count, dtype=np.bool_)
        for begin in generator.integers(0, frame_count, 4):
            present[begin : begin + generator.integers(10, max(11, frame_count // 20))] = True
        present &= generator.random(frame_count) > 0.05
        segmentations = tuple(shape if p else None for p in present.tolist())
        tracks.append(ImportedTrack(1, 1, float(generator.random()), segmentations))
    history.do(ImportTracks("bench", (), (), tuple(tracks)))
    noted = generator.integers(0, frame_count, note_count).tolist()
    history.do(EditGroup(1, "notes", tuple(AddNote(1, frame, f"note {i}") for i, frame in enumerate(noted))))
    resolved = [ResolveNote(1, note.note_id) for note in notes_of(document, 1)[::2]]
    history.do(EditGroup(1, "half of them", tuple(resolved)))
    return document


def measure(timeline: Timeline, step: Callable[[int], None]) -> dict[str, float]:
    """Milliseconds from a change to its finished paint over many steps; CPU time too, for machines that are busy."""
    times, cpu_started = [], process_time()
    for index in range(_STEPS):
        started = perf_counter()
        step(index)
        timeline.viewport().repaint()
        times.append((perf_counter() - started) * 1000)
    p50, p95 = np.percentile(times, [50, 95]).tolist()
    cpu = (process_time() - cpu_started) / _STEPS * 1000
    return {"p50_ms": round(p50, 2), "p95_ms": round(p95, 2), "cpu_ms": round(cpu, 2)}


def main() -> None:
    """Build the project, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--notes", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    app = QApplication([])
    apply_theme(app, "dark")
    with tempfile.TemporaryDirectory() as folder:
        document = build_project(Path(folder) / "bench.visolo", arguments.tracks, arguments.frames, arguments.notes)
        figures = run(app, document, arguments.frames)
        document.close()
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:16} {figure}")


def run(app: QApplication, document: Document, frame_count: int) -> dict[str, dict[str, float]]:
    """All measurements on one project."""
    session = Session()
    session.open_document(document, History(document))
    timeline = Timeline(session)
    timeline.resize(_WIDTH, _HEIGHT)
    timeline.show()
    figures = {"load": {"ms": _load(app, timeline)}}
    down, across = timeline.verticalScrollBar(), timeline.horizontalScrollBar()
    first_pass = measure(timeline, lambda i: (down.setValue(down.maximum() * i // _STEPS), app.processEvents()))
    figures["scroll lanes, first time"] = first_pass
    _load(app, timeline)
    figures["scroll lanes"] = measure(timeline, lambda i: down.setValue(down.maximum() * (_STEPS - i) // _STEPS))
    figures["zoom"] = measure(timeline, lambda i: timeline.zoom(1.04 if i < _STEPS // 2 else 1 / 1.04))
    timeline.zoom(12)
    figures["scroll frames"] = measure(timeline, lambda i: across.setValue(across.maximum() * i // _STEPS))
    session.select({1, 2})
    figures["play"] = measure(timeline, lambda i: session.show_frame(frame_count // 2 + i))
    timeline.fit()
    figures["play, whole"] = measure(timeline, lambda i: session.show_frame(frame_count // 2 + i))
    return figures


def _load(app: QApplication, timeline: Timeline) -> float:
    started = perf_counter()
    quiet = 0
    while quiet < 3:
        quiet = 0 if timeline.is_loading else quiet + 1
        app.processEvents()
    return round((perf_counter() - started) * 1000, 1)


if __name__ == "__main__":
    main()
