"""The open project: its questions (`Queries`), its one write transaction, and what is remembered of the view."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Self

from app.document.project_file import ProjectFile, can_be_opened
from app.document.queries import Queries, snapshot
from visolo.errors import ProjectError
from visolo.garbage import garbage_left_alone

logger = logging.getLogger(__name__)


class Document(Queries):
    """An open project; always saved. Changes go through `History.do` only. Belongs to one thread."""

    def __init__(self, file: ProjectFile) -> None:
        super().__init__(file.path, file.connection)
        self._file = file
        self._unsaved_view: dict[str, Any] = {}

    @classmethod
    def create(cls, path: Path | str) -> "Document":
        """Make an empty project.

        Raises:
            ProjectError: the file exists already, or cannot be written.
        """
        return cls(ProjectFile.create(Path(path)))

    @classmethod
    def open(cls, path: Path | str) -> "Document":
        """Open a project exactly as it was left, also when the program was killed.

        Raises:
            ProjectError: missing, not a project, damaged, made by a newer version, open elsewhere, or not writable.
        """
        return cls(ProjectFile.open(Path(path)))

    def close(self) -> None:
        """Let go of the file; the project is that single file afterwards."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside happens or nothing does; for `History` and `RunWriter`.

        Raises:
            ProjectError: the disk is full or the file damaged; nothing was changed.
        """
        try:
            with garbage_left_alone(), self._file.transaction() as connection:
                yield connection
        except BaseException:
            self.cache.clear()
            raise

    def view_state(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        """What `set_view_state` keeps under this key."""
        return self._unsaved_view[key] if key in self._unsaved_view else super().view_state(key, default)

    def set_view_state(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Remember where the person was looking; saved, never undone, and never worth an error."""
        try:
            with self._file.transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO view_state VALUES (?, ?)", (key, json.dumps(value)))
            self._unsaved_view.pop(key, None)
        except ProjectError as error:
            logger.warning("view state not saved: %s", error)
            self._unsaved_view[key] = value


def read_project(path: Path) -> AbstractContextManager[Queries]:
    """A project to read from, which may be open elsewhere or read-only.

    Raises:
        ProjectError: the file is missing, damaged or of another version.
    """
    # Opened where that can be: it is migrated, and a single file again afterwards.
    return Document.open(path) if can_be_opened(path) else snapshot(path)
