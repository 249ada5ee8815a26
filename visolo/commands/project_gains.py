"""`project gains`: what corrections bought, as tables and a picture."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from visolo.categories import label_set_names, load_label_set
from visolo.commands.console import progress, say, say_json, table
from visolo.commands.project import app_module, check_new, opened_project
from visolo.errors import ConfigError

_STEPS = 1000


def add_action(actions: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the action and its options."""
    gains = actions.add_parser(
        "gains",
        parents=[shared],
        help="what its corrections bought: the predictions scored against the corrected tracks, and the effort",
        description="Scores what a model predicted, before any edit, against the corrected tracks: what is missing to 1"
        " was bought. Minutes are the time between one's edits, at most 2 minutes each, and none after more than 10.",
    )
    gains.add_argument("project", metavar="P.visolo", type=Path)
    gains.add_argument(
        "--results", type=Path, metavar="R.json", help="predictions to score instead of those that the project has kept"
    )
    gains.add_argument(
        "--labels",
        metavar="NAME",
        help=f"what its class ids mean: {', '.join(label_set_names())} (default: the project's own classes)",
    )
    gains.add_argument(
        "--frames",
        choices=("confirmed", "all"),
        default="confirmed",
        help="count wholly confirmed frames (default), or take all tracks for correct as they are",
    )
    gains.add_argument("--plot", type=Path, metavar="FILE.png", help="also draw them (or .svg, .pdf)")
    gains.add_argument("--json", action="store_true", help="print one JSON object")
    gains.set_defaults(run=run_gains)


def run_gains(args: argparse.Namespace) -> None:
    """Measure and print."""
    from visolo.evaluation.curve_picture import check_picture_path

    if args.labels and args.results is None:
        raise ConfigError("--labels is about a results file; give --results too")
    if args.plot is not None:
        check_new(args.plot, args.project)
        check_picture_path(args.plot)
    with opened_project(args.project, None) as queries, progress(_STEPS, "‰", quiet=args.json) as bar:
        given = None
        if args.results is not None:
            labels = load_label_set(args.labels) if args.labels else None
            given = app_module("app.document.predictions").file_predictions(queries, args.results, labels)

        def tell(share: float) -> None:
            bar.update(round(share * _STEPS) - bar.n)

        found = app_module("app.document.gains").measure_gains(queries, args.frames, given, tell)
    if args.plot is not None:
        app_module("app.document.gain_picture").draw_gains(args.plot, found)
    _say(args, found)


def _say(args: argparse.Namespace, found: Any) -> None:  # noqa: ANN401 - the app's type is not known here
    if args.json:
        say_json(asdict(found))
        return
    texts = app_module("app.document.gain_table")
    say(table(texts.VIDEO_HEADS, texts.video_rows(found)))
    for row in found.videos:
        if row.scores is None:
            say(f"{row.name}: not scored, {row.words}")
    if found.classes:
        say()
        say(table(texts.CLASS_HEADS, texts.class_rows(found)))
    say()
    say(texts.summary(found))
