"""The tracking half of `evaluate`: its options, and its numbers in words."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from visolo.commands.console import say, table
from visolo.commands.video_share import VideoShare
from visolo.errors import ConfigError
from visolo.evaluation.track_strata import STRATIFICATIONS
from visolo.evaluation.tracking_metrics import TrackingMetrics, count_videos, summarise_tracking
from visolo.io.ytvis import Dataset, ResultEntry

_RATIOS = ("HOTA", "DetA", "AssA", "LocA", "IDF1", "IDP", "IDR", "MOTA")
_COUNTS = {"id_switches": "switches", "fragmentations": "fragm.", "tracks": "tracks"}
_OF_KINDS = ("recall", "IDR", "AssA", "LocA")


def add_tracking_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `tracking_metrics` reads."""
    group = parser.add_argument_group("tracking")
    group.add_argument(
        "--tracking", action="store_true", help="also IDF1, ID switches, fragmentations, MOTA and HOTA, with masks"
    )
    group.add_argument("--by", choices=tuple(STRATIFICATIONS), help="also tell annotated tracks apart by this")
    group.add_argument("--class-agnostic", action="store_true", help="forgive wrong classes")
    group.add_argument(
        "--min-score", type=float, metavar="S", help="leave out tracks with a lower score (every mask counts alike)"
    )


def check_tracking_options(args: argparse.Namespace) -> None:
    """Refuse options that would do nothing.

    Raises:
        ConfigError: one was given without --tracking.
    """
    given = {"--by": args.by, "--class-agnostic": args.class_agnostic, "--min-score": args.min_score is not None}
    for name, is_given in given.items():
        if is_given and not args.tracking:
            raise ConfigError(f"{name} is about identities; give --tracking too")


def tracking_metrics(
    args: argparse.Namespace, dataset: Dataset, results: Sequence[ResultEntry], share: VideoShare
) -> TrackingMetrics | None:
    """The numbers asked for; None when they were not."""
    if not args.tracking:
        return None
    kept = [entry for entry in results if args.min_score is None or entry.score >= args.min_score]
    counts = share.merged(count_videos(dataset, kept, share.video_ids, is_class_agnostic=args.class_agnostic))
    by = STRATIFICATIONS[args.by] if args.by else None
    return summarise_tracking(dataset, counts, is_class_agnostic=args.class_agnostic, by=by)


def say_tracking(metrics: TrackingMetrics, dataset: Dataset) -> None:
    """Print a table of the classes and all together, and one of the kinds of tracks."""
    rows = []
    for category_id, scores in metrics.per_category.items():
        rows.append((f"{category_id} {dataset.category_by_id[category_id].name}", *_cells(asdict(scores))))
    rows.append(("all classes", *_cells(asdict(metrics.combined))))
    say()
    say(table(("tracking", *_RATIOS, *_COUNTS.values()), rows))
    if metrics.strata:
        kinds = [(name, *_cells(asdict(scores), _OF_KINDS)) for name, scores in metrics.strata.items()]
        say()
        say(table(("annotated tracks", *_OF_KINDS, *_COUNTS.values()), kinds))


def _cells(values: dict[str, Any], ratios: Sequence[str] = _RATIOS) -> list[str]:
    return [f"{values[name]:.4f}" for name in ratios] + [str(values[name]) for name in _COUNTS]
