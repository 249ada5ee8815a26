"""How quick a fix is in a large project: python tests/bench/reassociation.py [--frames 10000] [--objects 20] [--json].

Objects hide now and then and are linked as a run links them. Timed are an identity edit from the second frame on and
its undo, and working out association again from there, accepting what differs, and undoing that: seconds on the clock
and of the CPU, medians.
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
from visolo.categories import load_label_set
from visolo.config import InferenceConfig
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
            run.add([replace(result, instances=linked)])
        run.finish("done")


def measure(path: Path, repeats: int) -> tuple[dict[str, list[Time]], Reassociation]:
    """Times of an edit and of what follows from it."""
    times: dict[str, list[Time]] = {}
    with Document.open(path) as document:
        history = History(document)
        longest = sorted(document.tracks(1), key=lambda summary: -summary.frame_count)[:2]
        swap = SwapTracks(1, *(summary.track.track_id for summary in longest), FrameRange(1, None))
        for _ in range(repeats):
            times.setdefault("edit from here on", []).append(timed(lambda: history.do(swap)))
            with snapshot(path) as queries:
                found: list[Reassociation] = []
                taken = timed(lambda q=queries, f=found: f.append(reassociate(q, 1, 1)))
                times.setdefault("associate again", []).append(taken)
            edit = found[0].edit
            if edit is not None:
                times.setdefault("accept the differences", []).append(timed(lambda e=edit: history.do(e)))
                times.setdefault("undo that", []).append(timed(history.undo))
            times.setdefault("undo the edit", []).append(timed(history.undo))
    return times, found[0]


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
