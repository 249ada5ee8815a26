"""Corrected tracks as a dataset, and the frames as images if wished. Written whole or not at all.

Reads a snapshot of its own, so it can run on any thread while people go on editing. What goes in is `export_plan`'s.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from app.document.export_images import write_images, write_named_images
from app.document.export_plan import (
    Entry,
    ExportOptions,
    ExportPlan,
    annotations_of,
    dataset_of,
    dataset_without_tracks,
    has_images,
    plan_export,
)
from app.document.queries import Queries, snapshot
from visolo.errors import AnnotationError, OutputError
from visolo.formats.exchange import Carried, silent
from visolo.formats.exchange import Progress as Hear
from visolo.formats.names import FORMAT_NAMES
from visolo.io.atomic import place_together, workplace
from visolo.io.ytvis import Dataset, read_dataset
from visolo.io.ytvis_write import DatasetWriter
from visolo.words import counted

_IMAGES = "JPEGImages"


class Progress(NamedTuple):
    """How far something is: `done` of `total` steps, what is being done, and what of it could not be."""

    done: int
    total: int
    text: str
    notes: tuple[str, ...] = ()


def export_dataset(document: Queries, options: ExportOptions, hear: Hear = silent) -> Iterator[Progress]:
    """Write a dataset; closing the iterator early cancels and leaves nothing behind.

    Args:
        document: the project; only its path is used, so any thread may do the iterating.
        options: what to export.
        hear: told the share that is done while another format than YouTube-VIS is written; may raise to stop.

    Yields:
        Progress, about once for each track and for every few frames; the last says what was written, and in sentences
        what the format cannot carry.

    Raises:
        OutputError: it cannot be written there, a class is not in the label set, or there is nothing to export.
        ConfigError: there is no such label set, or there are too few videos to split.
        MediaError: the frames of a video cannot be read.
        ProjectError: the project cannot be read.
    """
    with snapshot(document.path) as queries, workplace(options.target) as folder:
        _check_targets(options)
        plan = plan_export(queries, options)
        yield from _write(queries, options, plan, folder, hear)
        images = [Path(_IMAGES) / entry.folder for entry in plan.entries] if _has_images_beside(options) else []
        # Frames first, the files that speak of them last.
        names = [*images, *(Path(target.name) for target in options.targets)]
        place_together({options.target.parent / name: folder / name for name in names}, folder)


def _check_targets(options: ExportOptions) -> None:
    kind = FORMAT_NAMES[options.format]
    if options.with_frames and not has_images(options.format):
        raise OutputError(f"{options.target}: no frames are written with {kind.title}; export YouTube-VIS for these")
    if options.with_frames and kind.is_per_video and kind.is_file(options.target):
        raise OutputError(f"{options.target}: frames go with a folder of {kind.title} only; leave out {kind.suffix}")
    for target in options.targets:
        if target.is_dir() and (kind.is_file(target) or any(target.iterdir())):
            raise OutputError(f"{target}: is there already; name a new folder or file")


def _has_images_beside(options: ExportOptions) -> bool:
    """Whether frames are written beside the files; those of formats that are folders go into the folder."""
    return options.with_frames and FORMAT_NAMES[options.format].suffix == ".json"


def _write(queries: Queries, options: ExportOptions, plan: ExportPlan, folder: Path, hear: Hear) -> Iterator[Progress]:
    frame_count = sum(len(entry.frame_indices) for entry in plan.entries) if options.with_frames else 0
    total = sum(len(entry.tracks) for entry in plan.entries) + frame_count + 1
    done = 0
    notes: list[str] = []
    for part, target in enumerate(options.targets):
        if options.format == "ytvis":
            for text in _write_json(queries, options, plan, part, folder / target.name):
                yield Progress(done, total, text)
                done += 1
        else:
            yield Progress(done, total, f"Writing {target.name}")
            dataset = dataset_of(queries, options, plan, part)
            carried = _write_format(dataset, options.format, folder / target.name, target, hear)
            notes += carried.notes
            done += len(dataset.annotations)
            if options.with_frames and not _has_images_beside(options):
                for written, text in _write_inside(
                    queries, options, plan.of_part(part), carried.dataset, folder / target.name
                ):
                    yield Progress(done + written, total, text)
                done += sum(video.length for video in carried.dataset.videos)
    for entry in plan.entries if _has_images_beside(options) else ():
        for written in write_images(queries, options, entry, folder / _IMAGES / entry.folder):
            yield Progress(done + written, total, f"Writing frames of {entry.video.name}")
        done += len(entry.frame_indices)
    yield Progress(total - 1, total, "Checking what was written")
    _check_images(options, plan, folder)
    if options.format == "ytvis":
        for part, target in enumerate(options.targets):
            _check(plan, part, folder / target.name, target)
    words = "; ".join(_words(plan, part, target) for part, target in enumerate(options.targets))
    yield Progress(total, total, words, tuple(notes))


def _words(plan: ExportPlan, part: int, target: Path) -> str:
    entries = plan.of_part(part)
    counts = {"video": len(entries), "track": sum(len(entry.tracks) for entry in entries)}
    return f"{target}: " + ", ".join(counted(n, what) for what, n in counts.items())


def _write_json(queries: Queries, options: ExportOptions, plan: ExportPlan, part: int, path: Path) -> Iterator[str]:
    with path.open("w", encoding="utf-8") as file:
        writer = DatasetWriter(file, dataset_without_tracks(queries, options, plan, part))
        for annotation, words in annotations_of(queries, plan, part):
            yield f"Writing {words}"
            writer.add(annotation)
        writer.finish()
        file.flush()
        os.fsync(file.fileno())


def _write_format(dataset: Dataset, name: str, path: Path, target: Path, hear: Hear) -> Carried:
    """Write another format than YouTube-VIS, read it back, and tell what it carries and what it cannot."""
    from visolo.formats.catalogue import write_any

    kind = FORMAT_NAMES[name]
    if kind.is_per_video and kind.is_file(target) and len(dataset.videos) > 1:
        raise OutputError(
            f"{target}: {kind.title} has a file for every video, and there are {len(dataset.videos)}; name a folder"
        )
    try:
        return write_any(path, dataset, name, hear)
    except OutputError as error:
        raise OutputError(str(error).replace(str(path), str(target))) from error


def _write_inside(
    queries: Queries, options: ExportOptions, entries: Sequence[Entry], dataset: Dataset, folder: Path
) -> Iterator[tuple[int, str]]:
    """Write the frames of the videos that a folder of another format holds to where its readers look for them."""
    from visolo.formats.video_names import frame_stems, video_names

    names = video_names(dataset.videos)
    done = 0
    for entry in (e for e in entries if e.video_id in names):
        stems = frame_stems(dataset.video_by_id[entry.video_id])
        place = folder / FORMAT_NAMES[options.format].images / names[entry.video_id]
        for written in write_named_images(queries, options, entry, place, stems):
            yield done + written, f"Writing frames of {entry.video.name}"
        done += len(stems)


def _check_images(options: ExportOptions, plan: ExportPlan, folder: Path) -> None:
    """Look for the images before anyone is told of them."""
    for entry in plan.entries if _has_images_beside(options) else ():
        found = sum(path.is_file() for path in (folder / _IMAGES / entry.folder).iterdir())
        if found != len(entry.frame_indices):
            raise OutputError(f"{options.target}: {entry.video.name} lacks images; nothing was changed, export again")


def _check(plan: ExportPlan, part: int, path: Path, target: Path) -> None:
    """Read the file back before it is shown to anyone; other formats than YouTube-VIS do so themselves."""
    try:
        dataset = read_dataset(path)
    except AnnotationError as error:
        raise OutputError(
            f"{target}: what was written could not be read back ({error}); nothing was changed"
        ) from error
    entries = plan.of_part(part)
    if (len(dataset.videos), len(dataset.annotations)) != (len(entries), sum(len(e.tracks) for e in entries)):
        raise OutputError(f"{target}: what was written lacks tracks or videos; nothing was changed, export again")
