"""`project`: what leaves a project of the app, or comes into it, without opening its window."""

import argparse
from pathlib import Path
from typing import Any

from visolo.categories import label_set_names
from visolo.commands import project_gains, project_merge, project_pictures
from visolo.commands.console import say
from visolo.commands.project import add_video_option, app_module, check_new, opened_project, show_shares
from visolo.errors import ConfigError
from visolo.formats.names import FORMAT_NAMES, write_names

_EXAMPLES = """examples:
  python -m visolo project export review.visolo corrected.json --policy confirmed-ranges --images jpeg
  python -m visolo project export review.visolo corrected.json --val 20 --seed 1
  python -m visolo project export review.visolo mots --format mots-txt
  python -m visolo project overlay review.visolo masks.mp4 --video 2 --frames 0 250
  python -m visolo project tracks review.visolo tracks.csv
  python -m visolo project report review.visolo statistics.html
  python -m visolo project gains review.visolo --plot gains.png
  python -m visolo project merge mine.visolo annas.visolo --dry-run
"""
_POLICIES = ("all", "confirmed-videos", "confirmed-ranges")
_IMAGES = ("none", "jpeg", "link")


def add_parser(commands: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the command, its actions and their options."""
    parser = commands.add_parser(
        "project",
        help="projects of the app: exports, what corrections bought, another project merged in",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_export(actions, shared)
    project_pictures.add_actions(actions, shared)
    project_gains.add_action(actions, shared)
    project_merge.add_action(actions, shared)


def _add_export(actions: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    export = actions.add_parser(
        "export",
        parents=[shared],
        help="write its tracks as a dataset, YouTube-VIS or another format",
        description="Under the confirmed policies no frame in which anything is unconfirmed is written.",
    )
    export.add_argument("project", metavar="P.visolo", type=Path)
    export.add_argument("out", metavar="OUT.json", type=Path, help="or the new folder of formats that are folders")
    export.add_argument(
        "--format", choices=write_names(), default="ytvis", help=f"{', '.join(write_names())} (default: ytvis)"
    )
    export.add_argument(
        "--policy",
        choices=_POLICIES,
        default="all",
        help="everything, only videos that are confirmed to their ends, or every confirmed range as a video of its own"
        " (default: all)",
    )
    add_video_option(export)
    export.add_argument("--labels", metavar="NAME", help=f"classes of the file: {', '.join(label_set_names())}")
    export.add_argument(
        "--unknown",
        choices=("refuse", "drop", "keep"),
        default="refuse",
        help="what becomes of tracks whose class --labels lacks (default: refuse)",
    )
    export.add_argument(
        "--images", choices=_IMAGES, default="none", help="also write the frames to JPEGImages, or link to images"
    )
    export.add_argument(
        "--val", type=float, default=0.0, metavar="PERCENT", help="of the videos, in a file of their own"
    )
    export.add_argument("--seed", type=int, default=0, metavar="N", help="decides which these are (default: 0)")
    export.set_defaults(run=run_export)


def run_export(args: argparse.Namespace) -> None:
    """Write a dataset."""
    if not 0 <= args.val < 100:
        raise ConfigError(f"--val {args.val:g} is no share; give a percentage from 0 to below 100")
    exchange = app_module("app.document.exchange")
    options = exchange.ExportOptions(
        target=args.out,
        video_ids=None if args.video is None else tuple(args.video),
        format=args.format,
        label_set=args.labels or "project",
        unknown_classes=args.unknown,
        frames=args.policy,
        with_frames=args.images != "none",
        link_images=args.images == "link",
        validation_share=args.val / 100,
        seed=args.seed,
    )
    for target in options.targets:
        if FORMAT_NAMES[args.format].is_file(target):
            check_new(target, args.project)
    with opened_project(args.project, args.video) as queries:
        say(show_shares(lambda hear: exchange.export_dataset(queries, options, hear)))
