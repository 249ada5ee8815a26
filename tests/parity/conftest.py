"""Access to the recorded scripts beside these tests: they are no package and are kept byte for byte as recorded."""

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

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
