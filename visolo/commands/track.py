"""`track`: run the network over a video, a folder of images or a dataset, and write what it found."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from visolo.commands.console import progress, say, warn
from visolo.commands.engine import Engine, add_engine_arguments, add_rule_arguments, load_engine, with_rules
from visolo.commands.outputs import check_output
from visolo.commands.sources import FrameFeed, Source, VideoToTrack, find_videos
from visolo.config import InferenceConfig
from visolo.errors import ConfigError
from visolo.io.ytvis import Dataset, ResultEntry, write_results
from visolo.results import FrameResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tqdm import tqdm

    from visolo.inference.segmenter import OnlineSegmenter

_EXAMPLES = """examples:
  python -m visolo track clip.mp4 --out results.json
  python -m visolo track frames/ --weights visolo_r50.pth --preset ytvis2019-r50 --out results.json
  python -m visolo track valid.json --images valid/JPEGImages --device cuda --precision bf16 --out results.json
  python -m visolo track clip.mp4 --overlay masks.mp4 --project review.visolo
"""
_MAX_SIDE = 16384


class FrameSink(Protocol):
    """Takes the results of one video as they come."""

    def add(self, frame: "NDArray[np.uint8]", result: FrameResult) -> None:
        """Take one frame, (H, W, 3) uint8 RGB, and what was found in it."""


@dataclass(frozen=True)
class _Job:
    """Everything that is the same for all videos of a run."""

    engine: Engine
    config: InferenceConfig
    size: tuple[int, int] | None
    category_ids: Mapping[int, int]
    args: argparse.Namespace


def add_parser(commands: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the command and its options."""
    parser = commands.add_parser(
        "track",
        parents=[shared],
        help="segment and track every object of a video or dataset",
        description="Write YouTube-VIS results: one entry per track, one mask or null per frame.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", type=Path, help="video file, folder of images, or dataset JSON")
    parser.add_argument("--out", type=Path, metavar="R.json", help="results file to write")
    parser.add_argument("--overlay", type=Path, metavar="V.mp4", help="also write the video with masks drawn on it")
    parser.add_argument("--project", type=Path, metavar="P.visolo", help="also add to a project for the app")
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("H", "W"), help="height and width of the masks (default: the source's)"
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder that a dataset's file names start from")
    parser.add_argument(
        "--category-ids",
        choices=("model", "dataset"),
        default="model",
        help="ids in the results: the model's, or the dataset's for classes of the same name (others are left out)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_engine_arguments(parser)
    add_rule_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Check everything that can be checked before the network is loaded, then stream."""
    _check_options(args)
    source = find_videos(args.source, args.images)
    _check_outputs(args, source)
    engine = load_engine(args)
    job = _Job(
        engine=engine,
        config=with_rules(engine.inference, args),
        size=tuple(args.size) if args.size else None,
        category_ids=_category_ids(engine, source.dataset, args),
        args=args,
    )
    entries = _entries(job, source.videos)
    if args.out is None:
        count = sum(1 for _ in entries)
    else:
        written: list[int] = []
        write_results(args.out, _counted(entries, written))
        count = len(written)
    targets = [str(path) for path in (args.out, args.overlay, args.project) if path is not None]
    say(f"{count} tracks in {_plural(len(source.videos), 'video')}: {', '.join(targets)}")


def _check_options(args: argparse.Namespace) -> None:
    if args.out is None and args.overlay is None and args.project is None:
        raise ConfigError("nothing to write; name a results file with --out, or give --overlay or --project")
    if args.size and not all(1 <= side <= _MAX_SIDE for side in args.size):
        raise ConfigError(f"--size is {args.size[0]} {args.size[1]}; both must be from 1 to {_MAX_SIDE} pixels")
    if args.project is not None and args.size:
        raise ConfigError("a project keeps masks at the size of its video; leave out --size or --project")
    paths = [path.resolve() for path in (args.source, args.out, args.overlay, args.project) if path is not None]
    if len(set(paths)) != len(paths):
        raise ConfigError("two of SOURCE, --out, --overlay and --project are the same file; give each its own")
    with_rules(InferenceConfig(), args)


def _check_outputs(args: argparse.Namespace, source: Source) -> None:
    for path in (args.out, args.overlay, args.project):
        if path is not None:
            check_output(path)
    if args.overlay is not None and len(source.videos) > 1:
        raise ConfigError(f"--overlay shows one video, {args.source} has {len(source.videos)}; track them one by one")
    if args.overlay is not None:
        from visolo.overlay import check_overlay_path

        check_overlay_path(args.overlay)
    if args.project is not None:
        from visolo.commands.project import check_project

        check_project(source)


def _category_ids(engine: Engine, dataset: Dataset | None, args: argparse.Namespace) -> Mapping[int, int]:
    """Category id in the results by class index of the network."""
    own = {index: category.category_id for index, category in enumerate(engine.label_set.categories)}
    if dataset is None:
        return own
    by_name = {category.name: category.category_id for category in dataset.categories}
    matched = {i: by_name[c.name] for i, c in enumerate(engine.label_set.categories) if c.name in by_name}
    if args.category_ids == "model":
        names = {category.category_id: category.name for category in dataset.categories}
        if any(names.get(c.category_id, c.name) != c.name for c in engine.label_set.categories):
            warn(
                f"{args.source}: its category ids mean other classes than the model's ({engine.label_set.name}); "
                "--category-ids dataset writes the dataset's"
            )
        return own
    if not matched:
        raise ConfigError(f"{args.source}: shares no class name with the model's {engine.label_set.name}")
    return matched


def _entries(job: _Job, videos: tuple[VideoToTrack, ...]) -> Iterator[ResultEntry]:
    """Track one video after the other; nothing of a video stays but the tracks handed out."""
    from visolo.inference.segmenter import OnlineSegmenter

    lengths = [video.length for video in videos]
    known_total = sum(length for length in lengths if length is not None)
    with progress(known_total, "frame", quiet=job.args.quiet) as bar:
        for video in videos:
            bar.set_description(video.name[-30:])
            with ExitStack() as stack:
                feed = stack.enter_context(FrameFeed(video.media))
                if video.length is None:
                    bar.total = known_total + len(feed.source)
                size = job.size or video.size or feed.source.size
                segmenter = OnlineSegmenter(
                    job.engine.model, job.config, size, links_by_evidence=job.args.project is not None
                )
                sinks = [stack.enter_context(sink) for sink in _sinks(job, video, feed, size)]
                frame_count = _step_all(feed, segmenter, sinks, bar)
                for text in feed.source.warnings:
                    warn(text)
            yield from _tracks(job, video, segmenter, frame_count)


def _step_all(feed: FrameFeed, segmenter: "OnlineSegmenter", sinks: list[FrameSink], bar: "tqdm[Any]") -> int:
    """Run all frames of one video; how many there were."""
    from visolo.device import device_errors

    frame_count = 0
    for frame in feed:
        with device_errors():
            result = segmenter.step(frame)
        for sink in sinks:
            sink.add(frame, result)
        frame_count += 1
        bar.update()
    return frame_count


def _sinks(
    job: _Job, video: VideoToTrack, feed: FrameFeed, size: tuple[int, int]
) -> Iterator[AbstractContextManager[FrameSink]]:
    names = [category.name for category in job.engine.label_set.categories]
    if job.args.overlay is not None:
        from visolo.overlay import overlay_video

        yield overlay_video(job.args.overlay, feed.source.size, feed.source.frame_rate, names)
    if job.args.project is not None:
        from visolo.commands.project import project_sink, run_settings

        settings = run_settings(job.engine, job.config, job.args.precision)
        yield project_sink(job.args.project, video, feed.source, size, job.engine.label_set, settings)


def _tracks(job: _Job, video: VideoToTrack, segmenter: "OnlineSegmenter", frame_count: int) -> Iterator[ResultEntry]:
    for track in segmenter.tracks():
        category_id = job.category_ids.get(track.category_index)
        if category_id is not None:
            masks = tuple(track.rles.get(index) for index in range(frame_count))
            yield ResultEntry(video.video_id, category_id, track.score, masks)


def _counted(entries: Iterator[ResultEntry], seen: list[int]) -> Iterator[ResultEntry]:
    for entry in entries:
        seen.append(entry.video_id)
        yield entry


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
