"""Training in several processes: every process draws its share of a batch, gradients are averaged.

With one process everything here does nothing. Which process this is and how it joins: `visolo.distributed`.
"""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn

from visolo.distributed import world_size


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes, in one transfer."""
    if world_size() == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:  # this process's share had nothing for it; others wait for the same transfer
            parameter.grad = torch.zeros_like(parameter)
    gradients = [p.grad for p in parameters if p.grad is not None]
    # Not `Tensor.flatten`: a channels-last gradient must keep its memory order on the way back.
    flat = torch.cat([g.permute(0, 2, 3, 1).reshape(-1) if g.dim() == 4 else g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= world_size()
    start = 0
    for gradient in gradients:
        values = flat[start : start + gradient.numel()]
        if gradient.dim() == 4:
            target = gradient.permute(0, 2, 3, 1)
            target.copy_(values.view(target.shape))
        else:
            gradient.copy_(values.view(gradient.shape))
        start += gradient.numel()


def mean_over_processes(values: Tensor) -> Tensor:
    """Mean of a small tensor over the processes."""
    if world_size() > 1:
        dist.all_reduce(values)
        values /= world_size()
    return values
