"""`dataset convert`: a dataset in one format becomes one in another, or gets another label set."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visolo.categories import LabelSet, label_set_names, load_label_set
from visolo.commands.console import note, warn
from visolo.commands.dataset_files import add_source_options, heard_progress, moved_from, read_source, say_written
from visolo.commands.outputs import check_output
from visolo.errors import ConfigError, OutputError
from visolo.formats.names import FORMAT_NAMES, write_names
from visolo.io.ytvis_edit import relabelled

if TYPE_CHECKING:
    from visolo.io.ytvis import Dataset

_DESCRIPTION = """Convert a dataset from one format to another. What the new format can't carry is said. COCO images
without tracks become videos of one frame. Results become tracks of the --dataset they are of. With --labels, classes
are matched by name. Images stay where they are."""


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
    parser.add_argument("--labels", metavar="NAME", help=f"label set of the result: {', '.join(label_set_names())}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, relabel, write, tell."""
    from visolo.formats.catalogue import recognized, target_format, write_any

    out_format = args.out_format or target_format(args.out)
    is_file = FORMAT_NAMES[out_format].is_file(args.out)
    _check_output(args.out, is_file)
    if args.images is not None and not args.images.is_dir():
        raise ConfigError(f"--images {args.images}: there is no such folder; check the path")
    labels = None if args.labels is None else load_label_set(args.labels)
    source_format = args.source_format or recognized(args.source)
    if source_format == out_format == "ytvis" and labels is None:
        raise ConfigError(f"{args.source}: is a YouTube-VIS file already; name another label set with --labels")
    if source_format == out_format == "results":
        raise ConfigError(f"{args.source}: is a results file already, and would lose its scores; choose another --to")
    imported = read_source(args, args.source, source_format, args.images)
    dataset = imported.dataset
    if FORMAT_NAMES[out_format].suffix == ".json":
        dataset = moved_from(dataset, imported.images, args.source, args.out)
    if labels is not None:
        dataset = _relabelled(dataset, labels, args.source)
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


def _relabelled(dataset: "Dataset", labels: LabelSet, source: Path) -> "Dataset":
    from visolo.training.category_map import match_categories

    table = {"categories": [{"id": c.category_id, "name": c.name} for c in dataset.categories]}
    classes, unknown = match_categories(table, labels, source)
    new_ids = {old: labels.categories[index].category_id for old, index in classes.items()}
    if unknown:
        warn(f"{source}: tracks of classes that {labels.name} lacks are left out: {', '.join(unknown)}")
    return relabelled(dataset, labels.categories, new_ids)
