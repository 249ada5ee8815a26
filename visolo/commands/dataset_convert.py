"""`dataset convert`: a dataset in one format becomes one in another, or gets another label set."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visolo.categories import LabelSet, label_set_names, load_label_set
from visolo.commands.console import note, warn
from visolo.commands.dataset_files import (
    MAP_HELP,
    add_source_options,
    heard_progress,
    moved_from,
    read_source,
    say_written,
)
from visolo.commands.outputs import check_output
from visolo.errors import ConfigError, OutputError
from visolo.formats.names import FORMAT_NAMES, write_names
from visolo.io.label_sets import read_label_set
from visolo.io.ytvis_edit import relabelled, renamed
from visolo.training.category_map import check_category_map, match_categories, read_category_map

if TYPE_CHECKING:
    from visolo.io.ytvis import Dataset

_DESCRIPTION = """Convert a dataset from one format to another. What the new format can't carry is said. COCO images
without tracks become videos of one frame. Results become tracks of the --dataset they are of. With --labels, classes
are matched by name and synonyms; --map says what others become. Images stay where they are."""


def add_parser(actions: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the action and its options."""
    parser = actions.add_parser(
        "convert",
        parents=[shared],
        help="convert between formats (YouTube-VIS, COCO, DAVIS, MOTS ...), or change the label set",
        description=_DESCRIPTION,
    )
    parser.add_argument("source", metavar="IN", type=Path, help="a file or folder")
    parser.add_argument("out", metavar="OUT", type=Path, help="a file, or a new folder where the format is one")
    add_source_options(parser)
    parser.add_argument(
        "--to",
        dest="out_format",
        metavar="FORMAT",
        choices=write_names(),
        help=f"what OUT becomes: {', '.join(write_names())} (default: what its name says)",
    )
    parser.add_argument("--images", metavar="DIR", type=Path, help="folder that the images of the videos are in")
    parser.add_argument(
        "--labels",
        metavar="NAME|FILE",
        help=f"label set of the result: {', '.join(label_set_names())}, or a JSON with the classes",
    )
    parser.add_argument("--map", action="append", default=[], metavar="OLD=NEW|FILE", help=MAP_HELP)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, relabel, write, tell."""
    from visolo.formats.catalogue import recognized, target_format, write_any

    out_format = args.out_format or target_format(args.out)
    is_file = FORMAT_NAMES[out_format].is_file(args.out)
    _check_output(args.out, is_file)
    if args.images is not None and not args.images.is_dir():
        raise ConfigError(f"--images {args.images}: there is no such folder; check the path")
    labels = None if args.labels is None else _label_set(args.labels)
    category_map = read_category_map(args.map)
    source_format = args.source_format or recognized(args.source)
    if source_format == out_format == "ytvis" and labels is None and not category_map:
        raise ConfigError(
            f"{args.source}: is a YouTube-VIS file already; name another label set with --labels, or classes with --map"
        )
    if source_format == out_format == "results":
        raise ConfigError(f"{args.source}: is a results file already, and would lose its scores; choose another --to")
    imported = read_source(args, args.source, source_format, args.images)
    dataset = imported.dataset
    if FORMAT_NAMES[out_format].suffix == ".json":
        dataset = moved_from(dataset, imported.images, args.source, args.out)
    check_category_map(category_map, labels, (category.name for category in dataset.categories))
    if labels is not None:
        dataset = _relabelled(dataset, labels, args.source, category_map)
    elif category_map:
        dataset = renamed(dataset, category_map)
    with heard_progress() as hear:
        carried = write_any(args.out, dataset, out_format, hear)
    for sentence in carried.notes:
        note(f"{args.out}: {sentence}")
    say_written(args.out, carried.dataset)


def _check_output(out: Path, is_file: bool) -> None:
    if is_file:
        check_output(out)
    elif out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(f"{out}: is there already; name a new folder")
    elif not out.resolve().parent.is_dir():
        raise OutputError(f"{out}: there is no folder {out.parent} to write to; make it first")


def _label_set(name: str) -> LabelSet:
    path = Path(name)
    if name in label_set_names() or not path.is_file():
        return load_label_set(name)
    return LabelSet(path.stem, read_label_set(path))


def _relabelled(dataset: "Dataset", labels: LabelSet, source: Path, category_map: Mapping[str, str]) -> "Dataset":
    classes, unknown = match_categories(dataset.categories, labels, source, category_map)
    new_ids = {old: labels.categories[index].category_id for old, index in classes.items()}
    if unknown:
        warn(f"{source}: tracks of classes that {labels.name} lacks are left out: {', '.join(unknown)}")
    return relabelled(dataset, labels.categories, new_ids)
