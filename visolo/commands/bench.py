"""`bench`: how fast the engine is here, stage by stage, on frames made up for it."""

import argparse
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from visolo import __version__
from visolo.commands.console import progress, say, say_json
from visolo.commands.engine import Engine, add_engine_arguments, load_engine
from visolo.errors import ConfigError

if TYPE_CHECKING:
    from visolo.inference.segmenter import OnlineSegmenter
    from visolo.model.visolo import Visolo

_STAGES = ("encode", "read", "decode", "link")
_WARM_UP = 3  # frames that are not counted
_BUNDLED_PRESET = "lite"
_RANDOM_DETECTIONS, _RANDOM_SCORE = 20, 0.35  # of random weights: cells above this score


@dataclass(frozen=True)
class BenchReport:
    """What was measured.

    Attributes:
        network: preset or weights.
        device: where it ran.
        precision: number format.
        frame_size: (height, width) of the frames and masks in pixels.
        frames: that were counted.
        fps: frames per second from frame to RLE, without reading files.
        ms: mean of a frame.
        ms_p95: 95 % of the frames were at least this fast.
        stages_ms: mean per stage, measured in a second run; "other" is resizing and RLE.
        instances: mean per frame.
        memory_mb: most memory the process had.
        device_memory_mb: most memory on the device; None on the CPU.
        threads: of the CPU.
    """

    network: str
    device: str
    precision: str
    frame_size: tuple[int, int]
    frames: int
    fps: float
    ms: float
    ms_p95: float
    stages_ms: dict[str, float]
    instances: float
    memory_mb: float
    device_memory_mb: float | None
    threads: int


def add_parser(commands: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the command and its options."""
    parser = commands.add_parser(
        "bench",
        parents=[shared],
        help="measure the speed of the engine here",
        description="Frames are made up. Without --weights, other presets than lite run with random weights.",
    )
    add_engine_arguments(parser)
    parser.add_argument("--frames", type=int, default=60, metavar="N", help="how many to count (default: 60)")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(720, 1280), metavar=("H", "W"), help="of the frames (default: 720 1280)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Measure twice: undisturbed for the speed, then with a clock around every stage."""
    from visolo.device import device_errors
    from visolo.inference.segmenter import OnlineSegmenter

    if args.frames < 1 or min(args.size) < 1:
        raise ConfigError("--frames and --size must be 1 or more")
    engine = _engine(args)
    synchronize = _synchronizer(engine)
    with device_errors(), progress(2 * (args.frames + _WARM_UP), "frame", quiet=args.quiet) as bar:
        seconds, instances = [], []
        segmenter = OnlineSegmenter(engine.model, engine.inference)
        for frame in _frames(args.frames + _WARM_UP, *args.size):
            start = time.perf_counter()
            instances.append(len(segmenter.step(frame).instances))
            synchronize()
            seconds.append(time.perf_counter() - start)
            bar.update()
        segmenter = OnlineSegmenter(engine.model, engine.inference)
        stages = _measure_stages(engine, segmenter, args, synchronize, bar.update)
    report = _report(engine, args, seconds[_WARM_UP:], instances[_WARM_UP:], stages)
    if args.json:
        say_json({"version": __version__, **vars(report)})
    else:
        _print(report)


def _engine(args: argparse.Namespace) -> Engine:
    if args.weights is not None or args.preset in (None, _BUNDLED_PRESET):
        return load_engine(args)
    import torch

    from visolo.categories import load_label_set
    from visolo.config import load_preset
    from visolo.device import select_compute
    from visolo.model.visolo import build_model
    from visolo.resources import resource_path

    preset = load_preset(args.preset)
    compute = select_compute(args.device, args.precision)
    torch.manual_seed(0)
    model = build_model(preset.model).optimize_for_inference()
    _see_a_few(model, args.size)
    model = model.to(compute.device, compute.dtype)
    return Engine(model, load_label_set(preset.model.label_set), preset.inference, resource_path("random weights"))


def _see_a_few(model: "Visolo", size: tuple[int, int]) -> None:
    """Move random classifiers' bias so that a frame has about as many detections as with trained ones."""
    import torch

    from visolo.config import InferenceConfig
    from visolo.inference.maps import MapPredictor

    bias = model.category_branch.classify.bias
    assert bias is not None
    scores = MapPredictor(model, InferenceConfig()).predict(0, next(_frames(1, *size))).category_scores
    wanted = torch.tensor(_RANDOM_SCORE).logit()
    with torch.no_grad():
        bias += wanted - scores.flatten().topk(_RANDOM_DETECTIONS).values[-1].logit()


def _frames(count: int, height: int, width: int) -> Iterator[NDArray[np.uint8]]:
    """Discs of their own colours moving over a gradient, (H, W, 3) uint8."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    background = np.stack([x * 160 / width, y * 160 / height, np.full_like(x, 90)], axis=2).astype(np.uint8)
    radius = min(height, width) / 8
    for index in range(count):
        frame = background.copy()
        for disc in range(4):
            centre_x = (width * (0.2 + 0.2 * disc) + 4.0 * index * (disc - 1.5)) % width
            centre_y = height * (0.3 + 0.15 * disc)
            inside = (x - centre_x) ** 2 + (y - centre_y) ** 2 <= radius**2
            frame[inside] = (60 * disc + 40, 220 - 50 * disc, 80 + 40 * disc)
        yield frame


def _measure_stages(
    engine: Engine,
    segmenter: "OnlineSegmenter",
    args: argparse.Namespace,
    synchronize: Callable[[], None],
    tick: Callable[[], object],
) -> dict[str, float]:
    """Mean milliseconds per frame and stage. The clocks are put around the engine's parts from outside."""
    from visolo.inference import tracker
    from visolo.inference.linking import TrackLinker

    spent: dict[str, float] = defaultdict(float)
    model = engine.model
    parts = [
        (model, "encode", "encode"),
        (model, "similarity_logits", "read"),
        (model, "read", "read"),
        (model, "predict", "read"),
        (tracker, "decode_instances", "decode"),
        (TrackLinker, "link", "link"),
    ]
    with ExitStack() as stack:
        for owner, name, stage in parts:
            stack.enter_context(_clocked(owner, name, stage, spent, synchronize))
        for index, frame in enumerate(_frames(args.frames + _WARM_UP, *args.size)):
            if index == _WARM_UP:
                spent.clear()
            start = time.perf_counter()
            segmenter.step(frame)
            synchronize()
            spent["whole"] += time.perf_counter() - start
            tick()
    stages = {stage: 1e3 * spent[stage] / args.frames for stage in _STAGES}
    return {**stages, "other": 1e3 * spent["whole"] / args.frames - sum(stages.values())}


@contextmanager
def _clocked(
    owner: Any,  # noqa: ANN401 - an object, a class or a module
    name: str,
    stage: str,
    spent: dict[str, float],
    synchronize: Callable[[], None],
) -> Iterator[None]:
    original = getattr(owner, name)

    def clocked(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the part takes
        synchronize()
        start = time.perf_counter()
        result = original(*args, **options)
        synchronize()
        spent[stage] += time.perf_counter() - start
        return result

    with mock.patch.object(owner, name, clocked):
        yield


def _synchronizer(engine: Engine) -> Callable[[], None]:
    """Waits until the device has done what it was asked for."""
    import torch

    kind = engine.model.device.type
    if kind == "cuda":
        return torch.cuda.synchronize
    return torch.mps.synchronize if kind == "mps" else lambda: None


def _report(
    engine: Engine, args: argparse.Namespace, seconds: list[float], instances: list[int], stages: dict[str, float]
) -> BenchReport:
    import torch

    device = engine.model.device
    is_cuda = device.type == "cuda"
    return BenchReport(
        network=engine.weights.name if args.preset is None else f"{args.preset} ({engine.weights.name})",
        device=torch.cuda.get_device_name(device)
        if is_cuda
        else f"{device.type} ({platform.processor() or 'unknown'})",
        precision=args.precision,
        frame_size=tuple(args.size),
        frames=args.frames,
        fps=len(seconds) / sum(seconds),
        ms=1e3 * float(np.mean(seconds)),
        ms_p95=1e3 * float(np.percentile(seconds, 95)),
        stages_ms=stages,
        instances=float(np.mean(instances)),
        memory_mb=_peak_memory_mb(),
        device_memory_mb=torch.cuda.max_memory_allocated(device) / 1e6 if is_cuda else None,
        threads=torch.get_num_threads(),
    )


def _peak_memory_mb() -> float:
    """Most memory the process ever had; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def _print(report: BenchReport) -> None:
    say(f"{report.network} on {report.device}, {report.precision}, {report.threads} threads")
    say(f"frames {report.frame_size[0]} x {report.frame_size[1]}, {report.frames} of them")
    say()
    say(f"{report.fps:8.2f} frames per second")
    say(f"{report.ms:8.1f} ms per frame (95 %: {report.ms_p95:.1f})")
    for stage, ms in report.stages_ms.items():
        say(f"{ms:8.1f} ms {stage if stage in _STAGES else 'resizing, masks and RLE'}")
    say(f"{report.instances:8.1f} instances per frame")
    say(f"{report.memory_mb:8.0f} MB of memory at most")
    if report.device_memory_mb is not None:
        say(f"{report.device_memory_mb:8.0f} MB on the device at most")
