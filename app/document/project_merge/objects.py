"""Which instance of theirs is which of ours, frame by frame, and which of their tracks is which of ours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from app.document.images import Cell, Position
from app.document.project_merge.ancestor import Ancestor
from app.document.project_merge.states import VideoState, by_frame
from app.document.queries import Queries
from app.document.records import Origin
from app.document.seen_instances import Progress
from app.document.stored_masks import read_masks
from visolo import rle as rle_masks
from visolo.assignment import assigned
from visolo.rle import Rle

_SAME_OBJECT_IOU = 0.5
_SAME_MASK_IOU = 0.95
_FRAMES_AT_ONCE = 64
_UNTOUCHED_VOTES = 1000  # what somebody moved says where it is now, not which track is which


class Value(NamedTuple):
    """An instance as one side has it.

    Attributes:
        track_id: in our numbers.
        mask: its id where both sides share it, else its counts.
        cell: the row; of theirs with our video, and negative ids for what is not shared.
    """

    track_id: int
    mask: int | str
    cell: Cell


@dataclass
class Thing:
    """One object in one frame, as both sides have it and as it was; None where it is not.

    Attributes:
        is_base_known: there was a common state, so that a `base` of None means that it was not there.
    """

    base: Value | None = None
    ours: Value | None = None
    theirs: Value | None = None
    is_base_known: bool = True


@dataclass(frozen=True, eq=False)
class Sides:
    """A video of both, and as it was; `base` is in the numbers of its side, and None where nothing is common."""

    ours: VideoState
    theirs: VideoState
    base: VideoState | None


@dataclass(frozen=True, eq=False)
class Matched:
    """What corresponds to what in a video.

    Attributes:
        things: of every frame in which the sides differ.
        tracks: our id by theirs, of tracks that both have.
        new_tracks: the same of those that only they have, with ids that are still free.
    """

    things: Mapping[int, list[Thing]]
    tracks: Mapping[int, int]
    new_tracks: Mapping[int, int]

    @property
    def all_tracks(self) -> dict[int, int]:
        """Our id by theirs."""
        return {**self.tracks, **self.new_tracks}


class MaskReader:
    """Masks of both projects by id; those of theirs are negative."""

    def __init__(self, ours: Queries, theirs: Queries) -> None:
        self._ours, self._theirs = ours, theirs

    def read(self, mask_ids: Iterable[int]) -> dict[int, Rle]:
        """Some masks."""
        wanted = sorted(set(mask_ids))
        found = read_masks(self._ours, [i for i in wanted if i > 0])
        theirs = read_masks(self._theirs, [-i for i in wanted if i < 0])
        return found | {-i: mask for i, mask in theirs.items()}


@dataclass
class _Frame:
    """The instances of one frame: those of the side that the base is of by their ids, and the other's."""

    anchored: dict[int, dict[str, Cell]] = field(default_factory=dict)
    loose: list[Cell] = field(default_factory=list)


class Matcher:
    """Matches one video; see `match`."""

    def __init__(self, sides: Sides, ancestor: Ancestor, masks: MaskReader, first_free_track: int) -> None:
        self._sides, self._ancestor, self._masks = sides, ancestor, masks
        self._first_free = first_free_track
        self._loose_side = "theirs" if ancestor.side == "ours" else "ours"
        self._keys: dict[int, int | str] = {}

    def match(self, known: Mapping[int, int], progress: Progress) -> Matched:
        """Find what corresponds.

        Args:
            known: our id by theirs of tracks that are known to be the same.
            progress: told the share that is done; may raise to stop.
        """
        frames = self._frames()
        votes: dict[tuple[int, int], int] = {}
        numbers = sorted(frames)
        for first in range(0, len(numbers), _FRAMES_AT_ONCE):
            progress(first / len(numbers))
            piece = [frames[number] for number in numbers[first : first + _FRAMES_AT_ONCE]]
            masks = self._read(piece)
            for frame in piece:
                for pair, count in self._attach_by_mask(frame, masks):
                    votes[pair] = votes.get(pair, 0) + count
        tracks = self._tracks(known, votes)
        new = self._new_tracks(tracks)
        numbered = {**tracks, **new}
        things = {number: self._things(frames[number], numbered) for number in numbers}
        return Matched(things, tracks, new)

    def _frames(self) -> dict[int, _Frame]:
        """Frames in which the sides differ in any way."""
        ours, theirs = self._sides.ours.cells, self._sides.theirs.cells
        differing = {position[2] for position, cell in ours.items() if theirs.get(position) != cell}
        differing |= {position[2] for position, cell in theirs.items() if ours.get(position) != cell}
        frames = {number: _Frame() for number in differing}
        states: dict[str, Mapping[Position, Cell]] = {"ours": ours, "theirs": theirs}
        if self._sides.base is not None:
            states["base"] = self._sides.base.cells
        order = sorted(states, key=lambda side: side == self._loose_side)  # what is loose comes to what is there
        for side in order:
            for number, cells in by_frame(states[side], frames.__contains__).items():
                frame = frames[number]
                for cell in cells:
                    is_shared = 0 < cell.instance_id <= self._ancestor.shared_mask
                    # What only the loose side has may be called otherwise on the other one.
                    is_known = is_shared and cell.instance_id in frame.anchored
                    if side == self._loose_side and not is_known:
                        frame.loose.append(cell)
                    else:
                        frame.anchored.setdefault(cell.instance_id, {})[side] = cell
        return frames

    def _read(self, frames: Sequence[_Frame]) -> dict[int, Rle]:
        """The masks that have to be compared, and the keys of all that are not shared."""
        wanted: set[int] = set()
        for frame in frames:
            cells = [cell for sides in frame.anchored.values() for cell in sides.values()]
            own = [c.mask_id for c in (*cells, *frame.loose) if not 0 < c.mask_id <= self._ancestor.shared_mask]
            wanted.update(own)
            if frame.loose:
                wanted.update(cell.mask_id for cell in (*cells, *frame.loose))
        masks = self._masks.read(wanted)
        shared = self._ancestor.shared_mask
        self._keys |= {i: mask.counts for i, mask in masks.items() if not 0 < i <= shared}
        return masks

    def _attach_by_mask(self, frame: _Frame, masks: Mapping[int, Rle]) -> list[tuple[tuple[int, int], int]]:
        """Bring loose instances to those of the same mask, or that overlap most.

        Returns:
            Our and their track of each pair, and how much it says of the tracks: more where nobody moved either.
        """
        if not frame.loose:
            return []
        open_ = {key: _shown(sides) for key, sides in frame.anchored.items() if self._loose_side not in sides}
        mine = {key: masks[cell.mask_id] for key, cell in open_.items()}
        pairs = []
        for key, place, overlap in _best_pairs(list(mine.values()), [masks[cell.mask_id] for cell in frame.loose]):
            name = list(mine)[key]
            cell = frame.loose[place]
            frame.anchored[name][self._loose_side] = cell
            self._take_for_same(open_[name], cell, overlap)
            pair = open_[name].track_id, cell.track_id
            votes = 1 if open_[name].edited or cell.edited else _UNTOUCHED_VOTES
            pairs.append((pair if self._loose_side == "theirs" else pair[::-1], votes))
        taken = {id(sides[self._loose_side]) for sides in frame.anchored.values() if self._loose_side in sides}
        frame.loose = [cell for cell in frame.loose if id(cell) not in taken]
        return pairs

    def _take_for_same(self, mine: Cell, other: Cell, overlap: float) -> None:
        """Two models, or one on two machines, never draw exactly the same: nothing to decide for a person."""
        is_drawn = any(cell.origin != Origin.MODEL for cell in (mine, other))
        if self._sides.base is None and overlap >= _SAME_MASK_IOU and not is_drawn:
            self._keys[other.mask_id] = self._keys.get(mine.mask_id, mine.mask_id)

    def _tracks(self, known: Mapping[int, int], votes: Mapping[tuple[int, int], int]) -> dict[int, int]:
        """Our id by theirs: the known ones, and so that most of the other instances stay in corresponding tracks."""
        present = {cell.track_id for cell in self._sides.theirs.cells.values()}
        tracks = dict(known)
        taken = set(tracks.values())
        open_votes = {p: n for p, n in votes.items() if p[0] not in taken and p[1] not in tracks and p[1] in present}
        if not open_votes:
            return tracks
        mine, theirs = (sorted({pair[side] for pair in open_votes}) for side in (0, 1))
        together = np.zeros((len(mine), len(theirs)), np.int64)
        for (our_id, their_id), count in open_votes.items():
            together[mine.index(our_id), theirs.index(their_id)] = count
        chosen = zip(*assigned(together), strict=True)
        return tracks | {theirs[j]: mine[i] for i, j in chosen if together[i, j]}

    def _new_tracks(self, tracks: Mapping[int, int]) -> dict[int, int]:
        """Free ids for their other tracks, those that they have where nobody else has used that id."""
        present = sorted({cell.track_id for cell in self._sides.theirs.cells.values()} - tracks.keys())
        free = max([self._first_free - 1, *tracks.values()]) + 1
        new: dict[int, int] = {}
        for track_id in present:
            new[track_id] = free = max(free, track_id)
            free += 1
        return new

    def _things(self, frame: _Frame, tracks: Mapping[int, int]) -> list[Thing]:
        """All objects of a frame; what is still loose comes to what is in the same track, else it is on its own."""
        is_known = self._sides.base is not None
        base_is_theirs = self._ancestor.side == "theirs"
        things = []
        for sides in frame.anchored.values():
            thing = Thing(is_base_known=is_known)
            for side, cell in sides.items():
                in_their_numbers = side == "theirs" or (side == "base" and base_is_theirs)
                setattr(thing, side, self._value(cell, tracks if in_their_numbers else None))
            things.append(thing)
        for cell in frame.loose:
            value = self._value(cell, tracks if self._loose_side == "theirs" else None)
            for thing in things:
                there = (thing.ours if self._loose_side == "theirs" else thing.theirs) or thing.base
                if getattr(thing, self._loose_side) is None and there and there.track_id == value.track_id:
                    setattr(thing, self._loose_side, value)
                    break
            else:
                things.append(Thing(is_base_known=is_known, **{self._loose_side: value}))
        return things

    def _value(self, cell: Cell, tracks: Mapping[int, int] | None) -> Value:
        track_id = cell.track_id if tracks is None else tracks.get(cell.track_id, cell.track_id)
        return Value(track_id, self._keys.get(cell.mask_id, cell.mask_id), cell)


def _shown(sides: Mapping[str, Cell]) -> Cell:
    """The instance as its side has it, or as it was."""
    return (
        next(cell for side, cell in sides.items() if side != "base") if len(sides) > 1 else next(iter(sides.values()))
    )


def _best_pairs(masks: Sequence[Rle], others: Sequence[Rle]) -> list[tuple[int, int, float]]:
    """Positions of masks that show one object, and their overlap: the very same ones, then those that overlap most."""
    places = {mask.counts: place for place, mask in enumerate(others)}
    same = [(place, places.pop(mask.counts), 1.0) for place, mask in enumerate(masks) if mask.counts in places]
    left = [
        [i for i in range(n) if i not in {pair[side] for pair in same}]
        for side, n in enumerate((len(masks), len(others)))
    ]
    if not left[0] or not left[1]:
        return same
    overlaps = rle_masks.iou([masks[i] for i in left[0]], [others[j] for j in left[1]])
    chosen = zip(*assigned(np.where(overlaps >= _SAME_OBJECT_IOU, overlaps, 0)), strict=True)
    pairs = [(left[0][i], left[1][j], float(overlaps[i, j])) for i, j in chosen]
    return same + [pair for pair in pairs if pair[2] >= _SAME_OBJECT_IOU]
