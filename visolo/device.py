"""Where and in which number format the network runs: "auto", "cpu", "cuda", "cuda:1", "mps"; "fp32", "bf16", "fp16"."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from visolo.errors import DeviceError

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("fp32", "bf16", "fp16")
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Compute:
    """A device that is there and a dtype that works on it: ``model.to(compute.device, compute.dtype)``."""

    device: torch.device
    dtype: torch.dtype


def select_compute(device: str = "auto", precision: str = "fp32") -> Compute:
    """Check both choices together.

    Args:
        device: "auto" takes CUDA, else MPS, else the CPU.
        precision: of parameters and features; similarities and softmax are float32 always.

    Raises:
        DeviceError: a name is unknown, the device is not there, or it cannot compute in this precision.
    """
    found = resolve_device(device)
    return Compute(found, resolve_precision(precision, found))


def resolve_device(name: str = "auto") -> torch.device:
    """The device of this name, after checking that it is there.

    From then on float32 is float32 on CUDA, too; torch alone would convolve in TF32, a thousand times less exact.

    Raises:
        DeviceError: the name is unknown or the device is not there.
    """
    if name == "auto":
        name = next((kind for kind in ("cuda", "mps") if _available(kind)), "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise _unknown(name) from error
    if device.type not in DEVICES:
        raise _unknown(name)
    if device.type != "cpu" and not _available(device.type):
        raise DeviceError(f"no {device.type.upper()} device was found on this computer; choose auto or cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"there is no {name}; this computer has {torch.cuda.device_count()} CUDA device(s), from 0")
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return device


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of this name, after checking that the device computes in it.

    Raises:
        DeviceError: the name is unknown or the device cannot.
    """
    if name not in _DTYPES:
        raise DeviceError(f"no precision is called {name!r}; there are {', '.join(PRECISIONS)}")
    if device.type == "cpu" and name == "fp16":
        raise DeviceError("fp16 has too few exact operations on the CPU; choose bf16 or fp32")
    if name == "bf16" and not _computes_bf16(device):
        raise DeviceError(f"{device} does not compute in bf16; choose fp16 or fp32")
    return _DTYPES[name]


@contextmanager
def device_errors() -> Iterator[None]:
    """Turn running out of memory into an error in words.

    Raises:
        DeviceError: the block ran out of memory on the device.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceError(
            "the device ran out of memory; close other programs that use it, choose fp16 or bf16, or run on the cpu"
        ) from error


def _available(kind: str) -> bool:
    return torch.cuda.is_available() if kind == "cuda" else torch.backends.mps.is_available()


def _unknown(name: str) -> DeviceError:
    return DeviceError(f"no device is called {name!r}; there are {', '.join(DEVICES)}")


def _computes_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        torch.ones(1, dtype=torch.bfloat16, device=device).add_(1)
    except (RuntimeError, TypeError):
        return False
    return True
