"""Which earlier frames are remembered, and what the network reads of them, stacked and ready.

`FrameSelection` is index logic alone; `FrameMemory` keeps the tensors of the selected frames. Everything kept was
computed when the frame was current and is never computed again; reading copies nothing, however many frames there are.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from visolo.config import InferenceConfig
from visolo.model.visolo import FrameFeatures

_STEP = 5  # "every fifth frame"
_RECENT = 2  # of the rule every-5: the two previous frames
_LEAST_LIMIT = 3  # the first and the two previous frames always stay
_FIRST_CAPACITY = 8  # frames


class FrameSelection:
    """Indices of the frames that the next frame reads.

    The rule every-5 keeps the first frame, every fifth and the two previous ones, last-N the N previous ones. Beyond
    `memory_limit` the older frames are thinned evenly: always the one that leaves the smallest gap goes.
    """

    def __init__(self, config: InferenceConfig) -> None:
        self._keeps_old = config.memory == "every-5"
        self._recent = _RECENT if self._keeps_old else int(config.memory.removeprefix("last-"))
        # Departs from official: there memory, and the time to read it, grow for as long as the video lasts.
        unlimited = config.official_quirks or not config.memory_limit
        self._limit = None if unlimited else max(config.memory_limit, _LEAST_LIMIT)
        if self._limit and not self._keeps_old:
            self._recent = min(self._recent, self._limit)
        self._pinned: set[int] = set()
        self._dropped: set[int] = set()
        self._first: int | None = None
        self._newest = -1
        self._frames: tuple[int, ...] = ()

    @property
    def frames(self) -> tuple[int, ...]:
        """Ascending frame indices, in the order of the official code."""
        return self._frames

    def add(self, frame_index: int) -> None:
        """Take in a frame, and let go of those that the next one does not read.

        Raises:
            ValueError: the frame is not later than all before.
        """
        if frame_index <= self._newest:
            raise ValueError(f"frame {frame_index} comes after frame {self._newest}; frames are remembered in order")
        self._newest = frame_index
        self._first = frame_index if self._first is None else self._first
        frames = [f for f in (*self._frames, frame_index) if f not in self._dropped]
        kept = [f for f in frames if self._is_recent(f) or self.is_kept(f)]
        self._frames = tuple(self._thinned(kept))

    def pin(self, frame_index: int) -> None:
        """Remember a frame until the end, also beyond the limit.

        Args:
            frame_index: in memory now, or yet to come.

        Raises:
            ValueError: the frame was let go already.
        """
        if frame_index <= self._newest and frame_index not in self._frames:
            raise ValueError(
                f"frame {frame_index} is not in memory any more; pin a frame before the second one after it"
            )
        self._dropped.discard(frame_index)
        self._pinned.add(frame_index)

    def drop(self, frame_index: int) -> None:
        """Never read a frame (again), in memory or yet to come."""
        self._pinned.discard(frame_index)
        self._dropped.add(frame_index)
        self._frames = tuple(f for f in self._frames if f != frame_index)

    def restart(self) -> None:
        """Forget all frames, but not which ones are pinned and dropped."""
        self._first, self._newest, self._frames = None, -1, ()

    def is_kept(self, frame_index: int) -> bool:
        """Whether a frame stays once it is not recent any more."""
        old = self._keeps_old and (frame_index % _STEP == 0 or frame_index == self._first)
        return old or frame_index in self._pinned

    def weighting_frames(self, rule: str) -> tuple[int, ...]:
        """Up to two frames whose similarity to the next one weighs its scores (paper 4.3), the newest first.

        Args:
            rule: "last-2" for the two newest in memory, "official" for the newest and the latest kept one before it.
        """
        if len(self._frames) < 2:
            return self._frames
        *earlier, newest = self._frames
        kept = [f for f in earlier if self.is_kept(f)] if rule == "official" else []
        return newest, (kept or earlier)[-1]

    def _is_recent(self, frame_index: int) -> bool:
        return frame_index > self._newest - self._recent

    def _thinned(self, frames: list[int]) -> list[int]:
        old = [f for f in frames if not self._is_recent(f)]
        recent = frames[len(old) :]
        while self._limit and len(old) + len(recent) > self._limit:
            gaps = {f: _gap_without(old, i) for i, f in enumerate(old) if i and f not in self._pinned}
            if not gaps:
                break
            old.remove(min(gaps, key=gaps.__getitem__))  # of equal gaps the oldest: what is near stays dense
        return old + recent


class FrameMemory:
    """What the next frame reads: references and values of all cells of the selected frames, ascending.

    The order, as the official code has it, decides how sums are rounded: a run that goes on in the middle of a video
    equals an uninterrupted one to the bit.
    """

    def __init__(self, config: InferenceConfig) -> None:
        self._selection = FrameSelection(config)
        self._slots: list[int] = []  # frame index by slot
        self._references: Tensor | None = None  # (capacity, G, E)
        self._values: Tensor | None = None  # (2 D, capacity, G), category values before kernel values

    @property
    def frames(self) -> tuple[int, ...]:
        """Ascending indices of the frames that are read."""
        return self._selection.frames

    def __len__(self) -> int:
        return len(self._slots)

    def references(self) -> Tensor:
        """(1, M * G, E) r of all cells; a view, valid until the next change."""
        assert self._references is not None
        return self._references[: len(self)].flatten(0, 1)[None]

    def values(self) -> Tensor:
        """(1, 2 D, M * G) category values, then kernel values, in the order of `references`; a view as well."""
        assert self._values is not None
        return self._values.flatten(1)[None, :, : self._cells_of(len(self))]

    def cells(self, frame_index: int) -> slice:
        """Where a frame's cells are among the M * G."""
        slot = self._slots.index(frame_index)
        return slice(self._cells_of(slot), self._cells_of(slot + 1))

    def weighting_frames(self, rule: str) -> tuple[int, ...]:
        """See `FrameSelection.weighting_frames`."""
        return self._selection.weighting_frames(rule)

    def add(self, frame_index: int, features: FrameFeatures) -> None:
        """Take in a frame (B = 1) and let go of those that the rule drops.

        Raises:
            ValueError: see `FrameSelection.add`.
        """
        self._selection.add(frame_index)
        self._remove_unselected()
        if frame_index in self.frames:
            self._append(frame_index, features)

    def pin(self, frame_index: int) -> None:
        """See `FrameSelection.pin`."""
        self._selection.pin(frame_index)

    def drop(self, frame_index: int) -> None:
        """See `FrameSelection.drop`."""
        self._selection.drop(frame_index)
        self._remove_unselected()

    def _cells_of(self, count: int) -> int:
        assert self._references is not None
        return count * self._references.shape[1]

    def restart(self) -> None:
        """Forget all frames, but not which ones are pinned and dropped."""
        self._selection.restart()
        self._slots.clear()

    def _append(self, frame_index: int, features: FrameFeatures) -> None:
        values = torch.cat([features.category_value[0], features.kernel_value[0]])  # (2 D, G)
        references, stack = self._room(features.reference[0], values)
        references[len(self)] = features.reference[0]
        stack[:, len(self)] = values
        self._slots.append(frame_index)

    def _room(self, reference: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """The stacks with at least one free slot."""
        if self._references is None or self._values is None:
            self._references = reference.new_empty((_FIRST_CAPACITY, *reference.shape))
            self._values = values.new_empty((len(values), _FIRST_CAPACITY, values.shape[1]))
        elif len(self) == len(self._references):
            self._references = torch.cat([self._references, torch.empty_like(self._references)])
            self._values = torch.cat([self._values, torch.empty_like(self._values)], dim=1)
        return self._references, self._values

    def _remove_unselected(self) -> None:
        selected = set(self.frames)
        for slot in reversed(range(len(self))):
            if self._slots[slot] not in selected:
                self._close_up(slot)

    @torch.inference_mode()
    def _close_up(self, slot: int) -> None:
        """Free a slot; later frames, most often the newest alone, move down by one."""
        assert self._references is not None
        assert self._values is not None
        last = len(self) - 1
        if slot < last:
            self._references[slot:last] = self._references[slot + 1 : last + 1].clone()
            self._values[:, slot:last] = self._values[:, slot + 1 : last + 1].clone()
        del self._slots[slot]


def memory_frames(
    frame_index: int, config: InferenceConfig, pinned: Iterable[int] = (), dropped: Iterable[int] = ()
) -> tuple[int, ...]:
    """Frames that a run from frame 0 has in memory when it comes to a frame: what to remember to go on from there.

    Args:
        frame_index: of the frame that reads them.
        config: memory rule and limit.
        pinned: frames that the run keeps to the end.
        dropped: frames that the run never reads.
    """
    selection = FrameSelection(config)
    for pin in pinned:
        selection.pin(pin)
    for drop in dropped:
        selection.drop(drop)
    for earlier in range(frame_index):
        selection.add(earlier)
    return selection.frames


def _gap_without(frames: Sequence[int], index: int) -> float:
    """Distance of the neighbours of a frame; the newest has only one and goes last."""
    return frames[index + 1] - frames[index - 1] if index + 1 < len(frames) else float("inf")
