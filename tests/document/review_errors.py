"""What is wrong in a project whose truth is known, and the edit that a person who sees it would make."""

from collections import Counter
from dataclasses import dataclass

from review_truth import TrueProject

from app.document.edits import (
    DeleteTrack,
    Edit,
    MergeTracks,
    ReassignTrack,
    RemoveInstances,
    SetCategory,
    SplitTrack,
    SwapTracks,
)
from app.document.records import FrameRange

_SAME_MOMENT = 5  # frames between a row and the mistake that it shows

Tracks = dict[int, list[tuple[int, int]]]


@dataclass(frozen=True)
class Error:
    """A mistake: when it can be seen, on which tracks, and what mends it."""

    kind: str
    frames: tuple[int, int]
    track_ids: tuple[int, ...]
    mend: Edit

    def is_seen(self, frame_index: int, track_ids: tuple[int, ...]) -> bool:
        """Whether a person notices it who looks at these tracks in that frame."""
        first, last = self.frames
        near = first - _SAME_MOMENT <= frame_index <= last + _SAME_MOMENT
        return near and bool(set(track_ids) & set(self.track_ids))


def errors_of(project: TrueProject) -> list[Error]:
    """All mistakes in the present state, each once."""
    tracks = project.tracks()
    false = [_false_track(track, rows) for track, rows in tracks.items() if _owner(rows) == 0]
    real = {track: rows for track, rows in tracks.items() if _owner(rows)}
    twice = _duplicates(real)
    extra = {(e.mend.track_id, f) for e in twice for f in range(e.frames[0], e.frames[1] + 1)}  # type: ignore[attr-defined]
    once = {t: [(f, o) for f, o in rows if o and (t, f) not in extra] for t, rows in real.items()}
    return false + twice + _switched(project, once) + _broken(once) + _wrong_classes(project, real)


def _owner(rows: list[tuple[int, int]]) -> int:
    return Counter(thing for _, thing in rows).most_common(1)[0][0]


def _false_track(track: int, rows: list[tuple[int, int]]) -> Error:
    return Error("false", (rows[0][0], rows[-1][0]), (track,), DeleteTrack(1, track))


def _duplicates(tracks: Tracks) -> list[Error]:
    """Objects that two tracks show at the same time; the longer track is right."""
    shown: dict[tuple[int, int], list[int]] = {}
    for track, rows in tracks.items():
        for frame, thing in rows:
            if thing:
                shown.setdefault((frame, thing), []).append(track)
    spans: dict[tuple[int, int], list[int]] = {}
    for (frame, _), ids in sorted(shown.items()):
        for other in ids[1:]:
            long, short = sorted((ids[0], other), key=lambda t: (-len(tracks[t]), t))
            spans.setdefault((long, short), []).append(frame)
    found = []
    for (long, short), frames in spans.items():
        span = FrameRange(frames[0], frames[-1])
        whole = len(frames) == len(tracks[short])
        mend: Edit = DeleteTrack(1, short) if whole else RemoveInstances(1, short, span)
        found.append(Error("duplicate", (frames[0], frames[-1]), (long, short), mend))
    return found


def _switched(project: TrueProject, tracks: Tracks) -> list[Error]:
    """Tracks that go on as another object; two that do so with each other are one mistake."""
    last_track: dict[int, int] = {}  # by object
    found: dict[tuple[int, frozenset[int]], Error] = {}
    for frame, track, thing, before in _steps(tracks):
        if before not in {None, thing}:
            other = last_track.get(thing)
            key = frame, frozenset({thing, before})
            found.setdefault(key, _switch(project, tracks, frame, track, other))
        last_track[thing] = track
    return list(found.values())


def _switch(project: TrueProject, tracks: Tracks, frame: int, track: int, other: int | None) -> Error:
    on = FrameRange(frame, None)
    if other is None or other == track:
        tail = project.document.next_track_id(1)
        return Error("two objects", (frame, frame), (track,), SplitTrack(1, track, frame, tail))
    goes_on = any(f >= frame for f, _ in tracks[other])
    mend: Edit = SwapTracks(1, track, other, on) if goes_on else ReassignTrack(1, track, other, on)
    return Error("switch", (frame, frame), (track, other), mend)


def _broken(tracks: Tracks) -> list[Error]:
    """Objects that go on as a track that begins there."""
    last_track: dict[int, int] = {}
    found = []
    for frame, track, thing, before in _steps(tracks):
        earlier = last_track.get(thing)
        if before is None and earlier not in {None, track}:
            assert earlier is not None
            mend = MergeTracks(1, earlier, track)
            if {f for f, _ in tracks[earlier]}.isdisjoint(f for f, _ in tracks[track]):
                found.append(Error("broken", (frame, frame), (earlier, track), mend))
        last_track[thing] = track
    return found


def _steps(tracks: Tracks) -> list[tuple[int, int, int, int | None]]:
    """frame, track, object, the object before it in the track, in the order of frames."""
    steps = []
    for track, rows in tracks.items():
        before: int | None = None
        for frame, thing in rows:
            steps.append((frame, track, thing, before))
            before = thing
    return sorted(steps, key=lambda step: step[:2])


def _wrong_classes(project: TrueProject, tracks: Tracks) -> list[Error]:
    found = []
    for track, rows in tracks.items():
        right = project.categories[_owner(rows)]
        if project.document.track(1, track).category_id != right:
            span = rows[0][0], rows[-1][0]
            found.append(Error("class", span, (track,), SetCategory(1, (track,), right)))
    return found
