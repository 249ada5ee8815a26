"""Edits of identity: which track an instance belongs to, and whether it is there at all.

    SwapTracks(video_id, track_id, other_track_id, frames)        works where only one of the two is in the frame
    ReassignTrack(video_id, track_id, to_track_id, frames)        to a new track with `queries.next_track_id`
    MergeTracks(video_id, keep_track_id, absorbed_track_id, ...)  see `merging`
    SplitTrack(video_id, track_id, frame_index, new_track_id)     to break a gap: at the first frame after it
    RemoveInstances(video_id, track_id, frames, absent)           absent: and no run puts it back
    DeleteTrack(video_id, track_id)

What is moved is marked: in edits from a frame on, each track's first instance as decided and the rest as carried along,
else all as decided; what was decided before stays so (see `Touch`).
"""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.document.edit import RoutedEdit
from app.document.images import Cell
from app.document.records import EditRefused, FrameRange, Touch
from app.document.transaction import Transaction

_EVERYWHERE = FrameRange(0, None)


@dataclass(frozen=True)
class ReassignTrack(RoutedEdit):
    """Give a track's instances to another, perhaps new, track; where that one is in the frame too, they swap places."""

    track_id: int
    to_track_id: int
    frames: FrameRange

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Assign {self.track_id} to {self.to_track_id} {self.frames}"

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        return self.frames

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        _require_two(self.track_id, self.to_track_id)
        transaction.require_unlocked(self.video_id, [self.track_id])
        _require_presence(transaction, self.video_id, [self.track_id], frames, self.frames)
        if transaction.row("tracks", self.video_id, self.to_track_id) is None:
            category_id = transaction.document.track(self.video_id, self.track_id).category_id
            transaction.add_track(self.video_id, self.to_track_id, category_id, category_set=False)
        transaction.require_unlocked(self.video_id, [self.to_track_id])
        self.extend(transaction, frames)

    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.extend`."""
        found = transaction.cells(self.video_id, [self.track_id, self.to_track_id], frames)
        moving = {cell.frame_index for cell in found if cell.track_id == self.track_id}
        pair = self.track_id, self.to_track_id
        _exchange(transaction, [c for c in found if c.frame_index in moving], pair, self.frames)


@dataclass(frozen=True)
class SwapTracks(RoutedEdit):
    """Exchange two tracks' instances; in frames that hold only one of them, that one changes its track."""

    track_id: int
    other_track_id: int
    frames: FrameRange

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Swap {self.track_id} and {self.other_track_id} {self.frames}"

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        return self.frames

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        _require_two(self.track_id, self.other_track_id)
        pair = [self.track_id, self.other_track_id]
        transaction.require_unlocked(self.video_id, pair)
        _require_presence(transaction, self.video_id, pair, frames, self.frames)
        self.extend(transaction, frames)

    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.extend`."""
        found = transaction.cells(self.video_id, [self.track_id, self.other_track_id], frames)
        _exchange(transaction, found, (self.track_id, self.other_track_id), self.frames)


@dataclass(frozen=True)
class MergeTracks(RoutedEdit):
    """Make two tracks one; where both are in a frame, one of the two instances is dropped.

    Attributes:
        prefer: whose instance stays in frames that hold both; `merging.merge_conflicts` shows them.
        absorbed_wins: frames where the absorbed track's stays whatever `prefer` says.
    """

    keep_track_id: int
    absorbed_track_id: int
    prefer: Literal["kept", "absorbed"] = "kept"
    absorbed_wins: tuple[FrameRange, ...] = ()

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        wins = ""
        if self.prefer == "absorbed":
            wins = f", {self.absorbed_track_id}'s masks win"
        elif self.absorbed_wins:
            where = ", ".join(map(str, self.absorbed_wins[:3])) + (", …" if len(self.absorbed_wins) > 3 else "")
            wins = f", {self.absorbed_track_id}'s masks win {where}"
        return f"Merge {self.absorbed_track_id} into {self.keep_track_id}{wins}"

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        return _EVERYWHERE

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        _require_two(self.keep_track_id, self.absorbed_track_id)
        pair = [self.keep_track_id, self.absorbed_track_id]
        transaction.require_unlocked(self.video_id, pair)
        for track_id in pair:
            _require_presence(transaction, self.video_id, [track_id], frames, self.reach)
        self.extend(transaction, frames)

    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.extend`."""
        absorbed = transaction.cells(self.video_id, [self.absorbed_track_id], frames)
        if not absorbed:
            return
        there = {cell.frame_index for cell in absorbed}
        kept = [c for c in transaction.cells(self.video_id, [self.keep_track_id], frames) if c.frame_index in there]
        beaten = {cell.frame_index for cell in kept if not self._absorbed_wins(cell.frame_index)}
        moved = [_moved(c, self.keep_track_id) for c in absorbed if c.frame_index not in beaten]
        transaction.replace_cells(absorbed + [c for c in kept if c.frame_index not in beaten], moved)

    def _absorbed_wins(self, frame_index: int) -> bool:
        return self.prefer == "absorbed" or any(f.first <= frame_index <= f.end for f in self.absorbed_wins)


@dataclass(frozen=True)
class SplitTrack(RoutedEdit):
    """Cut a track in two before a frame; the head keeps the id, the tail becomes a new track."""

    track_id: int
    frame_index: int
    new_track_id: int

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Split {self.track_id} at frame {self.frame_index}, the tail becomes {self.new_track_id}"

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        return FrameRange(self.frame_index, None)

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        _require_two(self.track_id, self.new_track_id)
        transaction.require_unlocked(self.video_id, [self.track_id])
        head = FrameRange(0, self.frame_index - 1)
        if not transaction.is_present(self.video_id, self.track_id, head):
            raise EditRefused(
                f"Track {self.track_id} has nothing before frame {self.frame_index}; split it at a later frame"
            )
        _require_presence(transaction, self.video_id, [self.track_id], frames, self.reach)
        if transaction.is_present(self.video_id, self.new_track_id, _EVERYWHERE):
            raise EditRefused(f"Track {self.new_track_id} exists already; the tail needs an id of its own")
        if transaction.row("tracks", self.video_id, self.new_track_id) is not None:
            transaction.require_unlocked(self.video_id, [self.new_track_id])
        track = transaction.document.track(self.video_id, self.track_id)
        transaction.add_track(self.video_id, self.new_track_id, track.category_id, track.category_set)
        self.extend(transaction, frames)

    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.extend`."""
        found = transaction.cells(self.video_id, [self.track_id, self.new_track_id], frames)
        _exchange(transaction, found, (self.track_id, self.new_track_id), self.reach)


@dataclass(frozen=True)
class _Removal(RoutedEdit):
    track_id: int

    @property
    @abstractmethod
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        transaction.require_unlocked(self.video_id, [self.track_id])
        _require_presence(transaction, self.video_id, [self.track_id], frames, self.reach)
        self.extend(transaction, frames)

    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.extend`."""
        transaction.replace_cells(transaction.cells(self.video_id, [self.track_id], frames), [])


@dataclass(frozen=True)
class RemoveInstances(_Removal):
    """Take a track's masks out of some frames.

    Attributes:
        absent: also say that the object is not in the picture there, so that a later run does not put it back.
    """

    frames: FrameRange
    absent: bool = False

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        if self.absent:
            return f"Mark {self.track_id} absent {self.frames}"
        return f"Delete masks of {self.track_id} {self.frames}"

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        return self.frames

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        if not self.absent:
            super().apply_first(transaction, frames)
            return
        transaction.require_unlocked(self.video_id, [self.track_id])
        key = (self.video_id, self.track_id, self.frames.first)
        known = transaction.row("absences", *key)
        if known is None or (known[0] is not None and FrameRange(0, int(known[0])).end < self.frames.end):
            transaction.put_row("absences", key, (self.frames.last,))
        self.extend(transaction, frames)


@dataclass(frozen=True)
class DeleteTrack(_Removal):
    """Take a whole track out; its id is not given to another object."""

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Delete track {self.track_id}"

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        return _EVERYWHERE


def _moved(cell: Cell, track_id: int, touch: Touch = Touch.DECIDED) -> Cell:
    return Cell(cell[0], track_id, *cell[2:7], int(touch), *cell[8:])


def _exchange(transaction: Transaction, found: list[Cell], pair: tuple[int, int], scope: FrameRange) -> None:
    """Give the instances of each track of the pair to the other one."""
    if not found:
        return
    other = dict(zip(pair, pair[::-1], strict=True))
    first = {track_id: min((c.frame_index for c in found if c.track_id == track_id), default=-1) for track_id in pair}
    if scope.last is not None or scope.first == 0:
        moved = [_moved(cell, other[cell.track_id]) for cell in found]
    else:
        # Of frames that land one after the other, the edit's first may have come and gone.
        earlier = FrameRange(scope.first, min(cell.frame_index for cell in found) - 1)
        video_id = found[0].video_id
        begun = {t for t in pair if transaction.is_landing and transaction.is_present(video_id, other[t], earlier)}
        decided = {(t, first[t]) for t in pair if t not in begun}
        stays = Touch.DECIDED  # what a person decided before is not made less by being carried along
        touches = [stays if c[1:3] in decided or c.edited == stays else Touch.CARRIED for c in found]
        moved = [_moved(cell, other[cell.track_id], touch) for cell, touch in zip(found, touches, strict=True)]
    transaction.replace_cells(found, moved)


def _require_two(track_id: int, other_track_id: int) -> None:
    if track_id == other_track_id:
        raise EditRefused(f"Choose two different tracks; both are {track_id}")
    if min(track_id, other_track_id) < 1:
        raise EditRefused(f"Track ids count from 1, {min(track_id, other_track_id)} is not one")


def _require_presence(
    transaction: Transaction, video_id: int, track_ids: Iterable[int], frames: FrameRange, scope: FrameRange
) -> None:
    track_ids = list(track_ids)
    if not any(transaction.is_present(video_id, track_id, frames) for track_id in track_ids):
        who = f"Track {track_ids[0]} is" if len(track_ids) == 1 else "Neither of these tracks is"
        where = "anywhere" if scope == _EVERYWHERE else str(scope)
        raise EditRefused(f"{who} not present {where}" if len(track_ids) == 1 else f"{who} present {where}")
