"""`dataset`: check, describe, merge, split and convert datasets."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from visolo.commands import dataset_convert, dataset_validate
from visolo.commands.console import say, say_json, table
from visolo.commands.dataset_files import (
    MAP_HELP,
    add_source_options,
    counts_of,
    heard_progress,
    moved,
    read_source,
    say_written,
)
from visolo.commands.outputs import check_output
from visolo.errors import ConfigError, OutputError
from visolo.io.ytvis import Dataset, read_dataset, write_dataset
from visolo.io.ytvis_edit import merge_datasets, renamed, split_dataset
from visolo.training.category_map import check_category_map, read_category_map
from visolo.words import counted

_EXAMPLES = """examples:
  python -m visolo dataset validate corrected.json --results results.json
  python -m visolo dataset validate found.json --fix mended.json
  python -m visolo dataset info corrected.json
  python -m visolo dataset merge all.json a.json b/b.json
  python -m visolo dataset split all.json train.json=80 valid.json=20
  python -m visolo dataset convert coco.json stills.json --labels ytvis2021
  python -m visolo dataset convert DAVIS corrected.json
  python -m visolo dataset convert results.json found --dataset valid.json --min-score 0.3 --to davis
  python -m visolo dataset convert corrected.json mots --to mots-txt
"""


def add_parser(commands: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the command, its actions and their options."""
    parser = commands.add_parser(
        "dataset",
        help="check, describe, merge, split and convert datasets",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_looking(actions, shared)
    _add_making(actions, shared)


def _add_looking(actions: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    dataset_validate.add_parser(actions, shared)
    info = actions.add_parser("info", parents=[shared], help="count videos, tracks, masks and classes")
    info.add_argument("file", metavar="FILE", type=Path, help="a dataset in any format: a file or folder")
    add_source_options(info)
    info.add_argument("--json", action="store_true", help="print one JSON object")
    info.set_defaults(run=run_info)


def _add_making(actions: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    merge = actions.add_parser("merge", parents=[shared], help="put the videos of several datasets into one")
    merge.add_argument("out", metavar="OUT.json", type=Path)
    merge.add_argument("files", metavar="IN.json", type=Path, nargs="+")
    merge.add_argument("--map", action="append", default=[], metavar="OLD=NEW|FILE", help=MAP_HELP)
    merge.set_defaults(run=run_merge)
    split = actions.add_parser("split", parents=[shared], help="share the videos of a dataset out at random")
    split.add_argument("file", metavar="IN.json", type=Path)
    split.add_argument("parts", metavar="OUT.json=SHARE", nargs="+", help="e.g. train.json=80 valid.json=20")
    split.add_argument("--seed", type=int, default=0, metavar="N", help="another draw (default: 0)")
    split.set_defaults(run=run_split)
    dataset_convert.add_parser(actions, shared)


def run_info(args: argparse.Namespace) -> None:
    """Print what a dataset holds."""
    from visolo.formats.catalogue import recognized

    dataset = read_source(args, args.file, args.source_format or recognized(args.file)).dataset
    tracks = Counter(annotation.category_id for annotation in dataset.annotations)
    masks: Counter[int] = Counter()
    for annotation in dataset.annotations:
        masks[annotation.category_id] += sum(rle is not None for rle in annotation.segmentations)
    counts = counts_of(dataset)
    if args.json:
        classes = [
            {"id": c.category_id, "name": c.name, "tracks": tracks[c.category_id], "masks": masks[c.category_id]}
            for c in dataset.categories
        ]
        say_json({**counts, "categories": classes})
        return
    lengths = sorted(video.length for video in dataset.videos) or [0]
    sizes = Counter(f"{video.width}x{video.height}" for video in dataset.videos)
    each = f" ({lengths[0]} to {lengths[-1]} each)" if lengths[0] != lengths[-1] else ""
    say(f"{counted(counts['videos'], 'video')}, {counted(counts['frames'], 'frame')}{each}")
    crowds = f" ({counted(counts['crowds'], 'crowd')})" if counts["crowds"] else ""
    say(f"{counted(counts['tracks'], 'track')}{crowds}, {counted(counts['masks'], 'mask')}")
    if sizes:
        say("sizes: " + ", ".join(f"{size} ({count})" for size, count in sizes.most_common(5)))
    rows = [
        (f"{c.category_id} {c.name}", str(tracks[c.category_id]), str(masks[c.category_id]))
        for c in dataset.categories
        if tracks[c.category_id]
    ]
    if rows:
        say()
        say(table(("class", "tracks", "masks"), rows))
    all_classes = counted(len(dataset.categories), "class", "classes")
    say(f"{len(dataset.categories) - len(rows)} of {all_classes} without tracks")


def run_merge(args: argparse.Namespace) -> None:
    """Merge datasets; file names start from the new file's folder."""
    check_output(args.out)
    if any(args.out.exists() and path.exists() and path.samefile(args.out) for path in args.files):
        raise OutputError(
            f"{args.out}: is one of the datasets to merge; name another file for the result, it comes first"
        )
    category_map = read_category_map(args.map)
    datasets = [_read_moved(path, args.out) for path in args.files]
    check_category_map(category_map, None, (c.name for dataset in datasets for c in dataset.categories))
    merged = merge_datasets([renamed(dataset, category_map) for dataset in datasets])
    write_dataset(args.out, merged)
    say_written(args.out, merged)


def run_split(args: argparse.Namespace) -> None:
    """Split a dataset at random."""
    parts = [_part(text) for text in args.parts]
    for path, _ in parts:
        check_output(path)
    with heard_progress() as hear:
        dataset = read_dataset(args.file, hear)
    shares = split_dataset(dataset, [share for _, share in parts], args.seed)
    for (path, _), share in zip(parts, shares, strict=True):
        placed = moved(share, args.file, path)
        write_dataset(path, placed)
        say_written(path, placed)


def _read_moved(path: Path, out: Path) -> Dataset:
    with heard_progress() as hear:
        return moved(read_dataset(path, hear), path, out)


def _part(text: str) -> tuple[Path, float]:
    name, _, share = text.rpartition("=")
    try:
        value = float(share)
    except ValueError:
        value = 0.0
    if not name or not 0 < value < float("inf"):
        raise ConfigError(f"{text!r} is no part; write FILE=SHARE, e.g. train.json=80")
    return Path(name), value
