"""Puts what a model computes without the app into a project, frame by frame: `python -m visolo track --project`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from app.document.adopt import RunWriter, begin_run
from app.document.document import Document
from app.document.edits import AddVideo
from app.document.history import History
from app.document.records import Video
from visolo.categories import LabelSet
from visolo.results import FrameResult


class ProjectWriter:
    """A project that takes the results of one video after the other; made when it does not exist.

    Args:
        path: of the project.
        author: who stands beside what is added; the account's name when empty.

    Raises:
        ProjectError: by the constructor and by writing, in one sentence.
    """

    def __init__(self, path: Path, author: str = "") -> None:
        self.document = Document.open(path) if path.exists() else Document.create(path)
        self.history = History(self.document, author)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.document.close()

    @contextmanager
    def run(self, video: Video, label_set: LabelSet, settings: Mapping[str, Any]) -> Iterator[RunWriter]:
        """A run over a video that ends with the block: "done", or "stopped" when it is interrupted, or "failed".

        Args:
            video: its id is chosen here; a video of the same source is used when there is one.
            label_set: the model's classes.
            settings: JSON values to remember; `settings["model"]` is named in the history.
        """
        run = begin_run(self.history, self._video_id(video), settings, label_set)
        try:
            yield run
        except (KeyboardInterrupt, GeneratorExit):
            run.finish("stopped")
            raise
        except BaseException:
            run.finish("failed")
            raise
        run.finish("done")

    def _video_id(self, video: Video) -> int:
        folder = self.document.path.parent
        for known in self.document.videos():
            if (folder / known.source).resolve() == (folder / video.source).resolve():
                return known.video_id
        video_id = self.document.next_video_id()
        self.history.do(AddVideo(replace(video, video_id=video_id)))
        return video_id


def finished_sources(path: Path, label_set: LabelSet, settings: Mapping[str, Any]) -> set[Path]:
    """Sources of the videos that a project has a whole run of with these settings, so that it need not be made again.

    Args:
        path: of the project; none are finished when it does not exist.
        label_set: the model's classes.
        settings: as given to `ProjectWriter.run`.

    Raises:
        ProjectError: the project cannot be opened.
    """
    if not path.exists():
        return set()
    wanted = json.loads(json.dumps(dict(settings)))
    with Document.open(path) as document:
        return {
            document.source_path(video.video_id).resolve()
            for video in document.videos()
            for run in document.runs(video.video_id)
            if run.state == "done"
            and run.head - run.first_frame == video.frame_count
            and run.label_set == label_set.name
            and run.settings == wanted
        }


def write_project(
    path: Path,
    video: Video,
    results: Iterable[FrameResult],
    label_set: LabelSet,
    settings: Mapping[str, Any],
) -> None:
    """Add one video and its results to a project, as the results come.

    Args:
        path: of the project; made when it does not exist.
        video: its id is chosen here.
        results: by increasing frame; may be a generator that does the work.
        label_set: the model's classes.
        settings: JSON values to remember with the run.

    Raises:
        ProjectError: the project cannot be opened or written.
    """
    with ProjectWriter(path) as project, project.run(video, label_set, settings) as run:
        for result in results:
            run.add([result])
