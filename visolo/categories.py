"""Label sets: which category ids there are and what they are called; by what names they meet: `class_names.py`."""

import json
import re
from dataclasses import dataclass

from visolo.errors import ConfigError
from visolo.resources import resource_path


@dataclass(frozen=True)
class Category:
    """One class.

    Attributes:
        category_id: as in the dataset's JSON (from 1 in YouTube-VIS).
        color: "#rrggbb" if it has one of its own; see `visolo.palette.class_rgb`.
        synonyms: what else files and models call it.
    """

    category_id: int
    name: str
    color: str | None = None
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelSet:
    """An ordered list of classes; the network's class index is the position in it."""

    name: str
    categories: tuple[Category, ...]


def label_set_names() -> list[str]:
    """Names of the shipped label sets, sorted."""
    return sorted(path.stem for path in resource_path("labels").glob("*.json"))


def load_label_set(name: str) -> LabelSet:
    """Read a shipped label set.

    Raises:
        ConfigError: no label set has this name.
    """
    path = resource_path("labels", f"{name}.json")
    if name not in label_set_names():
        raise ConfigError(f"no label set is called {name!r}; there are {', '.join(label_set_names())}")
    table = json.loads(path.read_text(encoding="utf-8"))
    return LabelSet(name, tuple(Category(c["id"], c["name"]) for c in table["categories"]))


def folded_name(name: str) -> str:
    """What class names are compared by: case, spaces, hyphens and underscores make no difference."""
    return re.sub(r"[\s_\-]+", " ", name).strip().casefold()
