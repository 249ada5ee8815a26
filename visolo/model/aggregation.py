"""Temporal aggregation (paper 4.2): every cell of a frame reads the values of similar cells in memory."""

import torch
from torch import Tensor, nn

from visolo.config import ModelConfig
from visolo.model.layers import ConvGroupNorm


class Aggregation(nn.Module):
    """One value projection, shared by the category and the kernel feature, and the read itself."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.value = ConvGroupNorm(config.width, config.width, config.norm_groups)

    def forward(self, feature: Tensor) -> Tensor:
        """Values (B, D, G) of a feature (B, D, R, K) to be kept in memory."""
        values: Tensor = self.value(feature).flatten(2)
        return values

    @staticmethod
    def read(feature: Tensor, affinity: Tensor, memory_value: Tensor) -> Tensor:
        """The feature plus what it reads.

        Args:
            feature: (B, D, R, K) of the current frame.
            affinity: (B, G, P) similarity logits of its cells to all P memory cells (of all memory frames together).
            memory_value: (B, D, P).

        Returns:
            (B, D, R, K) in the feature's dtype.
        """
        weights = torch.softmax(affinity.float(), dim=-1).to(memory_value.dtype)  # (B, G, P)
        read = memory_value @ weights.transpose(1, 2)  # (B, D, G)
        return feature + read.view_as(feature).to(feature.dtype)
