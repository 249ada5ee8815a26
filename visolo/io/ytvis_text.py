"""JSON files read element by element, so that a file of long mask lists is never one big tree of Python objects.

msgspec reads; where it stops, the standard library's reader is asked for the place and the words.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from visolo.errors import AnnotationError

Progress = Callable[[float], object]  # hears a share in [0, 1]; may raise to stop

_REPORT_EVERY = 64  # elements
_SPACE = re.compile(rb"[ \t\n\r]*")
_CUT_VALUE = re.compile(r"-?|n(ul?)?|t(ru?)?|f(a(ls?)?)?|[-+.eE\d]+")  # what may be left of a value that was cut off
_ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])


class JsonText:
    """One JSON file and a value in it, at first the whole; every mistake becomes one sentence with the place.

    Args:
        path: the file, UTF-8.

    Raises:
        AnnotationError: the file is missing, unreadable or empty; by the methods that read the value, when it is no
            JSON or a text or number in it is impossible.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._data = _read_bytes(self.path)
        if _first(self._data) == len(self._data):
            raise AnnotationError(f"{self.path}: the file is empty; export it again")
        self._here: bytes | msgspec.Raw = self._data

    def starts_with(self, char: str) -> bool:
        """Whether the first character of the value is this one."""
        here = memoryview(self._here)
        start = _first(here)
        return bytes(here[start : start + 1]) == char.encode()

    def value(self) -> Any:  # noqa: ANN401 - whatever the JSON holds
        """The complete value."""
        return self._decoded(_ANYTHING, self._here)

    def elements(
        self, decoder: "msgspec.json.Decoder[Any] | None" = None, progress: Progress | None = None
    ) -> Iterator[Any]:
        """The elements of the list, one at a time.

        Args:
            decoder: of the type that elements should have; those that do not are read as plain values.
            progress: hears how much of the list was taken; may raise to stop.
        """
        raws = self._decoded(_ELEMENTS, self._here)
        for index, raw in enumerate(raws):
            if progress is not None and index % _REPORT_EVERY == 0:
                progress(index / len(raws))
            if decoder is not None:
                try:
                    yield decoder.decode(raw)
                    continue
                except (msgspec.MsgspecError, ValueError):
                    pass
            yield self._decoded(_ANYTHING, raw)

    def keys(self) -> Iterator[str]:
        """The names in the object, one after the other; meanwhile the other methods are about the value of the name."""
        outer = self._here
        for name, inner in self._decoded(_MEMBERS, outer).items():
            self._here = inner
            yield name
        self._here = outer

    def values_beside(
        self, name: str, take: Callable[[Iterator[Any]], object], progress: Progress | None = None
    ) -> dict[str, Any]:
        """The values in the object by name, but for one list, whose elements are never all in memory.

        Args:
            name: of the list; where it is no list, its value is among the others.
            take: hears the elements one after the other, when the list comes.
            progress: see `elements`.
        """
        values: dict[str, Any] = {}
        for key in self.keys():
            if key == name and self.starts_with("["):
                take(self.elements(progress=progress))
            else:
                values[key] = self.value()
        return values

    def _decoded(self, decoder: "msgspec.json.Decoder[Any]", data: "bytes | msgspec.Raw") -> Any:  # noqa: ANN401
        try:
            return decoder.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._explain(error)

    def _explain(self, error: Exception) -> NoReturn:
        """Say what is wrong with the file and where."""
        try:
            text = self._data.decode("utf-8")
        except UnicodeDecodeError:
            raise AnnotationError(f"{self.path}: is not a text file; a YouTube-VIS JSON file is expected") from error
        reader = json.JSONDecoder(parse_constant=self._refuse_constant, object_pairs_hook=_forget)
        try:
            _, end = reader.raw_decode(text, len(text) - len(text.lstrip()))
        except json.JSONDecodeError as found:
            is_cut = found.msg.startswith("Unterminated string") or _CUT_VALUE.fullmatch(text.rstrip(), found.pos)
            self._fail(text, len(text) if is_cut else found.pos, found.msg)
        except RecursionError:
            self._fail(text, 0, "brackets nested too deeply")
        except ValueError:  # a number of thousands of digits
            self._fail(text, 0, "a number is too long")
        if text[end:].strip():
            self._fail(text, len(text) - len(text[end:].lstrip()), "something follows the end of the data")
        raise AnnotationError(f"{self.path}: not valid JSON ({str(error).lower()}); export it again") from error

    def _refuse_constant(self, name: str) -> NoReturn:
        raise AnnotationError(f"{self.path}: holds {name}, which is not a JSON number; export it again")

    def _fail(self, text: str, position: int, problem: str) -> NoReturn:
        if position >= len(text.rstrip()):
            raise AnnotationError(
                f"{self.path}: the file ends in the middle of its data; it is cut off, export it again"
            )
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        raise AnnotationError(
            f"{self.path}: not valid JSON at line {line}, column {column} ({problem}); export it again"
        )


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except IsADirectoryError as error:
        raise AnnotationError(f"{path}: is a folder; name the JSON file in it") from error
    except FileNotFoundError as error:
        raise AnnotationError(f"{path}: there is no such file; check the path") from error
    except OSError as error:
        raise AnnotationError(
            f"{path}: cannot be read ({error.strerror}); check the file and its permissions"
        ) from error


def _first(data: bytes | memoryview) -> int:
    """Index of the first byte that is no space."""
    match = _SPACE.match(data)
    assert match is not None  # the pattern matches nothing, too
    return match.end()


def _forget(_pairs: object) -> None:
    """Take the place of every object read, so that looking for a mistake needs little memory."""
