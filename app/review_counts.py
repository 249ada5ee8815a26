"""How much there is to check in each video: kept in the project, so that a queue of hundreds need not look again."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from app.document.document import Document
from app.document.queries import Queries
from app.document.suspicions import Suspicion, SuspicionKind
from app.review import ReviewFilter

_SECONDS = 5.0  # a decision takes, as long as the project has too few to tell
_LONGEST_SECONDS = 60.0  # between two decisions; after a longer pause a person was elsewhere
_LATEST = 200
_LEAST = 10


@dataclass(frozen=True)
class ToCheck:
    """Suspicions of a video that a list with some filter has.

    Attributes:
        count: how many.
        mistakes: how many of them are to be expected to be mistakes, the sum of their confidences.
    """

    count: int
    mistakes: float


def keep_count(document: Document, video_id: int, found: Sequence[Suspicion]) -> bool:
    """Remember what was found in a video. False when that was known."""
    known = document.view_state(_key(video_id))
    now = [[suspicion.kind.name, round(suspicion.confidence, 3)] for suspicion in found]
    if now == known:
        return False
    document.set_view_state(_key(video_id), now)
    return True


def is_counted(queries: Queries, video_id: int) -> bool:
    """Whether a video was looked at since it is in the project."""
    return queries.view_state(_key(video_id)) is not None


def to_check(queries: Queries, video_id: int, wanted: ReviewFilter) -> ToCheck | None:
    """What the review list of a video would have; None where nobody has looked yet."""
    kept = queries.view_state(_key(video_id))
    if kept is None:
        return None
    kinds = SuspicionKind.__members__  # another version of the app may have known others
    listed = [share for name, share in kept if name in kinds and wanted.lists(kinds[name], share)]
    return ToCheck(len(listed), sum(listed))


def seconds_per_decision(queries: Queries) -> float:
    """How long a person takes from one edit to the next, judged by the latest ones in the project."""
    latest = (
        "SELECT created FROM history WHERE entry_id NOT IN (SELECT entry_id FROM runs) ORDER BY entry_id DESC LIMIT ?"
    )
    times = [created for (created,) in queries.rows(latest, _LATEST)]
    gaps = [later - earlier for later, earlier in pairwise(times)]
    gaps = [gap for gap in gaps if 0 < gap < _LONGEST_SECONDS]
    return median(gaps) if len(gaps) >= _LEAST else _SECONDS


def _key(video_id: int) -> str:
    return f"suspicions/{video_id}"
