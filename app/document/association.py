"""Linking run again over stored evidence: what is decided, the state it begins with, the names of what comes out.

    read_decisions(queries, video_id)               -> Decisions
    decided_links(decisions, seen)                  -> LinkConstraints
    known_state(queries, seen)                      -> LinkState
    link_again(seen, linker, progress)              -> track ids
    with_known_names(seen, linked, known, decisions) -> the same with ids that the document has or may have

The rules of linking themselves are the engine's: `visolo.inference.linking`. No network is needed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.document.confirmation import Confirmed, confirmed_content
from app.document.evidence import comparable_runs, known_tracks
from app.document.queries import Queries
from app.document.records import FrameRange, Touch
from app.document.seen_instances import Ids, Progress, SeenInstances
from visolo.inference.linking import LinkConstraints, LinkState, Sighting, TrackLinker, link_state

_FRAMES_AT_ONCE = 256  # between two reports of progress


@dataclass(frozen=True, eq=False)
class Decisions:
    """What of a video no association may change, beside what is decided instance by instance.

    Attributes:
        locked: track ids.
        closed: track and frames in which it gets no instance that it has not: locked, absent or confirmed there.
    """

    locked: tuple[int, ...]
    confirmed: Confirmed
    closed: tuple[tuple[int, FrameRange], ...]

    def hold(self, frames: Ids, tracks: Ids) -> NDArray[np.bool_]:
        """Which instances, given by (n,) frame and track, are locked or confirmed."""
        held: NDArray[np.bool_] = np.isin(tracks, self.locked) | self.confirmed.frames[frames]
        for track_id, marked in self.confirmed.tracks.items():
            held |= (tracks == track_id) & marked[frames]
        return held


def read_decisions(queries: Queries, video_id: int) -> Decisions:
    """What is locked, confirmed and marked absent in a video."""
    locked = [row[0] for row in queries.rows("SELECT track_id FROM tracks WHERE video_id = ? AND locked", video_id)]
    closed = [(track_id, FrameRange(0, None)) for track_id in locked]
    sql = "SELECT track_id, first_frame, last_frame FROM {} WHERE video_id = ?"
    for table in ("absences", "confirmed"):
        found = queries.rows(sql.format(table), video_id)
        closed += [(track_id, FrameRange(first, last)) for track_id, first, last in found if track_id]
    return Decisions(tuple(locked), confirmed_content(queries, video_id), tuple(closed))


def decided_links(decisions: Decisions, seen: SeenInstances) -> LinkConstraints:
    """What is not to be changed: instances that a person decided, and confirmed, locked and absent tracks.

    Returns:
        detection_index counts the frame's instances among `seen`.
    """
    fixed = (seen.touches == Touch.DECIDED) | decisions.hold(seen.frames, seen.tracks)
    starts = np.searchsorted(seen.frames, seen.frames[fixed])
    indices = (np.flatnonzero(fixed) - starts).tolist()
    keys = zip(seen.frames[fixed].tolist(), indices, strict=True)
    forced = dict(zip(keys, seen.tracks[fixed].tolist(), strict=True))
    excluded: dict[int, set[int]] = {}
    last = int(seen.frames[-1]) if len(seen.frames) else -1
    for track_id, frames in decisions.closed:
        for frame_index in range(max(seen.first_frame, frames.first), min(last, frames.end) + 1):
            excluded.setdefault(frame_index, set()).add(track_id)
    for frame_index, track_id in seen.others.tolist():
        excluded.setdefault(frame_index, set()).add(track_id)
    return LinkConstraints(forced, excluded={frame: frozenset(tracks) for frame, tracks in excluded.items()})


def known_state(queries: Queries, seen: SeenInstances) -> LinkState:
    """What association knows before the first frame, with corrections; new tracks get ids the video never had."""
    alike = comparable_runs(queries.runs(seen.video_id), seen.run)
    known = [track for track in known_tracks(queries, seen.video_id, seen.first_frame) if track.run_id in alike]
    sightings = [Sighting(track.frame_index, track.track_id, track.query) for track in known]
    return link_state(seen.first_frame, sightings, queries.next_track_id(seen.video_id))


def link_again(seen: SeenInstances, linker: TrackLinker, progress: Progress) -> Ids:
    """Track ids of all instances, as a run of the model over these frames would give them: (n,) int64."""
    if not len(seen.frames):
        return np.zeros(0, np.int64)
    count = int(seen.frames[-1]) + 1 - seen.first_frame
    edges = np.searchsorted(seen.frames, np.arange(seen.first_frame, seen.first_frame + count + 1)).tolist()
    linked = np.empty(len(seen.frames), np.int64)
    for chunk in range(0, count, _FRAMES_AT_ONCE):
        progress(0.4 + 0.5 * chunk / count)
        end = min(count, chunk + _FRAMES_AT_ONCE)
        begin = edges[chunk]
        # Converted together, because that is quicker than frame by frame; all at once would take twice the memory.
        queries, references = (v[begin : edges[end]].astype(np.float32) for v in (seen.queries, seen.references))
        for index in range(chunk, end):
            here = slice(edges[index] - begin, edges[index + 1] - begin)
            found = linker.link(seen.first_frame + index, queries[here], references[here])
            linked[edges[index] : edges[index + 1]] = found
    return linked


def with_known_names(seen: SeenInstances, linked: Ids, known: LinkState, decisions: Decisions) -> Ids:
    """The same association with tracks that were born in it called by the ids of the document where it has them.

    A new track gets the id of the one in whose place it is, if that one was not seen before either and most of the
    instances of one of the two are the other's; the rest get the ids that follow the highest one ever used.

    Args:
        seen: what was linked.
        linked: (n,) as `link_again` gives them.
        known: the state that linking began with.
        decisions: that linking obeyed; names obey them, too.
    """
    first_new = known.next_track_id
    earlier = {int(i) for group in (*known.lost, known.previous) if group is not None for i in group.track_ids}
    names: dict[int, int] = {}
    taken: set[int] = set()
    for new_id, old_id, share in _likely_names(seen, linked, first_new):
        is_free = new_id not in names and old_id not in taken and old_id not in earlier
        if is_free and share > 0.5 and not _meet(seen, linked, (new_id, old_id), decisions):
            names[new_id] = old_id
            taken.add(old_id)
    born = linked[linked >= first_new]
    for new_id in dict.fromkeys(born.tolist()):
        if new_id not in names:
            names[new_id] = first_new
            first_new += 1
    if not names:
        return linked
    keys = np.array(sorted(names))
    named = linked.copy()
    named[linked >= known.next_track_id] = np.array([names[key] for key in keys.tolist()])[np.searchsorted(keys, born)]
    return named


def _likely_names(seen: SeenInstances, linked: Ids, first_new: int) -> list[tuple[int, int, float]]:
    """(new id, old id, share of instances in common), the pair with most instances first."""
    born = np.flatnonzero((linked >= first_new) & (seen.tracks > 0))
    pairs, counts = np.unique(np.stack([linked[born], seen.tracks[born]]), axis=1, return_counts=True)
    new_sizes = dict(zip(*(a.tolist() for a in np.unique(linked, return_counts=True)), strict=True))
    old_sizes = dict(zip(*(a.tolist() for a in np.unique(seen.tracks, return_counts=True)), strict=True))
    order = np.argsort(-counts, kind="stable")
    return [
        (new_id, old_id, count / min(new_sizes[new_id], old_sizes[old_id]))
        for new_id, old_id, count in zip(*pairs[:, order].tolist(), counts[order].tolist(), strict=True)
    ]


def _meet(seen: SeenInstances, linked: Ids, pair: tuple[int, int], decisions: Decisions) -> bool:
    """Whether an id that was given or is fixed is in a frame with a new track, or may not be there."""
    new_id, old_id = pair
    frames = seen.frames[linked == new_id]
    if any(((frames >= f.first) & (frames <= f.end)).any() for track_id, f in decisions.closed if track_id == old_id):
        return True
    fixed = np.concatenate([seen.frames[linked == old_id], seen.others[seen.others[:, 1] == old_id, 0]])
    return bool(np.isin(frames, fixed).any())
