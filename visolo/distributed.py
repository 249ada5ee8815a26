"""Several processes started by torchrun, for training, tracking and evaluation alike: who this one is, and joining.

With one process everything here does nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist

_Value = TypeVar("_Value")


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


def any_process(flag: bool) -> bool:
    """Whether any process raised the flag; all get the same answer."""
    if world_size() == 1:
        return flag
    votes = torch.tensor([float(flag)])
    dist.all_reduce(votes)
    return bool(votes.item() > 0)


def gathered(value: _Value) -> list[_Value]:
    """The values of all processes in their order, in every process; anything that can be pickled."""
    if world_size() == 1:
        return [value]
    values: list[_Value] = [value] * world_size()
    dist.all_gather_object(values, value)
    return values
