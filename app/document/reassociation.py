"""Association run again after a fix, without the network: what else changes when the rest of a video follows it.

    reassociate(queries, video_id, from_frame, progress)  -> Reassociation: differences to walk, and one edit

What a person decided, confirmed, locked or marked absent is obeyed wherever it is; the rest is linked anew from the q
and r that runs have kept, as the model would link it (`association`). Frames before `from_frame` stay as they are.
"""

from dataclasses import dataclass

import numpy as np

from app.document.association import decided_links, known_state, link_again, read_decisions, with_known_names
from app.document.association_edit import ReplaceAssociation, TakeThresholds
from app.document.images import Cell
from app.document.queries import Queries
from app.document.records import FrameRange, Touch
from app.document.seen_instances import Ids, Progress, SeenInstances, read_seen
from visolo.inference.linking import TrackLinker


@dataclass(frozen=True)
class IdentityChange:
    """A stretch of a track that goes to another one.

    Attributes:
        frames: first and last frame of the stretch.
        from_track_id: whose the instances are now; None: they were hidden and are shown.
        to_track_id: whose they become, perhaps a new track; None: they are taken out.
        count: of instances.
    """

    frames: FrameRange
    from_track_id: int | None
    to_track_id: int | None
    count: int


@dataclass(frozen=True)
class Reassociation:
    """What would change, and the edit that changes it.

    Attributes:
        changes: by first frame.
        frame_count: of frames in which some identity changes.
        rescored_count: instances of which only the score changes.
        edit: None when nothing does; refused once the video was edited otherwise.
    """

    changes: tuple[IdentityChange, ...] = ()
    frame_count: int = 0
    rescored_count: int = 0
    edit: ReplaceAssociation | TakeThresholds | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything stays as it is."""
        return self.edit is None

    @property
    def track_ids(self) -> tuple[int, ...]:
        """Tracks that lose or get instances, ascending."""
        ids = {track_id for change in self.changes for track_id in (change.from_track_id, change.to_track_id)}
        return tuple(sorted(track_id for track_id in ids if track_id is not None))

    @property
    def instance_count(self) -> int:
        """Of instances that change."""
        return sum(change.count for change in self.changes)


def reassociate(
    queries: Queries, video_id: int, from_frame: int, progress: Progress = lambda share: None
) -> Reassociation:
    """Link a video again from a frame on, with everything that was decided as given.

    Args:
        queries: of the project; a snapshot when called in a worker thread.
        video_id: of the video.
        from_frame: first frame that may change.
        progress: told the share that is done; raise in it to stop.

    Raises:
        EditRefused: a run is on in the video; no model saw anything there; its run did not note how it compares.
    """
    seen = read_seen(queries, video_id, from_frame, progress)
    state = known_state(queries, seen)
    decisions = read_decisions(queries, video_id)
    linker = TrackLinker(seen.rules, seen.similarity, decided_links(decisions, seen), state)
    wanted = with_known_names(seen, link_again(seen, linker, progress), state, decisions)
    return _differences(queries, seen, wanted, f"Associate again {FrameRange(from_frame, None)}")


def identity_changes(frames: Ids, before: Ids, after: Ids) -> tuple[IdentityChange, ...]:
    """Stretches of instances that follow each other in a track and have the same fate, by first frame.

    Args:
        frames: (n,) of the instances.
        before: (n,) track ids; 0 for what is not shown.
        after: (n,) the same later.
    """
    order = np.lexsort((frames, np.where(before > 0, 0, after), before))
    pairs = np.stack([before[order], after[order]])
    starts = np.flatnonzero((np.diff(pairs, prepend=-1) != 0).any(0))
    ends = np.append(starts[1:], len(order))
    found = [
        IdentityChange(
            FrameRange(int(frames[order[start]]), int(frames[order[end - 1]])),
            int(pairs[0, start]) or None,
            int(pairs[1, start]) or None,
            end - start,
        )
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if pairs[0, start] != pairs[1, start]
    ]
    return tuple(sorted(found, key=lambda c: (c.frames, c.from_track_id or 0, c.to_track_id or 0)))


def _differences(queries: Queries, seen: SeenInstances, wanted: Ids, label: str) -> Reassociation:
    """From an association, (n,) track of each instance, to what it changes; `label` begins the edit's text."""
    changed = np.flatnonzero(wanted != seen.tracks)
    if not len(changed):
        return Reassociation()
    changes = identity_changes(seen.frames, seen.tracks, wanted)
    targets = dict(zip(_keys(seen, changed), wanted[changed].tolist(), strict=True))
    before = _cells_at(queries, seen, changed, targets)
    moved = ((cell, targets[cell.track_id, cell.frame_index]) for cell in before)
    after = tuple(Cell(c[0], track_id, *c[2:7], int(Touch.CARRIED), *c[8:]) for c, track_id in moved)
    first_new = queries.next_track_id(seen.video_id)
    likes = {c.to_track_id: c.from_track_id for c in changes if c.to_track_id and c.to_track_id >= first_new}
    new = ((i, queries.track(seen.video_id, like).category_id) for i, like in sorted(likes.items()) if like)
    text = f"{label}: {len(changed)} instances of {len(np.unique(seen.tracks[changed]))} tracks"
    edit = ReplaceAssociation(seen.video_id, text, before, after, tuple(new))
    return Reassociation(changes, len(np.unique(seen.frames[changed])), edit=edit)


def _cells_at(queries: Queries, seen: SeenInstances, rows: Ids, wanted: dict[tuple[int, int], int]) -> tuple[Cell, ...]:
    """The rows of the project that some instances are."""
    marks = ",".join(map(str, np.unique(seen.tracks[rows]).tolist()))
    found = queries.rows(
        f"SELECT * FROM cells WHERE video_id = ? AND track_id IN ({marks}) AND frame_index BETWEEN ? AND ?",
        seen.video_id,
        int(seen.frames[rows].min()),
        int(seen.frames[rows].max()),
    )
    return tuple(Cell._make(row) for row in found if row[1:3] in wanted)


def _keys(seen: SeenInstances, rows: Ids) -> list[tuple[int, int]]:
    return list(zip(seen.tracks[rows].tolist(), seen.frames[rows].tolist(), strict=True))
