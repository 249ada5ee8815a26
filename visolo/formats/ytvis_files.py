"""YouTube-VIS datasets and results as one of the formats."""

from pathlib import Path

from visolo.errors import AnnotationError, OutputError
from visolo.formats.exchange import Carried, Imported, Progress
from visolo.formats.losses import without_crowds, without_empty_masks
from visolo.io.dataset_images import find_images, image_roots
from visolo.io.ytvis import Dataset, ResultEntry, read_dataset, read_results, write_dataset, write_results


def read_ytvis(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read a dataset file; see `read_dataset`."""
    dataset = read_dataset(path, progress)
    progress(1.0)
    return Imported(dataset, image_root(dataset, image_roots(path, images)))


def image_root(dataset: Dataset, roots: tuple[Path, ...]) -> Path | None:
    """The first of some folders that a dataset's file names are found from."""
    named = next((video for video in dataset.videos if video.file_names), None)
    if named is None:
        return None
    return next((root.resolve() for root in roots if find_images(named, (root,)) is not None), None)


def carry_all(dataset: Dataset, progress: Progress) -> Carried:
    """Everything can be written."""
    progress(1.0)
    return Carried(dataset)


def write_ytvis(path: Path, dataset: Dataset, progress: Progress) -> None:
    """Write a dataset file; see `write_dataset`."""
    write_dataset(path, dataset)
    progress(1.0)


def carry_results(dataset: Dataset, progress: Progress) -> Carried:
    """Tracks only: no videos, no names of classes, and scores that are all 1."""
    carried = without_empty_masks(without_crowds(Carried(dataset)))
    progress(1.0)
    note = "A results file holds tracks only, each with the score 1; videos and classes are known by their ids."
    return Carried(carried.dataset, (*carried.notes, note))


def write_as_results(path: Path, dataset: Dataset, progress: Progress) -> None:
    """Write the tracks as results, and read them back.

    Raises:
        OutputError: what was written is not the same.
    """
    entries = [ResultEntry(a.video_id, a.category_id, 1.0, a.segmentations) for a in dataset.annotations]
    write_results(path, entries)
    progress(0.5)
    try:
        is_same = read_results(path, dataset) == entries
    except AnnotationError as error:
        raise OutputError(f"{path}: what was written cannot be read back ({error}); nothing was changed") from error
    if not is_same:
        raise OutputError(f"{path}: what was written reads back differently; nothing was changed, please report this")
    progress(1.0)
