"""What becomes of the objects of one frame: whose track and whose mask each gets, and what a person has to decide."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

from app.document.confirmation import Confirmed
from app.document.project_merge.ancestor import Ancestor
from app.document.project_merge.objects import Sides, Thing, Value
from app.document.project_merge.states import VideoState
from app.document.records import FrameRange, Origin

_NOWHERE = 0


class ConflictKind(StrEnum):
    """What both say differently."""

    IDENTITY = "identity"
    PRESENCE = "presence"
    MASK = "mask"
    CLASS = "class"
    CONFIRMED = "confirmed"


class Disputed(NamedTuple):
    """What a person has to decide in one frame.

    Attributes:
        moves: (our track, their track) of the objects it is about, 0 where it is not there.
        is_closed: it is confirmed or locked here.
    """

    kind: ConflictKind
    frame_index: int
    moves: tuple[tuple[int, int], ...]
    is_closed: bool


class Outcome(NamedTuple):
    """What becomes of an object.

    Attributes:
        track_id: None where it is no more.
        mask: of which side's row the mask is.
        touch: value of `Touch`.
    """

    thing: Thing
    track_id: int | None
    mask: Value | None
    touch: int = 0


class _Pick(Enum):
    OURS = 0
    THEIRS = 1
    BOTH = 2


Choose = Callable[[Disputed], bool]
"""Whether theirs is taken."""


class Statement:
    """What one side says of a video: what a person had a hand in, what is closed to changes.

    Args:
        state: of that side, in its own track numbers.
        tracks: our number by its own; None for ours.
        since: the entry of the history after which its own work begins.
    """

    def __init__(self, state: VideoState, tracks: Mapping[int, int] | None, since: int) -> None:
        self._state, self._since = state, since

        def ours(track_id: int) -> int:
            return track_id if tracks is None else tracks.get(track_id, track_id)

        known = state.confirmed()
        self.confirmed = Confirmed(known.frames, {ours(t): marked for t, marked in known.tracks.items()})
        self._absences: dict[int, list[FrameRange]] = {ours(t): ranges for t, ranges in state.absences().items()}
        self._locked = {ours(int(key[0] or 0)) for key, row in state.facts["tracks"].items() if row[2]}

    def is_closed(self, track_id: int, frame_index: int) -> bool:
        """Whether nothing may change there unasked: it is confirmed, or its track locked."""
        return track_id in self._locked or self.confirmed.covers(track_id, frame_index)

    def is_strong(self, value: Value | None, other: Value, frame_index: int) -> bool:
        """Whether a person had a hand in that it is so; `other` is the object as it is or was elsewhere."""
        if value is not None:
            touched = value.cell.origin != Origin.MODEL or bool(value.cell.edited)
            return touched or self.confirmed.covers(value.track_id, frame_index)
        return self.confirmed.covers(other.track_id, frame_index) or self._is_absent(other.track_id, frame_index)

    def says_nothing(self, frame_index: int) -> bool:
        """Whether no model has looked at a frame and nobody has confirmed it."""
        return not self._state.is_computed(frame_index) and not self.confirmed.covers_frame(frame_index)

    def has_run_since(self, frame_index: int) -> bool:
        """Whether a run of its own has looked at the frame."""
        return self._state.is_computed(frame_index, self._since)

    def _is_absent(self, track_id: int, frame_index: int) -> bool:
        return any(r.first <= frame_index <= r.end for r in self._absences.get(track_id, ()))


@dataclass(frozen=True, eq=False)
class FrameRules:
    """Both statements about a video."""

    ours: Statement
    theirs: Statement

    @classmethod
    def of(cls, sides: Sides, tracks: Mapping[int, int], ancestor: Ancestor) -> "FrameRules":
        """Those of two sides; `tracks` is our number by theirs."""
        ours = Statement(sides.ours, None, ancestor.since["ours"])
        return cls(ours, Statement(sides.theirs, tracks, ancestor.since["theirs"]))

    def resolve(self, frame_index: int, things: Sequence[Thing], choose: Choose) -> list[Outcome]:
        """What becomes of all objects of a frame; `choose` is asked where both sides stand against each other."""
        outcomes: list[Outcome] = []
        for group in _exchanging(things):
            first = group[0]
            if len(group) == 1 and first.ours is not None and _is_alike(first):
                outcomes.append(Outcome(first, first.ours.track_id, first.ours, first.ours.cell.edited))
            else:
                outcomes += _Group(self, frame_index, group).resolve(choose)
        return outcomes


class _Group:
    """Objects of a frame that are in each other's tracks on one side or the other: they are decided together."""

    def __init__(self, rules: FrameRules, frame_index: int, things: Sequence[Thing]) -> None:
        self._rules, self._frame, self._things = rules, frame_index, things

    def resolve(self, choose: Choose) -> list[Outcome]:
        picks = [self._place(thing) for thing in self._things]
        tracks = [_track(thing, pick) for thing, pick in zip(self._things, picks, strict=True)]
        chosen: _Pick | None = None
        if _Pick.BOTH in picks or _clash(tracks) or self._is_closed_to(tracks):
            chosen = self._whole(picks, choose)
            tracks = [_track(thing, chosen) for thing in self._things]
        return [self._outcome(thing, track, chosen, choose) for thing, track in zip(self._things, tracks, strict=True)]

    def _whole(self, picks: Sequence[_Pick], choose: Choose) -> _Pick:
        """Which side has it all: that of a person against a model's, else the one that is chosen."""
        theirs = [thing for thing, pick in zip(self._things, picks, strict=True) if pick is not _Pick.OURS]
        if not any(self._is_strong(thing, is_ours=False) for thing in theirs):
            return _Pick.OURS
        moves = sorted({_move(thing) for thing in self._things if _move(thing)[0] != _move(thing)[1]})
        moves = moves or sorted({_move(thing) for thing in theirs})
        is_presence = all(_NOWHERE in move for move in moves)
        kind = ConflictKind.PRESENCE if is_presence else ConflictKind.IDENTITY
        tracks = {track for move in moves for track in move if track}
        closed = any(self._rules.ours.is_closed(track, self._frame) for track in tracks)
        ours = [t for t in self._things if not t.is_base_known or _content(t.ours) != _content(t.base)]
        if not closed and not any(self._is_strong(thing, is_ours=True) for thing in ours):
            return _Pick.THEIRS
        return _Pick.THEIRS if choose(Disputed(kind, self._frame, tuple(moves), closed)) else _Pick.OURS

    def _place(self, thing: Thing) -> _Pick:
        """Whose track it gets; where one side has not got it at all, whether it is there."""
        ours, theirs = thing.ours, thing.theirs
        if ours is not None and theirs is not None:
            base = None if thing.base is None else thing.base.track_id
            return self._three_way(thing, (base, ours.track_id, theirs.track_id), is_base_known=thing.base is not None)
        sides = (_content(thing.base), _content(ours), _content(theirs))
        pick = self._three_way(thing, sides, is_base_known=thing.is_base_known)
        if (
            pick is _Pick.OURS
            and ours is None
            and not thing.is_base_known
            and self._rules.ours.says_nothing(self._frame)
        ):
            return _Pick.THEIRS  # here nobody has looked yet
        return pick

    def _outcome(self, thing: Thing, track_id: int | None, chosen: _Pick | None, choose: Choose) -> Outcome:
        if track_id is None:
            return Outcome(thing, None, None)
        ours, theirs = thing.ours, thing.theirs
        if ours is None or theirs is None:
            value = ours or theirs
            assert value is not None
            return Outcome(thing, track_id, value, value.cell.edited)
        closed = self._rules.ours.is_closed(ours.track_id, self._frame)
        takes = self._takes_mask(thing, chosen, choose, is_closed=closed)
        is_changed = takes or track_id != ours.track_id
        # Marks alone are no reason to open what is closed, and theirs mean nothing where ours was chosen.
        keeps_touch = chosen is _Pick.OURS or (closed and not is_changed)
        return Outcome(thing, track_id, theirs if takes else ours, ours.cell.edited if keeps_touch else _touch(thing))

    def _takes_mask(self, thing: Thing, chosen: _Pick | None, choose: Choose, *, is_closed: bool) -> bool:
        assert thing.ours is not None
        assert thing.theirs is not None
        base = None if thing.base is None else thing.base.mask
        sides = (base, thing.ours.mask, thing.theirs.mask)
        pick = self._three_way(thing, sides, is_base_known=thing.base is not None)
        if pick is _Pick.THEIRS and is_closed and not self._is_strong(thing, is_ours=False):
            return False
        if pick is _Pick.BOTH and chosen is not None:
            pick = chosen
        elif pick is _Pick.BOTH or (pick is _Pick.THEIRS and is_closed):
            return choose(Disputed(ConflictKind.MASK, self._frame, (_move(thing),), is_closed))
        return pick is _Pick.THEIRS

    def _three_way(self, thing: Thing, sides: tuple[object, object, object], *, is_base_known: bool) -> _Pick:
        base, ours, theirs = sides
        if ours == theirs or (is_base_known and theirs == base):
            return _Pick.OURS
        if is_base_known and ours == base:
            return _Pick.THEIRS
        if not self._is_strong(thing, is_ours=False):
            return _Pick.OURS
        return _Pick.BOTH if self._is_strong(thing, is_ours=True) else _Pick.THEIRS

    def _is_strong(self, thing: Thing, *, is_ours: bool) -> bool:
        value, other = (thing.ours, thing.theirs) if is_ours else (thing.theirs, thing.ours)
        statement = self._rules.ours if is_ours else self._rules.theirs
        elsewhere = value or other or thing.base
        assert elsewhere is not None
        if statement.is_strong(value, elsewhere, self._frame):
            return True
        # What was there and is gone, a person took away, unless a model has looked again.
        return value is None and thing.base is not None and not statement.has_run_since(self._frame)

    def _is_closed_to(self, tracks: Sequence[int | None]) -> bool:
        """Whether something that is confirmed or locked here would change its place."""
        closed = self._rules.ours.is_closed
        for thing, track_id in zip(self._things, tracks, strict=True):
            before = thing.ours.track_id if thing.ours is not None else None
            if before != track_id and any(t is not None and closed(t, self._frame) for t in (before, track_id)):
                return True
        return False


def _exchanging(things: Iterable[Thing]) -> list[list[Thing]]:
    """Objects in groups that share no track, on neither side."""
    leader: dict[int, int] = {}

    def find(track_id: int) -> int:
        while leader.setdefault(track_id, track_id) != track_id:
            track_id = leader[track_id]
        return track_id

    things = [thing for thing in things if thing.ours is not None or thing.theirs is not None]
    for thing in things:
        first, second = (v.track_id if v is not None else _NOWHERE for v in (thing.ours, thing.theirs))
        leader[find(first or second)] = find(second or first)
    groups: dict[int, list[Thing]] = {}
    for thing in things:
        groups.setdefault(find(max(_move(thing))), []).append(thing)
    return list(groups.values())


def _is_alike(thing: Thing) -> bool:
    """Whether both have it, exactly alike."""
    ours, theirs = thing.ours, thing.theirs
    return ours is not None and theirs is not None and ours[:2] == theirs[:2] and ours.cell.edited == theirs.cell.edited


def _move(thing: Thing) -> tuple[int, int]:
    return (
        thing.ours.track_id if thing.ours is not None else _NOWHERE,
        thing.theirs.track_id if thing.theirs is not None else _NOWHERE,
    )


def _touch(thing: Thing) -> int:
    """As the side has it that changed it; decided where either side decided, else carried where either did."""
    assert thing.ours is not None
    assert thing.theirs is not None
    ours, theirs = thing.ours.cell.edited, thing.theirs.cell.edited
    if thing.base is not None and thing.base.cell.edited in (ours, theirs):
        return theirs if thing.base.cell.edited == ours else ours
    return min((touch for touch in (ours, theirs) if touch), default=0)


def _content(value: Value | None) -> tuple[int, int | str] | None:
    return None if value is None else value[:2]


def _track(thing: Thing, pick: _Pick) -> int | None:
    value = thing.theirs if pick is _Pick.THEIRS else thing.ours
    return None if value is None else value.track_id


def _clash(tracks: Sequence[int | None]) -> bool:
    """Whether two objects would be in one track."""
    there = [track_id for track_id in tracks if track_id is not None]
    return len(set(there)) < len(there)
