"""Which videos of a dataset this process evaluates, of those that torchrun started; alone it needs no torch."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from visolo.io.ytvis import Dataset

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class VideoShare:
    """One process's part of the work.

    Attributes:
        video_ids: its videos; None for all.
        is_first: it is the one that prints.
    """

    video_ids: Collection[int] | None = None
    is_first: bool = True

    def merged(self, part: Mapping[_Key, _Value]) -> Mapping[_Key, _Value]:
        """What all processes found, given what this one did."""
        if self.video_ids is None:
            return part
        from visolo.distributed import gathered

        return {key: value for found in gathered(part) for key, value in found.items()}


@contextmanager
def video_share(dataset: Dataset) -> Iterator[VideoShare]:
    """This process's share, joined with the others while the block runs."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield VideoShare()
        return
    from visolo.distributed import process_group, rank, world_size

    with process_group("cpu"):
        video_ids = frozenset(video.video_id for video in dataset.videos[rank() :: world_size()])
        yield VideoShare(video_ids, rank() == 0)
