"""The log of a run: a CSV row per step and per validation, and the same for TensorBoard where it is installed."""

import csv
import importlib.util
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from visolo.distributed import rank
from visolo.errors import OutputError
from visolo.io.atomic import atomic_path
from visolo.training.loop import StepMetrics
from visolo.training.run_folder import RunFolder
from visolo.training.validation import ValidationScores

Row = Mapping[str, float | int]


@dataclass(frozen=True)
class RunStep(StepMetrics):
    """What happened in one step of a run.

    Attributes:
        eta_seconds: to the end of the run.
    """

    eta_seconds: float


class CsvLog:
    """A CSV file with a row per event, flushed at once; rows after the step a run resumes from are dropped.

    Args:
        path: the file; made anew, with the rows that stay.
        names: of the columns; `step` is one.
        step: rows of later steps are dropped; 0 drops all.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path, names: tuple[str, ...], step: int) -> None:
        self._path, self._names = path, names
        rows = [row for row in read_rows(path) if int(row["step"]) <= step]
        with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._file, names)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError:  # what could not be flushed was reported when it was written
            return

    def write(self, row: Row) -> None:
        """Add a row.

        Raises:
            OutputError: the disk is full or gone.
        """
        try:
            self._writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
            self._file.flush()
        except OSError as error:
            raise OutputError(f"{self._path}: writing failed ({error.strerror}); free some space") from error


class BoardLog:
    """Scalars for TensorBoard; does nothing where the `tensorboard` package is missing.

    Args:
        folder: of the event files.
        step: where the run continues; what an earlier process logged after it is hidden.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._writer: Any = None
        if importlib.util.find_spec("tensorboard") is None:
            return
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=step + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, group: str, row: Row) -> None:
        """Log every number of a row under `group/name` at its step."""
        if self._writer is None:
            return
        for name, value in row.items():
            if name not in ("step", "steps"):
                self._writer.add_scalar(f"{group}/{name}", value, int(row["step"]))


class RunLogs:
    """All logs of a run. Only the process of rank 0 has any; in the others nothing is written.

    Attributes:
        validated_steps: steps whose validation is in the log.
    """

    def __init__(self, folder: RunFolder, step: int) -> None:
        """Open the logs where a run continues.

        Args:
            folder: of the run.
            step: done already; what was logged after it is dropped.

        Raises:
            OutputError: a log cannot be written.
        """
        self.validated_steps: set[int] = set()
        self._stack = ExitStack()
        if rank():
            return
        with ExitStack() as stack:
            self._steps = stack.enter_context(CsvLog(folder.log, _columns(RunStep), step))
            self._validations = stack.enter_context(CsvLog(folder.validations, _columns(ValidationScores), step))
            self._board = stack.enter_context(BoardLog(folder.tensorboard, step))
            self._stack = stack.pop_all()
        self.validated_steps = {int(row["step"]) for row in read_rows(folder.validations)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def write_step(self, step: RunStep) -> None:
        """Log a step.

        Raises:
            OutputError: the disk is full or gone.
        """
        if not rank():
            self._steps.write(asdict(step))
            self._board.write("training", asdict(step))

    def write_validation(self, scores: ValidationScores) -> None:
        """Log a validation.

        Raises:
            OutputError: the disk is full or gone.
        """
        if not rank():
            self._validations.write(asdict(scores))
            self._board.write("validation", asdict(scores))
            self.validated_steps.add(scores.step)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a log, an unfinished last one left out; none when there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if None not in row.values() and str(row.get("step", "")).isdigit()]


def _columns(kind: type[RunStep | ValidationScores]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
