"""`track`: run the network over a video, a folder of images or a dataset, and write what it found."""

import argparse
import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from visolo.commands.console import progress, say, warn
from visolo.commands.engine import Engine, add_engine_arguments, add_rule_arguments, load_engine, with_rules
from visolo.commands.finished_videos import FinishedVideos, file_digest
from visolo.commands.outputs import check_output
from visolo.commands.project import (
    ProjectTarget,
    VideoFacts,
    add_author_option,
    add_kept_videos,
    author_name,
    check_project,
    project_sink,
    run_settings,
    videos_to_track,
)
from visolo.commands.sources import FrameFeed, Source, VideoToTrack, find_videos
from visolo.commands.video_tracking import FrameSink, Sinks, TrackingJob, category_ids_by_name, track_video
from visolo.config import InferenceConfig
from visolo.errors import ConfigError, VisoloError
from visolo.io.ytvis import Dataset, ResultEntry, write_results
from visolo.words import counted

_EXAMPLES = """examples:
  python -m visolo track clip.mp4 --out results.json
  python -m visolo track frames/ --weights visolo_r50.pth --preset ytvis2019-r50 --out results.json
  python -m visolo track valid.json --images valid/JPEGImages --device cuda --precision bf16 --out results.json
  torchrun --nproc-per-node 4 -m visolo track valid.json --images valid/JPEGImages --device cuda --out results.json
  python -m visolo track clip.mp4 --overlay masks.mp4 --project review.visolo
"""
_MAX_SIDE = 16384
_PATIENCE = timedelta(days=7)  # with processes whose videos take longer


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
    add_author_option(parser)
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
    from visolo.distributed import local_device, process_group

    with process_group("cpu", timeout=_PATIENCE):
        args.device = local_device(args.device)
        _run(args, source)


def _run(args: argparse.Namespace, source: Source) -> None:
    from visolo.distributed import gathered, is_first_of_machine, rank

    engine = load_engine(args)
    config = with_rules(engine.inference, args)
    job = TrackingJob(
        engine=engine,
        config=config,
        category_ids=_category_ids(engine, source.dataset, args),
        size=tuple(args.size) if args.size else None,
        links_by_evidence=args.project is not None,
    )
    finished = _finished_videos(job, source, args)
    job = replace(job, sinks=_sinks(args, engine, config, finished))
    videos: Sequence[VideoToTrack] = source.videos
    if finished is None and args.project is not None and len(videos) > 1:
        settings = _project_settings(args, engine, config)
        videos = videos_to_track(_project_target(args), videos, engine.label_set, settings)
    try:
        count = _write(args.out if rank() == 0 else None, _entries(job, videos, finished, is_quiet=args.quiet))
    except (KeyboardInterrupt, VisoloError):
        if finished is not None and finished.count():
            warn(f"{finished.folder} keeps {counted(finished.count(), 'finished video')}; the same command goes on")
        elif finished is None and args.project is not None and len(source.videos) > 1:
            warn(f"{args.project} keeps what was tracked; the same command goes on with the video it was at")
        raise
    if finished is not None and finished.keeps_frames and rank() == 0:
        settings = _project_settings(args, engine, config)
        add_kept_videos(_project_target(args), source.videos, finished, engine.label_set, settings)
    gathered(None)  # the files are complete before anybody removes what they are made of
    if finished is not None and is_first_of_machine():
        finished.remove()
    if rank() > 0:
        return
    targets = [str(path) for path in (args.out, args.overlay, args.project) if path is not None]
    say(f"{counted(count, 'track')} in {counted(len(videos), 'video')}: {', '.join(targets)}")


def _write(out: Path | None, entries: Iterator[ResultEntry]) -> int:
    """Work through the entries, written as they come; how many there were."""
    numbers = itertools.count()
    counting = (entry for entry in entries if next(numbers) >= 0)
    if out is None:
        deque(counting, maxlen=0)
    else:
        write_results(out, counting)
    return next(numbers)


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
        check_project(source)


def _category_ids(engine: Engine, dataset: Dataset | None, args: argparse.Namespace) -> Mapping[int, int]:
    """Category id in the results by class index of the network."""
    own = {index: category.category_id for index, category in enumerate(engine.label_set.categories)}
    if dataset is None:
        return own
    if args.category_ids == "model":
        names = {category.category_id: category.name for category in dataset.categories}
        if any(names.get(c.category_id, c.name) != c.name for c in engine.label_set.categories):
            warn(
                f"{args.source}: its category ids mean other classes than the model's ({engine.label_set.name}); "
                "--category-ids dataset writes the dataset's"
            )
        return own
    return category_ids_by_name(engine, dataset, args.source)


def _entries(
    job: TrackingJob, videos: Sequence[VideoToTrack], finished: FinishedVideos | None, *, is_quiet: bool
) -> Iterator[ResultEntry]:
    """The tracks of all videos in their order; of several processes only the first gets any."""
    from visolo.distributed import gathered, rank, world_size

    if world_size() == 1:
        yield from _track_all(job, videos, finished, is_quiet=is_quiet)
        return
    mine = list(_track_all(job, videos[rank() :: world_size()], finished, is_quiet=is_quiet or rank() > 0))
    everything = [entry for part in gathered(mine) for entry in part]
    order = {video.video_id: position for position, video in enumerate(videos)}
    if rank() == 0:
        yield from sorted(everything, key=lambda entry: order[entry.video_id])


def _finished_videos(job: TrackingJob, source: Source, args: argparse.Namespace) -> FinishedVideos | None:
    """Where finished videos are kept, ready; None for a single video and where there is no results file.

    A project that several processes work for is written by the first of them when all are done, from what is kept.
    """
    from visolo.distributed import gathered, is_first_of_machine, world_size

    keeps_frames = args.project is not None and world_size() > 1
    if not keeps_frames and (args.out is None or len(source.videos) == 1):
        return None
    settings = {
        "dataset": file_digest(args.source),
        "images": [str(video.folder_or_file.resolve()) for video in source.videos],
        "weights": file_digest(job.engine.weights),
        "preset": args.preset,
        "precision": args.precision,
        "device": job.engine.model.device.type,
        "rules": asdict(job.config),
        "size": job.size,
        "category_ids": sorted(job.category_ids.items()),
        "by_evidence": job.links_by_evidence,
    }
    finished = FinishedVideos(args.out or args.project, settings, keeps_frames=keeps_frames)
    if is_first_of_machine():
        finished.prepare()
    gathered(None)  # nobody looks before the folder is ready
    return finished


def _track_all(
    job: TrackingJob, videos: Sequence[VideoToTrack], finished: FinishedVideos | None, *, is_quiet: bool
) -> Iterator[ResultEntry]:
    """Track one video after the other, those finished before excepted."""
    kept = {video.video_id for video in videos if finished is not None and finished.has(video.video_id)}
    if kept:
        warn(f"{len(kept)} of {len(videos)} videos were finished before and are not tracked again")
    lengths = [video.length for video in videos if video.video_id not in kept]
    with progress(sum(length for length in lengths if length is not None), "frame", quiet=is_quiet) as bar:
        for video in videos:
            if finished is not None and video.video_id in kept:
                yield from finished.read(video.video_id)
                continue
            entries = track_video(job, video, bar).entries
            if finished is not None:
                finished.keep(video.video_id, entries)
            yield from entries


def _sinks(args: argparse.Namespace, engine: Engine, config: InferenceConfig, finished: FinishedVideos | None) -> Sinks:
    names = [category.name for category in engine.label_set.categories]
    settings = _project_settings(args, engine, config)

    def of_video(
        video: VideoToTrack, feed: FrameFeed, size: tuple[int, int]
    ) -> Iterator[AbstractContextManager[FrameSink]]:
        if args.overlay is not None:
            from visolo.overlay import overlay_video

            yield overlay_video(args.overlay, feed.source.size, feed.source.frame_rate, names)
        if args.project is not None:
            facts = VideoFacts.of(feed.source)
            if finished is not None and finished.keeps_frames:
                yield finished.frames_sink(video.video_id, facts)
                return
            yield project_sink(_project_target(args), video, facts, size, engine.label_set, settings)

    return of_video


def _project_target(args: argparse.Namespace) -> ProjectTarget:
    return ProjectTarget(args.project, author_name(args.author))


def _project_settings(args: argparse.Namespace, engine: Engine, config: InferenceConfig) -> dict[str, Any]:
    """What a project remembers of the run; nothing without one, since the whole file of weights is read for it."""
    if args.project is None:
        return {}
    return run_settings(engine, config, args.precision)
