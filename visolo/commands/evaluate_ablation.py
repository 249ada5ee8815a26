"""The ablating half of `evaluate`: track a dataset in the ways of the paper's Tables 3 and 4 and print these tables."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visolo.commands.console import progress, say, say_json, table, warn
from visolo.commands.engine import Engine, add_engine_arguments, load_engine
from visolo.commands.finished_videos import file_digest
from visolo.commands.sources import FrameFeed, Source, VideoToTrack, find_videos
from visolo.commands.video_tracking import TrackingJob, category_ids_by_name, track_video
from visolo.errors import ConfigError, OutputError
from visolo.evaluation.ablation import TABLE_3, TABLE_4, AblationScores
from visolo.evaluation.tracking_metrics import evaluate_tracking
from visolo.evaluation.ytvis_metrics import evaluate
from visolo.io.atomic import write_text
from visolo.io.ytvis import Dataset, ResultEntry, write_results
from visolo.words import counted

if TYPE_CHECKING:
    from tqdm import tqdm

_RATIOS = ("AP", "AP50", "AP75", "AR1", "AR10", "IDF1")
_WARM_UP_FRAMES = 5
_PATIENCE = timedelta(days=7)  # with processes whose videos take longer


def add_ablation_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `ablate` reads."""
    group = parser.add_argument_group("ablation")
    group.add_argument(
        "--ablate", action="store_true", help="instead of scoring RESULTS, track in the ways of the paper's Tables 3, 4"
    )
    group.add_argument("--images", type=Path, metavar="DIR", help="folder that the dataset's file names start from")
    group.add_argument(
        "--out", type=Path, metavar="DIR", help="keep each row's results there; the same command goes on"
    )
    group.add_argument("--quiet", action="store_true", help="no progress bar")
    add_engine_arguments(parser)


def check_ablation_options(args: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        ConfigError: there is nothing or too much to score.
    """
    if args.ablate and args.results is not None:
        raise ConfigError(f"--ablate tracks by itself and scores that; leave out {args.results}")
    if not args.ablate and args.results is None:
        raise ConfigError("RESULTS.json is missing; name a results file, or give --ablate to track in several ways")
    for name in ("weights", "preset", "images", "out"):
        if not args.ablate and getattr(args, name) is not None:
            raise ConfigError(f"--{name} is about tracking; give --ablate too, or leave it out")
    for name in ("tracking", "official_quirks", "pr"):
        if args.ablate and getattr(args, name):
            raise ConfigError(f"--{name.replace('_', '-')} is about a results file; leave it out with --ablate")


def ablate(args: argparse.Namespace) -> None:
    """Track in every way that is not done yet, and print the tables.

    Raises:
        VisoloError: the dataset has nothing to score, an image is missing, the weights do not fit.
    """
    from visolo.distributed import local_device, process_group, rank

    source = find_videos(Path(args.dataset), args.images)
    if source.dataset is None or not source.dataset.annotations:
        raise ConfigError(f"{args.dataset}: has no annotations to score against; give a dataset that has")
    with process_group("cpu", timeout=_PATIENCE):
        args.device = local_device(args.device)
        engine = load_engine(args)
        folder = None if args.out is None else _RowFolder(args.out, _settings(args, engine))
        scores = _all_rows(args, engine, source, source.dataset, folder)
        if rank() == 0:
            _say(scores, is_json=args.json)


class _RowFolder:
    """What is kept of finished rows: `ablation.json`, and the results of each."""

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        self._folder, self._record, self._settings = folder, folder / "ablation.json", dict(settings)

    def read(self) -> dict[str, AblationScores]:
        """Scores of finished rows by name.

        Raises:
            ConfigError: they are of other weights or data.
            OutputError: the folder cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self._folder}: cannot be made ({error.strerror}); choose another --out") from error
        if not self._record.is_file():
            return {}
        try:
            kept = json.loads(self._record.read_text(encoding="utf-8"))
            rows = {name: AblationScores(**numbers) for name, numbers in kept["rows"].items()}
            settings = kept["settings"]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"{self._record}: is no record of an ablation; choose another --out") from error
        if settings != self._settings:
            raise ConfigError(f"{self._record}: holds rows of other weights, data or device; choose another --out")
        return rows

    def keep(self, rows: Mapping[str, AblationScores], name: str, entries: Sequence[ResultEntry]) -> None:
        """Write the results of a row, then all scores so far."""
        write_results(self._folder / f"{name}.json", entries)
        numbers = {key: asdict(scores) for key, scores in rows.items()}
        write_text(self._record, json.dumps({"settings": self._settings, "rows": numbers}, indent=1))


def _settings(args: argparse.Namespace, engine: Engine) -> dict[str, object]:
    return {
        "dataset": file_digest(Path(args.dataset)),
        "weights": file_digest(engine.weights),
        "preset": args.preset,
        "precision": args.precision,
        "device": engine.model.device.type,
    }


def _all_rows(
    args: argparse.Namespace, engine: Engine, source: Source, dataset: Dataset, folder: _RowFolder | None
) -> dict[str, AblationScores]:
    """Scores by the name of the row; of several processes each tracks its share of the videos."""
    from visolo.distributed import gathered, rank, world_size

    category_ids = category_ids_by_name(engine, dataset, args.dataset)
    annotated = {annotation.category_id for annotation in dataset.annotations}
    missing = [dataset.category_by_id[i].name for i in sorted(annotated - set(category_ids.values()))]
    if missing and rank() == 0:
        warn(f"{args.dataset}: the model does not know {', '.join(missing[:5])}; annotations of these are not found")
    scores = gathered(folder.read() if folder is not None and rank() == 0 else {})[0]
    rows = {row.name: row for row in (*TABLE_3, *TABLE_4)}
    left = [row for name, row in rows.items() if name not in scores]
    if scores and rank() == 0:
        warn(f"{counted(len(rows) - len(left), 'row')} of {len(rows)} in {args.out} are finished already")
    videos = source.videos[rank() :: world_size()]
    frames = len(left) * sum(video.length or 0 for video in videos)
    with progress(frames, "frame", quiet=args.quiet or rank() > 0) as bar:
        for row in left:
            bar.set_postfix_str(row.name, refresh=False)
            job = TrackingJob(engine, row.rules(engine.inference), category_ids)
            entries, scores[row.name] = _row(job, videos, dataset, bar)
            if folder is not None and rank() == 0:
                folder.keep(scores, row.name, entries)
    return scores


def _row(
    job: TrackingJob, videos: Sequence[VideoToTrack], dataset: Dataset, bar: "tqdm[Any]"
) -> tuple[list[ResultEntry], AblationScores]:
    """Track the videos of this process; the results and scores of all."""
    from visolo.distributed import gathered

    if videos:
        _warm_up(job, videos[0])
    tracked = [video for part in gathered([track_video(job, video, bar) for video in videos]) for video in part]
    order = {video.video_id: position for position, video in enumerate(dataset.videos)}
    entries = [entry for video in tracked for entry in video.entries]
    entries.sort(key=lambda entry: order[entry.video_id])
    metrics = evaluate(dataset, entries)
    return entries, AblationScores(
        **{name: getattr(metrics, name) for name in _RATIOS if name != "IDF1"},
        IDF1=evaluate_tracking(dataset, entries).combined.IDF1,
        FPS=sum(video.frame_count for video in tracked) / max(1e-9, sum(video.seconds for video in tracked)),
    )


def _warm_up(job: TrackingJob, video: VideoToTrack) -> None:
    """Let what is done once, at the first frames, not count for the speed."""
    from visolo.inference.segmenter import OnlineSegmenter

    with FrameFeed(video.media) as feed:
        segmenter = OnlineSegmenter(job.engine.model, job.config, video.size or feed.source.size)
        for frame in islice(feed, _WARM_UP_FRAMES):
            segmenter.step(frame)


def _say(scores: Mapping[str, AblationScores], *, is_json: bool) -> None:
    if is_json:
        tables = {"table3": TABLE_3, "table4": TABLE_4}
        say_json({key: [asdict(row) | asdict(scores[row.name]) for row in rows] for key, rows in tables.items()})
        return
    say("Score reweighting (SR) and temporal aggregation (TA): Table 3 of the paper")
    switches = [(row.score_reweighting, row.temporal_category, row.temporal_mask) for row in TABLE_3]
    marks = [tuple("yes" if is_on else "-" for is_on in row) for row in switches]
    rows = [(*mark, *_cells(scores[row.name])) for mark, row in zip(marks, TABLE_3, strict=True)]
    say(table(("SR", "TA category", "TA mask", *_RATIOS, "FPS"), rows))
    say()
    say("Frames that are remembered: Table 4 of the paper")
    say(table(("memory", *_RATIOS, "FPS"), [(row.memory, *_cells(scores[row.name])) for row in TABLE_4]))


def _cells(scores: AblationScores) -> list[str]:
    """Ratios in percent, as in the paper."""
    return [f"{100 * getattr(scores, name):.1f}" if getattr(scores, name) >= 0 else "-" for name in _RATIOS] + [
        f"{scores.FPS:.1f}"
    ]
