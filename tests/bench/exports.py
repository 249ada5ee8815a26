"""What leaves a project of many videos, in seconds: python tests/bench/exports.py [--videos 1000] [--format davis ...].

Builds a project in which a run found five objects in every video, every second video was corrected and two of three are
confirmed to their ends, the others in part; then times exports that need no frames, and what corrections bought.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

from document import HEIGHT, WIDTH, make_frame, make_masks

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddVideo, Confirm, SwapTracks
from app.document.exchange import ExportOptions, export_dataset
from app.document.export_pictures import PictureOptions, export_mask_images
from app.document.export_tracks import export_tracks
from app.document.gains import measure_gains
from app.document.history import History
from app.document.records import FrameRange, Video
from app.document.statistics_report import write_report
from visolo.categories import load_label_set
from visolo.formats.names import write_names

OBJECTS = 5


def build(path: Path, videos: int, frames: int) -> None:
    """The project, as runs and a person would make it."""
    generator = np.random.default_rng(0)
    masks = make_masks(64, generator)
    labels = load_label_set("ytvis2021")
    with Document.create(path) as document:
        history = History(document)
        for video_id in range(1, videos + 1):
            history.do(AddVideo(Video(video_id, f"video {video_id}", f"{video_id}.mp4", frames, HEIGHT, WIDTH, 30.0)))
            run = begin_run(history, video_id, {"model": "bench"}, labels)
            run.add([make_frame(index, OBJECTS, masks, generator) for index in range(frames)])
            run.finish("done")
            if video_id % 2:
                history.do(SwapTracks(video_id, 1, 2, FrameRange(frames // 2, None)))
            history.do(Confirm(video_id, None, FrameRange(0, None if video_id % 3 else frames // 2)))


def measure(path: Path, folder: Path, formats: Sequence[str]) -> dict[str, float]:
    """Seconds of every export."""
    figures: dict[str, float] = {}

    def time_it(name: str, action: Callable[[], object]) -> None:
        start = time.perf_counter()
        action()
        figures[name] = time.perf_counter() - start

    with Document.open(path) as document:
        for name in formats:
            options = ExportOptions(folder / f"{name}-out", format=name, frames="confirmed-ranges")
            time_it(f"confirmed ranges as {name}", lambda options=options: deque(export_dataset(document, options), 0))
        masks = PictureOptions(folder / "masks", 1)
        time_it("masks of one video as PNG", lambda: deque(export_mask_images(document, masks), 0))
        time_it("table of tracks", lambda: deque(export_tracks(document, folder / "tracks.csv"), 0))
        time_it("statistics report", lambda: deque(write_report(document, folder / "report.html"), 0))
        time_it("what corrections bought", lambda: measure_gains(document))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--format", nargs="+", choices=write_names(), default=write_names())
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.visolo"
        build(path, options.videos, options.frames)
        size = path.stat().st_size / 2**20
        figures = measure(path, Path(folder), options.format)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if options.json:
        print(json.dumps({"size_mib": size, "peak_mib": peak, "seconds": figures}))
        return
    print(f"{options.videos} videos of {options.frames} frames, {OBJECTS} objects each: {size:.0f} MiB")
    for name, seconds in figures.items():
        print(f"  {name:<32}{seconds:8.1f} s")
    print(f"  {'memory at most':<32}{peak:8.0f} MiB")


if __name__ == "__main__":
    main()
