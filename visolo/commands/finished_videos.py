"""Results of single videos, kept beside the results file they will make, so that a stopped command goes on."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from visolo.commands.console import warn
from visolo.errors import OutputError
from visolo.io.atomic import write_text
from visolo.io.ytvis import ResultEntry, read_results, write_results

_SETTINGS = "settings.json"


class FinishedVideos:
    """A folder `R.json.parts` beside `R.json` with one results file per finished video.

    Args:
        out: the results file to be.
        settings: JSON values that decide the results; what was kept under others is of no use.
    """

    def __init__(self, out: Path, settings: Mapping[str, object]) -> None:
        self.folder = out.with_name(out.name + ".parts")
        self._settings = json.dumps(settings, sort_keys=True, default=str)

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
            raise OutputError(f"{self.folder}: cannot be made ({error.strerror}); choose another --out") from error
        write_text(record, self._settings)

    def has(self, video_id: int) -> bool:
        """Whether this video is finished."""
        return self._path(video_id).is_file()

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

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, video_id: int) -> Path:
        return self.folder / f"{video_id}.json"


def file_digest(path: Path) -> str:
    """SHA-256 of a file, to notice that it is another one."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
