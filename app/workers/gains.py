"""What corrections bought, measured in a thread on a snapshot of the project."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.document.gains import Gains, ScoredFrames, measure_gains
from app.document.predictions import file_predictions
from app.document.queries import snapshot
from app.workers.task import report_progress


@dataclass(frozen=True)
class GainQuestion:
    """Which frames count, and the predictions: of a results file, or those that the project has kept.

    Called by `Task`, it gives one item, the `Gains`.
    """

    project: Path
    frames: ScoredFrames
    results: Path | None = None

    def __call__(self) -> Iterator[Gains]:
        """The answer, in the thread that iterates."""
        with snapshot(self.project) as queries:
            given = None if self.results is None else file_predictions(queries, self.results)
            yield measure_gains(queries, self.frames, given, report_progress)
