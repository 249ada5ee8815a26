"""What the actions of `dataset` share: file names seen from a new file's folder, and what a dataset holds in words."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from visolo.commands.console import note, progress, say, warn
from visolo.errors import ConfigError
from visolo.formats.names import FORMAT_NAMES, read_names
from visolo.io.ytvis import Dataset
from visolo.io.ytvis_edit import relocated
from visolo.words import counted

if TYPE_CHECKING:
    from visolo.formats.exchange import Imported, Progress

MAP_HELP = (
    "what a class of IN becomes, or a JSON object of such names; classes of one name become one, and an empty name"
    " leaves a class out; may be repeated"
)


def source_names() -> list[str]:
    """Formats that a file to be read may be in: results, too, which need their dataset."""
    return [*read_names(), "results"]


FROM_HELP = f"what it is: {', '.join(source_names())} (default: what it looks like)"


def moved(dataset: Dataset, old: Path, new: Path) -> Dataset:
    """The dataset with file names that are found from the new file's folder."""
    from visolo.formats.ytvis_files import image_root
    from visolo.io.dataset_images import image_roots

    if old.resolve().parent == new.resolve().parent:
        return dataset
    return moved_from(dataset, image_root(dataset, image_roots(old)), old, new)


def moved_from(dataset: Dataset, root: Path | None, old: Path, new: Path) -> Dataset:
    """The same, where the folder is known that file names start from; None where the images were not found."""
    if not any(video.file_names for video in dataset.videos):
        return dataset
    if root is None:
        warn(f"{old}: its images are not beside it, so their names stay; name their folder with --images when needed")
        return dataset
    return relocated(dataset, root.resolve(), new.resolve().parent)


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what a file to be read is."""
    parser.add_argument("--from", dest="source_format", choices=source_names(), metavar="FORMAT", help=FROM_HELP)
    parser.add_argument("--dataset", metavar="DATASET", type=Path, help="of results: the dataset that was tracked")
    parser.add_argument(
        "--min-score", type=float, default=0.0, metavar="S", help="of results: leave out tracks with a lower score"
    )


def read_source(args: argparse.Namespace, path: Path, name: str, images: Path | None = None) -> "Imported":
    """Read a dataset, or results of the one that `--dataset` names; see `read_with_notes`.

    Raises:
        ConfigError: results need a dataset, and only they.
    """
    from visolo.formats.results import with_results

    if name != "results":
        if args.dataset is not None or args.min_score:
            option = "--dataset" if args.dataset is not None else "--min-score"
            raise ConfigError(f"{path}: {option} goes with results, and this is {FORMAT_NAMES[name].title}")
        return read_with_notes(path, name, images)
    if args.dataset is None:
        raise ConfigError(
            f"{path}: is a results file, which tells nothing of videos; name their dataset with --dataset"
        )
    imported = read_with_notes(args.dataset, None, images)
    with heard_progress() as hear:
        imported = with_results(imported, path, args.min_score, hear)
    _say_notes(path, imported)
    return imported


def read_with_notes(path: Path, name: str | None, images: Path | None = None) -> "Imported":
    """Read a dataset in any format, with progress, and say what of it could not be taken.

    Args:
        path: the file or folder.
        name: of the format; None for what it looks like.
        images: folder that the images of the videos are in.
    """
    from visolo.formats.catalogue import read_any

    with heard_progress() as hear:
        imported = read_any(path, name, images, hear)
    _say_notes(path, imported)
    return imported


def _say_notes(path: Path, imported: "Imported") -> None:
    for sentence in imported.all_notes:
        note(f"{path}: {sentence}")


@contextmanager
def heard_progress() -> "Iterator[Progress]":
    """A bar of percents that hears how much is done."""
    with progress(100, "%") as bar:

        def hear(fraction: float) -> None:
            bar.update(int(fraction * 100) - bar.n)

        yield hear


def counts_of(dataset: Dataset) -> dict[str, int]:
    """How many videos, frames, tracks, crowds and masks there are."""
    return {
        "videos": len(dataset.videos),
        "frames": sum(video.length for video in dataset.videos),
        "tracks": len(dataset.annotations),
        "crowds": sum(annotation.iscrowd for annotation in dataset.annotations),
        "masks": sum(rle is not None for a in dataset.annotations for rle in a.segmentations),
    }


def say_written(path: Path, dataset: Dataset) -> None:
    """Say what was written."""
    counts = counts_of(dataset)
    say(
        f"{path}: {counted(counts['videos'], 'video')}, {counted(counts['tracks'], 'track')}, "
        f"{counted(len(dataset.categories), 'class', 'classes')}"
    )
