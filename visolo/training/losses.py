"""The three losses of a clip. Source: paper 4.5; weighting and averaging as the official code."""

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


def clip_losses(
    prediction: ClipPrediction, batch: ClipBatch, targets: ClipTargets, config: TrainingConfig
) -> ClipLosses:
    """Losses of a batch of clips, computed in float32 whatever the network ran in.

    Args:
        prediction: of `Visolo.forward_clip`.
        batch: the clips.
        targets: from `build_targets`.
        config: weights and exponents.
    """
    gamma = config.focal_gamma
    category = category_loss(prediction.category_logits.float(), targets.categories, config.category_alpha, gamma)
    similarity = similarity_loss(
        prediction.similarity_logits.float(), targets.similarities, config.similarity_alpha, gamma
    )
    mask = mask_loss(prediction, batch.masks, targets.owners, config.mask_scale)
    return ClipLosses(
        config.category_weight * category, config.mask_weight * mask, config.similarity_weight * similarity
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


def category_loss(logits: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    """Focal loss per frame over its number of positive cells, then the mean over frames.

    Args:
        logits: (B, T, C, R, K).
        targets: (B, T, C, R, K) 0 or 1.
        alpha: see `focal_loss`.
        gamma: see `focal_loss`.
    """
    positives = targets.sum((2, 3, 4)).clamp(min=1)
    return (focal_loss(logits, targets, alpha, gamma).sum((2, 3, 4)) / positives).mean()


def similarity_loss(logits: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    """Focal loss of the rows that have a match, averaged over rows and then over the pairs that have any.

    Args:
        logits: (B, P, G, G), rows are the cells of the pair's first frame.
        targets: (B, P, G, G) 0 or 1.
        alpha: see `focal_loss`.
        gamma: see `focal_loss`.
    """
    matched = targets.amax(3) > 0 if targets.numel() else targets.new_zeros(targets.shape[:3], dtype=torch.bool)
    rows = matched.sum(2)  # (B, P)
    clip_index, pair_index, cell = matched.nonzero(as_tuple=True)
    per_row = focal_loss(logits[clip_index, pair_index, cell], targets[clip_index, pair_index, cell], alpha, gamma).sum(
        1
    )
    per_row = per_row / rows[clip_index, pair_index]
    # The zero term keeps the graph whole when nothing matches.
    return per_row.sum() / (rows > 0).sum().clamp(min=1) + 0 * logits.sum()


def mask_loss(prediction: ClipPrediction, masks: Tensor, owners: Tensor, scale: int) -> Tensor:
    """Dice loss of every positive cell; mean over cells, then samples, then frames that have any.

    Args:
        prediction: kernels (B, T, D, R, K) and mask features (B, T, D, h, w).
        masks: (B, T, N, H, W) bool.
        owners: (B, T, G) int64, -1 for cells without an instance.
        scale: upsampling of the logits; masks are averaged down where that is less than the full size.
    """
    clip_index, frame_index, cell = (owners >= 0).nonzero(as_tuple=True)
    kernels = prediction.kernels.flatten(3)  # (B, T, D, G)
    if clip_index.numel() == 0:
        return 0 * (kernels.sum() + prediction.mask_features.sum()).float()
    logits = _cell_logits(kernels, prediction.mask_features, owners >= 0)
    logits = F.interpolate(logits[:, None], scale_factor=float(scale), mode="bilinear", align_corners=False)[:, 0]
    wanted = masks[clip_index, frame_index, owners[clip_index, frame_index, cell]]
    dice = _dice(logits, wanted)  # (number of positive cells,)
    counts = (owners >= 0).sum(2)  # (B, T)
    shares = (dice / counts[clip_index, frame_index]).float()
    samples = (counts > 0).sum(0)  # (T,) samples with any cell
    per_frame = shares.new_zeros(len(samples)).index_add(0, frame_index, shares) / samples.clamp(min=1)
    return per_frame.sum() / (samples > 0).sum()


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
