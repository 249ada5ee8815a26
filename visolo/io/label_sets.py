"""Classes in JSON, with their colours and synonyms: the `categories` of datasets, and files of classes alone."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from visolo.categories import Category, folded_name
from visolo.class_names import without_conflicts
from visolo.errors import AnnotationError
from visolo.io.atomic import atomic_path
from visolo.io.ytvis_fields import Fields

_COLOR = re.compile(r"#[0-9a-f]{6}")
_CHANNELS = 3


def read_category(value: Any, where: str) -> Category:  # noqa: ANN401 - anything may stand in a user's file
    """One element of a file's 'categories'.

    Raises:
        AnnotationError: it has no usable id or name; a missing name becomes the id.
    """
    fields = Fields(value, where)
    category_id = fields.whole("id")
    name = fields.text("name") if fields.has("name") else str(category_id)
    return Category(category_id, name, color_of(value.get("color")), _synonyms(value.get("synonyms"), name))


def category_table(category: Category) -> dict[str, Any]:
    """A class as an element of 'categories': its colour as COCO's panoptic files have it, its synonyms as LVIS's."""
    table: dict[str, Any] = {"id": category.category_id, "name": category.name, "supercategory": "object"}
    if category.color:
        table["color"] = list(bytes.fromhex(category.color[1:]))
    if category.synonyms:
        table["synonyms"] = list(category.synonyms)
    return table


def color_of(value: object) -> str | None:
    """The colour, "#rrggbb", that a file means by such a text or by [red, green, blue]; None when it is neither."""
    if isinstance(value, str) and _COLOR.fullmatch(value.strip().lower()):
        return value.strip().lower()
    if isinstance(value, list) and len(value) == _CHANNELS and all(type(v) is int and 0 <= v <= 255 for v in value):
        return "#" + bytes(value).hex()
    return None


def read_label_set(path: Path) -> tuple[Category, ...]:
    """Classes in a file: the `categories` of a YouTube-VIS or COCO JSON, a JSON list of names, or a name a line.

    Classes without an id are numbered in their order; of two with one name the first counts; synonyms that could mean
    two classes are left out.

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
    found = [_listed(value) for value in values] if isinstance(values, list) else []
    named = {folded_name(c.name): c for c in reversed(found) if folded_name(c.name)}
    if not named:
        raise AnnotationError(
            f"{path}: holds no classes; give a file with `categories`, a list of names, or a name a line"
        )
    return without_conflicts(_numbered([c for c in found if named.get(folded_name(c.name)) is c]))


def write_label_set(path: Path, categories: Sequence[Category]) -> None:
    """Write classes as a JSON of `categories`, one a line.

    Raises:
        OutputError: the file cannot be written.
    """
    lines = ",\n".join(json.dumps(category_table(category), ensure_ascii=False) for category in categories)
    with atomic_path(path) as temporary:
        temporary.write_text(f'{{"categories": [\n{lines}\n]}}\n', encoding="utf-8")


def _listed(value: Any) -> Category:  # noqa: ANN401 - whatever JSON can hold
    """An element of a file's list; id 0 when it has none, no name when it is no class."""
    if not isinstance(value, dict):
        return Category(0, value.strip() if isinstance(value, str) else "")
    name, category_id = value.get("name"), value.get("id")
    if not isinstance(name, str):
        return Category(0, "")
    number = category_id if type(category_id) is int and category_id > 0 else 0
    return Category(number, name.strip(), color_of(value.get("color")), _synonyms(value.get("synonyms"), name))


def _numbered(categories: list[Category]) -> list[Category]:
    ids = [category.category_id for category in categories]
    if all(ids) and len(set(ids)) == len(ids):
        return categories
    return [replace(category, category_id=number) for number, category in enumerate(categories, start=1)]


def _synonyms(value: object, name: str) -> tuple[str, ...]:
    texts = [text.strip() for text in value if isinstance(text, str)] if isinstance(value, list) else []
    return tuple(dict.fromkeys(text for text in texts if folded_name(text) not in ("", folded_name(name))))
