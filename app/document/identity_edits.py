"""Edits of identity: which track an instance belongs to, and whether it is there at all."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.document.edit import RoutedEdit
from app.document.images import Cell
from app.document.records import EditRefused, FrameRange
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
        _exchange(transaction, [c for c in found if c.frame_index in moving], self.track_id, self.to_track_id)


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
        _exchange(transaction, found, self.track_id, self.other_track_id)


@dataclass(frozen=True)
class MergeTracks(RoutedEdit):
    """Make two tracks one; where both are in a frame, one of the two instances is dropped.

    Attributes:
        prefer: whose instance stays in frames that hold both.
    """

    keep_track_id: int
    absorbed_track_id: int
    prefer: Literal["kept", "absorbed"] = "kept"

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        wins = "" if self.prefer == "kept" else f", {self.absorbed_track_id}'s masks win"
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
        taken = {cell.frame_index for cell in absorbed}
        kept = [c for c in transaction.cells(self.video_id, [self.keep_track_id], frames) if c.frame_index in taken]
        if self.prefer == "kept":
            present = {cell.frame_index for cell in kept}
            moved = [_moved(c, self.keep_track_id) for c in absorbed if c.frame_index not in present]
            transaction.replace_cells(absorbed, moved)
        else:
            transaction.replace_cells(absorbed + kept, [_moved(c, self.keep_track_id) for c in absorbed])


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
        _exchange(transaction, found, self.track_id, self.new_track_id)


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


def _moved(cell: Cell, track_id: int) -> Cell:
    return Cell(cell[0], track_id, *cell[2:7], 1, *cell[8:])


def _exchange(transaction: Transaction, found: list[Cell], track_id: int, other_track_id: int) -> None:
    if found:
        moved = [_moved(c, other_track_id if c.track_id == track_id else track_id) for c in found]
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
