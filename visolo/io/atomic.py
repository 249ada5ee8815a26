"""Writing files whole or not at all: a temporary neighbour, flushed, then renamed over the target."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from visolo.errors import OutputError

_TEMPORARY = re.compile(r"\..+-[a-z0-9_]{8}(\.[^.]+)?")  # as `atomic_path` has them named


@contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `target`; on success it replaces `target`, on any error it is removed.

    Args:
        target: the file to write. An existing file stays untouched until the new one is complete.

    Yields:
        A path in the same folder with the same suffix, to be written by the caller.

    Raises:
        OutputError: the folder is missing or read-only, the disk is full, or the target is a folder or a device.
    """
    target = Path(target)
    if target.exists() and not target.is_file():
        raise OutputError(f"{target}: this is not a file that can be replaced; choose another name")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise OutputError(f"{target}: cannot write there ({error.strerror}); choose another folder") from error
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(_default_mode())
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"{target}: writing failed ({error.strerror}); nothing was changed there") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def atomic_folder(target: Path | str) -> Iterator[Path]:
    """Give a new folder beside `target`; on success it becomes `target`, on any error it is removed with all in it.

    Args:
        target: a folder that is not there yet, or is empty: what is in a folder is never replaced.

    Yields:
        An empty folder, to be filled by the caller.

    Raises:
        OutputError: there is something at the target, the folder around is missing or read-only, or the disk is full.
    """
    target = Path(target)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise OutputError(f"{target}: is there already; name a new folder")
    with workplace(target) as temporary:
        yield temporary
        temporary.chmod(_default_mode(0o777))
        if target.exists():
            target.rmdir()
        os.replace(temporary, target)


@contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """A temporary folder beside what is to be written; gone afterwards, whatever happens.

    Raises:
        OutputError: there is no writing there, or something in the block failed to write.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.stem}-", dir=target.parent))
    except OSError as error:
        raise OutputError(f"{target}: cannot write there ({error.strerror}); choose another folder") from error
    try:
        yield folder
    except OSError as error:
        raise OutputError(f"{target}: writing failed ({error.strerror}); nothing was changed there") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(target: Path | str, text: str) -> None:
    """Write a UTF-8 text file atomically.

    Raises:
        OutputError: see `atomic_path`.
    """
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def place_together(new_by_target: Mapping[Path, Path], aside: Path) -> None:
    """Put several finished files and folders in their places: all of them, or none.

    Args:
        new_by_target: on the same file system as their targets; what lies there now is replaced, in this order.
        aside: an existing folder there, for what is replaced until all is done.

    Raises:
        OSError: one cannot be placed; all is as it was before.
    """
    done: list[tuple[Path, Path, Path | None]] = []  # target, new, what was there
    try:
        for number, (target, new) in enumerate(new_by_target.items()):
            target.parent.mkdir(exist_ok=True)
            old = aside / f"replaced-{number}" if target.exists() else None
            if old is not None:
                os.replace(target, old)
            done.append((target, new, old))
            os.replace(new, target)
    except OSError:
        for target, new, old in reversed(done):
            if not new.exists():
                os.replace(target, new)
            if old is not None:
                os.replace(old, target)
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a killed process left; nobody may be writing into the folder now.

    Raises:
        OutputError: one cannot be removed.
    """
    for path in folder.glob(".*-*") if folder.is_dir() else ():
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            try:
                path.unlink()
            except OSError as error:
                raise OutputError(
                    f"{path}: this leftover of a killed program cannot be removed ({error.strerror})"
                ) from error


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _default_mode(full: int = 0o666) -> int:
    mask = os.umask(0)
    os.umask(mask)
    return full & ~mask
