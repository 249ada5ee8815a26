"""What other thresholds would change, found out in a thread from what a run has kept, and what was read is kept."""

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject

from app.document.queries import snapshot
from app.document.threshold_replay import ThresholdReplay
from app.document.thresholds import Thresholds
from app.session import Session
from app.trial import TrialLimits
from app.workers.latest import LatestTask
from app.workers.reassociation import offer_of
from app.workers.task import report_progress

_SETTLE_MS = 30


class ThresholdSearch(LatestTask):
    """Answers `session.trial`; what was read stays as long as the trial is open."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(_SETTLE_MS, parent)
        self._session = session
        self._kept: _Kept | None = None
        session.trial.wanted.connect(self._try)
        session.trial.changed.connect(self._forget_when_closed)
        self.answered.connect(self._take)
        self.failed.connect(self._fail)
        self.progressed.connect(session.trial.note_progress)

    def _try(self, thresholds: Thresholds | None) -> None:
        document, video = self._session.document, self._session.video
        if document is None or video is None:
            return
        if self._kept is None:
            self._kept = _Kept(document.path, video.video_id)
        elif thresholds is None:
            # Back to what there is: no answer is needed.
            self.cancel()
            return
        self.ask(_Trial(self._kept, thresholds))

    def _forget_when_closed(self) -> None:
        if not self._session.trial.is_open and self._kept is not None:
            self._kept = None
            self.cancel()

    def _take(self, answer: object) -> None:
        if isinstance(answer, TrialLimits):
            self._session.trial.take_limits(answer)
            return
        assert isinstance(answer, tuple)
        thresholds, result = answer
        if thresholds == self._session.trial.tried:
            self._session.trial.take(None if result.is_empty else offer_of(result))

    def _fail(self, error: Exception) -> None:
        self._session.trial.fail(str(error))


class _Kept:
    """What was read of a video; one thread at a time uses it."""

    def __init__(self, project: Path, video_id: int) -> None:
        self.project, self.video_id = project, video_id
        self.replay: ThresholdReplay | None = None


class _Trial:
    """A callable with what to try: what `Task` runs."""

    def __init__(self, kept: _Kept, thresholds: Thresholds | None) -> None:
        self._kept, self._thresholds = kept, thresholds

    def __call__(self) -> Iterator[object]:
        kept = self._kept
        if kept.replay is None:
            with snapshot(kept.project) as queries:
                kept.replay = ThresholdReplay(queries, kept.video_id, report_progress)
            replay = kept.replay
            yield TrialLimits(replay.current, replay.lowest, replay.score_is_fixed, replay.reason)
        if self._thresholds is not None:
            yield self._thresholds, kept.replay.at(self._thresholds, report_progress)
