"""Another person's project, to be read only: as it lies there, or where that can't be read, a copy of it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from app.document.document import Document
from app.document.project_file import copy_project, file_version, reading_untouched
from app.document.queries import Queries
from app.document.schema import version
from visolo.errors import ProjectError


class TheirFile(NamedTuple):
    """A project, and the file that is read for it: itself, or a copy."""

    path: Path
    copy: Path


class TheirQueries(Queries):
    """Questions to it; relative paths in it count from where it lies."""

    def __init__(self, file: TheirFile, connection: sqlite3.Connection) -> None:
        super().__init__(file.path, connection)
        self.file = file


def readable(ours: Path, theirs: Path, folder: Path) -> TheirFile:
    """What to read of a project of this or an older version; the project itself is never written.

    Args:
        ours: the project that it is merged into.
        theirs: the other one.
        folder: empty, for a copy.

    Raises:
        ProjectError: it is missing, no project, damaged, made by a newer version, or ours.
    """
    found = file_version(theirs)
    if ours.exists() and theirs.samefile(ours):
        raise ProjectError(f"{theirs}: this is the open project itself; choose the other one")
    # Beside a file that is open elsewhere SQLite wants to write.
    if found == version() and os.access(theirs.parent, os.W_OK):
        return TheirFile(theirs, theirs)
    copy = folder / theirs.name
    copy_project(theirs, copy)
    copy.chmod(0o600)
    Document.open(copy).close()
    return TheirFile(theirs, copy)


@contextmanager
def read(file: TheirFile) -> Iterator[TheirQueries]:
    """Questions to a project that is someone else's.

    Raises:
        ProjectError: the file is missing or damaged.
    """
    with reading_untouched(file.copy) as connection:
        yield TheirQueries(file, connection)
