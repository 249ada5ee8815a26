"""Several processes started by torchrun, for training, tracking and evaluation alike: who this one is, and joining.

With one process everything here does nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist

from visolo.errors import VisoloError

_Value = TypeVar("_Value")


@contextmanager
def process_group(device: str, timeout: timedelta | None = None) -> Iterator[None]:
    """Join the processes that torchrun started, if it did, and leave them at the end.

    Args:
        device: where exchanged tensors are.
        timeout: how long processes wait for each other; None for torch's own, some minutes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        yield
        return
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=timeout)
    try:
        yield
    finally:
        dist.destroy_process_group()


def local_device(name: str) -> str:
    """The device of this process: of several CUDA devices of a machine, each process of it takes its own."""
    if world_size() == 1 or name not in ("auto", "cuda") or not torch.cuda.is_available():
        return name
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"


def rank() -> int:
    """Number of this process, 0 for the one that writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def is_first_of_machine() -> bool:
    """Whether this process is the one of its machine that minds files which every machine may have for itself."""
    return not dist.is_initialized() or os.environ.get("LOCAL_RANK", "0") == "0"


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
    """The values of all processes in their order, in every process; anything that can be pickled.

    Raises:
        VisoloError: another process ended meanwhile.
    """
    if world_size() == 1:
        return [value]
    values: list[_Value] = [value] * world_size()
    try:
        dist.all_gather_object(values, value)
    except RuntimeError as error:
        raise VisoloError("another process of this run ended early; see what that one said") from error
    return values
