"""All formats that datasets are read from and written to: which is which, reading, and writing whole or not at all."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from visolo.errors import AnnotationError, ConfigError, OutputError
from visolo.formats import (
    burst,
    coco,
    coco_write,
    cvat,
    cvat_write,
    davis,
    labelme,
    mots,
    mots_png,
    mots_txt,
    ytvis_files,
)
from visolo.formats.exchange import Carried, Imported, Progress, part_of, silent
from visolo.formats.json_formats import json_format
from visolo.formats.names import ARCHIVE_SUFFIXES, FORMAT_NAMES, write_names
from visolo.formats.video_names import frame_stems, video_names
from visolo.io.atomic import atomic_folder, atomic_path
from visolo.io.ytvis import Dataset

Read = Callable[[Path, Path | None, Progress], Imported]
Carry = Callable[[Dataset, Progress], Carried]
Write = Callable[[Path, Dataset, Progress], None]


class _Functions(NamedTuple):
    """What a format is read and written with.

    Attributes:
        read: makes a dataset of a file or folder; None where it can only be written.
        carry: tells what of a dataset can be written; None where it can only be read.
        write: writes what `carry` made, into a new file or an empty folder.
    """

    read: Read | None
    carry: Carry | None = None
    write: Write | None = None


_FUNCTIONS = {
    "ytvis": _Functions(ytvis_files.read_ytvis, ytvis_files.carry_all, ytvis_files.write_ytvis),
    "results": _Functions(None, ytvis_files.carry_results, ytvis_files.write_as_results),
    "coco": _Functions(coco.read_coco_video, coco_write.carry_coco, coco_write.write_coco),
    "coco-stills": _Functions(coco.read_stills),
    "burst": _Functions(burst.read_burst),
    "davis": _Functions(davis.read_davis, davis.carry_davis, davis.write_davis),
    "mots-txt": _Functions(mots_txt.read_mots_txt, mots_txt.carry_mots_txt, mots_txt.write_mots_txt),
    "mots-png": _Functions(mots_png.read_mots_png, mots.carry_mots, mots_png.write_mots_png),
    "cvat": _Functions(cvat.read_cvat, cvat_write.carry_cvat, cvat_write.write_cvat),
    "labelme": _Functions(labelme.read_labelme, labelme.carry_labelme, labelme.write_labelme),
}
_LOOKS = {
    "cvat": cvat.looks_like_cvat,
    "labelme": labelme.looks_like_labelme,
    "davis": davis.looks_like_davis,
    "mots-png": mots_png.looks_like_mots_png,
    "mots-txt": mots_txt.looks_like_mots_txt,
}


def recognized(path: Path) -> str:
    """The name of the format that a file or folder is in, by its content.

    Raises:
        AnnotationError: it is in none of them, or missing.
    """
    if path.is_dir():
        found = next((name for name, is_it in _LOOKS.items() if is_it(path)), None)
        if found is None:
            raise AnnotationError(f"{path}: holds no annotations of a known format; name the folder that does")
        return found
    if path.suffix.lower() in ARCHIVE_SUFFIXES and path.is_file():
        raise AnnotationError(f"{path}: is an archive; unpack it and name the folder")
    by_suffix = {".txt": "mots-txt", ".xml": "cvat"}.get(path.suffix.lower())
    return by_suffix if by_suffix is not None and path.is_file() else json_format(path)


def target_format(path: Path) -> str:
    """The name of the format that a file is to be written in, by its suffix.

    Raises:
        ConfigError: several formats are written so.
    """
    by_suffix = {".json": "ytvis", ".xml": "cvat"}.get(path.suffix.lower())
    if by_suffix is not None:
        return by_suffix
    raise ConfigError(f"{path}: its name does not tell the format; say it with --to {', '.join(write_names())}")


def read_any(path: Path, name: str | None = None, images: Path | None = None, progress: Progress = silent) -> Imported:
    """Read a dataset in any format.

    Args:
        path: the file or folder.
        name: of the format; None looks at the content.
        images: folder that the images of the videos are in, where the format does not say it.
        progress: hears how much is done; whatever it raises stops the work.

    Raises:
        AnnotationError: it is not what it should be; the message names the first offender.
        ConfigError: the format can only be written.
        MediaError: an image that tells the size of a video cannot be read.
    """
    name = recognized(path) if name is None else name
    read = _FUNCTIONS[name].read
    if read is None:
        raise ConfigError(
            f"{path}: is {FORMAT_NAMES[name].title}, which tell nothing of videos; name the dataset they are of"
        )
    return read(path, images, progress)


def write_any(path: Path, dataset: Dataset, name: str, progress: Progress = silent) -> Carried:
    """Write a dataset in any format, and read it back before it is put in its place.

    Args:
        path: a file, which is replaced, or a new folder.
        dataset: what to write.
        name: of the format.
        progress: hears how much is done; whatever it raises stops the work, and nothing is left behind.

    Returns:
        What was written, and what could not be.

    Raises:
        OutputError: it cannot be written there, or the format cannot hold the dataset.
    """
    read, carry, write = _FUNCTIONS[name]
    assert carry is not None  # asked for by `write_names`
    assert write is not None
    carried = carry(dataset, part_of(progress, 0.0, 0.2))
    if not carried.dataset.videos:
        raise OutputError(
            f"{path}: nothing is left to write as {FORMAT_NAMES[name].title}; there is no video with a mask"
        )
    place: AbstractContextManager[Path] = atomic_path(path) if FORMAT_NAMES[name].is_file(path) else atomic_folder(path)
    with place as temporary:
        write(temporary, carried.dataset, part_of(progress, 0.2, 0.6))
        if read is not None:
            _check(read, temporary, path, carried.dataset, part_of(progress, 0.6, 1.0))
    progress(1.0)
    return carried


def _check(read: Read, temporary: Path, path: Path, expected: Dataset, progress: Progress) -> None:
    try:
        # Images that happen to lie beside are not looked for: they may be of other frames.
        found = read(temporary, temporary / "no images", progress).dataset
    except AnnotationError as error:
        raise OutputError(f"{path}: what was written cannot be read back ({error}); nothing was changed") from error
    if content(found) != content(expected):
        raise OutputError(f"{path}: what was written reads back differently; nothing was changed, please report this")


Content = dict[str, tuple[tuple[int, int], list[str], Counter[object]]]


def content(dataset: Dataset) -> Content:
    """What a dataset says without its ids and their order: videos by name, and their size, frames and tracks."""
    names = video_names(dataset.videos)
    tracks: dict[int, Counter[object]] = {video.video_id: Counter() for video in dataset.videos}
    for annotation in dataset.annotations:
        category = dataset.category_by_id[annotation.category_id].name
        tracks[annotation.video_id][category, annotation.iscrowd, annotation.segmentations] += 1
    return {names[v.video_id]: (v.size, frame_stems(v), tracks[v.video_id]) for v in dataset.videos}
