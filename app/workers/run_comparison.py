"""Two states of a video's tracks compared in a thread: what differs becomes marks to walk, with nothing to accept."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from PySide6.QtCore import QObject

from app.document.confirmation import percent_words
from app.document.queries import snapshot
from app.document.revisions import Side, track_set
from app.document.run_comparison import Comparison, DifferenceKind, RunDifference, compare
from app.preview import Offer, PreviewStep
from app.session import Session
from app.workers.latest import LatestTask
from app.workers.task import report_progress
from visolo.formats.exchange import part_of

_SETTLE_MS = 0


class RunComparisonSearch(LatestTask):
    """Shows in `session.preview` where two states differ; the next edit makes that out of date."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(_SETTLE_MS, parent)
        self._session = session
        for signal in (session.edited, session.project_opened, session.video_changed):
            signal.connect(self.cancel)
        session.preview.declined.connect(self.cancel)
        self.answered.connect(self._show)
        self.progressed.connect(self._say_progress)
        self.failed.connect(self._say_why_not)

    def compare(self, before: Side, after: Side) -> None:
        """Compare two states of the tracks; declining the preview meanwhile stops it."""
        document, video = self._session.document, self._session.video
        if document is not None and video is not None:
            self._session.trial.close()
            self._session.preview.clear()
            self.ask(_Comparison(document.path, video.video_id, before, after))

    def _show(self, answer: object) -> None:
        assert isinstance(answer, Comparison)
        if answer.differences:
            self._session.preview.show(offer_of_comparison(answer, self._session.category_names()))
            self._session.message.emit("Ctrl+N goes to the next difference")
        else:
            self._session.preview.clear()
            self._session.message.emit(f"Nothing differs: {answer.instance_count} instances are alike")

    def _say_progress(self, share: float) -> None:
        self._session.preview.wait(f"Comparing: {share:.0%}")

    def _say_why_not(self, error: Exception) -> None:
        self._session.preview.clear()
        self._session.refused.emit(f"The comparison failed: {error}")


class _Comparison:
    """A callable with what to compare: what `Task` runs."""

    def __init__(self, project: Path, video_id: int, before: Side, after: Side) -> None:
        self._project, self._video_id, self._sides = project, video_id, (before, after)

    def __call__(self) -> Iterator[object]:
        with snapshot(self._project) as queries:
            # Of three parts, reading each side is one, and comparing them.
            before, after = (
                track_set(queries, self._video_id, side, part_of(report_progress, number / 3, (number + 1) / 3))
                for number, side in enumerate(self._sides)
            )
            yield compare(queries, before, after, part_of(report_progress, 2 / 3, 1))


def offer_of_comparison(comparison: Comparison, names: Mapping[int, str]) -> Offer:
    """The differences in words; each is marked in the lane that shows the object afterwards, else in the one before."""
    steps = tuple(
        PreviewStep(
            d.frames, d.before_track if d.after_track is None else d.after_track, _mark(d), _words(d, comparison, names)
        )
        for d in comparison.differences
    )
    count = "1 difference" if len(steps) == 1 else f"{len(steps)} differences"
    share = percent_words(comparison.same_share)
    return Offer(f"{count}; {share} of {comparison.instance_count} instances are alike", steps, None)


def _mark(difference: RunDifference) -> int | None:
    """The track in whose colour it is marked: the one before, where there was one; None for what is gone."""
    if difference.kind is DifferenceKind.LOST:
        return None
    return difference.after_track if difference.before_track is None else difference.before_track


def _words(difference: RunDifference, comparison: Comparison, names: Mapping[int, str]) -> str:
    before, after, frames = difference.before_track, difference.after_track, difference.frames
    match difference.kind:
        case DifferenceKind.IDENTITY:
            elsewhere = comparison.partners.get(before or 0) or "nothing"
            if before == after:
                return f"{before} stays {frames}, and is {elsewhere} elsewhere"
            return f"{before} becomes {after} {frames}, and is {elsewhere} elsewhere"
        case DifferenceKind.LOST:
            return f"{before} is only before {frames}"
        case DifferenceKind.FOUND:
            return f"{after} is only after {frames}"
        case DifferenceKind.MASK:
            return f"the mask of {after} differs {frames}"
        case DifferenceKind.CLASS:
            classes = (names.get(i or 0, "no class") for i in (difference.before_category, difference.after_category))
            return f"{after}: {' before, '.join(classes)} after"
