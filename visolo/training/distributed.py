"""Training in several processes started by torchrun: every process draws its share of a batch, gradients are averaged.

With one process everything here does nothing.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """Join the processes that torchrun started, if it did, and leave them at the end."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        yield
        return
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """Number of this process, 0 for the one that writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


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


def any_process(flag: bool) -> bool:
    """Whether any process raised the flag; all get the same answer."""
    if world_size() == 1:
        return flag
    votes = torch.tensor([float(flag)])
    dist.all_reduce(votes)
    return bool(votes.item() > 0)
