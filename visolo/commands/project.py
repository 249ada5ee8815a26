"""The app's project files on the command line, where the app is installed: the engine itself knows no app."""

import argparse
import hashlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from visolo.categories import LabelSet
from visolo.commands.console import note, progress
from visolo.commands.engine import Engine
from visolo.commands.finished_videos import FinishedVideos
from visolo.commands.outputs import check_output
from visolo.commands.sources import Source, VideoToTrack
from visolo.config import InferenceConfig
from visolo.errors import ConfigError, MediaError, OutputError, ProjectError
from visolo.results import FrameResult

if TYPE_CHECKING:
    from visolo.io.frame_source import FrameSource

_WRITER, _RECORDS = "app.document.from_results", "app.document.records"
_TRAINING_DATA = "app.document.training_data"
PROJECT_SUFFIX = ".visolo"


def check_project(source: Source) -> None:
    """Check before a long run that a project can take these videos.

    Raises:
        ConfigError: the app is not installed.
        MediaError: a dataset's video is not exactly the images of one folder.
    """
    from visolo.io.images import images_in_folder

    app_module(_WRITER)
    for video in source.videos:
        if isinstance(video.media, tuple) and list(video.media) != images_in_folder(video.folder_or_file):
            raise MediaError(
                f"{video.folder_or_file}: a project shows whole folders, but video {video.video_id} is only "
                "some of its images; move them to a folder of their own"
            )


class VideoFacts(NamedTuple):
    """What a project notes of a video's frames.

    Attributes:
        frame_count: how many there are.
        size: (height, width) in pixels.
        frame_rate: frames per second, or None.
        pixel_aspect: width of a pixel by its height.
    """

    frame_count: int
    size: tuple[int, int]
    frame_rate: float | None
    pixel_aspect: float

    @classmethod
    def of(cls, frames: "FrameSource") -> "VideoFacts":
        """Those of open frames."""
        return cls(len(frames), frames.size, frames.frame_rate, frames.pixel_aspect)


class ProjectTarget(NamedTuple):
    """A project to write to.

    Attributes:
        path: it is made when it does not exist.
        author: who stands beside what is added.
    """

    path: Path
    author: str


class _ProjectSink:
    """Puts frames into a run of a project."""

    def __init__(self, run: Any) -> None:  # noqa: ANN401 - the app's type is not known here
        self._run = run

    def add(self, _frame: object, result: FrameResult) -> None:
        """Add what was found in one frame."""
        self._run.add([result])


@contextmanager
def project_sink(
    target: ProjectTarget,
    video: VideoToTrack,
    facts: VideoFacts,
    size: tuple[int, int],
    label_set: LabelSet,
    settings: Mapping[str, Any],
) -> Iterator[_ProjectSink]:
    """A run over one video in a project, which is made when it does not exist.

    Args:
        target: the project.
        video: what is tracked.
        facts: of its frames.
        size: (height, width) of the masks in pixels.
        label_set: the model's classes.
        settings: JSON values to remember with the run.
    """
    if size != facts.size:
        raise ConfigError(
            f"{video.name}: its frames are {facts.size[0]} x {facts.size[1]}, the dataset says {size[0]} x "
            f"{size[1]}; a project needs both the same, so correct the dataset"
        )
    record = app_module(_RECORDS).Video(
        video_id=video.video_id,
        name=video.name,
        source=str(video.folder_or_file.resolve()),
        frame_count=facts.frame_count,
        height=size[0],
        width=size[1],
        frame_rate=facts.frame_rate,
        pixel_aspect=facts.pixel_aspect,
    )
    writer = app_module(_WRITER).ProjectWriter(*target)
    with writer as project, project.run(record, label_set, settings) as run:
        yield _ProjectSink(run)


def videos_to_track(
    target: ProjectTarget, videos: Sequence[VideoToTrack], label_set: LabelSet, settings: Mapping[str, Any]
) -> Sequence[VideoToTrack]:
    """The videos without those that the project has a whole run of with these settings; it is said how many.

    Args:
        target: the project, which need not exist.
        videos: of a dataset.
        label_set: the model's classes.
        settings: JSON values that are remembered with runs.
    """
    finished = app_module(_WRITER).finished_sources(target.path, label_set, settings)
    left = [video for video in videos if video.folder_or_file.resolve() not in finished]
    if len(left) < len(videos):
        done = len(videos) - len(left)
        note(f"{target.path}: has {done} of {len(videos)} videos from such a run already; they are not tracked again")
    return left


def add_kept_videos(
    target: ProjectTarget,
    videos: Iterable[VideoToTrack],
    finished: FinishedVideos,
    label_set: LabelSet,
    settings: Mapping[str, Any],
) -> None:
    """Add to a project what several processes found, video after video; those that were added before excepted."""
    for video in videos:
        if finished.is_added(video.video_id):
            continue
        kept = finished.kept_frames(video.video_id)
        facts = next(kept)
        assert isinstance(facts, VideoFacts)
        with project_sink(target, video, facts, facts.size, label_set, settings) as sink:
            for result in kept:
                assert isinstance(result, FrameResult)
                sink.add(None, result)
        finished.note_added(video.video_id)


def training_data_of(project: Path, target: Path) -> str:
    """Write what of a project can be trained on as a dataset; its frames stay in the project's videos.

    Args:
        project: its wholly confirmed frames are taken, or all of them when nothing is confirmed.
        target: the JSON file to write.

    Returns:
        What was taken, for people.

    Raises:
        ConfigError: the app is not installed.
        VisoloError: the project cannot be read, has no video, or the file cannot be written.
    """
    return str(app_module(_TRAINING_DATA).write_training_data(project, target))


def run_settings(engine: Engine, config: InferenceConfig, precision: str) -> dict[str, Any]:
    """What the app remembers of its own runs, so that it can go on from this one."""
    from visolo.inference.segmenter import model_similarity

    with engine.weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "model": engine.weights.stem,
        "weights": str(engine.weights.resolve()),
        "weights_id": digest[:16],
        "device": engine.model.device.type.upper(),
        "precision": precision,
        "inference": asdict(config),
        "similarity": asdict(model_similarity(engine.model)),
    }


def add_author_option(parser: argparse.ArgumentParser) -> None:
    """Add the option to say who works here."""
    parser.add_argument(
        "--author",
        metavar="NAME",
        default="",
        help="who stands in the project's history (default: the name set in the app, else the account's)",
    )


def author_name(given: str) -> str:
    """Who stands beside what is written: the name given, else the app's setting; empty for the account's."""
    if name := " ".join(given.split()):
        return name
    try:
        settings = importlib.import_module("app.settings")
    except ImportError:  # no window system's libraries here, as on servers
        return ""
    return str(settings.Settings().get(settings.NAME))


def add_video_option(parser: argparse.ArgumentParser) -> None:
    """Add the option to choose videos."""
    parser.add_argument("--video", type=int, action="append", metavar="ID", help="only this video; may be repeated")


@contextmanager
def opened_project(project: Path, video_ids: list[int] | None) -> Iterator[Any]:
    """The project, open for reading.

    Raises:
        ConfigError: the app is not installed.
        ProjectError: there is no such project, or it lacks one of the videos.
    """
    if not project.is_file():
        raise ProjectError(f"{project}: there is no such project; check the path")
    with app_module("app.document.document").read_project(project) as queries:
        known = {video.video_id: video.name for video in queries.videos()}
        for video_id in video_ids or ():
            if video_id not in known:
                names = ", ".join(f"{key} {name}" for key, name in known.items()) or "none"
                raise ProjectError(f"{project}: there is no video {video_id} in this project; it holds: {names}")
        yield queries


def check_new(target: Path, project: Path) -> None:
    """Check that a file can be written, and is not the project itself.

    Raises:
        OutputError: it cannot, or is.
    """
    check_output(target)
    if target.exists() and project.exists() and target.samefile(project):
        raise OutputError(f"{target}: this is the project; name another file")


def show_progress(steps: Iterator[Any]) -> str:
    """Go through the steps of an export with a bar; gives the words of the last, which say what was written."""
    return show_shares(lambda _: steps)


def show_shares(start: Callable[[Callable[[float], object]], Iterator[Any]]) -> str:
    """The same for an export that tells how much of a long step is done, by what it is started with."""
    text = ""
    notes: tuple[str, ...] = ()
    shown = ""
    with progress(None, "steps") as bar:

        def hear(share: float) -> None:
            nonlocal shown
            if shown != f"{share:.0%}":  # drawing it takes longer than most of what is told
                shown = f"{share:.0%}"
                bar.set_postfix_str(shown)

        for step in start(hear):
            text, notes = step.text, step.notes
            bar.total = step.total
            bar.update(step.done - bar.n)
    for sentence in notes:
        note(sentence)
    return text


def app_module(name: str) -> ModuleType:
    """A module of the app.

    Raises:
        ConfigError: the app is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"a project file needs the app, which is not installed here ({error.name} is missing); "
            "run from a checkout or install visolo-review, or do without the project"
        ) from error
