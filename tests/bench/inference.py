"""Does a frame cost the same late in a video as early? Prints the milliseconds of every stage around chosen frames.

python tests/bench/inference.py [VIDEO] [--weights W] [--preset NAME] [--at 10 100 300] [--memory-limit N] [--wall]

The video (the shipped sample without one) is played back and forth for as long as it takes. Times are CPU time of the
process, so that other work on the machine does not count; `--wall` for wall-clock time.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, cycle
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from visolo.config import InferenceConfig, load_preset
from visolo.inference import tracker as tracker_module
from visolo.inference.segmenter import OnlineSegmenter
from visolo.io.frames import open_frames
from visolo.model.checkpoint import load_weights
from visolo.model.visolo import build_model
from visolo.resources import resource_path

AROUND = 4
SAMPLE = resource_path("samples", "bikes.mp4")
BUNDLED = resource_path("models", "visolo-lite.safetensors")


class Stopwatch:
    """Sums up the time spent in functions, frame by frame."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.now: dict[str, float] = {}

    def watch(self, owner: Any, name: str, stage: str) -> None:
        function = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = self.clock()
            try:
                return function(*args, **kwargs)
            finally:
                self.now[stage] = self.now.get(stage, 0.0) + 1000 * (self.clock() - begun)

        setattr(owner, name, timed)


def back_and_forth(path: Path) -> Iterator[np.ndarray]:
    with open_frames(path) as frames:
        there = [frames[index] for index in range(min(len(frames), 60))]
    return cycle(chain(there, there[-2:0:-1]))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--weights", type=Path, default=BUNDLED)
    parser.add_argument("--preset", help="random weights of this shape instead")
    parser.add_argument("--at", type=int, nargs="+", default=[10, 100, 300])
    parser.add_argument("--memory-limit", type=int, default=InferenceConfig().memory_limit)
    parser.add_argument("--score-threshold", type=float, default=InferenceConfig().score_threshold)
    parser.add_argument("--wall", action="store_true")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    model = build_model(load_preset(arguments.preset).model) if arguments.preset else load_weights(arguments.weights)
    config = replace(InferenceConfig(), memory_limit=arguments.memory_limit, score_threshold=arguments.score_threshold)
    segmenter = OnlineSegmenter(model.optimize_for_inference(), config)
    watch = Stopwatch(time.perf_counter if arguments.wall else time.process_time)
    watch.watch(segmenter._predictor, "_encode", "encode")
    watch.watch(segmenter._predictor, "_read", "read")
    watch.watch(segmenter._model, "predict", "predict")
    watch.watch(tracker_module, "decode_instances", "decode")
    watch.watch(segmenter._tracker._linker, "link", "link")
    watch.watch(segmenter, "step", "all")
    rows, counts = [], []
    for frame, _ in zip(back_and_forth(arguments.video), range(max(arguments.at) + AROUND + 1), strict=False):
        watch.now = {"memory": len(segmenter.memory_frames)}
        counts.append(len(segmenter.step(frame).instances))
        rows.append(watch.now)
    stages = list(rows[-1])
    print(f"{torch.get_num_threads()} threads, input {model.config.input_size}, width {model.config.width}")
    print("frame  instances" + "".join(f"{stage:>9}" for stage in stages))
    for at in arguments.at:
        near = slice(max(0, at - AROUND), at + AROUND + 1)
        values = [median(row[stage] for row in rows[near]) for stage in stages]
        print(f"{at:5}  {median(counts[near]):9.1f}" + "".join(f"{value:9.2f}" for value in values))


if __name__ == "__main__":
    main()
