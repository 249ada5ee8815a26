"""The project file on disk: creating, opening, locking, migrating, transactions, and errors in words.

Knows SQLite and the file system; what the tables mean is left to others.
"""

import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from app.document import schema
from visolo.errors import ProjectError

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100


class ProjectFile:
    """An open project file; only one at a time, over all processes, holds its lock.

    Attributes:
        connection: in autocommit mode; write inside `transaction()` only.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: FileLock) -> None:
        self.path = path
        self.connection = connection
        self._lock = lock
        self._is_closed = False

    @classmethod
    def create(cls, path: Path) -> "ProjectFile":
        """Make an empty project.

        Raises:
            ProjectError: the file exists already, or the folder is missing, read-only or full.
        """
        if path.exists():
            raise ProjectError(f"{path}: there is a file of this name already; open it, or choose another name")
        lock = _lock(path)
        try:
            with _translated(path):
                connection = _connect(path)
                schema.migrate(connection)
                # The header must be in the file itself, not only in the log, for the checks at the next opening.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except ProjectError:
            for leftover in (path, *_log_files(path)):
                leftover.unlink(missing_ok=True)
            _unlock(lock)
            raise
        return cls(path, connection, lock)

    @classmethod
    def open(cls, path: Path) -> "ProjectFile":
        """Open a project, migrating an older one.

        Raises:
            ProjectError: missing, not a project, damaged, made by a newer version, open elsewhere, or not writable.
        """
        _check_header(path)
        if not os.access(path, os.W_OK):
            raise ProjectError(f"{path}: the project is read-only; copy it to a folder you can write to")
        lock = _lock(path)
        try:
            with _translated(path):
                connection = _connect(path)
                (found,) = connection.execute("PRAGMA user_version").fetchone()
                if found < schema.version():
                    connection.close()
                    _migrate_on_copy(path)
                    connection = _connect(path)
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                connection.execute("SELECT count(*) FROM history").fetchone()
        except ProjectError:
            _unlock(lock)
            raise
        return cls(path, connection, lock)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: commits when the block ends, rolls back when it raises.

        Raises:
            ProjectError: the disk is full, the file is damaged, or cannot be written; nothing was changed.
        """
        with _translated(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Write the log back, so that the project is this one file, and let others open it."""
        if self._is_closed:
            return  # the lock may be someone else's by now
        self._is_closed = True
        with suppress(sqlite3.Error):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()
        _unlock(self._lock)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Read a project as it is now, from any thread, while others go on editing it.

    Raises:
        ProjectError: the file is missing, not a project, damaged, or of another version.
    """
    _require_current(path)
    with _read_only(path, "mode=ro") as connection:
        yield connection


@contextmanager
def reading_untouched(path: Path) -> Iterator[sqlite3.Connection]:
    """Read someone else's project of this version, leaving nothing beside it and writing nowhere, as it is now.

    Raises:
        ProjectError: the file is missing, not a project, damaged, or of another version.
    """
    _require_current(path)
    # Where nobody has it open there is no log, and SQLite would leave an empty one.
    is_idle = not _log_files(path)[0].exists()
    with _read_only(path, "mode=ro&immutable=1" if is_idle else "mode=ro") as connection:
        yield connection


def file_version(path: Path) -> int:
    """Version of a project file.

    Raises:
        ProjectError: the file is missing, not a project, damaged, or made by a newer version.
    """
    return _check_header(path)


def copy_project(path: Path, target: Path) -> None:
    """Copy a project, which may be open elsewhere; nothing is written beside it.

    Raises:
        ProjectError: it cannot be read, or the copy not be written.
    """
    try:
        shutil.copyfile(path, target)
        if _log_files(path)[0].exists():
            shutil.copyfile(_log_files(path)[0], _log_files(target)[0])
    except OSError as error:
        raise ProjectError(f"{path}: cannot copy the project to read it ({error.strerror})") from error


def can_be_opened(path: Path) -> bool:
    """Whether a project that is there may be opened for writing: nobody else has it open, and the file allows it."""
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        return False
    lock = Path(f"{path}.lock")
    if not lock.exists():
        return True
    try:
        _unlock(_lock(path))
    except ProjectError:
        return False
    return True


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into one sentence each.

    Raises:
        ProjectError: SQLite failed.
    """
    with _translated(path):
        yield


@contextmanager
def _read_only(path: Path, options: str) -> Iterator[sqlite3.Connection]:
    with _translated(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True, isolation_level=None)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # our own bug: the tables' rules are checked before
    except sqlite3.Error as error:
        raise ProjectError(f"{path}: {_reason(error)}") from error


def _reason(error: sqlite3.Error) -> str:
    name = str(getattr(error, "sqlite_errorname", ""))
    if name == "SQLITE_FULL":
        return "the disk is full; free some space and try again, nothing was changed"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return "cannot be written there; copy the project to a folder you can write to"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another program is using the file; close it there and try again"
    if name.startswith("SQLITE_IOERR"):
        return "the disk is full or failing; nothing was changed, free some space or copy the project elsewhere"
    if name in {"SQLITE_CORRUPT", "SQLITE_NOTADB"} or name.startswith("SQLITE_CORRUPT"):
        return "the project file is damaged; restore it from a copy"
    return f"the project file cannot be used ({error}); restore it from a copy"


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=2.0)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _lock(path: Path) -> FileLock:
    if not path.parent.is_dir():
        raise ProjectError(f"{path}: cannot write in that folder (there is no such folder); choose another one")
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ProjectError(f"{path}: the project is open in another window; close it there first") from error
    except OSError as error:
        raise ProjectError(
            f"{path}: cannot write in that folder ({error.strerror}); choose or copy to a folder you can write to"
        ) from error
    return lock


def _unlock(lock: FileLock) -> None:
    # Removed while still held: whoever has opened it meanwhile sees that the name is gone and tries again.
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


def _log_files(path: Path) -> tuple[Path, Path]:
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _require_current(path: Path) -> None:
    if _check_header(path) < schema.version():
        raise ProjectError(f"{path}: the project was made by an older version of this program; open it in the app once")


def _check_header(path: Path) -> int:
    """Refuse what is no whole project of this version or an older one; the version."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
    except IsADirectoryError as error:
        raise ProjectError(f"{path}: this is a folder, not a project file") from error
    except OSError as error:
        raise ProjectError(f"{path}: cannot read the project ({error.strerror}); check the path") from error
    if len(header) < _HEADER_BYTES or header[:16] != _MAGIC:
        raise ProjectError(f"{path}: this is not a VISOLO project; open a .visolo file")
    page_size, pages, user_version, application_id = _header_fields(header)
    if application_id != schema.APPLICATION_ID:
        raise ProjectError(f"{path}: this is a database of another program, not a VISOLO project")
    if user_version > schema.version():
        raise ProjectError(
            f"{path}: the project was made by a newer version of this program"
            f" (file version {user_version}, this program knows {schema.version()}); install the newer one"
        )
    if pages * page_size > size and not _log_files(path)[0].exists():
        raise ProjectError(
            f"{path}: the project file is cut off ({size} of {pages * page_size} bytes); restore it from a copy"
        )
    return user_version


def _header_fields(header: bytes) -> tuple[int, int, int, int]:
    (page_size,) = struct.unpack_from(">H", header, 16)
    (pages,) = struct.unpack_from(">I", header, 28)
    (user_version,) = struct.unpack_from(">I", header, 60)
    (application_id,) = struct.unpack_from(">I", header, 68)
    return (65536 if page_size == 1 else page_size), pages, user_version, application_id


def _migrate_on_copy(path: Path) -> None:
    copy_path = path.with_name(f".{path.name}-migrating")
    copy_path.unlink(missing_ok=True)
    try:
        source, copy = sqlite3.connect(path), sqlite3.connect(copy_path, isolation_level=None)
        try:
            source.backup(copy)
            schema.migrate(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            copy.close()
            source.close()
        os.replace(copy_path, path)
    except OSError as error:
        raise ProjectError(f"{path}: cannot update the project to this version ({error.strerror})") from error
    finally:
        copy_path.unlink(missing_ok=True)
