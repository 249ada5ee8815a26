"""What corrections bought, measured in a thread on a snapshot of the project."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.document.gains import Gains, ScoredFrames, measure_gains
from app.document.predictions import file_predictions
from app.document.queries import snapshot
from app.workers.task import report_progress
from visolo.categories import load_label_set


@dataclass(frozen=True)
class GainQuestion:
    """Which frames count, and the predictions: of a results file, or those that the project has kept.

    Attributes:
        label_set: what the class ids of the file mean; the project's own classes when empty.

    Called by `Task`, it gives one item, the `Gains`.
    """

    project: Path
    frames: ScoredFrames
    results: Path | None = None
    label_set: str = ""

    def __call__(self) -> Iterator[Gains]:
        """The answer, in the thread that iterates."""
        with snapshot(self.project) as queries:
            labels = load_label_set(self.label_set) if self.label_set else None
            given = None if self.results is None else file_predictions(queries, self.results, labels)
            yield measure_gains(queries, self.frames, given, report_progress)
