"""Writing YouTube-VIS datasets and results, entry by entry, complete or not at all."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from visolo import rle as rle_module
from visolo.io.atomic import atomic_path
from visolo.io.label_sets import category_table
from visolo.io.ytvis_types import Annotation, Dataset, ResultEntry, Segmentations, Video


def write_dataset(path: Path | str, dataset: Dataset) -> None:
    """Write a dataset file, one video or annotation per line, masks as compressed RLE.

    Args:
        path: replaced only when the new file is complete.
        dataset: what to write.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        writer = DatasetWriter(file, dataset)
        for annotation in dataset.annotations:
            writer.add(annotation)
        writer.finish()


class DatasetWriter:
    """A dataset file annotation by annotation, for callers who make them as they go.

    Args:
        file: open for text; the caller's to flush and close.
        dataset: all but the annotations, which are left out.
    """

    def __init__(self, file: TextIO, dataset: Dataset) -> None:
        self._file, self._videos, self._separator = file, dataset.video_by_id, "\n"
        file.write('{"info": ' + _dumps(dict(dataset.info)))
        file.write(',\n"licenses": ' + _dumps(list(dataset.licenses)))
        _write_list(file, ',\n"videos": ', (_video_table(video) for video in dataset.videos))
        _write_list(file, ',\n"categories": ', map(category_table, dataset.categories))
        file.write(',\n"annotations": [')

    def add(self, annotation: Annotation) -> None:
        """Write the next annotation, of one of the dataset's videos."""
        video = self._videos[annotation.video_id]
        self._file.write(self._separator + _dumps(_annotation_table(annotation, video)))
        self._separator = ",\n"

    def finish(self) -> None:
        """Write what ends the file."""
        self._file.write("]}\n")


def write_results(path: Path | str, entries: Iterable[ResultEntry]) -> None:
    """Write a results file, one entry per line, as the entries come.

    Args:
        path: replaced only when the new file is complete.
        entries: may be a generator that does the work; an error in it leaves no file behind.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        _write_list(file, "", (_entry_table(entry) for entry in entries))
        file.write("\n")


def _write_list(file: TextIO, before: str, tables: Iterable[dict[str, Any]]) -> None:
    file.write(before + "[")
    separator = "\n"
    for table in tables:
        file.write(separator + _dumps(table))
        separator = ",\n"
    file.write("]")


def _video_table(video: Video) -> dict[str, Any]:
    return {
        "id": video.video_id,
        "width": video.width,
        "height": video.height,
        "length": video.length,
        "file_names": list(video.file_names),
        **({"source": video.source} if video.source else {}),
        **({"source_first": video.source_first, "source_length": video.source_length} if video.source_length else {}),
    }


def _annotation_table(annotation: Annotation, video: Video) -> dict[str, Any]:
    return {
        "id": annotation.annotation_id,
        "video_id": annotation.video_id,
        "category_id": annotation.category_id,
        "iscrowd": int(annotation.iscrowd),
        "height": video.height,
        "width": video.width,
        "length": video.length,
        "segmentations": _mask_tables(annotation.segmentations),
        "bboxes": [None if box is None else list(box) for box in annotation.bboxes],
        "areas": list(annotation.areas),
    }


def _entry_table(entry: ResultEntry) -> dict[str, Any]:
    return {
        "video_id": int(entry.video_id),
        "score": float(entry.score),
        "category_id": int(entry.category_id),
        "segmentations": _mask_tables(entry.segmentations),
    }


def _mask_tables(segmentations: Segmentations) -> list[dict[str, object] | None]:
    return [None if rle is None else rle_module.to_json(rle) for rle in segmentations]


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
