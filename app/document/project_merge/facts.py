"""What else is said of a video: classes and locks of tracks, absences, what is confirmed, dismissed or noted."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.document.confirmation import WHOLE_FRAMES, ranges_of
from app.document.images import Value
from app.document.project_merge.conflicts import Conflict, class_conflict, opened_conflict
from app.document.project_merge.deciding import FrameRules, Outcome
from app.document.project_merge.objects import Matched, Sides, Thing
from app.document.project_merge.objects import Value as Instance
from app.document.project_merge.states import Key, VideoState
from app.document.records import FrameRange

Marks = NDArray[np.bool_]
_NOTE_COLUMNS = ("frame_index", "x", "y", "text", "author", "created", "resolved")


class RowChange(NamedTuple):
    """A row of a small table of the video; `key` without its id, `values` None to take it out.

    The key of a note that comes is None: it is numbered where it is written.
    """

    table: str
    key: tuple[Value, ...]
    values: tuple[Value, ...] | None


@dataclass(frozen=True, eq=False)
class Facts:
    """The facts of one video on both sides.

    Attributes:
        categories: our class by theirs.
        names: of our classes.
        base_is_theirs: the common state is in their numbers.
    """

    video_id: int
    sides: Sides
    matched: Matched
    rules: FrameRules
    categories: Mapping[int, int]
    names: Mapping[int, str]
    base_is_theirs: bool

    def conflicts(self) -> list[Conflict]:
        """What of it a person has to decide."""
        found = []
        for their_id, our_id in self._shown(self.matched.tracks):
            ours, theirs, disputed = self._classes(their_id, our_id)
            if disputed and ours != theirs:
                words = (self.names.get(c or 0, "no chosen class") for c in (ours, theirs))
                closed = self._is_confirmed(our_id)
                found.append(class_conflict(self.video_id, our_id, *words, is_closed=closed))
        for track_id, opened in self._opened().items():
            found += [opened_conflict(self.video_id, track_id, range(r.first, r.end + 1)) for r in ranges_of(opened)]
        return found

    def changes(self, taken: Collection[Conflict], outcomes: Mapping[int, Sequence[Outcome]]) -> list[RowChange]:
        """The rows that change.

        Args:
            taken: conflicts in which theirs is taken.
            outcomes: of the frames in which the sides differ.
        """
        used = {o.track_id for frame in outcomes.values() for o in frame if o.track_id is not None}
        return [
            *self._tracks(taken, used),
            *self._absences(outcomes, used),
            *self._confirmed(taken, outcomes, used),
            *self._dismissed(),
            *self._rejected(),
            *self._notes(),
        ]

    def _tracks(self, taken: Collection[Conflict], used: set[int]) -> Iterator[RowChange]:
        chosen = {conflict.tracks[0] for conflict in taken if not conflict.frames}
        for their_id, our_id in self._shown(self.matched.all_tracks):
            row, known = (
                self.sides.theirs.facts["tracks"].get((their_id,)),
                self.sides.ours.facts["tracks"].get((our_id,)),
            )
            if row is None:
                continue
            if known is None:
                if our_id in used:
                    yield RowChange("tracks", (our_id,), (self.categories[_int(row[0])], row[1], row[2]))
                continue
            ours, theirs, disputed = self._classes(their_id, our_id)
            takes = (
                theirs is not None
                and ours != theirs
                and (our_id in chosen if disputed else self._is_theirs(their_id, our_id))
            )
            base = self._base_track(their_id, our_id)
            locked = int(bool(known[2]) or (bool(row[2]) and not (base is not None and base[2])))
            values = (theirs, 1, locked) if takes else (known[0], known[1], locked)
            if values != known:
                yield RowChange("tracks", (our_id,), values)

    def _shown(self, tracks: Mapping[int, int]) -> list[tuple[int, int]]:
        """(their id, our id) of the tracks that are present somewhere there; of others there is nothing to say."""
        present = {cell.track_id for cell in self.sides.theirs.cells.values()}
        return sorted((theirs, ours) for theirs, ours in tracks.items() if theirs in present)

    def _classes(self, their_id: int, our_id: int) -> tuple[int | None, int | None, bool]:
        """The classes that people chose, in our ids, None for none; and whether both did, or it is confirmed here."""
        ours = _chosen(self.sides.ours.facts["tracks"].get((our_id,)), None)
        theirs = _chosen(self.sides.theirs.facts["tracks"].get((their_id,)), self.categories)
        if ours == theirs or theirs is None:
            return ours, theirs, False
        base_row = self._base_track(their_id, our_id)
        base = _chosen(base_row, self.categories if self.base_is_theirs else None)
        if base_row is not None and theirs == base:
            return ours, theirs, False
        closed = self._is_confirmed(our_id) and ours is not None
        both = ours is not None if base_row is None else ours != base
        return ours, theirs, both or closed

    def _is_theirs(self, their_id: int, our_id: int) -> bool:
        """Whether only they chose the class."""
        _, theirs, disputed = self._classes(their_id, our_id)
        base_row = self._base_track(their_id, our_id)
        base = _chosen(base_row, self.categories if self.base_is_theirs else None)
        return not disputed and (base_row is None or theirs != base)

    def _base_track(self, their_id: int, our_id: int) -> Key | None:
        if self.sides.base is None:
            return None
        return self.sides.base.facts["tracks"].get((their_id if self.base_is_theirs else our_id,))

    def _is_confirmed(self, track_id: int) -> bool:
        return bool(self.rules.ours.confirmed.of_track(track_id).any())

    def _absences(self, outcomes: Mapping[int, Sequence[Outcome]], used: set[int]) -> Iterator[RowChange]:
        """Where they said that an object is not there; not where it is here."""
        ours, base = self.sides.ours.facts["absences"], self._base_rows("absences")
        present: dict[int, set[int]] = {}
        for frame_index, frame in outcomes.items():
            for outcome in frame:
                if outcome.track_id is not None and outcome.thing.theirs is None:
                    present.setdefault(outcome.track_id, set()).add(frame_index)
        known_here = {key[0] for key in self.sides.ours.facts["tracks"]}
        merged: dict[Key, int | None] = {}
        for (their_id, first), (last,) in self.sides.theirs.facts["absences"].items():
            track_id = self.matched.all_tracks.get(_int(their_id))
            if track_id is None or (track_id not in known_here and track_id not in used):
                continue
            if base.get((their_id if self.base_is_theirs else track_id, first)) == (last,):
                continue
            for part in self._without(
                FrameRange(_int(first), None if last is None else _int(last)), present.get(track_id, set())
            ):
                key: Key = (track_id, part.first)
                there = ours.get(key, (-1,))[0] if key not in merged else merged[key]
                longer = part.last if there is not None and part.end > _int(there) else there
                if (longer,) != ours.get(key):
                    merged[key] = longer if longer is None else _int(longer)
        yield from (RowChange("absences", key, (last,)) for key, last in merged.items())

    def _without(self, frames: FrameRange, present: set[int]) -> list[FrameRange]:
        """What is left of a range without some frames; what reaches the end of the video goes on."""
        if not any(frames.first <= f <= frames.end for f in present):
            return [frames]
        marked = np.zeros(self.sides.ours.frame_count, np.bool_)
        marked[frames.first : frames.end + 1] = True
        marked[sorted(present)] = False
        parts = ranges_of(marked)
        if frames.last is None and parts and parts[-1].end == len(marked) - 1:
            parts[-1] = FrameRange(parts[-1].first, None)
        return parts

    def _confirmed(
        self, taken: Collection[Conflict], outcomes: Mapping[int, Sequence[Outcome]], used: set[int]
    ) -> Iterator[RowChange]:
        """What stays or becomes confirmed: where it is as the one saw it who confirmed it."""
        changed = _Changed(self.sides.ours.frame_count, outcomes)
        ours, theirs, base = (self._marks(side) for side in ("ours", "theirs", "base"))
        known_here = {_int(key[0]) for key in self.sides.ours.facts["tracks"]} | {WHOLE_FRAMES}
        opened = {(c.tracks[0] if c.tracks else WHOLE_FRAMES): c.frames for c in taken if c.frames and not c.disputed}
        nothing = np.zeros(self.sides.ours.frame_count, np.bool_)
        for track_id in sorted(ours.keys() | theirs.keys()):
            if track_id not in known_here and track_id not in used:
                continue
            mine, other, before = (side.get(track_id, nothing) for side in (ours, theirs, base))
            by_them = other & ~(before & ~mine)
            after = (mine & ~changed.marks("ours", track_id)) | (by_them & ~changed.marks("theirs", track_id))
            after[list(opened.get(track_id, ()))] = False
            yield from _range_rows(track_id, mine, after)

    def _opened(self) -> dict[int, Marks]:
        """Frames by track that were confirmed on both sides, and they have opened again."""
        if self.sides.base is None:
            return {}
        ours, theirs, base = (self._marks(side) for side in ("ours", "theirs", "base"))
        nothing = np.zeros(self.sides.ours.frame_count, np.bool_)
        whole = theirs.get(WHOLE_FRAMES, nothing)
        found = {t: base.get(t, nothing) & marks & ~theirs.get(t, nothing) & ~whole for t, marks in ours.items()}
        return {track_id: marks for track_id, marks in found.items() if marks.any()}

    def _marks(self, side: str) -> dict[int, Marks]:
        """Confirmed frames by track in our numbers, and of whole frames."""
        state: VideoState | None = getattr(self.sides, side)
        if state is None:
            return {}
        known = state.confirmed()
        in_their_numbers = side == "theirs" or (side == "base" and self.base_is_theirs)
        numbers = self.matched.all_tracks if in_their_numbers else {t: t for t in known.tracks}
        return {WHOLE_FRAMES: known.frames} | {numbers[t]: m for t, m in known.tracks.items() if t in numbers}

    def _dismissed(self) -> Iterator[RowChange]:
        ours, theirs, base = (
            self.sides.ours.facts["dismissals"],
            self.sides.theirs.facts["dismissals"],
            self._base_rows("dismissals"),
        )
        instances = _instances(self.matched.things)
        for their_key, values in theirs.items():
            own = (_in_our_ids(str(their_key[0]), instances),)
            if their_key not in base and own not in ours:
                yield RowChange("dismissals", own, values)
        for key in base.keys() & ours.keys() - theirs.keys():
            yield RowChange("dismissals", key, None)

    def _rejected(self) -> Iterator[RowChange]:
        ours, theirs = self.sides.ours.facts["rejections"].get(()), self.sides.theirs.facts["rejections"].get(())
        base = self._base_rows("rejections").get(())
        if theirs not in (ours, base) and ours == base:
            yield RowChange("rejections", (), theirs)

    def _notes(self) -> Iterator[RowChange]:
        """Notes are known by who wrote them and when; a changed one is as whoever changed it last has it."""
        ours, base = (_by_origin(rows) for rows in (self.sides.ours.facts["notes"], self._base_rows("notes")))
        for origin, (_, values) in _by_origin(self.sides.theirs.facts["notes"]).items():
            known, before = ours.get(origin), base.get(origin)
            if known is None and before is None:
                yield RowChange("notes", (None,), values)
            elif known is not None and values != known[1] and (before is None or known[1] == before[1]):
                yield RowChange("notes", known[0], values)
        theirs = _by_origin(self.sides.theirs.facts["notes"])
        for origin in base.keys() & ours.keys() - theirs.keys():
            if ours[origin][1] == base[origin][1]:
                yield RowChange("notes", ours[origin][0], None)

    def _base_rows(self, table: str) -> Mapping[Key, Key]:
        return {} if self.sides.base is None else self.sides.base.facts[table]


class _Changed:
    """Where the result is not as one side has it."""

    def __init__(self, frame_count: int, outcomes: Mapping[int, Sequence[Outcome]]) -> None:
        self._nothing = np.zeros(frame_count, np.bool_)
        self._marks: dict[tuple[str, int], Marks] = {}
        for frame_index, frame in outcomes.items():
            after = {o.track_id: (id(o.thing), o.mask.mask) for o in frame if o.track_id and o.mask}
            for side in ("ours", "theirs"):
                shown: list[tuple[Thing, Instance | None]] = [(o.thing, getattr(o.thing, side)) for o in frame]
                before = {v.track_id: (id(thing), v.mask) for thing, v in shown if v is not None}
                different = {t for t in after.keys() | before.keys() if after.get(t) != before.get(t)}
                for track_id in different | ({WHOLE_FRAMES} if different else set()):
                    self.marks(side, track_id)[frame_index] = True

    def marks(self, side: str, track_id: int) -> Marks:
        """(n,) bool of a track, or of whole frames."""
        return self._marks.setdefault((side, track_id), self._nothing.copy())


def _chosen(row: Key | None, categories: Mapping[int, int] | None) -> int | None:
    """The class that a person chose, in our ids."""
    if row is None or not row[1]:
        return None
    category_id = _int(row[0])
    return category_id if categories is None else categories.get(category_id)


def _range_rows(track_id: int, before: Marks, after: Marks) -> Iterator[RowChange]:
    old, new = dict(ranges_of(before)), dict(ranges_of(after))
    for first in sorted(old.keys() | new.keys()):
        if old.get(first) != new.get(first):
            yield RowChange("confirmed", (track_id, first), (new[first],) if first in new else None)


def _instances(things: Mapping[int, Sequence[Thing]]) -> dict[int, int]:
    """Our instance id by the id in their project, of what both have."""
    pairs = (
        (t.theirs.cell.instance_id, t.ours.cell.instance_id)
        for frame in things.values()
        for t in frame
        if t.ours and t.theirs
    )
    return {abs(theirs): ours for theirs, ours in pairs if theirs < 0}


def _in_our_ids(key: str, instances: Mapping[int, int]) -> str:
    """A suspicion's key with our instance ids, see `review.rows`."""
    parts = key.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts[2].split("-")):
        return key
    ids = sorted(instances.get(int(part), int(part)) for part in parts[2].split("-"))
    return ":".join([*parts[:2], "-".join(map(str, ids))])


def _by_origin(rows: Mapping[Key, Key]) -> dict[Key, tuple[Key, Key]]:
    """(key, values) of notes by author, time and frame."""
    author, created, frame = (_NOTE_COLUMNS.index(name) for name in ("author", "created", "frame_index"))
    return {(values[author], values[created], values[frame]): (key, values) for key, values in rows.items()}


def _int(value: Any) -> int:  # noqa: ANN401 - a column
    return int(value)
