"""Several processes started by torchrun, for training, tracking and evaluation: who this one is, joining, agreeing.

With one process everything here does nothing.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from visolo.errors import DeviceError, PeerFailed, VisoloError

_Value = TypeVar("_Value")


@contextmanager
def process_group(device: str, timeout: timedelta | None = None) -> Iterator[None]:
    """Join the processes that torchrun started, if it did, and leave them at the end.

    Args:
        device: where exchanged tensors are; "cuda" gives every process of a machine a GPU of its own, in their order.
        timeout: how long processes wait for each other; None for torch's own, some minutes.

    Raises:
        DeviceError: this machine has fewer GPUs than processes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        yield
        return
    on_gpu = device.startswith("cuda")
    if on_gpu:
        _take_gpu(int(os.environ.get("LOCAL_RANK", "0")))
    # Gloo beside NCCL is for the few numbers that are on the CPU.
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=timeout)
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


def sum_over_processes(values: Tensor) -> Tensor:
    """Sum of a small tensor over the processes, in place."""
    if world_size() > 1:
        dist.all_reduce(values)
    return values


def any_process(flag: bool) -> bool:
    """Whether any process raised the flag; all get the same answer."""
    return bool(sum_over_processes(torch.tensor([float(flag)])).item() > 0)


@contextmanager
def agreed() -> Iterator[None]:
    """A block that all processes get through or none does; one that fails in it is about to end.

    Raises:
        VisoloError: in process 0, what the block raised in the first process that failed.
        PeerFailed: in all others.
    """
    failure: VisoloError | None = None
    try:
        yield
    except VisoloError as error:
        failure = error
    if not any_process(failure is not None):
        return
    _outlast_others()
    first = next(error for error in gathered(failure) if error is not None)
    if rank() == 0:
        raise first
    raise PeerFailed(str(first)) from failure


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


def _take_gpu(number: int) -> None:
    count = torch.cuda.device_count()
    if number >= count:
        raise DeviceError(f"this machine has {count} GPUs for more processes; give torchrun --nproc-per-node {count}")
    torch.cuda.set_device(number)


def _outlast_others() -> None:
    """Have time to say why: torchrun terminates all processes as soon as the first has ended."""
    if world_size() > 1 and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
