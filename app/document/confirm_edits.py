"""Edits of the review: what a person has confirmed, suspicions that turned out to be none, videos that are of no use.

    Confirm(video_id, track_id, FrameRange(first, last))                    # one track; its absences are confirmed, too
    Confirm(video_id, None, FrameRange(0, None))                            # every track, here the whole video
    Confirm(video_id, track_id | None, frames, confirmed=False)             # open it to edits and runs again
    DismissSuspicion(video_id, key) / DismissSuspicion(video_id, key, dismissed=False)
    RejectVideo(video_id, reason) / RejectVideo(video_id, None)

What is confirmed now: `confirmation`.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.document.confirmation import WHOLE_FRAMES, Confirmed, confirmed_content, frames_in, ranges_of
from app.document.edit import RoutedEdit
from app.document.records import EditRefused, FrameRange, Origin
from app.document.transaction import Transaction


@dataclass(frozen=True)
class Confirm(RoutedEdit):
    """Say that content is right, so that neither runs nor edits change it; or take that back.

    The classes of the tracks confirmed stay as they are, too: they count as chosen by a person from then on. While a
    run is on, it reaches up to the run's head.

    Attributes:
        track_id: None for whole frames: all tracks, and that none is missing.
    """

    track_id: int | None
    frames: FrameRange
    confirmed: bool = True

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        what = "everything" if self.track_id is None else f"track {self.track_id}"
        where = "" if self.frames == FrameRange(0, None) else f" {self.frames}"
        return f"{'Confirm' if self.confirmed else 'Unconfirm'} {what}{where}"

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        return self.frames

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        document = transaction.document
        count = document.video(self.video_id).frame_count
        wanted = frames_in([frames], count)
        if not wanted.any():
            raise EditRefused(f"There is no frame {frames.first}; the video has {count} frames")
        if self.track_id is not None and transaction.row("tracks", self.video_id, self.track_id) is None:
            raise EditRefused(f"There is no track {self.track_id} in this video")
        known = confirmed_content(document, self.video_id)
        if self.confirmed:
            self._refuse_boxes(transaction, frames)
            changed = self._close(transaction, known, wanted)
            self._keep_classes(transaction, frames)
        else:
            changed = self._open(transaction, known, wanted)
        if not changed:
            raise EditRefused(f"Nothing to change: it is {'' if self.confirmed else 'not '}confirmed already")

    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """What lands later has not been seen by whoever confirmed."""

    def _refuse_boxes(self, transaction: Transaction, frames: FrameRange) -> None:
        """A frame in which an object has only a box would leave the project as the truth, without that object."""
        rows = transaction.document.rows(
            "SELECT track_id, MIN(frame_index) FROM cells WHERE video_id = ? AND origin = ?"
            " AND frame_index BETWEEN ? AND ? AND (? IS NULL OR track_id = ?)",
            self.video_id,
            int(Origin.BOX),
            frames.first,
            frames.end,
            self.track_id,
            self.track_id,
        )
        track_id, frame_index = rows[0]
        if track_id is not None:
            raise EditRefused(
                f"Track {track_id} has only a box on frame {frame_index}; run the model, draw its mask or delete it"
            )

    def _close(self, transaction: Transaction, known: Confirmed, wanted: NDArray[np.bool_]) -> bool:
        if self.track_id is None:
            return self._write(transaction, WHOLE_FRAMES, known.frames, known.frames | wanted)
        before = known.tracks.get(self.track_id, np.zeros_like(wanted))
        # Frames that are confirmed as a whole need no mark for each track, but it must last when they are opened.
        return self._write(transaction, self.track_id, before, before | wanted)

    def _open(self, transaction: Transaction, known: Confirmed, wanted: NDArray[np.bool_]) -> bool:
        if self.track_id is None:
            marked = {WHOLE_FRAMES: known.frames, **known.tracks}
            return sum(self._write(transaction, t, old, old & ~wanted) for t, old in marked.items()) > 0
        if (closed := known.frames & wanted).any():
            where = ranges_of(closed)[0]
            raise EditRefused(f"All tracks are confirmed {where}; unconfirm the frames, not only track {self.track_id}")
        before = known.tracks.get(self.track_id, np.zeros_like(wanted))
        return self._write(transaction, self.track_id, before, before & ~wanted)

    def _write(
        self, transaction: Transaction, track_id: int, before: NDArray[np.bool_], after: NDArray[np.bool_]
    ) -> bool:
        old, new = dict(ranges_of(before)), dict(ranges_of(after))
        for first in old.keys() | new.keys():
            if old.get(first) != new.get(first):
                values = (new[first],) if first in new else None
                transaction.put_row("confirmed", (self.video_id, track_id, first), values)
        return old != new

    def _keep_classes(self, transaction: Transaction, frames: FrameRange) -> None:
        document = transaction.document
        rows = document.rows(
            "SELECT DISTINCT track_id FROM cells WHERE video_id = ? AND frame_index BETWEEN ? AND ?",
            self.video_id,
            frames.first,
            frames.end,
        )
        for (track_id,) in rows:
            if self.track_id in (None, track_id):
                track = document.track(self.video_id, track_id)
                if not track.category_set:
                    values = (track.category_id, 1, int(track.locked))
                    transaction.put_row("tracks", (self.video_id, track_id), values)


@dataclass(frozen=True)
class DismissSuspicion:
    """Remember that a suspicion is none, so that it is not shown again; or forget that.

    Attributes:
        key: a text that names the suspicion and stays the same while what it is about does.
    """

    video_id: int
    key: str
    dismissed: bool = True

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return "Dismiss a suspicion" if self.dismissed else "Suspect again"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        transaction.document.video(self.video_id)
        is_there = transaction.row("dismissals", self.video_id, self.key) is not None
        if is_there == self.dismissed:
            raise EditRefused(f"Nothing to change: it is {'' if self.dismissed else 'not '}dismissed already")
        transaction.put_row("dismissals", (self.video_id, self.key), (time.time(),) if self.dismissed else None)


@dataclass(frozen=True)
class RejectVideo:
    """Say that a video is of no use, so that it is neither run over with all others nor exported; or take that back.

    Attributes:
        reason: why, may be empty; None takes it back.
    """

    video_id: int
    reason: str | None

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Take video {self.video_id} back" if self.reason is None else f"Reject video {self.video_id}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        name = transaction.document.video(self.video_id).name
        reason = None if self.reason is None else " ".join(self.reason.split())
        known = transaction.row("rejections", self.video_id)
        if known == (None if reason is None else (reason,)):
            raise EditRefused(f"Nothing to change: {name} is {'not ' if reason is None else ''}rejected already")
        transaction.put_row("rejections", (self.video_id,), None if reason is None else (reason,))
        transaction.text = f"Take {name} back" if reason is None else f"Reject {name}"
