"""Objects that a file gives boxes of and no masks: how many, and where."""


class BoxesOnly:
    """Counts objects without masks; a box is never made a mask."""

    def __init__(self) -> None:
        self._count, self._first, self._last = 0, "", ""

    def add(self, where: str) -> None:
        """One more, e.g. at ``annotations[3], image v/00001.jpg``."""
        self._count += 1
        self._first = self._first or where
        self._last = where

    def notes(self) -> list[str]:
        """What to tell the user: nothing, or one sentence."""
        if not self._count:
            return []
        if self._count == 1:
            return [f"1 object has a box and no mask and is left out ({self._first})."]
        return [
            f"{self._count} objects have boxes and no masks and are left out, the first at {self._first}, the last at"
            f" {self._last}."
        ]
