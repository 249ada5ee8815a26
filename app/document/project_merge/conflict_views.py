"""What both projects show in a frame of a conflict."""

from typing import NamedTuple

from app.document.project_merge.conflicts import Conflict
from app.document.project_merge.objects import MaskReader, Value
from app.document.project_merge.plan import VideoMerge
from app.document.queries import Queries
from visolo.rle import Rle

_MOST_FRAMES = 500  # of a track whose class is disputed


class Shown(NamedTuple):
    """The instances of one side: (track in our numbers, mask)."""

    ours: tuple[tuple[int, Rle], ...]
    theirs: tuple[tuple[int, Rle], ...]


def conflict_frames(ours: Queries, conflict: Conflict) -> tuple[int, ...]:
    """Frames to look at: those of the conflict, or of the track where it is about a whole track."""
    if conflict.frames:
        return conflict.frames
    frames = ours.lane(conflict.video_id, conflict.tracks[0]).frame_indices
    return tuple(frames[:: max(1, len(frames) // _MOST_FRAMES)].tolist())


def shown_in(ours: Queries, theirs: Queries, video: VideoMerge, conflict: Conflict, frame_index: int) -> Shown:
    """What both have there of the conflict's tracks; of all tracks where it is about whole frames."""
    assert video.matched is not None
    wanted = set(conflict.tracks)
    things = video.matched.things.get(frame_index)
    if things is None:
        here = ours.instances(conflict.video_id, frame_index)
        alike = tuple((i.track_id, i.rle) for i in here if not wanted or i.track_id in wanted)
        return Shown(alike, alike)
    values: tuple[list[Value], list[Value]] = ([], [])
    for thing in things:
        sides = (thing.ours, thing.theirs)
        if not wanted or any(value is not None and value.track_id in wanted for value in sides):
            for side, value in zip(values, sides, strict=True):
                side.extend([value] if value is not None else [])
    masks = MaskReader(ours, theirs).read(value.cell.mask_id for side in values for value in side)
    return Shown(*(tuple((value.track_id, masks[value.cell.mask_id]) for value in side) for side in values))
