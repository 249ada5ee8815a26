"""What merging two tracks would have to decide: the frames that hold both of them.

    merge_conflicts(queries, video_id, keep_track_id, absorbed_track_id)        -> [FrameRange] of frames with both
    conflicting_instances(queries, video_id, keep_track_id, absorbed, index)    -> both instances of such a frame
    link_edit(queries, video_id, track_id, other_track_id)                      -> MergeTracks that keeps the older id

`MergeTracks(..., absorbed_wins=(FrameRange(...), ...))` takes the choice.
"""

import numpy as np

from app.document.confirmation import frames_in, ranges_of
from app.document.identity_edits import MergeTracks
from app.document.queries import Queries
from app.document.records import EditRefused, FrameRange, Instance


def merge_conflicts(queries: Queries, video_id: int, keep_track_id: int, absorbed_track_id: int) -> list[FrameRange]:
    """Ranges of frames in which both tracks are present; empty when merging loses nothing."""
    kept = queries.lane(video_id, keep_track_id).frame_indices
    both = np.intersect1d(kept, queries.lane(video_id, absorbed_track_id).frame_indices)
    marked = frames_in([], int(both.max()) + 1 if len(both) else 0)
    marked[both] = True
    return ranges_of(marked)


def conflicting_instances(
    queries: Queries, video_id: int, keep_track_id: int, absorbed_track_id: int, frame_index: int
) -> tuple[Instance, Instance] | None:
    """The kept and the absorbed track's instance of a frame; None where one of them is absent."""
    kept = queries.instance(video_id, keep_track_id, frame_index)
    absorbed = queries.instance(video_id, absorbed_track_id, frame_index)
    return None if kept is None or absorbed is None else (kept, absorbed)


def link_edit(queries: Queries, video_id: int, track_id: int, other_track_id: int) -> MergeTracks:
    """Make one track of two that follow each other; the one that begins first keeps its id, in either order given.

    Raises:
        EditRefused: one of them is present nowhere.
    """
    presence = queries.cache.presence(video_id)
    for wanted in (track_id, other_track_id):
        if wanted not in presence:
            raise EditRefused(f"Track {wanted} is not present anywhere, so it cannot be linked")
    older, younger = sorted((track_id, other_track_id), key=lambda t: (presence[t].first, t))
    return MergeTracks(video_id, older, younger)
