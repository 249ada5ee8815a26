"""Where the files shipped with the product are: label sets, presets, models, samples, icons."""

from pathlib import Path

_PACKAGED = Path(__file__).parent / "_resources"
_CHECKOUT = Path(__file__).parents[1] / "resources"


def resource_path(*parts: str) -> Path:
    """Path of a shipped file or folder, in a checkout as in an installed wheel.

    Args:
        parts: below `resources/`, e.g. ``resource_path("labels", "ytvis2021.json")``. Existence is not checked.
    """
    root = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    return root.joinpath(*parts)
