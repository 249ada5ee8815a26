"""Access to the recorded scripts beside these tests: they are no package and are kept byte for byte as recorded."""

import importlib.util
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import torch

HERE = Path(__file__).parent


@cache
def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"recorded_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], ModuleType]:
    """Import a recorded script by name, e.g. ``recorded("clips").make_clip("c14")``."""
    return _load


@pytest.fixture(scope="session")
def seeded_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like the official `.pth` with the weights of the recordings."""
    recipe = _load("weights_recipe")
    keys = json.loads((HERE / "state_dict_keys.json").read_text())["keys"]
    state = {key: torch.from_numpy(value) for key, value in recipe.make_state_dict(keys).items()}
    path = tmp_path_factory.mktemp("weights") / "official.pth"
    torch.save({"model": state}, path)
    return path
