"""What readers and writers of formats give and take: a `Dataset`, and sentences on what got lost on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from visolo.formats.boxes import Boxes
from visolo.io.ytvis import Dataset

Progress = Callable[[float], object]
"""Hears how much of the work is done, 0..1; whatever it raises stops the work, and nothing is left behind."""


@dataclass(frozen=True)
class Imported:
    """What a file or folder of some format holds.

    Attributes:
        dataset: videos and tracks.
        images: folder that the videos' file names start from; None where the images were not found.
        notes: what it holds that a dataset of masks can't: one sentence each, for the user; boxes excepted.
        boxes: of objects without masks.
    """

    dataset: Dataset
    images: Path | None = None
    notes: tuple[str, ...] = ()
    boxes: Boxes = field(default_factory=Boxes)

    @property
    def all_notes(self) -> tuple[str, ...]:
        """What to tell a user who has no use for boxes."""
        return (self.boxes.note, *self.notes) if self.boxes.note else self.notes


@dataclass(frozen=True)
class Carried:
    """A dataset as a format can carry it.

    Attributes:
        dataset: what comes back when the written files are read, except for ids.
        notes: what the format can't carry: one sentence each, for the user.
    """

    dataset: Dataset
    notes: tuple[str, ...] = ()


def silent(_fraction: float) -> None:
    """A `Progress` that nobody hears."""


def part_of(progress: Progress, start: float, stop: float) -> Progress:
    """Progress of one step of a longer work."""
    return lambda fraction: progress(start + (stop - start) * fraction)
