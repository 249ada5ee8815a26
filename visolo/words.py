"""Numbers of things in words, for people."""


def counted(number: int, one: str, more: str | None = None) -> str:
    """A number of things: "1 mask", "2 masks"; `more` where that is not `one` with an s."""
    return f"{number} {one if number == 1 else more or one + 's'}"
