"""How quick the review list is: python tests/bench/suspicions.py [--frames 10000] [--objects 20] [--json].

Objects wander through each other's ways and are switched once every thousand frames. Timed are the first list, the list
after an edit and its undo, and the list while the head of a run moves: seconds on the clock and of the CPU, medians.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.document.adopt import RunWriter, begin_run
from app.document.document import Document
from app.document.edits import AddVideo, DismissSuspicion, SetMask, SwapTracks
from app.document.history import History
from app.document.records import FrameRange, Video
from app.document.suspicions import SuspicionIndex, find_suspicions
from visolo import rle
from visolo.categories import load_label_set
from visolo.results import FrameResult, InstanceResult

HEIGHT, WIDTH, EMBEDDING = 360, 640, 128
SIDE = 48  # px
LOOK, NOISE = 0.35, 0.15  # per element of q and r
SIMILARITY = {"scale": 0.5, "bias": -4.0}
HEAD = 200  # frames at the end that land while the list is shown
LANDING = 10  # of them at a time


class Time(NamedTuple):
    """Seconds of one action."""

    clock: float
    cpu: float


def timed(action: Callable[[], object]) -> Time:
    """Of one action."""
    start, start_cpu = time.perf_counter(), time.process_time()
    action()
    return Time(time.perf_counter() - start, time.process_time() - start_cpu)


@cache
def box_mask(left: int, top: int) -> rle.Rle:
    """A square; the runs go down the columns."""
    columns = [SIDE, HEIGHT - SIDE] * (SIDE - 1)
    head = left * HEIGHT + top
    tail = HEIGHT * WIDTH - head - sum(columns) - SIDE
    return rle.from_run_lengths((HEIGHT, WIDTH), [head, *columns, SIDE, tail])


def results(frames: int, objects: int) -> Iterator[FrameResult]:
    """What a model finds."""
    generator = np.random.default_rng(0)
    looks = LOOK * generator.standard_normal((objects, EMBEDDING))
    phases, speeds = generator.uniform(0, 6.28, (objects, 2)), generator.uniform(0.01, 0.05, (objects, 2))
    room = np.array([WIDTH - SIDE, HEIGHT - SIDE]) / 2
    tracks = list(range(objects))
    for index in range(frames):
        if index % 1000 == 500:
            one, two = generator.permutation(objects)[:2].tolist()
            tracks[one], tracks[two] = tracks[two], tracks[one]
        corners = (room * (1 + np.sin(phases + speeds * index))).astype(int) // 4 * 4
        vectors = looks + NOISE * generator.standard_normal((2, objects, EMBEDDING))
        scores = 0.3 * generator.random((objects, 40), dtype=np.float32)
        scores[np.arange(objects), np.arange(objects)] += 0.5
        found = [
            InstanceResult(
                tracks[k], k, 0.8, box_mask(*corners[k].tolist()), k, scores[k],
                vectors[0, k].astype(np.float16), vectors[1, k].astype(np.float16),
            )
            for k in range(objects)
        ]  # fmt: skip
        yield FrameResult(index, tuple(found))


def build(path: Path, frames: int, objects: int) -> tuple[Document, History, RunWriter, list[FrameResult]]:
    """A project whose run has not come to its end yet, and the frames that are missing."""
    document = Document.create(path)
    history = History(document)
    history.do(AddVideo(Video(1, "bench", "bench.mp4", frames, HEIGHT, WIDTH, 30.0)))
    settings = {"model": "bench", "weights_id": "bench", "similarity": SIMILARITY}
    run = begin_run(history, 1, settings, load_label_set("ytvis2021"))
    waiting: list[FrameResult] = []
    for result in results(frames, objects):
        waiting.append(result)
        if len(waiting) == LANDING and result.frame_index < frames - HEAD:
            run.add(waiting)
            waiting.clear()
    return document, history, run, waiting


class Bench:
    """A person at work on one project."""

    def __init__(self, document: Document, history: History) -> None:
        self.document, self.history = document, history
        self.index = SuspicionIndex(document, 1)
        self.times: dict[str, list[Time]] = {}

    def time(self, name: str, action: Callable[[], object]) -> None:
        """Note how long it took."""
        self.times.setdefault(name, []).append(timed(action))

    def land(self, run: RunWriter, waiting: list[FrameResult]) -> None:
        """The rest of a run."""
        for first in range(0, len(waiting), LANDING):
            change = run.add(waiting[first : first + LANDING])
            self.time("head moves: take in", lambda change=change: self.index.update(self.document, change))
            self.time("head moves: list", lambda: self.index.suspicions(self.document))
        run.finish("done")

    def edit(self) -> None:
        """Edits of all sizes, each undone."""
        mask = box_mask(100, 100)
        edits = {
            "swap from here on": SwapTracks(1, 3, 8, FrameRange(100, None)),
            "draw a mask": SetMask(1, 3, 77, mask),
        }
        for name, edit in edits.items():
            for change in (self.history.do(edit), self.history.undo()):
                self.time(f"{name}: take in", lambda change=change: self.index.update(self.document, change))
                self.time(f"{name}: list", lambda: self.index.suspicions(self.document))
        self.history.do(DismissSuspicion(1, self.index.suspicions(self.document)[0].key))
        self.time("dismiss: list", lambda: self.index.suspicions(self.document))
        self.time("20 frames around here", lambda: self.index.suspicions(self.document, FrameRange(90, 109)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        document, history, run, waiting = build(Path(folder) / "bench.visolo", options.frames, options.objects)
        with document:
            bench = Bench(document, history)
            bench.land(run, waiting)
            bench.time("all at once", lambda: find_suspicions(document, 1))
            bench.time("of it: read everything", lambda: SuspicionIndex(document, 1))
            bench.edit()
            rows = len(find_suspicions(document, 1))
    figures = {name: Time(*map(statistics.median, zip(*some, strict=True))) for name, some in bench.times.items()}
    if options.json:
        print(json.dumps({"rows": rows, "seconds": {name: time._asdict() for name, time in figures.items()}}))
        return
    print(f"{options.frames} frames x {options.objects} objects: {rows} rows")
    print(f"{'':32} {'clock s':>10} {'CPU s':>10}")
    for name, figure in figures.items():
        print(f"{name:32} {figure.clock:10.3f} {figure.cpu:10.3f}")


if __name__ == "__main__":
    main()
