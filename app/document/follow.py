"""Puts an object that the model followed from a prompt into the project, frame by frame: one history entry.

What it finds fills frames in which the track is not: an instance that the track has, whoever made it, stays, unless the
model's own are to be replaced; a box without mask is replaced always. Frames where the track is confirmed or marked
absent, and frames where another track has the same object already, are left out. Any other edit ends it, so that undo
takes back what came last. The masks count as a person's word carried along: runs leave them alone. No run keeps
evidence of them, because the network saw a part of the picture only; association run again lets them stay.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from app.document.classes import add_category, match_categories
from app.document.confirmation import confirmed_content
from app.document.held_masks import SAME_OBJECT_IOU
from app.document.history import History
from app.document.images import Cell
from app.document.records import Change, EditRefused, FrameRange, Origin, Touch
from app.document.transaction import Transaction
from visolo import rle as rle_masks
from visolo.categories import Category
from visolo.rle import Rle
from visolo.words import counted

FOLLOW = "Follow"
"""Name of the edit in the history."""


class FoundMask(NamedTuple):
    """The object in one frame; `score` in [0, 1]."""

    frame_index: int
    mask: Rle
    score: float


class Follow(NamedTuple):
    """What is followed.

    Attributes:
        track_id: that takes the masks in; None for a new track.
        category: class of a new track; one that the project lacks, by name, is added.
        first_frame: of the prompt.
        is_backward: frames before it are looked at.
        replaces_model: instances of the track that only the model made are replaced.
    """

    video_id: int
    track_id: int | None
    category: Category
    first_frame: int
    is_backward: bool = False
    replaces_model: bool = False


class FollowWriter:
    """Puts frames in as they come; made by `begin_follow`.

    Attributes:
        track_id: that takes them in.
        count: how many masks it has put in.
        other_tracks: those that had the object in some frame already, which was left to them.
    """

    def __init__(self, history: History, follow: Follow, track_id: int, entry_id: int) -> None:
        self.track_id, self.count = track_id, 0
        self.other_tracks: set[int] = set()
        self._history, self._follow, self._entry_id = history, follow, entry_id
        document = history.document
        video = document.video(follow.video_id)
        self._size = (video.height, video.width)
        self._confirmed = confirmed_content(document, follow.video_id)
        sql = "SELECT first_frame, last_frame FROM absences WHERE video_id = ? AND track_id = ?"
        self._absences = [FrameRange(*row) for row in document.rows(sql, follow.video_id, track_id)]

    @property
    def is_latest(self) -> bool:
        """Nothing else was edited, undone or redone since; if so, no more may be added."""
        sql = "SELECT max(entry_id), min(undone) FROM history WHERE entry_id >= ?"
        return self._history.document.rows(sql, self._entry_id) == [(self._entry_id, 0)]

    def add(self, found: Sequence[FoundMask]) -> Change:
        """Put masks in, in one transaction.

        Raises:
            EditRefused: something else was edited since.
            ValueError: a mask has not the video's size.
            ProjectError: it cannot be stored; nothing was changed.
        """
        if not self.is_latest:
            raise EditRefused("Something else was edited")
        if wrong := {mask.size for _, mask, _ in found} - {self._size}:
            raise ValueError(f"the masks are {wrong.pop()}, the video is {self._size}")
        added = 0
        with self._history.document.transaction() as connection:
            transaction = Transaction(self._history.document, self._entry_id)
            for one in found:
                added += self._put(transaction, one)
            self._history.store_images(transaction)
            text = _text(self._follow, self.track_id, self.count + added)
            connection.execute("UPDATE history SET text = ? WHERE entry_id = ?", (text, self._entry_id))
        self.count += added
        return transaction.change

    def finish(self) -> Change | None:
        """Take the entry away again if it holds no mask; None where nothing is to be looked at again.

        Raises:
            ProjectError: it cannot be stored.
        """
        if self.count or not self.is_latest:
            return None
        change = self._history.undo()
        with self._history.document.transaction() as connection:
            connection.execute("DELETE FROM history WHERE entry_id = ?", (self._entry_id,))
        return change

    def _put(self, transaction: Transaction, found: FoundMask) -> bool:
        frame_index = found.frame_index
        present = transaction.frame_cells(self._follow.video_id, frame_index)
        own = [cell for cell in present if cell.track_id == self.track_id]
        is_closed = self._confirmed.covers(self.track_id, frame_index) or self._confirmed.covers_frame(frame_index)
        is_absent = any(frames.first <= frame_index <= frames.end for frames in self._absences)
        if is_closed or is_absent or not all(self._is_replaceable(cell) for cell in own):
            return False
        if not own and self._is_of_another(found):
            return False
        mask_id = transaction.add_mask(found.mask)
        touch = Touch.DECIDED if frame_index == self._follow.first_frame else Touch.CARRIED
        position = (self._follow.video_id, self.track_id, frame_index)
        cell = Cell(*position, mask_id, mask_id, found.score, int(Origin.INTERPOLATED), int(touch), 0, -1)
        transaction.replace_cells(own, [cell])
        return True

    def _is_replaceable(self, cell: Cell) -> bool:
        if cell.origin == Origin.BOX:
            return True
        return self._follow.replaces_model and cell.origin == Origin.MODEL and not cell.edited

    def _is_of_another(self, found: FoundMask) -> bool:
        """Whether another track has this object in the frame."""
        instances = self._history.document.instances(self._follow.video_id, found.frame_index)
        others = [i for i in instances if i.track_id != self.track_id and not i.is_box and i.rle.size == self._size]
        if not others:
            return False
        overlaps = rle_masks.iou([found.mask], [other.rle for other in others])[0]
        same = {o.track_id for o, overlap in zip(others, overlaps, strict=True) if overlap >= SAME_OBJECT_IOU}
        self.other_tracks |= same
        return bool(same)


def begin_follow(history: History, follow: Follow) -> FollowWriter:
    """Begin the entry that all of it belongs to, and make the track where it is new.

    Raises:
        EditRefused: the track is missing or locked, or the model runs on this video.
        ProjectError: the project cannot be written; nothing was changed.
    """
    document = history.document
    document.video(follow.video_id)
    history.end_runs()
    if follow.video_id in history.active_runs:
        raise EditRefused("The model is running on this video; stop that run first")
    track_id = document.next_track_id(follow.video_id) if follow.track_id is None else follow.track_id
    with document.transaction():
        text = _text(follow, track_id, 0)
        entry_id = history.insert_entry(text, follow.video_id, json.dumps({"edit": FOLLOW}))
        transaction = Transaction(document, entry_id)
        if follow.track_id is None:
            added, ids = match_categories(document, [follow.category])
            for category in added:
                add_category(transaction, category)
            category_id = ids[follow.category.category_id]
            transaction.add_track(follow.video_id, track_id, category_id, category_set=False)
        else:
            transaction.require_unlocked(follow.video_id, [track_id])
        history.store_images(transaction)
    return FollowWriter(history, follow, track_id, entry_id)


def _text(follow: Follow, track_id: int, count: int) -> str:
    """E.g. "Follow track 3 from frame 20 on: 41 frames"."""
    where = "back" if follow.is_backward else "on"
    return f"Follow track {track_id} from frame {follow.first_frame} {where}: {counted(count, 'frame')}"
