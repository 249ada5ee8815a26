"""Label sets: which category ids there are and what they are called."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visolo.errors import AnnotationError, ConfigError
from visolo.resources import resource_path


@dataclass(frozen=True)
class Category:
    """One class; `category_id` is as in the dataset's JSON (from 1 in YouTube-VIS)."""

    category_id: int
    name: str


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
    """What exports compare class names by: case, spaces, hyphens and underscores make no difference."""
    return re.sub(r"[\s_\-]+", " ", name).strip().casefold()


def mapped_names(names: Iterable[str], target: Iterable[str]) -> dict[str, str]:
    """Names of another set that mean the same: the equal one, else that of COCO's published table where it is clear.

    Args:
        names: to be mapped; those without a counterpart are left out of the answer.
        target: names of the other set.
    """
    known = {folded_name(name): name for name in target}
    table = json.loads(resource_path("mappings", "coco.json").read_text(encoding="utf-8"))["maps"]
    pairs = {(folded_name(old), folded_name(new)) for maps in table.values() for old, new in maps.items()}
    found: dict[str, str] = {}
    for name in names:
        own = folded_name(name)
        # From a set to COCO only where one class alone became this one: bicycle and motorcycle both are motorbike.
        meant = {new for old, new in pairs if old == own} or {old for old, new in pairs if new == own}
        candidates = [own] if own in known else [other for other in meant if other in known]
        if len(candidates) == 1:
            found[name] = known[candidates[0]]
    return found


def read_class_names(path: Path) -> list[str]:
    """Names of classes in a file: the `categories` of a YouTube-VIS or COCO JSON, a JSON list of names, or a line each.

    Raises:
        AnnotationError: it cannot be read, or no names are found in it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = json.loads(text) if text.lstrip()[:1] in ("{", "[") else text.splitlines()
    except (OSError, ValueError) as error:
        raise AnnotationError(f"{path}: cannot be read as classes ({error}); choose another file") from error
    values = table.get("categories", table.get("names")) if isinstance(table, dict) else table
    if isinstance(values, dict):  # {"0": "person", ...}
        values = list(values.values())
    names = [_class_name(value) for value in values] if isinstance(values, list) else []
    names = list({folded_name(name): name for name in names if name.strip()}.values())
    if not names:
        raise AnnotationError(
            f"{path}: holds no classes; give a file with `categories`, a list of names, or a name a line"
        )
    return names


def _class_name(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, dict):
        value = value.get("name", "")
    return value.strip() if isinstance(value, str) else ""
