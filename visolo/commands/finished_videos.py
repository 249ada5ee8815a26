"""What was found in single videos, kept beside the file it will make, so that a stopped command goes on.

Of a project that several processes work for, the frames of each video are kept, too, until one of them adds them all.
"""

import hashlib
import json
import pickle
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from visolo.commands.console import warn
from visolo.errors import OutputError
from visolo.io.atomic import atomic_path, write_text
from visolo.io.ytvis import ResultEntry, read_results, write_results
from visolo.results import FrameResult

_SETTINGS = "settings.json"


class FinishedVideos:
    """A folder `R.json.parts` beside `R.json` with one results file per finished video.

    Args:
        out: the results file or project to be.
        settings: JSON values that decide the results; what was kept under others is of no use.
        keeps_frames: a video is finished only with its frames.

    Attributes:
        folder: where they are.
        keeps_frames: as given.
    """

    def __init__(self, out: Path, settings: Mapping[str, object], *, keeps_frames: bool = False) -> None:
        self.folder = out.with_name(out.name + ".parts")
        self.keeps_frames = keeps_frames
        self._settings = json.dumps({**settings, "frames": keeps_frames}, sort_keys=True, default=str)

    def prepare(self) -> None:
        """Make the folder; forget what was kept under other settings.

        Raises:
            OutputError: the folder cannot be written.
        """
        record = self.folder / _SETTINGS
        if self.folder.is_dir() and (not record.is_file() or record.read_text(encoding="utf-8") != self._settings):
            if not record.is_file() and any(self.folder.iterdir()):
                raise OutputError(f"{self.folder}: is needed for finished videos, but holds other files; move it")
            warn(f"{self.folder}: videos finished with other settings or weights are tracked again")
            self.remove()
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be made ({error.strerror}); choose another place") from error
        write_text(record, self._settings)

    def has(self, video_id: int) -> bool:
        """Whether this video is finished."""
        has_frames = not self.keeps_frames or self._frames(video_id).is_file() or self.is_added(video_id)
        return self._path(video_id).is_file() and has_frames

    def count(self) -> int:
        """Number of finished videos."""
        return sum(path.name != _SETTINGS for path in self.folder.glob("[!.]*.json"))

    def read(self, video_id: int) -> list[ResultEntry]:
        """The tracks of a finished video."""
        return read_results(self._path(video_id))

    def keep(self, video_id: int, entries: tuple[ResultEntry, ...]) -> None:
        """Note that a video is finished.

        Raises:
            OutputError: the file cannot be written.
        """
        write_results(self._path(video_id), entries)

    @contextmanager
    def frames_sink(self, video_id: int, facts: object) -> Iterator["FramesSink"]:
        """Keep the frames of a video as they come; nothing is kept when it ends with an error.

        Args:
            video_id: of the video.
            facts: what else is needed to add them; can be pickled.

        Raises:
            OutputError: the file cannot be written.
        """
        with atomic_path(self._frames(video_id)) as temporary, temporary.open("wb") as file:
            pickle.dump(facts, file)
            yield FramesSink(file)

    def kept_frames(self, video_id: int) -> Iterator[object]:
        """What `frames_sink` was given: the facts first, then every frame's result."""
        with self._frames(video_id).open("rb") as file:
            while file.peek(1):
                yield pickle.load(file)

    def note_added(self, video_id: int) -> None:
        """The frames of a video are where they belong and need not be kept."""
        self._frames(video_id).rename(self._frames(video_id).with_suffix(".added"))

    def is_added(self, video_id: int) -> bool:
        """Whether `note_added` was called for a video."""
        return self._frames(video_id).with_suffix(".added").is_file()

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, video_id: int) -> Path:
        return self.folder / f"{video_id}.json"

    def _frames(self, video_id: int) -> Path:
        return self.folder / f"{video_id}.frames"


class FramesSink:
    """Writes results of frames one after the other."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, _frame: object, result: FrameResult) -> None:
        """Keep what was found in one frame."""
        pickle.dump(result, self._file)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, to notice that it is another one."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
