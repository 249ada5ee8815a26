"""What the app and the model's process say to each other: frozen, picklable values. No torch, no Qt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.run_choice import RunChoice
from visolo.categories import Category, LabelSet
from visolo.inference.linking import Similarity
from visolo.results import FrameResult
from visolo.rle import Box, Rle

Order = Literal["pause", "resume", "cancel", "quit"]


@dataclass(frozen=True)
class Taken:
    """The app has put this many frames of the run into the project so far."""

    count: int


@dataclass(frozen=True)
class RunRequest:
    """Run the model over a video.

    Attributes:
        number: counts runs; comes back with every message, so that late ones of an ended run are recognised.
        project: the project file, where tracks before `first_frame` are read from.
        source: video file or image folder.
        size: (height, width) in px of the masks.
        most_ahead: frames computed but not taken yet; so many wait in the pipe at most, however busy the app is.
    """

    number: int
    project: Path
    video_id: int
    source: Path
    size: tuple[int, int]
    first_frame: int
    choice: RunChoice
    most_ahead: int


@dataclass(frozen=True)
class FollowRequest:
    """Follow one object.

    Attributes:
        number: counts requests; comes back with every message.
        source: video file or image folder.
        frames: indices in the order in which they are looked at; the first is the prompt's.
        prompt: a box in px, or a mask of the video's size.
    """

    number: int
    source: Path
    frames: range
    prompt: Box | Rle
    choice: RunChoice


@dataclass(frozen=True)
class Followed:
    """One frame was looked at.

    Attributes:
        mask: of the object; None where it is not seen.
        score: how sure that is, in [0, 1].
        category: what the model takes it for.
    """

    number: int
    frame_index: int
    mask: Rle | None
    score: float
    category: Category


@dataclass(frozen=True)
class Loading:
    """What is being prepared, in words."""

    number: int
    text: str


@dataclass(frozen=True)
class Started:
    """The model is ready and goes on with the first frame.

    Attributes:
        device: for people, e.g. "CUDA" or "CPU".
        weights_id: tells weights files apart whatever their names.
        known_tracks: document tracks whose identity is taken up; the segmenter calls them by the same ids.
        similarity: with which it links, for association from the project without the network.
    """

    number: int
    label_set: LabelSet
    device: str
    weights_id: str
    known_tracks: tuple[int, ...]
    similarity: Similarity


@dataclass(frozen=True, eq=False)
class Landed:
    """One frame is done.

    Attributes:
        seconds: between this frame and the one before.
        memory_frames: how many frames the network remembers.
        device_bytes: memory in use on the GPU, 0 on the CPU.
    """

    number: int
    result: FrameResult
    seconds: float
    memory_frames: int
    device_bytes: int


@dataclass(frozen=True)
class Ended:
    """No more frames: all are done, or it was cancelled."""

    number: int
    state: Literal["done", "stopped"]


@dataclass(frozen=True)
class Failed:
    """The run cannot go on.

    Attributes:
        number: of the run.
        sentence: what happened and what to do.
        details: empty when the sentence says it all.
        is_of_model: the model could not be loaded, so that other videos would fare no better.
    """

    number: int
    sentence: str
    details: str = ""
    is_of_model: bool = False
