"""What a person has to decide in a merge: what is disputed in many frames alike is one conflict, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.document.project_merge.deciding import ConflictKind, Disputed
from app.document.records import FrameRange
from visolo.words import counted

_SAME_STRETCH = 10  # frames between two that are alike, and still one conflict


@dataclass(frozen=True)
class Conflict:
    """What both projects say differently of some frames.

    Attributes:
        frames: 0-based, increasing; empty where it is about a whole track.
        moves: see `Disputed`.
        ours, theirs: what each says, in words.
        disputed: what it is put together from; empty for classes.
    """

    video_id: int
    kind: ConflictKind
    frames: tuple[int, ...]
    moves: tuple[tuple[int, int], ...]
    is_closed: bool
    ours: str
    theirs: str
    disputed: tuple[Disputed, ...] = ()

    @property
    def tracks(self) -> tuple[int, ...]:
        """Tracks that it is about, in our numbers."""
        return tuple(sorted({track_id for move in self.moves for track_id in move if track_id}))

    @property
    def where(self) -> str:
        """E.g. "track 3 on frames 7-12"."""
        listed = ", ".join(map(str, self.tracks))
        who = f"{'track' if len(self.tracks) == 1 else 'tracks'} {listed}" if self.tracks else "all tracks"
        if not self.frames:
            return who
        here = FrameRange(self.frames[0], self.frames[-1])
        some = (
            "" if len(self.frames) == here.end - here.first + 1 else f" ({counted(len(self.frames), 'frame')} of them)"
        )
        return f"{who} {here}{some}"

    def __str__(self) -> str:
        return f"{self.where}: {self.kind}: ours {self.ours}; theirs {self.theirs}"


def grouped(video_id: int, disputed: Iterable[Disputed]) -> list[Conflict]:
    """Conflicts by first frame."""
    stretches: list[list[Disputed]] = []
    open_: list[list[Disputed]] = []
    for one in sorted(disputed, key=lambda d: d.frame_index):
        open_ = [s for s in open_ if one.frame_index - s[-1].frame_index <= _SAME_STRETCH]
        for stretch in open_:
            if _is_alike(stretch, one):
                stretch.append(one)
                break
        else:
            open_.append([one])
            stretches.append(open_[-1])
    found = [_conflict(video_id, stretch) for stretch in stretches]
    return sorted(found, key=lambda c: (c.frames[0], c.kind, c.moves))


def class_conflict(video_id: int, track_id: int, ours: str, theirs: str, *, is_closed: bool) -> Conflict:
    """Both chose another class for a track."""
    return Conflict(video_id, ConflictKind.CLASS, (), ((track_id, track_id),), is_closed, ours, theirs)


def opened_conflict(video_id: int, track_id: int, frames: Sequence[int]) -> Conflict:
    """What is confirmed here, they have opened again; track 0 stands for whole frames."""
    moves = ((track_id, track_id),) if track_id else ()
    return Conflict(
        video_id, ConflictKind.CONFIRMED, tuple(frames), moves, is_closed=True, ours="confirmed", theirs="not confirmed"
    )


def _is_alike(stretch: Sequence[Disputed], one: Disputed) -> bool:
    """Whether it is the same question as in earlier frames, in which other objects may come and go."""
    first = stretch[0]
    if (first.kind, first.is_closed) != (one.kind, one.is_closed):
        return False
    known = {move for earlier in stretch[-_SAME_STRETCH:] for move in earlier.moves}
    both = known | set(one.moves)
    is_function = all(
        len({move[side] for move in both if move[side]}) == sum(1 for move in both if move[side]) for side in (0, 1)
    )
    return is_function and not known.isdisjoint(one.moves)


def _conflict(video_id: int, stretch: Sequence[Disputed]) -> Conflict:
    first = stretch[0]
    frames = tuple(dict.fromkeys(one.frame_index for one in stretch))
    moves = tuple(sorted({move for one in stretch for move in one.moves}))
    closed = ", confirmed or locked" if first.is_closed else ""
    ours, theirs = (_says(first.kind, moves, side) for side in (0, 1))
    return Conflict(video_id, first.kind, frames, moves, first.is_closed, ours + closed, theirs, tuple(stretch))


def _says(kind: ConflictKind, moves: Sequence[tuple[int, int]], side: int) -> str:
    if kind is ConflictKind.MASK:
        return "one mask" if side == 0 else "another mask"
    there = [str(move[side]) for move in moves if move[side]]
    gone = [str(move[1 - side]) for move in moves if not move[side]]
    parts = []
    if there and kind is ConflictKind.PRESENCE:
        parts.append(f"has {', '.join(there)}")
    elif there:
        parts.append(f"calls {'it' if len(there) == 1 else 'them'} {', '.join(there)}")
    if gone:
        parts.append(f"has no {', no '.join(gone)}")
    return " and ".join(parts)
