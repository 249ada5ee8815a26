"""Checking before the work that its result can be written."""

from pathlib import Path

from visolo.errors import OutputError


def check_output(path: Path) -> None:
    """Check that a file can be put at a path; an existing one will be replaced.

    Raises:
        OutputError: the path is a folder or a device, or lies in no folder.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path}: is a device, which a file must not replace; name a file")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent} to write to; make it first")
