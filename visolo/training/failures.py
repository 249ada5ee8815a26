"""What ends a run, in words: what happened, what to change, and how to go on."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import torch

from visolo.errors import DeviceError, OutputError, VisoloError

_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LESS_MEMORY = "use a larger --accumulate (parts of a step), a smaller --batch-size, or close other programs"
_OUT_OF_CPU_MEMORY = ("not enough memory", "can't allocate memory", "Cannot allocate memory")
_LOST_PEER = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL", "Timed out waiting")


@contextmanager
def failures_in_words(how_to_go_on: Callable[[VisoloError], str]) -> Iterator[None]:
    """Turn what can end a run into one sentence.

    Args:
        how_to_go_on: what is said about the last checkpoint after this failure; may be nothing.

    Raises:
        VisoloError: the block failed for a reason that a person can do something about.
    """
    try:
        yield
    except Exception as error:
        known = _in_words(error)
        if known is None:
            raise
        advice = how_to_go_on(known)
        raise type(known)(f"{known}; {advice}" if advice else str(known)) from error


def _in_words(error: Exception) -> VisoloError | None:
    if isinstance(error, VisoloError):
        return error
    if isinstance(error, torch.OutOfMemoryError):
        return DeviceError(f"training: the GPU ran out of memory; {_LESS_MEMORY}")
    if _is_out_of_memory(error):
        return DeviceError(f"training: the computer ran out of memory; {_LESS_MEMORY}, or fewer --workers")
    if isinstance(error, OSError):
        return _of_the_disk(error)
    return _of_another_process(error) if isinstance(error, RuntimeError) else None


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, cv2.error):
        return error.code == cv2.Error.StsNoMem
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_CPU_MEMORY)


def _of_the_disk(error: OSError) -> OutputError | None:
    if error.errno not in _DISK_IS_FULL:
        return None
    name = f"{error.filename}: " if error.filename else "training: "
    return OutputError(f"{name}the disk is full; free some space")


def _of_another_process(error: RuntimeError) -> VisoloError | None:
    if "DataLoader worker" in str(error) and "killed" in str(error):
        return DeviceError("training: a process that prepares data was killed, as for lack of memory; fewer --workers")
    if any(sign in str(error) for sign in _LOST_PEER):
        return VisoloError("training: the connection to another process of this run was lost; see what that one said")
    return None
