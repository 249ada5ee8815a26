"""Fixtures for all tests: where the shared media lie, and no leftovers between tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("VISOLO_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real media and data; the test is skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared media at {SHARED}; set VISOLO_SHARED")
    return SHARED
