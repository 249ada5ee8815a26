"""From moments to rows of the review list: words, the edit that mends it, a key that stays, one row for one moment."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.document.confirmation import Confirmed
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
from app.document.review import weights, words
from app.document.review.links import Links
from app.document.review.moments import BREAK_FEATURES, SWITCH_FEATURES, Moments
from app.document.review.observations import Observations
from app.document.review.suspicion import Suspicion, SuspicionKind
from app.document.review.whole_tracks import ClassDoubt, Doubtful, Duplicate

_LIKELY, _LEAST = 0.03, 0.002  # confidence: rows that are wrong so often are for a person who has seen all others
_ENOUGH = 200  # moments of a kind; unlikely ones are not added to more than these
_MOST = 2000  # rows
_SAME_MOMENT = 5  # frames
_LOW = 0.8  # of the usual score
_EXPLAINED = 0.03  # of the confidence is left where a more likely mistake of one of the tracks explains the same signs
_TOLD = 0.5  # of it is left for every better row about all of the tracks: they have been looked at

Kind = SuspicionKind


@dataclass(frozen=True)
class Protected:
    """What the rows must leave alone.

    Attributes:
        confirmed: content of the video that a person confirmed.
        locked: track ids.
        dismissed: keys of suspicions.
        names: of the classes, by id.
        next_track_id: for the tail of a split.
    """

    confirmed: Confirmed
    locked: frozenset[int]
    dismissed: frozenset[str]
    names: Mapping[int, str]
    next_track_id: int


class RowWriter:
    """Writes the rows of one video."""

    def __init__(self, seen: Observations, links: Links, protected: Protected) -> None:
        self._seen, self._links, self._protected = seen, links, protected
        self._video_id = seen.video_id

    def switches(self, moments: Moments) -> list[Suspicion]:
        """Rows that swap two tracks, or give one's tail to the other."""
        return self._rows(moments, weights.SWITCH, self._switch)

    def joins(self, moments: Moments) -> list[Suspicion]:
        """Rows that merge a track into the one that ended before."""
        return self._rows(moments, weights.JOIN, self._join)

    def breaks(self, moments: Moments) -> list[Suspicion]:
        """Rows that split a track."""
        return self._rows(moments, weights.BREAK, self._break)

    def duplicate(self, found: Duplicate) -> Suspicion:
        """The row of an object that has two tracks."""
        keep, drop, first = found.keep, found.drop, int(found.frames[0])
        whole = found.share > 0.5
        edit: Edit = MergeTracks(self._video_id, keep, drop)
        text = f"Merge {drop} into {keep}"
        if not whole:
            frames = FrameRange(first, int(found.frames[-1]))
            edit, text = RemoveInstances(self._video_id, drop, frames), f"Delete masks of {drop} {frames}"
        confidence = weights.duplicate_confidence(found.overlap, found.share, len(found.frames), found.alike)
        detail = f"on {_counted(len(found.frames))}, {words.how_much(found.overlap)} of the area"
        reason = f"{keep} and {drop} cover the same object"
        return self._row(Kind.DUPLICATE, first, (keep, drop), (reason, detail), confidence, (edit, text))

    def doubtful(self, found: Doubtful) -> Suspicion:
        """The row of a track that may be no object at all."""
        usual = float(np.median(self._seen.scores)) or 1.0
        confidence = weights.doubtful_confidence(found.length + 4 * found.cut, found.score / usual, found.presence)
        short = found.length < 8
        kind = Kind.SHORT_TRACK if short else Kind.LOW_SUPPORT
        reason = (
            f"{found.track_id} is there for {_counted(found.length)} only"
            if short
            else f"{found.track_id} comes and goes"
        )
        sure = (
            "the model was less sure of it than of others" if found.score < _LOW * usual else "the model was sure of it"
        )
        detail = f"{sure}, there in {words.how_much(found.presence)} of its frames"
        edit = DeleteTrack(self._video_id, found.track_id), f"Delete track {found.track_id}"
        return self._row(kind, found.frame_index, (found.track_id,), (reason, detail), confidence, edit)

    def class_doubt(self, found: ClassDoubt) -> Suspicion:
        """The row of a track whose frames disagree on its class."""
        track_id, names = found.track_id, self._protected.names
        name, current = names.get(found.category_id, "?"), names.get(found.current, "?")
        confidence = weights.class_confidence(found.share, found.share_of_current)
        proposal = SetCategory(self._video_id, (track_id,), found.category_id), f"Set class of {track_id} to {name}"
        reason = (
            f"{track_id} is {current}, but more of its frames say {name}"
            if found.share > found.share_of_current
            else f"{track_id} is {current}, but many of its frames say {name}"
        )
        detail = f"{name} on {found.share:.0%} of the frames, {current} on {found.share_of_current:.0%}"
        return self._row(Kind.CLASS_FLIP, found.frame_index, (track_id,), (reason, detail), confidence, proposal)

    def _rows(self, moments: Moments, scale: weights.Weights, write: Callable[..., Suspicion]) -> list[Suspicion]:
        confidences = scale.confidence(moments.features)
        chosen = np.flatnonzero(confidences >= _LEAST)
        chosen = chosen[np.argsort(-confidences[chosen], kind="stable")]
        chosen = chosen[: max(_ENOUGH, np.count_nonzero(confidences >= _LIKELY))]
        best = self._best_of_each_moment(moments, chosen)
        columns = (moments.frames, moments.tracks, moments.others)
        return [write(*(int(c[i]) for c in columns), moments.features[i], float(confidences[i])) for i in best]

    def _best_of_each_moment(self, moments: Moments, ranked: np.ndarray) -> list[int]:
        taken: dict[tuple[int, int], list[int]] = {}
        kept: list[int] = []
        for index in ranked.tolist():
            frame, pair = int(moments.frames[index]), (int(moments.tracks[index]), int(moments.others[index]))
            near = taken.setdefault(pair, [])
            if all(abs(frame - other) > _SAME_MOMENT for other in near):
                near.append(frame)
                kept.append(index)
                if len(kept) == _MOST:
                    break
        return kept

    def _switch(self, frame: int, track: int, other: int, features: Any, confidence: float) -> Suspicion:  # noqa: ANN401
        figures = dict(zip(SWITCH_FEATURES, features.tolist(), strict=True))
        kind = Kind.POSSIBLE_SWITCH
        if not np.isnan(figures["near"]) and confidence < 0.5:
            kind = Kind.NOT_OPTIMAL if figures["near"] > 0 else Kind.NARROW_MARGIN
        ends = {t: self._is_there(t, frame) for t in (track, other)}
        if all(ends.values()):
            frames = FrameRange(frame, None)
            edit: Edit = SwapTracks(self._video_id, track, other, frames)
            text = f"Swap {track} and {other} {frames}"
            reason = f"{track} and {other} may have swapped: {words.why_switched(figures)}"
        else:
            goes = track if ends[track] else other
            to = other if ends[track] else track
            frames = FrameRange(frame, None)
            edit, text = ReassignTrack(self._video_id, goes, to, frames), f"Assign {goes} to {to} {frames}"
            reason = f"{goes} may have taken over the object of {to}, which ends here: {words.why_switched(figures)}"
        return self._row(
            kind, frame, (track, other), (reason, words.for_and_against(figures)), confidence, (edit, text)
        )

    def _join(self, frame: int, track: int, other: int, features: Any, confidence: float) -> Suspicion:  # noqa: ANN401
        gap = int(np.expm1(features[-1]).round()) + 1
        edit = MergeTracks(self._video_id, track, other), f"Merge {other} into {track}"
        reason = f"{other} begins where {track} ended, {_counted(gap)} before"
        detail = words.how_alike(features[2], features[3])
        return self._row(Kind.BORN_WHERE_ANOTHER_ENDED, frame, (track, other), (reason, detail), confidence, edit)

    def _break(self, frame: int, track: int, _: int, features: Any, confidence: float) -> Suspicion:  # noqa: ANN401
        figures = dict(zip(BREAK_FEATURES, features.tolist(), strict=True))
        kind, reason = words.why_broken(track, figures)
        tail = self._protected.next_track_id
        edit = SplitTrack(self._video_id, track, frame, tail), f"Split {track} at frame {frame}"
        return self._row(kind, frame, (track,), (reason, words.what_else(kind, figures)), confidence, edit)

    def _is_there(self, track_id: int, frame: int) -> bool:
        return bool(self._seen.window(np.array([track_id]), np.array([frame]), 1, before=False)[0, 0] >= 0)

    def _row(
        self,
        kind: SuspicionKind,
        frame: int,
        track_ids: tuple[int, ...],
        reasons: tuple[str, str],
        confidence: float,
        proposal: tuple[Edit, str] | None,
    ) -> Suspicion:
        ids = np.array(track_ids)
        sides = [self._seen.window(ids, np.full(len(ids), frame), 1, before=b)[:, 0] for b in (True, False)]
        before = sides[0][sides[0] >= 0]
        instances = sorted({int(self._seen.instances[i]) for side in sides for i in side if i >= 0})
        edit, text = proposal or (None, "")
        if edit is not None and not self._may_edit(edit, track_ids, frame):
            edit, text = None, ""
        return Suspicion(
            key=f"{_family(kind)}:{frame}:{'-'.join(map(str, instances))}",
            kind=kind,
            video_id=self._video_id,
            frame_index=frame,
            before_frame=int(self._seen.frames[before].max()) if len(before) else None,
            track_ids=track_ids,
            reason=reasons[0],
            detail=reasons[1],
            confidence=min(1.0, max(0.0, confidence)),
            proposal=edit,
            proposal_text=text,
        )

    def _may_edit(self, edit: Edit, track_ids: tuple[int, ...], frame: int) -> bool:
        if isinstance(edit, SetCategory):
            return True
        confirmed = self._protected.confirmed
        first = 0 if isinstance(edit, MergeTracks | DeleteTrack) else frame
        if self._protected.locked.intersection(track_ids):
            return False
        if not any(confirmed.of_track(track_id)[first:].any() for track_id in track_ids):
            return True
        chosen = np.isin(self._seen.tracks, track_ids) & (self._seen.frames >= first)
        return not any(
            confirmed.of_track(t)[self._seen.frames[chosen & (self._seen.tracks == t)]].any() for t in track_ids
        )


def one_row_each(rows: Iterable[Suspicion], protected: Protected) -> list[Suspicion]:
    """Rank rows, keep the best about each moment, and leave out what a person has dismissed or confirmed.

    What was dismissed takes the weaker rows about the same moment with it. Rows that are hardly likely come last, those
    first that show stretches of tracks which no row before them has shown.
    """
    ranked = sorted(rows, key=lambda row: (row.key not in protected.dismissed, -row.confidence, row.key))
    taken: dict[int, list[Suspicion]] = {}
    kept, dismissed = [], []
    for row in ranked:
        beside = [other for t in row.track_ids for other in taken.get(t, ())]
        if any(_same_moment(row, other) for other in beside):
            continue
        told = min(len(taken.get(track_id, ())) for track_id in row.track_ids)
        for track_id in row.track_ids:
            taken.setdefault(track_id, []).append(row)
        if row.key in protected.dismissed:
            dismissed.append(row)
        elif not _is_confirmed(row, protected.confirmed):
            explained = sum(_is_near(row, other) for other in beside)
            factor = _EXPLAINED**explained * _TOLD**told
            kept.append(replace(row, confidence=factor * row.confidence))
    kept = sorted(kept, key=lambda row: (-row.confidence, row.frame_index, row.key))[:_MOST]
    likely = sum(row.confidence >= _LIKELY for row in kept)
    return kept[:likely] + _newest_first(kept[likely:], dismissed + kept[:likely])


def _newest_first(rows: Iterable[Suspicion], shown: Iterable[Suspicion]) -> list[Suspicion]:
    """Those first that show most tracks at moments where no row before them, nor one of `shown`, does.

    Where no sign tells of a mistake, one is found where nobody has looked yet.
    """
    looked_at: set[tuple[int, int]] = set()

    def look_at(row: Suspicion) -> None:
        around = range(row.frame_index - _SAME_MOMENT, row.frame_index + _SAME_MOMENT + 1)
        looked_at.update((track_id, frame) for track_id in row.track_ids for frame in around)

    for row in shown:
        look_at(row)
    ordered, left = [], list(rows)
    for new_tracks in range(max((len(row.track_ids) for row in left), default=0), -1, -1):
        waiting = []
        for row in left:  # what is new of a row only becomes less, so that one pass for each number is enough
            if sum((track_id, row.frame_index) not in looked_at for track_id in row.track_ids) == new_tracks:
                look_at(row)
                ordered.append(row)
            else:
                waiting.append(row)
        left = waiting
    return ordered


def _same_moment(row: Suspicion, other: Suspicion) -> bool:
    one, two = set(row.track_ids), set(other.track_ids)
    if not (one <= two or two <= one):
        return False
    if Kind.CLASS_FLIP in {row.kind, other.kind}:
        return row.kind == other.kind
    return abs(row.frame_index - other.frame_index) <= _SAME_MOMENT


def _is_near(row: Suspicion, other: Suspicion) -> bool:
    """Whether the other row, about one of the same tracks, may be the reason for this one."""
    return abs(row.frame_index - other.frame_index) <= _SAME_MOMENT


def _is_confirmed(row: Suspicion, confirmed: Confirmed) -> bool:
    frames = [row.frame_index] + ([] if row.before_frame is None else [row.before_frame])
    return all(confirmed.covers(t, f) for t in row.track_ids for f in frames)


_FAMILIES = {
    Kind.POSSIBLE_SWITCH: "switch",
    Kind.NOT_OPTIMAL: "switch",
    Kind.NARROW_MARGIN: "switch",
    Kind.WEAK_LINK: "break",
    Kind.CHIMERA: "break",
    Kind.MASK_JUMP: "break",
    Kind.AREA_JUMP: "break",
    Kind.SHORT_TRACK: "doubtful",
    Kind.LOW_SUPPORT: "doubtful",
}


def _family(kind: SuspicionKind) -> str:
    """What a key begins with: kinds that differ in words only, from one edit to the next, share it."""
    return _FAMILIES.get(kind, kind.name.lower())


def _counted(frames: int) -> str:
    return "1 frame" if frames == 1 else f"{frames} frames"
