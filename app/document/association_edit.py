"""The edits by which an association that was worked out in advance takes the place of what there is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.document.images import Cell, Position
from app.document.records import EditRefused, FrameRange
from app.document.thresholds import Replayed
from app.document.transaction import Transaction

_STALE = "The video was edited since these differences were worked out; look at them again"


@dataclass(frozen=True)
class ReplaceAssociation:
    """Give instances to other tracks, take some out and bring some back, as one entry.

    Attributes:
        text: see `Edit.text`.
        before: the instances it was worked out from, exactly as they were; else it is refused.
        after: at positions of `before` or vacant ones.
        new_tracks: (track_id, category_id that it begins with) of tracks that the video never had.
    """

    video_id: int
    text: str
    before: tuple[Cell, ...]
    after: tuple[Cell, ...]
    new_tracks: tuple[tuple[int, int], ...] = ()

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        new = {track_id for track_id, _ in self.new_tracks}
        track_ids = {cell.track_id for cell in (*self.before, *self.after)} - new
        transaction.require_unlocked(self.video_id, sorted(track_ids))
        self._require_unchanged(transaction, track_ids)
        if new and min(new) < transaction.document.next_track_id(self.video_id):
            raise EditRefused(_STALE)
        for track_id, category_id in self.new_tracks:
            transaction.add_track(self.video_id, track_id, category_id, category_set=False)
        transaction.replace_cells(self.before, self.after)

    def _require_unchanged(self, transaction: Transaction, track_ids: set[int]) -> None:
        """Check that nothing has happened to these tracks meanwhile."""
        wanted = dict(zip(_positions(self.before), self.before, strict=True))
        frames = [cell.frame_index for cell in (*self.before, *self.after)]
        found = transaction.cells(self.video_id, track_ids, FrameRange(min(frames), max(frames)))
        there = dict(zip(_positions(found), found, strict=True))
        is_vacant = (set(_positions(self.after)) - wanted.keys()).isdisjoint(there)
        if not (wanted.items() <= there.items() and is_vacant):
            raise EditRefused(_STALE)


@dataclass(frozen=True, eq=False)
class TakeThresholds:
    """Make the tracks those of other thresholds, as one entry, which remembers the thresholds.

    Attributes:
        text: see `Edit.text`.
        replay: the thresholds.
        make: what this changes; worked out when it is needed, because it is many rows and a slider moves often.
    """

    video_id: int
    text: str
    replay: Replayed
    make: Callable[[], ReplaceAssociation]

    @property
    def remembered(self) -> dict[str, Any]:
        """What the history keeps of it."""
        return {"replay": self.replay.to_value()}

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        self.make().apply(transaction)


def _positions(cells: Iterable[Cell]) -> Iterable[Position]:
    return (cell[:3] for cell in cells)
