"""`project overlay`, `masks`, `tracks`, `notes` and `report`: a project to look at, as pictures, tables, a page."""

import argparse
from pathlib import Path
from typing import Any

from visolo.commands.console import say
from visolo.commands.project import add_video_option, app_module, check_new, opened_project, show_progress
from visolo.errors import ConfigError

_MODULE = "app.document.export_pictures"


def add_actions(actions: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the actions and their options."""
    overlay = actions.add_parser(
        "overlay", parents=[shared], help="draw the tracks of a video on its frames: H.264 (.mp4, .mkv, .mov) or PNG"
    )
    overlay.add_argument("project", metavar="P.visolo", type=Path)
    overlay.add_argument("out", metavar="OUT.mp4 | FOLDER", type=Path)
    _add_frames(overlay)
    overlay.add_argument(
        "--color-by", choices=("track", "class"), default="track", help="what has a colour of its own (default: track)"
    )
    overlay.set_defaults(run=run_overlay)
    masks = actions.add_parser(
        "masks", parents=[shared], help="the masks of a video as PNG whose values are the tracks"
    )
    masks.add_argument("project", metavar="P.visolo", type=Path)
    masks.add_argument("out", metavar="FOLDER", type=Path)
    _add_frames(masks)
    masks.set_defaults(run=run_masks)
    for name, what, run in (
        ("tracks", "a CSV table with a row for each track and frame", run_tracks),
        ("notes", "a CSV table of what people noted on frames, open or resolved", run_notes),
    ):
        table = actions.add_parser(name, parents=[shared], help=what)
        table.add_argument("project", metavar="P.visolo", type=Path)
        table.add_argument("out", metavar="OUT.csv", type=Path)
        add_video_option(table)
        table.set_defaults(run=run)
    report = actions.add_parser(
        "report", parents=[shared], help="statistics of the project with plots, as an HTML page"
    )
    report.add_argument("project", metavar="P.visolo", type=Path)
    report.add_argument("out", metavar="OUT.html", type=Path)
    report.set_defaults(run=run_report)


def _add_frames(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--video", type=int, metavar="ID", help="which video, where there are several")
    parser.add_argument("--frames", type=int, nargs=2, metavar=("FIRST", "LAST"), help="only these, both included")


def run_overlay(args: argparse.Namespace) -> None:
    """Draw a video or pictures."""
    if args.out.suffix:
        check_new(args.out, args.project)
    with opened_project(args.project, None) as queries:
        module = app_module(_MODULE)
        write = module.export_overlay_video if args.out.suffix else module.export_overlay_images
        say(show_progress(write(queries, _options(args, queries))))


def run_masks(args: argparse.Namespace) -> None:
    """Write indexed masks."""
    with opened_project(args.project, None) as queries:
        say(show_progress(app_module(_MODULE).export_mask_images(queries, _options(args, queries))))


def run_tracks(args: argparse.Namespace) -> None:
    """Write the table."""
    check_new(args.out, args.project)
    with opened_project(args.project, args.video) as queries:
        say(show_progress(app_module("app.document.export_tracks").export_tracks(queries, args.out, args.video)))


def run_notes(args: argparse.Namespace) -> None:
    """Write the table."""
    check_new(args.out, args.project)
    with opened_project(args.project, args.video) as queries:
        say(show_progress(app_module("app.document.export_notes").export_notes(queries, args.out, args.video)))


def run_report(args: argparse.Namespace) -> None:
    """Write the page."""
    check_new(args.out, args.project)
    with opened_project(args.project, None) as queries:
        say(show_progress(app_module("app.document.statistics_report").write_report(queries, args.out)))


def _options(args: argparse.Namespace, queries: Any) -> Any:  # noqa: ANN401 - the app's types are not known here
    videos = {video.video_id: video.name for video in queries.videos()}
    video_id = args.video if args.video is not None or len(videos) != 1 else next(iter(videos))
    if video_id not in videos:
        names = ", ".join(f"{key} {name}" for key, name in videos.items()) or "none"
        raise ConfigError(f"{args.project}: choose a video of this project with --video; it holds: {names}")
    frames = None
    if args.frames is not None:
        first, last = args.frames
        if not 0 <= first <= last:
            raise ConfigError(f"--frames {first} {last} is no range; give the first and the last frame, from 0")
        frames = app_module("app.document.records").FrameRange(first, last)
    return app_module(_MODULE).PictureOptions(args.out, video_id, frames, getattr(args, "color_by", "track") == "class")
