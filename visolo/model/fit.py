"""Whether a file's tensors are those that a network needs, and saying in one sentence how they are not."""

from collections.abc import Mapping

import torch
from torch import Tensor

from visolo.errors import WeightsError


def check_finite(state: Mapping[str, Tensor], origin: str) -> None:
    """Every number is one.

    Raises:
        WeightsError: some tensor holds NaN or infinity.
    """
    # One pass without a second array: a sum is NaN or infinite if any summand is.
    broken = [key for key, tensor in state.items() if not torch.isfinite(tensor.sum())]
    if broken:
        raise WeightsError(
            f"{origin}: {_listed(broken)} hold NaN or infinity; the training diverged or the file is damaged"
        )


def check_shapes(
    state: Mapping[str, Tensor], targets: Mapping[str, Tensor], names: Mapping[str, str], origin: str, called: str
) -> None:
    """Every tensor that both sides have is of the same shape.

    Args:
        state: what a file holds.
        targets: what the network needs.
        names: what to call the network's tensors in the message; its own names where absent.
        origin: what to call the file.
        called: what to call the network.

    Raises:
        WeightsError: some are not.
    """
    wrong = [key for key in targets if key in state and state[key].shape != targets[key].shape]
    if wrong:
        here, there = list(state[wrong[0]].shape), list(targets[wrong[0]].shape)
        listed = _listed([names.get(key, key) for key in wrong])
        raise WeightsError(f"{origin}: {listed} has shape {here} where {called} has {there}; choose another preset")


def check_keys(
    state: Mapping[str, Tensor], targets: Mapping[str, Tensor], names: Mapping[str, str], origin: str
) -> None:
    """Neither side has a tensor that the other lacks.

    Args:
        state: what a file holds.
        targets: what the network needs.
        names: as for `check_shapes`.
        origin: what to call the file.

    Raises:
        WeightsError: it is not so; the first few are named.
    """
    missing = [names.get(key, key) for key in targets if key not in state]
    unexpected = [key for key in state if key not in targets]
    parts = [f"lacks {_listed(missing)}"] if missing else []
    parts += [f"has unknown {_listed(unexpected)}"] if unexpected else []
    if parts:
        raise WeightsError(f"{origin}: {' and '.join(parts)}; choose the preset or the file that fits")


def _listed(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
