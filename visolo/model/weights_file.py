"""The containers that weights come in: safetensors with our header, and pickles opened in tensors-only mode.

What the tensors are called and where they belong is left to `visolo.model.checkpoint`.
"""

import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from visolo.categories import Category, LabelSet
from visolo.config import ModelConfig, config_from_table
from visolo.errors import ConfigError, WeightsError
from visolo.io.atomic import atomic_path

_FORMAT = "visolo-1"
_WRAPPERS = ("model", "state_dict")


@dataclass(frozen=True)
class Header:
    """What an own file says before its tensors: the network, its classes in order, and free facts."""

    config: ModelConfig
    labels: LabelSet
    metadata: dict[str, Any]


def is_own(path: Path) -> bool:
    """Whether a file is taken for one of ours; its ending decides."""
    return path.suffix == ".safetensors"


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a weights file on the CPU, memory-mapped where the container allows it.

    Raises:
        WeightsError: the file is missing, damaged, not weights, or a pickle that would run code.
    """
    _check_file(path)
    if not is_own(path):
        return _plain_tensors(_unpickle(path), path)
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: is damaged or no safetensors file ({error}); copy it again") from error


def read_header(path: Path) -> Header:
    """The header of an own file; no tensor is read.

    Raises:
        WeightsError: the file is missing, damaged, not an own one, or of a newer version.
    """
    if not is_own(path):
        raise WeightsError(f"{path}: only .safetensors files say what network they hold; name a preset")
    _check_file(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            table = file.metadata() or {}
    except (safetensors.SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: is damaged or no safetensors file ({error}); copy it again") from error
    if table.get("format") != _FORMAT:
        raise WeightsError(f"{path}: was not written by this version of VISOLO Review; convert the original checkpoint")
    try:
        labels = json.loads(table["labels"])
        categories = tuple(Category(int(c["category_id"]), str(c["name"])) for c in labels["categories"])
        config = _config(json.loads(table["config"]), path)
        header = Header(config, LabelSet(str(labels["name"]), categories), dict(json.loads(table["metadata"])))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: its header is damaged ({error!r}); copy the file again") from error
    if len(categories) != config.num_classes:
        raise WeightsError(f"{path}: its header names {len(categories)} classes for {config.num_classes}")
    return header


def write_own(path: Path, state: Mapping[str, Tensor], header: Header) -> None:
    """Write a safetensors file, whole or not at all; the same content gives the same bytes.

    Raises:
        OutputError: the file cannot be written.
    """
    categories = [{"category_id": c.category_id, "name": c.name} for c in header.labels.categories]
    labels = {"name": header.labels.name, "categories": categories}
    table = {
        "format": _FORMAT,
        "config": json.dumps(asdict(header.config)),
        "labels": json.dumps(labels),
        "metadata": json.dumps(header.metadata),
    }
    data = safetensors.torch.save(dict(state), metadata=table)
    with atomic_path(path) as temporary:
        temporary.write_bytes(_in_order(data))


def _in_order(data: bytes) -> bytes:
    """A safetensors file with its metadata sorted: the library writes them in an order that changes between runs."""
    start = 8 + int.from_bytes(data[:8], "little")
    table = json.loads(data[8:start])
    table["__metadata__"] = dict(sorted(table["__metadata__"].items()))
    head = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + data[start:]


def _config(table: dict[str, Any], path: Path) -> ModelConfig:
    try:
        config = config_from_table(ModelConfig(), table, str(path))
    except ConfigError as error:
        raise WeightsError(f"{error}; the file may come from a newer version") from error
    for field in fields(config):
        value, default = getattr(config, field.name), getattr(ModelConfig(), field.name)
        if not _same_type(value, default):
            raise WeightsError(f"{path}: its header has {field.name} = {value!r}; copy the file again")
    return config


def _same_type(value: object, default: object) -> bool:
    if isinstance(default, tuple):
        same_length = isinstance(value, tuple) and len(value) == len(default)
        return same_length and all(_same_type(v, d) for v, d in zip(cast(tuple[Any, ...], value), default, strict=True))
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(default)


def _unpickle(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error) or "Unsupported class" in str(error):
            raise WeightsError(
                f"{path}: holds more than tensors and could run code, so it was not opened; save its tensors alone"
            ) from error
        raise WeightsError(f"{path}: is damaged or no PyTorch checkpoint; copy it again") from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise WeightsError(f"{path}: is damaged or no PyTorch checkpoint; copy it again") from error


def _plain_tensors(content: object, path: Path) -> dict[str, Tensor]:
    """The state dict inside what a pickle held, however it was wrapped."""
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not content:
        raise WeightsError(f"{path}: holds no state dict; save the model's state_dict()")
    state = {}
    for key, value in content.items():
        tensor = torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        if not isinstance(tensor, Tensor):
            raise WeightsError(f"{path}: {key!r} is no tensor; save the model's state_dict()")
        state[str(key)] = tensor
    return state


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise WeightsError(f"{path}: is a folder; name a weights file in it")
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file; check the path")
