"""Memory matching (paper 4.1): how similar every cell of one frame is to every cell of another."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visolo.config import ModelConfig
from visolo.model.layers import ConvGroupNorm, conv_stack

START_BIAS = -3.0


class Matching(nn.Module):
    """Embeds the key feature K as query and as reference; the similarity is their product, so both can be kept."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, groups = config.width, config.norm_groups
        self.shared = conv_stack(width, width, groups, 2)
        self.query = _embedding_head(config)
        self.reference = _embedding_head(config)
        self.learnt = config.learnt_similarity
        if self.learnt:
            self.scale = nn.Parameter(torch.empty(()))
            self.bias = nn.Parameter(torch.empty(()))

    def forward(self, key: Tensor) -> tuple[Tensor, Tensor]:
        """Query and reference embeddings of K (B, D, R, K): both (B, G, E), cells row by row."""
        shared = self.shared(F.relu(key))
        return _cells(self.query(shared)), _cells(self.reference(shared))

    def similarity_logits(self, query: Tensor, reference: Tensor) -> Tensor:
        """Products of (B, G, E) queries and (B, P, E) references: (B, G, P) float32.

        Always in float32: an error of one part in 256 in a logit near 50 would change the softmax visibly.
        """
        with _no_autocast(query):
            query, columns = query.float(), reference.float().transpose(1, 2)
            if not self.learnt:
                return query @ columns
            # One pass over the large product: the scale goes to the queries, the bias into the multiplication.
            return torch.baddbmm(self.bias.float(), query * self.scale.float(), columns)

    @torch.no_grad()
    def reset_similarity(self, embedding: int) -> None:
        """Set the learnt scale and bias, if there are any, to their start values 2 / sqrt(E) and -3."""
        if self.learnt:
            self.scale.fill_(2 / embedding**0.5)
            self.bias.fill_(START_BIAS)


def _embedding_head(config: ModelConfig) -> nn.Sequential:
    """Convolution and 1x1 convolution with norms and no activation between them, as the official code has it."""
    width, groups = config.width, config.norm_groups
    return nn.Sequential(ConvGroupNorm(width, width, groups), ConvGroupNorm(width, config.embedding, groups, size=1))


def _cells(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def _no_autocast(x: Tensor) -> AbstractContextManager[None]:
    return torch.autocast(x.device.type, enabled=False)
