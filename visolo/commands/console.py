"""What a command says: results on stdout, warnings and progress on stderr."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm


def say(text: str = "") -> None:
    """Write one line of results."""
    sys.stdout.write(text + "\n")


def say_json(value: object) -> None:
    """Write one JSON object on one line."""
    say(json.dumps(value, ensure_ascii=False, allow_nan=False))


def warn(text: str) -> None:
    """Write one line about something that does not stop the command."""
    tqdm.write(f"visolo: warning: {one_line(text)}", file=sys.stderr)


def note(text: str) -> None:
    """Write one line about something that is as it should be, but good to know."""
    tqdm.write(f"visolo: note: {one_line(text)}", file=sys.stderr)


def progress(total: int | None, unit: str, *, quiet: bool = False) -> "tqdm[Any]":
    """A progress bar on stderr, a count where the total is not known; silent where stderr is no terminal."""
    return tqdm(total=total, unit=f" {unit}", file=sys.stderr, disable=True if quiet else None, dynamic_ncols=True)


def one_line(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Columns aligned: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for row in (header, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
