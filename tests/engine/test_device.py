"""Choosing device and precision: what is there is taken, what is not is refused in one sentence."""

import pytest
import torch

from visolo.device import device_errors, resolve_device, resolve_precision, select_compute
from visolo.errors import DeviceError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Pretend which accelerators the computer has."""

    def pretend(cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(0, False, "cpu"), (0, True, "mps"), (1, False, "cuda"), (1, True, "cuda")]
)
def test_auto_takes_the_fastest_device_there_is(machine, cuda: int, mps: bool, expected: str) -> None:
    machine(cuda, mps)
    assert resolve_device("auto").type == expected


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_an_absent_device_is_refused(machine, name: str) -> None:
    machine()
    with pytest.raises(DeviceError, match="was found on this computer; choose auto or cpu"):
        resolve_device(name)


def test_a_cuda_device_beyond_the_last_is_refused(machine) -> None:
    machine(cuda=2)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match=r"no cuda:2.*has 2 CUDA"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "meta", "", "cuda:x", "xpu"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=r"no device is called .*auto, cpu, cuda, mps"):
        resolve_device(name)


def test_precisions_on_the_cpu() -> None:
    cpu = torch.device("cpu")
    assert resolve_precision("fp32", cpu) == torch.float32
    assert resolve_precision("bf16", cpu) == torch.bfloat16
    with pytest.raises(DeviceError, match=r"fp16 .*CPU; choose bf16 or fp32"):
        resolve_precision("fp16", cpu)
    with pytest.raises(DeviceError, match="no precision is called 'int8'"):
        resolve_precision("int8", cpu)


def test_bf16_is_refused_where_the_gpu_lacks_it(machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(cuda=1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    with pytest.raises(DeviceError, match="cuda does not compute in bf16; choose fp16 or fp32"):
        select_compute("cuda", "bf16")
    assert select_compute("cuda", "fp16").dtype == torch.float16


def test_both_choices_together(machine) -> None:
    machine()
    compute = select_compute("auto", "bf16")
    assert (compute.device, compute.dtype) == (torch.device("cpu"), torch.bfloat16)


def test_running_out_of_memory_becomes_one_sentence() -> None:
    with pytest.raises(DeviceError, match="ran out of memory; close"), device_errors():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
    with pytest.raises(ValueError, match="other"), device_errors():
        raise ValueError("other")
