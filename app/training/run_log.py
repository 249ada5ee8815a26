"""What the folder of a training run says while it goes on and afterwards: log, validations, previews, state. No Qt.

The files are those of `python -m visolo train`; see docs/TRAINING.md. All may be missing or half written.
"""

import csv
import io
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from visolo.errors import VisoloError
from visolo.training.run_folder import RunFolder

# What the command line says about an error, on a line of its own.
_ERROR = re.compile(r"^visolo: error: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class StepRecord:
    """One step; values that the log lacks are NaN.

    Attributes:
        step: 1 for the first.
        steps: of the whole run; 0 where unknown.
        category, mask, similarity: weighted losses.
        seconds: duration of the step.
        images_per_second: frames that were trained on.
        seconds_left: until the last step, at the present speed.
    """

    step: int
    steps: int
    category: float
    mask: float
    similarity: float
    seconds: float
    images_per_second: float
    seconds_left: float

    @property
    def total(self) -> float:
        """The loss that is minimised."""
        return self.category + self.mask + self.similarity


@dataclass(frozen=True)
class ValidationRecord:
    """Scores on the validation set after a step, each in [0, 1]; NaN where unknown."""

    step: int
    ap: float
    ap50: float
    ar10: float


class RunLog:
    """Reads the files of one run again and again, each time only what was added.

    Attributes:
        folder: names of the files.
        steps: by step.
        validations: by step.
    """

    def __init__(self, path: Path) -> None:
        self.folder = RunFolder(path)
        self.steps: list[StepRecord] = []
        self.validations: list[ValidationRecord] = []
        self._log = _GrowingTable(self.folder.log)
        self._validation = _GrowingTable(self.folder.validations)

    def refresh(self) -> bool:
        """Read what was added; whether there was anything."""
        rows, is_new = self._log.read()
        if is_new:
            self.steps.clear()
        self.steps.extend(_step(row) for row in rows)
        scores, is_other = self._validation.read()
        if is_other:
            self.validations.clear()
        self.validations.extend(_validation(row) for row in scores)
        return bool(rows or scores or is_new or is_other)

    def preview(self) -> Path | None:
        """The latest picture of predictions."""
        return max(self.folder.previews.glob("step_*.jpg"), default=None)

    def state(self) -> tuple[str, str]:
        """State of the run (running, finished, stopped, failed, killed; empty where unknown), and its sentence."""
        try:
            record = self.folder.read()
        except VisoloError:
            return "", ""
        return record.state, record.sentence

    def is_resumable(self) -> bool:
        """Whether the run came to rest before its end."""
        return self.state()[0] in ("stopped", "failed", "killed")

    def weights(self) -> Path | None:
        """The weights to use: the best by the validation set, else the latest; None before the first were saved."""
        return next((path for path in (self.folder.best, self.folder.weights) if path.is_file()), None)


def error_sentence(output: str) -> str:
    """What the command line said about an error, without its "visolo: error:"; empty where it said nothing."""
    found = _ERROR.findall(output)
    return str(found[-1]) if found else ""


class _GrowingTable:
    """A CSV file that another process appends to, and now and then replaces by a shorter one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = 0
        self._offset = 0
        self._header: list[str] = []

    def read(self) -> tuple[list[dict[str, str]], bool]:
        """Whole rows added since the last call, and whether the file was another one, so that earlier rows are void."""
        try:
            with self._path.open("rb") as file:
                facts = os.fstat(file.fileno())
                is_other = self._offset > 0 and (facts.st_ino != self._identity or facts.st_size < self._offset)
                if is_other:
                    self._offset, self._header = 0, []
                self._identity = facts.st_ino
                file.seek(self._offset)
                added = file.read()
        except OSError:
            return [], False
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        rows = list(csv.reader(io.StringIO(whole.decode("utf-8", errors="replace"), newline="")))
        if not self._header and rows:
            self._header = rows.pop(0)
        return [dict(zip(self._header, row, strict=False)) for row in rows], is_other


def _step(row: Mapping[str, str]) -> StepRecord:
    seconds, step, steps = _value(row, "seconds"), int(_value(row, "step", 0)), int(_value(row, "steps", 0))
    left = _value(row, "eta_seconds", max(0, steps - step) * seconds)
    category, mask, similarity = (_value(row, name) for name in ("category", "mask", "similarity"))
    return StepRecord(step, steps, category, mask, similarity, seconds, _value(row, "images_per_second"), left)


def _validation(row: Mapping[str, str]) -> ValidationRecord:
    return ValidationRecord(int(_value(row, "step", 0)), *(_value(row, name) for name in ("AP", "AP50", "AR10")))


def _value(row: Mapping[str, str], name: str, default: float = math.nan) -> float:
    try:
        value = float(row[name])
    except (KeyError, ValueError):
        return default
    return default if math.isnan(value) else value
