"""`evaluate`: the official numbers of a results file against a dataset."""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visolo.commands.console import say, say_json, table, warn
from visolo.commands.evaluate_ablation import ablate, add_ablation_arguments, check_ablation_options
from visolo.commands.evaluate_tracking import (
    add_tracking_arguments,
    check_tracking_options,
    say_tracking,
    tracking_metrics,
)
from visolo.commands.outputs import check_output
from visolo.commands.video_share import video_share
from visolo.evaluation.tracking_metrics import TrackingMetrics
from visolo.evaluation.ytvis_metrics import Metrics, match_videos, precision_curves, summarise
from visolo.io.ytvis import Dataset, ResultEntry, read_dataset, read_results

_MEANING = {
    "AP": "mean over IoU 0.50 to 0.95, all sizes",
    "AP50": "IoU 0.50",
    "AP75": "IoU 0.75",
    "APs": "small: mean area up to 128 x 128 px",
    "APm": "medium: up to 256 x 256 px",
    "APl": "large",
    "AR1": "recall with 1 prediction per video and class",
    "AR10": "with 10",
    "AR100": "with 100",
    "ARs": "small",
    "ARm": "medium",
    "ARl": "large",
}


def add_parser(commands: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the command and its options."""
    parser = commands.add_parser(
        "evaluate",
        parents=[shared],
        help="score a results file against a dataset",
        description="The twelve official YouTube-VIS numbers; -1 means that there is nothing to average.",
    )
    parser.add_argument("dataset", metavar="GT.json", help="dataset with annotations")
    parser.add_argument("results", metavar="RESULTS.json", nargs="?", help="predictions, as `track` writes them")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--official-quirks",
        action="store_true",
        help="accept mask lists that do not fit their video and treat them as the official code does",
    )
    parser.add_argument("--pr", type=Path, metavar="FILE.png", help="also draw precision-recall curves (or .svg, .pdf)")
    add_tracking_arguments(parser)
    add_ablation_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, score, print."""
    check_tracking_options(args)
    check_ablation_options(args)
    if args.ablate:
        ablate(args)
        return
    if args.pr is not None:
        from visolo.evaluation.curve_picture import check_picture_path

        check_output(args.pr)
        check_picture_path(args.pr)
    dataset = read_dataset(args.dataset)
    results = read_results(args.results, dataset, allow_unknown_categories=True, allow_misfits=args.official_quirks)
    with video_share(dataset) as share:
        if share.is_first:
            _warn_about_leftovers(args, dataset, results)
        found = match_videos(dataset, results, share.video_ids, official_quirks=args.official_quirks)
        matches = share.merged(found)
        tracking = tracking_metrics(args, dataset, results, share)
    if share.is_first and args.pr is not None:
        _draw(args.pr, dataset, precision_curves(dataset, results, matches))
    if share.is_first:
        _say(args, dataset, summarise(dataset, results, matches), tracking)


def _say(args: argparse.Namespace, dataset: Dataset, metrics: Metrics, tracking: TrackingMetrics | None) -> None:
    if args.json:
        say_json(metrics.to_json() | ({"tracking": tracking.to_json()} if tracking else {}))
        return
    _print(metrics)
    if tracking:
        say_tracking(tracking, dataset)


def _draw(path: Path, dataset: Dataset, curves: Mapping[int, NDArray[np.float64]]) -> None:
    from visolo.evaluation.curve_picture import draw_curves

    draw_curves(path, {f"{key} {dataset.category_by_id[key].name}": curve for key, curve in curves.items()})


def _warn_about_leftovers(args: argparse.Namespace, dataset: Dataset, results: Sequence[ResultEntry]) -> None:
    if not dataset.annotations:
        warn(f"{args.dataset}: has no annotations, so every number is -1")
    unknown = Counter(e.category_id for e in results if e.category_id not in dataset.category_by_id)
    if unknown:
        ids = ", ".join(map(str, sorted(unknown)[:5])) + (", ..." if len(unknown) > 5 else "")
        warn(f"{args.results}: {unknown.total()} predictions of classes that {args.dataset} lacks ({ids}) are left out")


def _print(metrics: Metrics) -> None:
    for name, meaning in _MEANING.items():
        say(f"{name:<6}{getattr(metrics, name):>8.4f}   {meaning}")
    names = ("AP", "AP50", "AP75", "AR1", "AR10")
    rows = [
        (f"{c.category_id} {c.name}", *(f"{getattr(c, name):.4f}" for name in names))
        for c in metrics.per_category
        if c.AP > -1
    ]
    if rows:
        say()
        say(table(("class", *names), rows))
    absent = len(metrics.per_category) - len(rows)
    if absent:
        say(f"{absent} more classes have no annotations")
