"""JSON text read piece by piece, so that a file of long mask lists is never one big tree of Python objects."""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from visolo.errors import AnnotationError

_WORDS = ("null", "true", "false", "-")
_SPACE = re.compile(r"[ \t\n\r]*")


class JsonText:
    """The text of one JSON file and a place in it; every mistake becomes one sentence with the place.

    Args:
        path: the file; it is read completely, as UTF-8.

    Raises:
        AnnotationError: the file is missing, unreadable, empty or no text.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._text = _read_text(self.path)
        self._decoder = json.JSONDecoder(parse_constant=self._refuse_constant)
        self._at = 0
        self._skip_space()
        if self._at == len(self._text):
            raise AnnotationError(f"{self.path}: the file is empty; export it again")

    def starts_with(self, char: str) -> bool:
        """Whether the next character is this one."""
        return self._text.startswith(char, self._at)

    def value(self) -> Any:  # noqa: ANN401 - whatever the JSON holds
        """Read one complete value."""
        try:
            value, self._at = self._decoder.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            rest = self._text[error.pos : error.pos + 8]
            is_cut = error.msg.startswith("Unterminated string") or any(word.startswith(rest) for word in _WORDS)
            self._fail(len(self._text) if is_cut else error.pos, error.msg)
        except RecursionError:
            self._fail(self._at, "brackets nested too deeply")
        except ValueError:  # a number of thousands of digits
            self._fail(self._at, "a number is too long")
        self._skip_space()
        return value

    def elements(self) -> Iterator[Any]:
        """Read the list that starts here, one element at a time."""
        self._take("[")
        if self.starts_with("]"):
            self._take("]")
            return
        while True:
            yield self.value()
            if self.starts_with("]"):
                self._take("]")
                return
            self._take(",")

    def keys(self) -> Iterator[str]:
        """Read the object that starts here: after each key the caller reads its value or elements."""
        self._take("{")
        if self.starts_with("}"):
            self._take("}")
            return
        while True:
            if not self.starts_with('"'):
                self._fail(self._at, "expected a name in quotes")
            key = self.value()
            self._take(":")
            yield key
            if self.starts_with("}"):
                self._take("}")
                return
            self._take(",")

    def end(self) -> None:
        """Check that nothing but space is left."""
        if self._at != len(self._text):
            self._fail(self._at, "something follows the end of the data")

    def _take(self, char: str) -> None:
        if not self.starts_with(char):
            self._fail(self._at, f"expected {char!r}")
        self._at += 1
        self._skip_space()

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None  # the pattern matches the empty string too
        self._at = match.end()

    def _refuse_constant(self, name: str) -> NoReturn:
        raise AnnotationError(f"{self.path}: holds {name}, which is not a JSON number; export it again")

    def _fail(self, position: int, problem: str) -> NoReturn:
        if position >= len(self._text.rstrip()):
            raise AnnotationError(
                f"{self.path}: the file ends in the middle of its data; it is cut off, export it again"
            )
        line = self._text.count("\n", 0, position) + 1
        column = position - self._text.rfind("\n", 0, position)
        raise AnnotationError(
            f"{self.path}: not valid JSON at line {line}, column {column} ({problem}); export it again"
        )


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except IsADirectoryError as error:
        raise AnnotationError(f"{path}: is a folder; name the JSON file in it") from error
    except FileNotFoundError as error:
        raise AnnotationError(f"{path}: there is no such file; check the path") from error
    except OSError as error:
        raise AnnotationError(
            f"{path}: cannot be read ({error.strerror}); check the file and its permissions"
        ) from error
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: is not a text file; a YouTube-VIS JSON file is expected") from error
