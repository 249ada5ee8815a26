"""The review list: what is probably wrong in a video, best first, with the edit that mends it.

    find_suspicions(queries, video_id)    -> [Suspicion]
    index = SuspicionIndex(queries, video_id); index.suspicions(queries); index.update(queries, change)

Reads stored evidence and geometry only, on any `Queries`, also on a `snapshot` in a worker thread. How it is found out:
`app/document/review/`.
"""

from collections.abc import Callable

from app.document.confirmation import confirmed_content, dismissals
from app.document.queries import Queries
from app.document.records import Change, FrameRange
from app.document.review.links import PairFinder, find_links
from app.document.review.moments import breaks, joins, switches
from app.document.review.observations import Observations
from app.document.review.rows import Protected, RowWriter, one_row_each
from app.document.review.suspicion import Suspicion, SuspicionKind
from app.document.review.whole_tracks import class_doubts, doubtful_tracks, duplicates

__all__ = ["Suspicion", "SuspicionIndex", "SuspicionKind", "find_suspicions"]

Check = Callable[[], None]
"""Called between steps; raises to stop."""


class SuspicionIndex:
    """The suspicions of one video, quick to find again after a change: instances and evidence are read once."""

    def __init__(self, queries: Queries, video_id: int) -> None:
        """Read all instances of the video and what models saw in them."""
        self.video_id = video_id
        self._seen = Observations(queries, video_id)
        self._pairs = PairFinder()

    def update(self, queries: Queries, change: Change) -> None:
        """Take in what an edit, undo, redo or landing frames have touched; `queries` sees the state after it."""
        if self.video_id in change.video_ids and change.frames is not None:
            self._seen.update(queries, change)
            self._pairs.forget(change.frames)

    def suspicions(
        self, queries: Queries, frames: FrameRange | None = None, check: Check | None = None
    ) -> list[Suspicion]:
        """All rows, the most likely mistake first; the unlikely ones at the end are in the order of what they add.

        Args:
            queries: in the state that the index has taken in.
            frames: only moments in these.
            check: raises to give up; called every few tenths of a second.
        """
        check = check or _go_on
        seen, protected = self._seen, _protected(queries, self.video_id)
        check()
        links = find_links(seen)
        writer = RowWriter(seen, links, protected)
        check()
        rows = writer.switches(switches(seen, links, self._pairs.find(seen)))
        check()
        rows += writer.joins(joins(seen))
        rows += writer.breaks(breaks(seen, links))
        check()
        rows += [writer.duplicate(found) for found in duplicates(seen, queries)]
        rows += [writer.doubtful(found) for found in doubtful_tracks(seen)]
        rows += [writer.class_doubt(found) for found in class_doubts(seen, queries)]
        ranked = one_row_each(rows, protected)
        return [row for row in ranked if frames is None or frames.first <= row.frame_index <= frames.end]


def find_suspicions(
    queries: Queries, video_id: int, frames: FrameRange | None = None, check: Check | None = None
) -> list[Suspicion]:
    """All that is suspicious in a video, once; see `SuspicionIndex.suspicions`."""
    return SuspicionIndex(queries, video_id).suspicions(queries, frames, check)


def _protected(queries: Queries, video_id: int) -> Protected:
    locked = queries.rows("SELECT track_id FROM tracks WHERE video_id = ? AND locked", video_id)
    return Protected(
        confirmed_content(queries, video_id),
        frozenset(row[0] for row in locked),
        frozenset(dismissals(queries, video_id)),
        {category.category_id: category.name for category in queries.categories()},
        queries.next_track_id(video_id),
    )


def _go_on() -> None:
    """Nobody wants to stop."""
