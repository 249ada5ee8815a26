"""How fast a large project is: python tests/bench/document.py [--frames 10000] [--objects 20] [--json].

Builds a project as a model run would, then times what a person waits for: milliseconds on the clock and of the CPU
(the two differ where other programs use the machine), medians where an action is repeated.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddVideo, MergeTracks, SetMask, SwapTracks
from app.document.evidence import frame_evidence, known_tracks
from app.document.history import History
from app.document.records import FrameRange, Video
from visolo import rle
from visolo.categories import load_label_set
from visolo.results import FrameResult, InstanceResult

HEIGHT, WIDTH = 360, 640
EMBEDDING = 128


def make_masks(count: int, generator: np.random.Generator) -> list[rle.Rle]:
    """Ellipses with a ragged border: as many runs as masks of a network have."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    masks = []
    for _ in range(count):
        y, x = generator.integers(60, HEIGHT - 60), generator.integers(60, WIDTH - 60)
        distance = ((rows - y) / 45) ** 2 + ((columns - x) / 30) ** 2 + generator.normal(0, 0.03, (HEIGHT, WIDTH))
        masks.append(rle.encode(distance < 1))
    return masks


def make_frame(frame_index: int, objects: int, masks: list[rle.Rle], generator: np.random.Generator) -> FrameResult:
    """One frame of results; object k is class k."""
    scores = generator.random((objects, 40), dtype=np.float32) * 0.3
    scores[np.arange(objects), np.arange(objects) % 40] += 0.5
    vectors = generator.standard_normal((2, objects, EMBEDDING)).astype(np.float16)
    return FrameResult(
        frame_index,
        tuple(
            InstanceResult(
                k,
                k % 40,
                float(scores[k].max()),
                masks[(frame_index + 7 * k) % len(masks)],
                k,
                scores[k],
                vectors[0, k],
                vectors[1, k],
            )
            for k in range(objects)
        ),
    )


class Time(NamedTuple):
    """Milliseconds of one action."""

    clock: float
    cpu: float


def timed(action: Callable[[], object], repeats: int = 1) -> Time:
    """Median time of an action."""
    clock, cpu = [], []
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.process_time()
        action()
        clock.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (time.process_time() - start_cpu))
    return Time(statistics.median(clock), statistics.median(cpu))


def build(path: Path, frames: int, objects: int) -> dict[str, Time]:
    """A project with one run; time per frame that lands."""
    generator = np.random.default_rng(0)
    masks = make_masks(64, generator)
    with Document.create(path) as document:
        history = History(document)
        history.do(AddVideo(Video(1, "bench", "bench.mp4", frames, HEIGHT, WIDTH, 30.0)))
        run = begin_run(history, 1, {"model": "bench"}, load_label_set("ytvis2021"))
        landing = []
        for frame_index in range(frames):
            result = make_frame(frame_index, objects, masks, generator)
            landing.append(timed(lambda result=result: run.add([result])))
            document.tracks(1)
        run.finish("done")
    columns = np.array(landing)
    return {
        "land one frame": Time(*np.median(columns, axis=0).tolist()),
        "land one frame, p99": Time(*np.percentile(columns, 99, axis=0).tolist()),
    }


def measure(path: Path, frames: int) -> dict[str, Time]:
    """Times of reading and editing the finished project."""
    figures: dict[str, Time] = {}
    opened: list[Document] = []
    figures["open"] = timed(lambda: opened.append(Document.open(path)))
    document = opened[0]
    with document:
        figures["open the history"] = timed(lambda: History(document))
        history = History(document)
        figures["tracks, first time"] = timed(lambda: document.tracks(1))
        figures["tracks, again"] = timed(lambda: document.tracks(1), 20)
        indices = iter(np.random.default_rng(1).permutation(frames).tolist())
        figures["instances of a frame"] = timed(lambda: document.instances(1, next(indices)), 200)
        figures["lane of a track"] = timed(lambda: document.lane(1, 5), 10)
        figures["class votes of a track"] = timed(lambda: document.class_votes(1, 5), 5)
        for name, edit in (
            ("swap everywhere", SwapTracks(1, 3, 8, FrameRange(0, None))),
            ("swap one frame", SwapTracks(1, 3, 8, FrameRange(7, 7))),
            ("merge", MergeTracks(1, 2, 9)),
            ("edit a mask", SetMask(1, 3, 7, make_masks(1, np.random.default_rng(2))[0])),
        ):
            figures[name] = timed(lambda edit=edit: history.do(edit))
            figures[f"{name}: tracks after it"] = timed(lambda: document.tracks(1))
            figures[f"{name}: undo"] = timed(history.undo)
            figures[f"{name}: redo"] = timed(history.redo)
            history.undo()
            document.tracks(1)  # as the panels do after every change
        figures["swap everywhere"] = timed(lambda: history.do(SwapTracks(1, 3, 8, FrameRange(0, None))), 5)
        figures["q and r of everything"] = timed(lambda: frame_evidence(document, 1, 0, frames))
        figures["known tracks"] = timed(lambda: known_tracks(document, 1, frames), 3)
        while history.undo_text.startswith("Swap"):
            history.undo()
        figures["undo the run"] = timed(history.undo)
        figures["redo the run"] = timed(history.redo)
        figures["close"] = timed(document.close)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.visolo"
        figures = build(path, options.frames, options.objects)
        size = path.stat().st_size / 2**20
        figures |= measure(path, options.frames)
    if options.json:
        print(json.dumps({"size_mib": size, "milliseconds": {n: f._asdict() for n, f in figures.items()}}))
        return
    print(f"{options.frames} frames x {options.objects} objects, {size:.0f} MiB")
    print(f"{'':32} {'clock ms':>10} {'CPU ms':>10}")
    for name, figure in figures.items():
        print(f"{name:32} {figure.clock:10.2f} {figure.cpu:10.2f}")


if __name__ == "__main__":
    main()
