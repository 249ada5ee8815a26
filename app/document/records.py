"""The document's values, frozen: what queries hand out and what a change names. No storage, no rules."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visolo.categories import Category
from visolo.errors import VisoloError
from visolo.rle import Box, Rle

__all__ = [
    "Category",
    "Change",
    "ClassVotes",
    "EditRefused",
    "FrameRange",
    "Instance",
    "Lane",
    "Note",
    "NotePlace",
    "Origin",
    "Run",
    "Touch",
    "Track",
    "TrackSummary",
    "Video",
]

LAST_FRAME = 2**31 - 1


class EditRefused(VisoloError):  # noqa: N818 - said to the user as an answer, not as a fault
    """An edit cannot be made as things are; the sentence says why and what to do."""


class FrameRange(NamedTuple):
    """Frames `first` to `last`, both included, 0-based; `last` None means to the end of the video."""

    first: int
    last: int | None

    @property
    def end(self) -> int:
        """Last frame for comparisons: a number that no video reaches when the range is open."""
        return LAST_FRAME if self.last is None else self.last

    def __str__(self) -> str:
        """Words for the history: "on frame 7", "from frame 7 on", "on frames 7-12", "everywhere"."""
        if self.last is None:
            return f"from frame {self.first} on" if self.first else "everywhere"
        return f"on frame {self.first}" if self.first == self.last else f"on frames {self.first}-{self.last}"

    def cut(self, first: int, end: int) -> "FrameRange | None":
        """The part between two frames, both included; None when nothing is left."""
        low, high = max(self.first, first), min(self.end, end)
        return FrameRange(low, None if high == LAST_FRAME else high) if low <= high else None

    def cover(self, other: "FrameRange") -> "FrameRange":
        """The smallest range that holds both."""
        end = max(self.end, other.end)
        return FrameRange(min(self.first, other.first), None if end == LAST_FRAME else end)


class Origin(IntEnum):
    """Who made a mask."""

    MODEL = 0
    PERSON = 1
    IMPORTED = 2
    INTERPOLATED = 3
    """Made from a person's prompt in another frame: followed by the model."""
    BOX = 4
    """No mask at all but a box from a file, filled: a prompt for runs. It is neither confirmed nor exported."""


class Touch(IntEnum):
    """How a person came to change an instance; kept in `cells.edited`.

    What was decided is obeyed when association is run again; what was only carried along by a decision in another frame
    (an edit "from here on", an accepted re-association) may follow it elsewhere then. Runs leave both alone.
    """

    NONE = 0
    DECIDED = 1
    CARRIED = 2


@dataclass(frozen=True)
class Video:
    """One video of the project.

    Attributes:
        source: path of the video file or image folder, absolute or relative to the project's folder.
        frame_rate: frames per second, None when the source does not say (an image folder).
        pixel_aspect: width of a pixel divided by its height.
    """

    video_id: int
    name: str
    source: str
    frame_count: int
    height: int
    width: int
    frame_rate: float | None = None
    pixel_aspect: float = 1.0


@dataclass(frozen=True)
class Track:
    """One object of a video.

    Attributes:
        category_id: the class a person chose, else the winner of the class votes.
        locked: edits of identity and masks are refused, and runs leave it alone.
        category_set: a person chose the class.
    """

    video_id: int
    track_id: int
    category_id: int
    locked: bool = False
    category_set: bool = False


@dataclass(frozen=True)
class TrackSummary:
    """A track in one line.

    Attributes:
        score: as exported: mean class score of the track's class over its frames; where no model voted, the mean of the
            instances' scores. In [0, 1].
        frame_count: frames in which the track is present.
        edited_count: of those, how many a person has touched.
    """

    track: Track
    score: float
    frame_count: int
    first_frame: int
    last_frame: int
    edited_count: int


@dataclass(frozen=True)
class Instance:
    """One object in one frame.

    Attributes:
        instance_id: unique in the project; it stays when the instance moves to another track or its mask is edited.
        score: detection score in [0, 1]; 1 for a person's mask.
        edited: a person changed its mask or its identity.
        area: foreground in px.
        box: left, top, width, height in px.
        run_id: the model run that detected it, 0 when none did.
    """

    instance_id: int
    video_id: int
    frame_index: int
    track_id: int
    rle: Rle
    score: float
    origin: Origin
    edited: bool
    area: int
    box: Box
    run_id: int

    @property
    def is_box(self) -> bool:
        """Whether it is only a box, see `Origin.BOX`."""
        return self.origin is Origin.BOX


@dataclass(frozen=True, eq=False)
class Lane:
    """Where one track is present, by frame.

    Attributes:
        frame_indices: (n,) int32, increasing.
        scores: (n,) float32 detection scores.
        origins: (n,) uint8 values of `Origin`.
        edited: (n,) bool, touched by a person.
    """

    frame_indices: NDArray[np.int32]
    scores: NDArray[np.float32]
    origins: NDArray[np.uint8]
    edited: NDArray[np.bool_]

    @property
    def masked_frames(self) -> NDArray[np.int32]:
        """Where it has a mask, not only a box; see `Origin.BOX`."""
        masked: NDArray[np.int32] = self.frame_indices[self.origins != Origin.BOX]
        return masked


@dataclass(frozen=True, eq=False)
class ClassVotes:
    """What the model thought the track's class was, frame by frame.

    Attributes:
        frame_indices: (n,) int32, increasing: the frames where a model detected it.
        class_scores: (n, C) float32 in [0, 1]; 0 for classes that the model of that frame does not know.
        category_ids: (C,) int32, the class of each column.
    """

    frame_indices: NDArray[np.int32]
    class_scores: NDArray[np.float32]
    category_ids: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Run:
    """One pass of a model over a video.

    Attributes:
        head: next frame to be computed.
        state: "running", "done", "stopped" or "failed".
        settings: what it was started with, as given to `begin_run`.
        category_ids: class of each of the model's class indices.
        set_aside: detections kept as evidence only, because a person's, imported or locked content was there.
        author: who started it.
        started: seconds since 1970.
    """

    run_id: int
    video_id: int
    first_frame: int
    head: int
    state: str
    settings: dict[str, object]
    label_set: str
    category_ids: tuple[int, ...]
    set_aside: int
    author: str
    started: float


class NotePlace(NamedTuple):
    """Where on a frame a note is pinned: px of the video from its upper left corner."""

    x: float
    y: float


@dataclass(frozen=True)
class Note:
    """What a person noted on a frame.

    Attributes:
        place: None for the frame as a whole.
        words: what is noted, perhaps in several lines.
        author: who added it.
        created: when, in seconds since 1970.
        is_resolved: dealt with; it is kept, but no longer asked for.
    """

    note_id: int
    video_id: int
    frame_index: int
    place: NotePlace | None
    words: str
    author: str
    created: float
    is_resolved: bool


@dataclass(frozen=True)
class Change:
    """What an edit, undo, redo or landing result touched; views redraw only this.

    Attributes:
        video_ids: videos whose tracks or frames changed.
        track_ids: of those videos.
        frames: where instances changed; None when only facts about tracks, classes or videos did.
        categories: the list of classes changed.
        videos: the list of videos changed.
        review: what is confirmed or dismissed in these videos changed.
        notes: what people noted on frames of these videos changed.
    """

    video_ids: frozenset[int] = frozenset()
    track_ids: frozenset[int] = frozenset()
    frames: FrameRange | None = None
    categories: bool = False
    videos: bool = False
    review: bool = False
    notes: bool = False

    def union(self, other: "Change") -> "Change":
        """Both changes in one."""
        frames = self.frames or other.frames
        if self.frames and other.frames:
            frames = self.frames.cover(other.frames)
        return Change(
            self.video_ids | other.video_ids,
            self.track_ids | other.track_ids,
            frames,
            self.categories or other.categories,
            self.videos or other.videos,
            self.review or other.review,
            self.notes or other.notes,
        )
