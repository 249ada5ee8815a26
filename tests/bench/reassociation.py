"""How quick a fix is in a large project: python tests/bench/reassociation.py [--frames 10000] [--objects 20] [--json].

Objects hide now and then and are linked as a run links them. Timed are an identity edit from the second frame on and
its undo; a decision on one frame, working out association again from there, accepting what differs, and undoing that;
and reading what other thresholds need, a step of the link and of the score threshold, and taking the former. Of every
object the run kept three candidates. Seconds on the clock and of the CPU, medians.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

from suspicions import HEIGHT, SIMILARITY, WIDTH, results

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddVideo, SwapTracks
from app.document.history import History
from app.document.queries import snapshot
from app.document.reassociation import Reassociation, reassociate
from app.document.records import FrameRange, Video
from app.document.threshold_replay import ThresholdReplay
from visolo.categories import load_label_set
from visolo.config import InferenceConfig
from visolo.inference.choosing import FrameCandidates, MaskStatistics
from visolo.inference.linking import Similarity, TrackLinker

HIDDEN = 0.02  # share of the instances that the model misses


class Time(NamedTuple):
    """Seconds of one action."""

    clock: float
    cpu: float


def timed(action: Callable[[], object]) -> Time:
    """Of one action."""
    start, start_cpu = time.perf_counter(), time.process_time()
    action()
    return Time(time.perf_counter() - start, time.process_time() - start_cpu)


def candidates_of(count: int, generator: np.random.Generator) -> FrameCandidates:
    """Each instance and two cells beside it that show nearly the same."""
    areas = np.full(3 * count, 2304, np.float32)
    group = np.arange(3 * count) % count
    shared = np.where(group[:, None] == group, np.float32(2100), np.float32(0))
    np.fill_diagonal(shared, areas)
    scores = np.concatenate([np.full(count, 0.8), generator.uniform(0.1, 0.7, 2 * count)]).astype(np.float32)
    slots = np.where(np.arange(3 * count) < count, np.arange(3 * count), -1).astype(np.int32)
    maskness = np.ones(3 * count, np.float32)
    return FrameCandidates(slots, group, scores, MaskStatistics(areas, maskness, shared))


def build(path: Path, frames: int, objects: int) -> None:
    """A project with one finished run."""
    generator = np.random.default_rng(0)
    with Document.create(path) as document:
        history = History(document)
        history.do(AddVideo(Video(1, "bench", "bench.mp4", frames, HEIGHT, WIDTH, 30.0)))
        settings = {"model": "bench", "weights_id": "bench", "similarity": SIMILARITY}
        run = begin_run(history, 1, settings, load_label_set("ytvis2021"))
        linker = TrackLinker(InferenceConfig(), Similarity(**SIMILARITY))
        for result in results(frames, objects):
            seen = generator.random(objects) >= HIDDEN
            found = [i for i, s in zip(result.instances, seen.tolist(), strict=True) if s]
            vectors = (np.array([getattr(i, name) for i in found]) for name in ("query", "reference"))
            track_ids = linker.link(result.frame_index, *vectors).tolist()
            linked = tuple(replace(i, track_id=t) for i, t in zip(found, track_ids, strict=True))
            run.add([replace(result, instances=linked, candidates=candidates_of(len(linked), generator))])
        run.finish("done")


def measure(path: Path, repeats: int) -> tuple[dict[str, list[Time]], Reassociation]:
    """Times of an edit and of what follows from it."""
    times: dict[str, list[Time]] = {}
    with Document.open(path) as document:
        history = History(document)
        longest = sorted(document.tracks(1), key=lambda summary: -summary.frame_count)[:2]
        pair = tuple(summary.track.track_id for summary in longest)

        def take(name: str, action: Callable[[], object]) -> None:
            times.setdefault(name, []).append(timed(action))

        for _ in range(repeats):
            take("edit from here on", lambda: history.do(SwapTracks(1, *pair, FrameRange(1, None))))
            take("undo the edit", history.undo)
            history.do(SwapTracks(1, *pair, FrameRange(1, 1)))
            with snapshot(path) as queries:
                found: list[Reassociation] = []
                take("associate again", lambda q=queries, f=found: f.append(reassociate(q, 1, 1)))
            if found[0].edit is not None:
                take("accept the differences", lambda e=found[0].edit: history.do(e))
                take("undo that", history.undo)
            history.undo()
            measure_thresholds(path, history, take)
    return times, found[0]


def measure_thresholds(path: Path, history: History, take: Callable[[str, Callable[[], object]], None]) -> None:
    """Times of trying thresholds."""
    ready: list[ThresholdReplay] = []
    with snapshot(path) as queries:
        take("read for thresholds", lambda: ready.append(ThresholdReplay(queries, 1)))
    current, found = ready[0].current, list[Reassociation]()
    take("a step of the link threshold", lambda: found.append(ready[0].at(replace(current, link=0.3))))
    take("a step of the score threshold", lambda: ready[0].at(replace(current, score=0.4)))
    if found[0].edit is not None:
        take("take the thresholds", lambda e=found[0].edit: history.do(e))
        take("undo the thresholds", history.undo)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.visolo"
        build(path, options.frames, options.objects)
        times, found = measure(path, options.repeats)
    medians = {n: Time(*(statistics.median(column) for column in zip(*t, strict=True))) for n, t in times.items()}
    if options.json:
        print(json.dumps({name: median._asdict() for name, median in medians.items()}))
        return
    print(f"{options.frames} frames x {options.objects} objects; {found.instance_count} instances differ")
    print(f"{'':32} {'clock s':>10} {'CPU s':>10}")
    for name, median in medians.items():
        print(f"{name:32} {median.clock:10.3f} {median.cpu:10.3f}")


if __name__ == "__main__":
    main()
