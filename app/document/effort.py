"""What the review of each video has cost: corrections, and minutes by the clock of the history. Reads only."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from app.document.association_edit import ReplaceAssociation, TakeThresholds
from app.document.edits import (
    AddVideo,
    DeleteTrack,
    EditGroup,
    MergeTracks,
    ReassignTrack,
    RemoveInstances,
    SetCategory,
    SetMask,
    SplitTrack,
    SwapTracks,
)
from app.document.import_tracks import ImportTracks
from app.document.project_merge.ancestor import MERGE
from app.document.queries import Queries

LONGEST_PAUSE_S = 120.0
"""Of the time since the edit before, no more counts: the rest was a break."""
AWAY_S = 600.0
"""After so long nothing counts: it was not for this edit that one came back."""
TIME_RULE = "time between one's edits, at most 2 minutes each, and none after more than 10"

_KINDS = {
    DeleteTrack: "delete a track",
    EditGroup: "several at once",
    MergeTracks: "merge",
    ReassignTrack: "assign to another track",
    RemoveInstances: "delete masks",
    ReplaceAssociation: "associate again",
    SetCategory: "class",
    SetMask: "mask",
    SplitTrack: "split",
    SwapTracks: "swap",
    TakeThresholds: "other thresholds",
}
CORRECTIONS: dict[str, str] = {kind.__name__: words for kind, words in _KINDS.items()}
"""The edits that change what a model found, by their names in the history, and what to call them."""
_Key = TypeVar("_Key")
_NOT_BY_HAND = {"Run", MERGE, ImportTracks.__name__, AddVideo.__name__}


@dataclass(frozen=True)
class Effort:
    """What was spent on one video, or on several.

    Attributes:
        seconds: by the `TIME_RULE`.
        corrections: by what they were, see `CORRECTIONS`; those that were undone are not among them.
    """

    seconds: float = 0.0
    corrections: Mapping[str, int] = field(default_factory=dict)

    @property
    def edit_count(self) -> int:
        """All corrections together."""
        return sum(self.corrections.values())

    @property
    def edits_per_minute(self) -> float:
        """Corrections in a minute; 0 where no time was noted."""
        return 60 * self.edit_count / self.seconds if self.seconds else 0.0

    def __add__(self, other: "Effort") -> "Effort":
        together = Counter(self.corrections) + Counter(other.corrections)
        return Effort(self.seconds + other.seconds, dict(together))


class WorkStep(NamedTuple):
    """One entry of a person: for which video, how long after their last, whether it still corrects, and whose."""

    video_id: int
    seconds: float
    correction: str
    author: str


def effort_by_video(steps: Iterable[WorkStep]) -> dict[int, Effort]:
    """The effort spent on every video on which any was; by video id."""
    return _sums((step.video_id, step) for step in steps)


def effort_by_author(steps: Iterable[WorkStep]) -> dict[str, Effort]:
    """The effort that every person spent; by name."""
    return _sums((step.author, step) for step in steps)


def work_steps(queries: Queries) -> Iterator[WorkStep]:
    """What people did to videos, in the order of the history; undone corrections took their time, too."""
    latest: dict[str, float] = {}
    for author, created, undone, video_id, kind in queries.rows(
        "SELECT author, created, undone, video_id, json_extract(edit, '$.edit') FROM history ORDER BY entry_id"
    ):
        pause = created - latest.get(author, created)
        latest[author] = created
        if video_id is not None and kind not in _NOT_BY_HAND:
            seconds = min(max(0.0, pause), LONGEST_PAUSE_S) if pause <= AWAY_S else 0.0
            yield WorkStep(video_id, seconds, "" if undone else CORRECTIONS.get(kind, ""), author)


def _sums(steps: Iterable[tuple[_Key, WorkStep]]) -> dict[_Key, Effort]:
    seconds: dict[_Key, float] = defaultdict(float)
    counts: dict[_Key, Counter[str]] = defaultdict(Counter)
    for key, step in steps:
        seconds[key] += step.seconds
        if step.correction:
            counts[key][step.correction] += 1
    return {key: Effort(spent, dict(counts[key])) for key, spent in seconds.items()}
