"""The folder of a training run: what its files are called, who may write to it, and `run.json`. No torch.

`docs/TRAINING.md` describes it for people and programs.
"""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from visolo import __version__
from visolo.errors import ConfigError, OutputError
from visolo.io.atomic import remove_leftovers, write_text
from visolo.training.settings import RunSettings, settings_from_json

RunState = Literal["running", "finished", "stopped", "failed", "killed"]

_FORMAT = 1
_LIBRARIES = ("torch", "numpy", "opencv-python")
_LOCK_SECONDS = 1.0  # whoever only looks whether a run is alive holds the lock for an instant


@dataclass(frozen=True)
class RunRecord:
    """What `run.json` says.

    Attributes:
        state: of the run; "killed" is never written: it is "running" in a folder that no process holds.
        sentence: why it stopped or failed; empty otherwise.
        step: steps done when the latest checkpoint was written; 0 when there is none.
        settings: what was asked for.
        validated_on: what validations use, for people; empty when there are none.
        versions: of this program, Python and the libraries that decide about numbers, as they are now.
    """

    state: RunState
    sentence: str
    step: int
    settings: RunSettings
    validated_on: str
    versions: dict[str, str]


class RunFolder:
    """Names of a run's files; changes nothing until it is asked to.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / "run.json"
        self.checkpoint = path / "checkpoint.pt"
        self.checkpoints = path / "checkpoints"
        self.weights = path / "weights.safetensors"
        self.best = path / "best.safetensors"
        self.log = path / "log.csv"
        self.validations = path / "validation.csv"
        self.previews = path / "previews"
        self.tensorboard = path / "tensorboard"
        self._lock = path / ".lock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and keep other runs out of it; a killed process holds nothing.

        Raises:
            OutputError: it cannot be made or written to, or another process trains into it.
        """
        try:
            for folder in (self.path, self.checkpoints, self.previews):
                folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._lock)
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout as error:
            raise OutputError(
                f"{self.path}: another process trains into this folder; stop it first or choose another folder"
            ) from error
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written to ({error.strerror}); choose another folder") from error
        try:
            for folder in (self.path, self.checkpoints, self.previews):
                remove_leftovers(folder)
            yield
        finally:
            lock.release()

    def is_held(self) -> bool:
        """Whether a process trains into the folder now."""
        if not self._lock.is_file():
            return False
        try:
            with FileLock(self._lock, timeout=0):
                return False
        except (Timeout, OSError):
            return True

    def numbered(self, folder: Path, step: int, suffix: str) -> Path:
        """The file of one step in `checkpoints` or `previews`."""
        return folder / f"step_{step:06d}{suffix}"

    def kept_checkpoints(self) -> list[Path]:
        """Numbered checkpoints, the oldest first."""
        return sorted(self.checkpoints.glob("step_*.pt"), key=lambda path: int(path.stem.removeprefix("step_")))

    def write(self, record: RunRecord) -> None:
        """Write `run.json`, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        table = {
            "format": _FORMAT,
            "state": record.state,
            "sentence": record.sentence,
            "step": record.step,
            "steps": record.settings.training.steps,
            "process_id": os.getpid(),
            "settings": record.settings.to_json(),
            "validated_on": record.validated_on,
            "versions": record.versions,
        }
        write_text(self.record, json.dumps(table, indent=2, ensure_ascii=False) + "\n")

    def read(self) -> RunRecord:
        """Read `run.json`; "running" becomes "killed" where no process holds the folder.

        Raises:
            ConfigError: there is none, or it is damaged or of a newer version.
        """
        table = _read_table(self.record)
        try:
            record = RunRecord(
                state=table["state"],
                sentence=str(table["sentence"]),
                step=int(table["step"]),
                settings=settings_from_json(table["settings"], str(self.record)),
                validated_on=str(table["validated_on"]),
                versions=dict(table["versions"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{self.record}: is damaged ({error!r}); start a new run in another folder") from error
        if record.state == "running" and not self.is_held():
            return replace(record, state="killed", sentence="the process of the run has gone without a word")
        return record


def start_record(settings: RunSettings, step: int) -> RunRecord:
    """The record of a run that begins or continues now."""
    return RunRecord("running", "", step, settings, "", _versions())


def _read_table(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); is this the folder of a run?") from error
    except ValueError as error:
        raise ConfigError(f"{path}: is not JSON ({error}); start a new run in another folder") from error
    if not isinstance(table, dict) or table.get("format") != _FORMAT:
        raise ConfigError(f"{path}: was not written by this version of VISOLO Review; resume with the one that did")
    return table


def _versions() -> dict[str, str]:
    found = {"visolo": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
