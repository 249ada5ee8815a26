"""A step's batch of clips: which of them this process draws, and how they become tensors."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from visolo.distributed import rank, world_size
from visolo.errors import VisoloError
from visolo.training.clips import Clip, ClipMaker
from visolo.training.config import TrainingConfig
from visolo.training.targets import LabelledBatch


class ClipSteps(Dataset["LabelledBatch | VisoloError"]):
    """This process's share of every step's clips.

    They are decided by the seed and the step alone, so that a resumed run, or one of several processes, sees the same.
    What goes wrong is handed over, not raised: torch would put its own traceback into the sentence.

    Args:
        maker: draws the clips.
        config: seed, batch size, clip length, share of steps with clips of one frame.
        steps: number of steps.
    """

    def __init__(self, maker: ClipMaker, config: TrainingConfig, steps: range) -> None:
        self._maker, self._config, self._steps = maker, config, steps
        self._rank, self._world_size = rank(), world_size()  # asked here: data processes belong to no group

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, index: int) -> LabelledBatch | VisoloError:
        config, step = self._config, self._steps[index]
        rng = np.random.default_rng((config.seed, step))
        length = 1 if rng.random() < config.self_read_share else config.clip_length
        source = self._maker.draw_source(rng) if config.batch_source == "official" else None
        numbers = range(self._rank, config.batch_size * config.clip_length // length, self._world_size)
        # A generator for each clip: processes that share a batch draw their own clips only.
        generators = (np.random.default_rng((config.seed, step, number)) for number in numbers)
        try:
            clips = [self._maker.draw(generator, length, source) for generator in generators]
        except VisoloError as error:
            return error
        return collate(clips, config.least_area_px)


def collate(clips: Sequence[Clip], least_area_px: int = 1) -> LabelledBatch:
    """Batch clips of the same length and size.

    Args:
        clips: at least one.
        least_area_px: an object that shows less of itself in a frame counts as absent there; absent in every frame, it
            is left out.
    """
    images = torch.from_numpy(np.stack([clip.images for clip in clips])).permute(0, 1, 4, 2, 3)
    labels = np.stack([clip.labels for clip in clips])  # (B, T, H, W)
    shown = _areas(labels) >= least_area_px  # (B, T, 256)
    shown[..., 0] = False
    used = shown.any(1)  # (B, 256)
    slots = np.where(used, used.cumsum(1), 0).astype(np.uint8)  # of every label, plus 1
    slots = np.where(shown, slots[:, None], 0)  # (B, T, 256)
    batch, length = labels.shape[:2]
    labels = slots[np.arange(batch)[:, None, None, None], np.arange(length)[:, None, None], labels]
    most = max(1, int(used.sum(1).max()))
    order = np.argsort(~used, axis=1, kind="stable")[:, :most]  # label of every slot
    classes = np.zeros((batch, 256), np.int64)
    for row, clip in zip(classes, clips, strict=True):
        row[1 : len(clip.classes) + 1] = clip.classes[:255]
    return LabelledBatch(
        images.contiguous(), torch.from_numpy(labels), torch.from_numpy(np.take_along_axis(classes, order, 1))
    )


def _areas(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(B, T, H, W) labels to (B, T, 256) px of each."""
    frames = labels.reshape(-1, labels[0, 0].size)
    codes = frames + 256 * np.arange(len(frames))[:, None]
    return np.bincount(codes.ravel(), minlength=256 * len(frames)).reshape(*labels.shape[:2], 256)
