"""The three losses of a step. Source: paper 4.5; weighting and averaging as the official code.

A loss is an average over all clips of a step. These may be computed in parts and by several processes, so what is
divided by is counted over the whole step first (`LossCounts`); the parts then add up to the loss of the step.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from visolo.model.visolo import ClipPrediction
from visolo.training.config import TrainingConfig
from visolo.training.targets import ClipBatch, ClipTargets


@dataclass(frozen=True)
class ClipLosses:
    """Weighted losses, scalars."""

    category: Tensor
    mask: Tensor
    similarity: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        return self.category + self.mask + self.similarity


@dataclass(frozen=True)
class LossCounts:
    """What the losses of a step are divided by.

    Attributes:
        values: (T + 2,) float64: clips; pairs of frames with a common instance; and for each position in a clip the
            clips that show an instance there.
    """

    values: Tensor

    @classmethod
    def of(cls, targets: ClipTargets) -> "LossCounts":
        """Counts of some clips; those of several parts add up."""
        clips = targets.owners.new_tensor([len(targets.owners)])
        pairs = (targets.similarities.flatten(2).amax(2) > 0).sum() if targets.similarities.numel() else clips * 0
        shown = (targets.owners >= 0).any(2).sum(0)
        return cls(torch.cat((clips, pairs.reshape(1), shown)).double())

    @property
    def frames(self) -> Tensor:
        """Frames of all clips."""
        return self.values[0] * (len(self.values) - 2)

    @property
    def pairs(self) -> Tensor:
        """Pairs with a common instance, at least 1."""
        return self.values[1].clamp(min=1)

    @property
    def shown(self) -> Tensor:
        """(T,) clips that show an instance at each position."""
        return self.values[2:]


def clip_losses(
    prediction: ClipPrediction,
    batch: ClipBatch,
    targets: ClipTargets,
    config: TrainingConfig,
    counts: LossCounts | None = None,
) -> ClipLosses:
    """What some clips add to the losses of their step, in float32 whatever the network ran in.

    Departs from official: with several GPUs the official code averages on each of them apart, so that its step depends
    on their number.

    Args:
        prediction: of `Visolo.forward_clip`.
        batch: the clips.
        targets: from `build_targets`.
        config: weights and exponents.
        counts: of the whole step; None takes these clips for the step.
    """
    counts = LossCounts.of(targets) if counts is None else counts
    gamma = config.focal_gamma
    category = category_losses(prediction.category_logits.float(), targets.categories, config.category_alpha, gamma)
    similarity = similarity_losses(
        prediction.similarity_logits.float(), targets.similarities, config.similarity_alpha, gamma
    )
    mask = mask_losses(prediction, batch.masks, targets.owners, config.mask_scale)
    per_position = mask.sum(0) / counts.shown.clamp(min=1)
    return ClipLosses(
        config.category_weight * (category.sum() / counts.frames).float(),
        config.mask_weight * (per_position.sum() / (counts.shown > 0).sum().clamp(min=1)).float(),
        config.similarity_weight * (similarity.sum() / counts.pairs).float(),
    )


def focal_loss(logits: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    """Sigmoid focal loss of every entry.

    Args:
        logits: any shape.
        targets: same shape, 0 or 1.
        alpha: weight of the positives; negatives have 1 - alpha.
        gamma: exponent that plays down what is already right.
    """
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    scores = logits.sigmoid()
    wrongness = scores + targets - 2 * scores * targets
    return (alpha * targets + (1 - alpha) * (1 - targets)) * cross_entropy * wrongness.pow(gamma)


def category_losses(logits: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    """Focal loss of every frame over its number of positive cells.

    Args:
        logits: (B, T, C, R, K).
        targets: (B, T, C, R, K) 0 or 1.
        alpha: see `focal_loss`.
        gamma: see `focal_loss`.

    Returns:
        (B, T).
    """
    positives = targets.sum((2, 3, 4)).clamp(min=1)
    return focal_loss(logits, targets, alpha, gamma).sum((2, 3, 4)) / positives


def similarity_losses(logits: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    """Focal loss of every pair's rows that have a match, averaged over these rows.

    Args:
        logits: (B, P, G, G), rows are the cells of the pair's first frame.
        targets: (B, P, G, G) 0 or 1.
        alpha: see `focal_loss`.
        gamma: see `focal_loss`.

    Returns:
        (B, P), 0 for pairs without any match.
    """
    matched = targets.amax(3) > 0 if targets.numel() else targets.new_zeros(targets.shape[:3], dtype=torch.bool)
    clip_index, pair_index, cell = matched.nonzero(as_tuple=True)
    chosen = clip_index, pair_index, cell
    per_row = focal_loss(logits[chosen], targets[chosen], alpha, gamma).sum(1)
    sums = (0 * logits[..., 0, 0]).index_put((clip_index, pair_index), per_row, accumulate=True)
    return sums / matched.sum(2).clamp(min=1)


def mask_losses(prediction: ClipPrediction, masks: Tensor, owners: Tensor, scale: int) -> Tensor:
    """Dice loss of every frame, averaged over its positive cells.

    Args:
        prediction: kernels (B, T, D, R, K) and mask features (B, T, D, h, w).
        masks: (B, T, N, H, W) bool.
        owners: (B, T, G) int64, -1 for cells without an instance.
        scale: upsampling of the logits; masks are averaged down where that is less than the full size.

    Returns:
        (B, T) float32, 0 for frames without any.
    """
    positive = owners >= 0
    clip_index, frame_index, cell = positive.nonzero(as_tuple=True)
    kernels = prediction.kernels.flatten(3)  # (B, T, D, G)
    # The zero term keeps the graph whole when no cell is positive.
    sums = 0 * (kernels[..., 0, 0] + prediction.mask_features[..., 0, 0, 0]).float()
    if clip_index.numel() == 0:
        return sums
    logits = _cell_logits(kernels, prediction.mask_features, positive)
    logits = F.interpolate(logits[:, None], scale_factor=float(scale), mode="bilinear", align_corners=False)[:, 0]
    wanted = masks[clip_index, frame_index, owners[clip_index, frame_index, cell]]
    dice = _dice(logits, wanted)  # (number of positive cells,)
    return sums.index_put((clip_index, frame_index), dice, accumulate=True) / positive.sum(2).clamp(min=1)


def _cell_logits(kernels: Tensor, features: Tensor, positive: Tensor) -> Tensor:
    """Mask logits (positive cells, h, w) of all frames by one padded product instead of one per frame."""
    counts = positive.flatten(0, 1).sum(1)  # (B*T,)
    most = int(counts.max())
    # Positive cells first, in cell order: a stable sort keeps rows in the order `nonzero` lists them.
    order = positive.flatten(0, 1).int().argsort(dim=1, descending=True, stable=True)[:, :most]
    flat = kernels.flatten(0, 1).float()  # (B*T, D, G)
    chosen = flat.gather(2, order[:, None].expand(-1, flat.shape[1], -1)).transpose(1, 2)
    height, width = features.shape[-2:]
    logits = chosen @ features.flatten(0, 1).flatten(2).float()  # (B*T, most, h*w)
    used = torch.arange(most, device=counts.device) < counts[:, None]
    return logits[used].reshape(-1, height, width)


def _dice(logits: Tensor, masks: Tensor) -> Tensor:
    """1 - 2 sum(p g) / (sum p^2 + sum g^2 + 1e-7) per row of (N, h, w) logits and (N, H, W) masks."""
    wanted = masks.float()
    if wanted.shape[-2:] != logits.shape[-2:]:
        wanted = F.interpolate(wanted[:, None], logits.shape[-2:], mode="area")[:, 0]
    scores, wanted = logits.sigmoid().flatten(1), wanted.flatten(1)
    overlap = (scores * wanted).sum(1)
    return 1 - 2 * overlap / (scores.square().sum(1) + wanted.square().sum(1) + 1e-7)
