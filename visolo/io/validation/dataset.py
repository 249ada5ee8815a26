"""Checking a whole dataset or results file in one pass, annotation by annotation, and writing the mended one."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from visolo.errors import AnnotationError
from visolo.io.atomic import atomic_path
from visolo.io.validation.annotations import AnnotationChecker
from visolo.io.validation.report import Report
from visolo.io.validation.tables import check_categories, check_videos, shapes_of
from visolo.io.ytvis_fields import described
from visolo.io.ytvis_masks import VideoShape
from visolo.io.ytvis_read import read_dataset
from visolo.io.ytvis_text import JsonText
from visolo.io.ytvis_types import Video

Progress = Callable[[int], object]  # hears how many entries were done since the last call; may raise to stop


@dataclass
class CheckedDataset:
    """What was found in a dataset file, apart from problems: its usable videos and what it holds."""

    videos: list[Video]
    category_ids: set[int]
    annotation_count: int
    mask_count: int
    first_free_id: int

    @property
    def shapes(self) -> dict[int, VideoShape]:
        """What masks must fit, by video id."""
        return shapes_of(self.videos)


def check_dataset(path: Path, report: Report, progress: Progress | None = None) -> CheckedDataset:
    """Check every rule of a dataset file but those about images.

    Args:
        path: the JSON file.
        report: hears of every problem.
        progress: hears of every annotation.

    Raises:
        AnnotationError: the file is no JSON or no dataset, so that there is nothing to check rule by rule.
    """
    tables = _read_tables(path)
    checked = _check_tables(tables, report)
    checker = AnnotationChecker(report, checked.shapes, checked.category_ids)
    for _ in _checked_annotations(path, checker, progress):
        pass
    checked.annotation_count = checker.entry_count
    checked.mask_count = checker.mask_count
    checked.first_free_id = checker.largest_id + 1
    return checked


def fix_dataset(path: Path, out: Path, first_free_id: int, progress: Progress | None = None) -> Report:
    """Write the dataset with everything mended that needs no guess; fields that no rule is about stay.

    Args:
        path: the JSON file, checked before.
        out: replaced only when the new file is complete and was checked again.
        first_free_id: as `check_dataset` found it.
        progress: hears of every annotation.

    Returns:
        What is left to mend by hand.

    Raises:
        OutputError: the file cannot be written.
    """
    report = Report(limit=0)
    with atomic_path(out) as temporary:
        tables = _read_tables(path)
        checked = _check_tables(tables, report)
        checker = AnnotationChecker(report, checked.shapes, checked.category_ids, first_free_id)
        with temporary.open("w", encoding="utf-8") as file:
            _write(file, tables, _checked_annotations(path, checker, progress))
        left = Report()
        check_dataset(temporary, left)
        if not left.count("error"):
            read_dataset(temporary)
    return left


def check_results(
    path: Path, report: Report, dataset: CheckedDataset | None = None, progress: Progress | None = None
) -> int:
    """Check every rule of a results file.

    Args:
        path: the JSON file.
        report: hears of every problem.
        dataset: whose videos and classes the predictions are of; None checks them by themselves.
        progress: hears of every entry.

    Returns:
        The number of predictions.

    Raises:
        AnnotationError: the file is no JSON or no results file.
    """
    text = JsonText(path)
    if not text.starts_with("["):
        raise AnnotationError(f"{path}: a results file is a list of predictions, this is none")
    shapes, category_ids = (None, None) if dataset is None else (dataset.shapes, dataset.category_ids)
    checker = AnnotationChecker(report, shapes, category_ids, are_results=True)
    count = 0
    for index, table in enumerate(text.elements()):
        checker.check(table, f"entry [{index}]", index)
        count += 1
        if progress:
            progress(1)
    return count


def _read_tables(path: Path) -> dict[str, Any]:
    """Everything but the annotations, which are read one by one later."""
    text = JsonText(path)
    if not text.starts_with("{"):
        raise AnnotationError(f"{path}: a dataset is an object with videos, categories and annotations, this is none")
    tables: dict[str, Any] = {}
    for key in text.keys():  # noqa: SIM118 - not a dict: reads on in the text
        if key != "annotations" or not text.starts_with("["):
            tables[key] = text.value()
    if "videos" not in tables:
        kind = "is a COCO image file (convert it first)" if "images" in tables else "is not a YouTube-VIS file"
        raise AnnotationError(f"{path}: {kind}; a YouTube-VIS dataset has 'videos'")
    for key in ("videos", "categories"):
        if not isinstance(tables.get(key), list):
            raise AnnotationError(f"{path}: '{key}' must be a list, not {described(tables.get(key))}")
    if tables.pop("annotations", None) is not None:
        raise AnnotationError(f"{path}: 'annotations' must be a list")
    return tables


def _check_tables(tables: dict[str, Any], report: Report) -> CheckedDataset:
    videos = check_videos(tables["videos"], report)
    return CheckedDataset(videos, check_categories(tables["categories"], report), 0, 0, 1)


def _checked_annotations(path: Path, checker: AnnotationChecker, progress: Progress | None) -> Iterator[Any]:
    """Every annotation that mending keeps, checked and mended."""
    text = JsonText(path)
    for key in text.keys():  # noqa: SIM118 - not a dict: reads on in the text
        if key != "annotations" or not text.starts_with("["):
            continue
        for index, table in enumerate(text.elements()):
            if checker.check(table, f"annotations[{index}]", index):
                yield table
            if progress:
                progress(1)


def _write(file: TextIO, tables: dict[str, Any], annotations: Iterator[Any]) -> None:
    file.write("{")
    for key, value in tables.items():
        file.write(f"{json.dumps(key)}: ")
        _write_list(file, iter(value)) if isinstance(value, list) else file.write(_dumps(value))
        file.write(",\n")
    file.write('"annotations": ')
    _write_list(file, annotations)
    file.write("}\n")


def _write_list(file: TextIO, values: Iterator[Any]) -> None:
    separator = "[\n"
    for value in values:
        file.write(separator + _dumps(value))
        separator = ",\n"
    file.write("]" if separator == ",\n" else "[]")


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
