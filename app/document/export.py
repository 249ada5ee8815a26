"""Corrected tracks as YouTube-VIS files, and the frames as images if wished. Written whole or not at all.

Reads a snapshot of its own, so it can run on any thread while people go on editing. What goes in is `export_plan`'s.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from app.document.export_images import write_images
from app.document.export_plan import ExportOptions, ExportPlan, annotations_of, dataset_without_tracks, plan_export
from app.document.queries import Queries, snapshot
from visolo.errors import AnnotationError, OutputError
from visolo.io.atomic import place_together
from visolo.io.ytvis import read_dataset
from visolo.io.ytvis_write import DatasetWriter

_IMAGES = "JPEGImages"


class Progress(NamedTuple):
    """How far something is: `done` of `total` steps, and what is being done."""

    done: int
    total: int
    text: str


def export_dataset(document: Queries, options: ExportOptions) -> Iterator[Progress]:
    """Write a dataset; closing the iterator early cancels and leaves nothing behind.

    Args:
        document: the project; only its path is used, so any thread may do the iterating.
        options: what to export.

    Yields:
        Progress, about once for each track and for every few frames; the last says what was written.

    Raises:
        OutputError: it cannot be written there, a class is not in the label set, or there is nothing to export.
        ConfigError: there is no such label set, or there are too few videos to split.
        MediaError: the frames of a video cannot be read.
        ProjectError: the project cannot be read.
    """
    with snapshot(document.path) as queries, workplace(options.target) as folder:
        plan = plan_export(queries, options)
        yield from _write(queries, options, plan, folder)
        images = [Path(_IMAGES) / entry.folder for entry in plan.entries] if options.with_frames else []
        # Frames first, the files that speak of them last.
        names = [*images, *(Path(target.name) for target in options.targets)]
        place_together({options.target.parent / name: folder / name for name in names}, folder)


@contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """A temporary folder beside what is to be written; gone afterwards, whatever happens.

    Raises:
        OutputError: there is no writing there, or something in the block failed to write.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.stem}-", dir=target.parent))
    except OSError as error:
        raise OutputError(f"{target}: cannot write there ({error.strerror}); choose another folder") from error
    try:
        yield folder
    except OSError as error:
        raise OutputError(f"{target}: writing failed ({error.strerror}); nothing was changed there") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(queries: Queries, options: ExportOptions, plan: ExportPlan, folder: Path) -> Iterator[Progress]:
    track_count = sum(len(entry.tracks) for entry in plan.entries)
    frame_count = sum(len(entry.frame_indices) for entry in plan.entries) if options.with_frames else 0
    total = track_count + frame_count + 1
    done = 0
    for part, target in enumerate(options.targets):
        for text in _write_json(queries, options, plan, part, folder / target.name):
            yield Progress(done, total, text)
            done += 1
    for entry in plan.entries if options.with_frames else ():
        for written in write_images(queries, options, entry, folder / _IMAGES / entry.folder):
            yield Progress(done + written, total, f"Writing frames of {entry.video.name}")
        done += len(entry.frame_indices)
    yield Progress(total - 1, total, "Checking what was written")
    for part, target in enumerate(options.targets):
        _check(options, plan, part, folder / target.name, target)
    yield Progress(total, total, "; ".join(_words(plan, part, target) for part, target in enumerate(options.targets)))


def _words(plan: ExportPlan, part: int, target: Path) -> str:
    entries = plan.of_part(part)
    counts = {"video": len(entries), "track": sum(len(entry.tracks) for entry in entries)}
    return f"{target}: " + ", ".join(f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items())


def _write_json(queries: Queries, options: ExportOptions, plan: ExportPlan, part: int, path: Path) -> Iterator[str]:
    with path.open("w", encoding="utf-8") as file:
        writer = DatasetWriter(file, dataset_without_tracks(queries, options, plan, part))
        for annotation, words in annotations_of(queries, plan, part):
            yield f"Writing {words}"
            writer.add(annotation)
        writer.finish()
        file.flush()
        os.fsync(file.fileno())


def _check(options: ExportOptions, plan: ExportPlan, part: int, path: Path, target: Path) -> None:
    """Read the file back, and look for its images, before anyone sees them."""
    try:
        dataset = read_dataset(path)
    except AnnotationError as error:
        raise OutputError(
            f"{target}: what was written could not be read back ({error}); nothing was changed"
        ) from error
    entries = plan.of_part(part)
    images = path.parent / _IMAGES
    is_whole = (len(dataset.videos), len(dataset.annotations)) == (len(entries), sum(len(e.tracks) for e in entries))
    if options.with_frames:
        is_whole = is_whole and all((images / name).is_file() for video in dataset.videos for name in video.file_names)
    if not is_whole:
        raise OutputError(f"{target}: what was written lacks tracks or images; nothing was changed, export again")
