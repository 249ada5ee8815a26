"""Strict access to the fields of one JSON object; every mistake names the object and the field."""

import math
from collections.abc import Iterable
from typing import Any

from visolo.errors import AnnotationError

_MAX_ID = 2**63 - 1  # what other readers and databases can hold


class Fields:
    """The fields of one JSON object.

    Args:
        value: what stands in the file; anything but an object is refused.
        where: place in the file, said first in every message, e.g. ``gt.json: videos[3]``.

    Raises:
        AnnotationError: by the constructor and every method, when the file does not hold what is asked for.
    """

    def __init__(self, value: Any, where: str) -> None:  # noqa: ANN401 - anything may stand in a user's file
        if not isinstance(value, dict):
            raise AnnotationError(f"{where}: expected an object in braces, not {described(value)}")
        self._value: dict[str, Any] = value
        self.where = where

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self._value.get(key) is not None

    def whole(self, key: str, minimum: int = 0) -> int:
        """A whole number of at least `minimum`; 3.0 counts as 3, as some exporters write it."""
        value = self._required(key)
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not minimum <= value <= _MAX_ID:
            raise AnnotationError(
                f"{self.where}: '{key}' must be a whole number from {minimum}, not {described(value)}"
            )
        return value

    def number(self, key: str) -> float | int:
        """A finite number that is not negative."""
        value = self._required(key)
        if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
            raise AnnotationError(f"{self.where}: '{key}' must be a number of 0 or more, not {described(value)}")
        return value  # type: ignore[no-any-return]

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._required(key)
        if not isinstance(value, str) or not value:
            raise AnnotationError(f"{self.where}: '{key}' must be a text, not {described(value)}")
        return value

    def items(self, key: str) -> list[Any]:
        """A list of anything."""
        value = self._required(key)
        if not isinstance(value, list):
            raise AnnotationError(f"{self.where}: '{key}' must be a list, not {described(value)}")
        return value

    def _required(self, key: str) -> Any:  # noqa: ANN401 - whatever the JSON holds
        if key not in self._value:
            raise AnnotationError(f"{self.where}: has no '{key}'; the format needs it")
        return self._value[key]


def described(value: object) -> str:
    """A value of a user's file, short enough for a message."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    text = "null" if value is None else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def refuse_repeated(ids: Iterable[int], what: str, path: object) -> None:
    """Check that no id is given twice.

    Raises:
        AnnotationError: one is; the message names the first.
    """
    first_index: dict[int, int] = {}
    for index, one_id in enumerate(ids):
        if one_id in first_index:
            raise AnnotationError(
                f"{path}: {what}[{index}] has the id {one_id} of {what}[{first_index[one_id]}]; ids must differ"
            )
        first_index[one_id] = index
