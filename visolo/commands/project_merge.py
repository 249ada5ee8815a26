"""`project merge`: another project's work taken into one, with what both say differently as lines."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from visolo.commands.console import note, progress, say
from visolo.commands.project import add_author_option, app_module, author_name
from visolo.errors import ProjectError
from visolo.words import counted

_STEPS = 1000
CONFLICTS_LEFT = 3
"""Exit code when conflicts were decided by nobody; ours stays in these."""

_PLAN, _EDIT = "app.document.project_merge.plan", "app.document.project_merge.edit"


def add_action(actions: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the action and its options."""
    merge = actions.add_parser(
        "merge",
        parents=[shared],
        help="take another project's work on the same videos over, as one edit that can be undone",
        description="What only one of them changed is as that one has it. What both changed differently is a conflict:"
        " it is printed, and stays as the first project has it unless --prefer says otherwise. The exit code is"
        f" {CONFLICTS_LEFT} when conflicts were left.",
    )
    merge.add_argument("ours", metavar="OURS.visolo", type=Path, help="the project that takes the work in")
    merge.add_argument("theirs", metavar="THEIRS.visolo", type=Path, help="the other one; it stays as it is")
    merge.add_argument("--prefer", choices=("ours", "theirs"), help="decide all conflicts for one of them")
    merge.add_argument("--matched-only", action="store_true", help="do not add videos that only the other one has")
    merge.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_author_option(merge)
    merge.set_defaults(run=run_merge)


def run_merge(args: argparse.Namespace) -> int:
    """Compare, print, merge; the exit code."""
    if not args.ours.is_file():
        raise ProjectError(f"{args.ours}: there is no such project; check the path")
    document = app_module("app.document.document")
    opening = app_module("app.document.project_merge.their_project")
    with TemporaryDirectory(prefix="visolo-merge-") as folder:
        theirs = opening.readable(args.ours, args.theirs, Path(folder))
        with document.Document.open(args.ours) as ours:
            merge = _compare(ours, theirs)
            _say(merge)
            return _merge(args, ours, merge)


def _compare(ours: Any, theirs: Any) -> Any:  # noqa: ANN401 - the app's types are not known here
    plan = app_module(_PLAN)
    with app_module("app.document.project_merge.their_project").read(theirs) as queries, progress(_STEPS, "‰") as bar:
        return plan.compare_projects(ours, queries, lambda share: bar.update(round(share * _STEPS) - bar.n))


def _say(merge: Any) -> None:  # noqa: ANN401
    for sentence in merge.notes:
        note(sentence)
    if words := str(merge.classes):
        say(words)
    alike = 0
    for video in merge.videos:
        if video.fate == "in both" and not video.conflicts and not video.coming():
            alike += 1
            continue
        coming = f": {video.coming()}" if video.their_id else ""
        say(f"{video.video.name} ({video.fate}){coming}")
        for conflict in video.conflicts:
            say(f"  conflict: {conflict}")
    if alike:
        say(f"Nothing comes over in {counted(alike, 'video')} that both have")


def _merge(args: argparse.Namespace, ours: Any, merge: Any) -> int:  # noqa: ANN401
    plan, edits = app_module(_PLAN), app_module(_EDIT)
    conflicts = merge.conflicts
    added = (
        [] if args.matched_only else [v.video.video_id for v in merge.videos if v.fate is plan.VideoFate.ONLY_THEIRS]
    )
    taken = conflicts if args.prefer == "theirs" else []
    left = len(conflicts) if args.prefer is None else 0
    if left:
        say(f"{counted(left, 'conflict')} left: there the first project stays as it is; --prefer decides")
    edit = edits.MergeProject.of(merge, taken, added)
    if not edit.is_needed():
        say("Nothing differs that would come over")
    elif args.dry_run:
        say("Nothing was changed (--dry-run)")
    else:
        history = app_module("app.document.history").History(ours, author_name(args.author))
        history.do(edit)
        say(history.undo_text)
    return CONFLICTS_LEFT if left else 0
