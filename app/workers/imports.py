"""Reading datasets and results off the GUI thread: what comes back is an edit that the session can do."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.document.exchange import ImportTracks, read_dataset_import, read_results_import, read_video_results_import
from app.document.queries import snapshot
from app.workers.task import Task, report_progress
from visolo.categories import load_label_set
from visolo.errors import AnnotationError, MediaError

OTHER_SUFFIXES = (".xml", ".txt")  # of dataset files that are not JSON


@dataclass(frozen=True)
class ImportSource:
    """What to read and what it is about.

    Attributes:
        path: a dataset in any format, a file or folder, or a results JSON.
        is_results: it is results.
        dataset: of results: the dataset whose videos they are of, or None.
        video_id: of results without a dataset: the project's video that they are of.
        label_set: of results without a dataset: what their class ids mean, None for the project's classes.
    """

    path: Path
    is_results: bool
    dataset: Path | None = None
    video_id: int | None = None
    label_set: str | None = None


def is_results_file(path: Path) -> bool:
    """Whether a file is a JSON list (results) rather than a dataset; only its beginning is read.

    Raises:
        AnnotationError: it is JSON neither of a dataset nor of results.
        MediaError: it cannot be read.
    """
    if path.is_dir() or path.suffix.lower() in OTHER_SUFFIXES:
        return False
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            beginning = file.read(4096).lstrip()
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if not beginning.startswith(("[", "{")):
        raise AnnotationError(f"{path}: is not JSON; choose a dataset or results file")
    return beginning.startswith("[")


def reading_task(project: Path, source: ImportSource) -> Task:
    """A task whose one item is the `ImportTracks` edit of a file."""
    return Task(partial(_read, project, source))


def _read(project: Path, source: ImportSource) -> Iterator[ImportTracks]:
    with snapshot(project) as queries:
        if not source.is_results:
            yield read_dataset_import(queries, source.path, progress=report_progress)
        elif source.dataset is not None:
            yield read_results_import(queries, source.path, source.dataset)
        else:
            assert source.video_id is not None
            label_set = None if source.label_set is None else load_label_set(source.label_set)
            yield read_video_results_import(queries, source.path, source.video_id, label_set)
