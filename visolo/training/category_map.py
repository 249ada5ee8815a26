"""Which class of the network a category of a data file stands for: by the user's mapping, COCO's table, or its name."""

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from visolo.categories import Category, LabelSet, folded_name
from visolo.class_names import classes_by_name, counterpart
from visolo.errors import AnnotationError, ConfigError
from visolo.resources import resource_path

_COCO = "coco"  # the label set that needs no table for COCO's files


def match_categories(
    categories: Sequence[Category], label_set: LabelSet, path: Path, category_map: Mapping[str, str] | None = None
) -> tuple[dict[int, int], tuple[str, ...]]:
    """Class index by category id of the file, and the names that match no class.

    Args:
        categories: of the file; where a name matches no class, its synonyms are tried.
        label_set: classes of the network; case, spaces, hyphens and underscores make no difference.
        path: what to call the file in an error message.
        category_map: names of classes by names of categories, before everything else; an empty name leaves one out.

    Raises:
        AnnotationError: no category of the file matches the label set.
    """
    coco_table = json.loads(resource_path("mappings", "coco.json").read_text(encoding="utf-8"))
    pairs = {(c["id"], c["name"]) for c in coco_table["categories"]}
    is_coco = all((c.category_id, c.name) in pairs for c in categories) and label_set.name != _COCO
    renamed = coco_table["maps"].get(label_set.name, coco_table["maps"]["ytvis2021"]) if is_coco else {}
    asked = {folded_name(old): new for old, new in (category_map or {}).items()}
    known = classes_by_name(label_set.categories)
    index = {category.category_id: i for i, category in enumerate(label_set.categories)}
    classes, unknown = {}, []
    for category in categories:
        name = asked.get(folded_name(category.name), renamed.get(category.name, "") if is_coco else None)
        target = counterpart(category, known) if name is None else known.get(folded_name(name))
        if target is not None:
            classes[category.category_id] = index[target.category_id]
        else:
            unknown.append(category.name)
    if not classes:
        raise AnnotationError(
            f"{path}: no category matches the label set {label_set.name!r};"
            f" map one with --map {categories[0].name}=CLASS or choose another preset"
            if categories
            else f"{path}: has no categories; export it with its classes"
        )
    return classes, tuple(unknown)


def check_category_map(category_map: Mapping[str, str], label_set: LabelSet | None, names: Iterable[str]) -> None:
    """Check a mapping before a run.

    Args:
        category_map: the user's.
        label_set: classes that it may map to; None where any name will do.
        names: of the categories of all data files.

    Raises:
        ConfigError: it maps to no class, or from a category that no file has.
    """
    classes = [category.name for category in label_set.categories] if label_set else []
    known = list(dict.fromkeys(names))
    for old, new in category_map.items():
        if new and label_set and folded_name(new) not in map(folded_name, classes):
            raise ConfigError(
                f"--map {old}={new}: {label_set.name!r} has no class {new!r}{_hint(new, classes)}; choose one of it"
            )
        if folded_name(old) not in map(folded_name, known):
            raise ConfigError(
                f"--map {old}={new}: no data file has a category {old!r}{_hint(old, known)}; use a name of the file"
            )


def read_category_map(values: Sequence[str]) -> dict[str, str]:
    """What `--map` was given: OLD=NEW, or the path of a JSON object of such pairs.

    Raises:
        ConfigError: a value is neither.
    """
    pairs: dict[str, str] = {}
    for value in values:
        old, sign, new = value.partition("=")
        if sign and old:
            pairs[old.strip()] = new.strip()
        else:
            pairs |= _read_pairs(Path(value))
    return pairs


def _read_pairs(path: Path) -> dict[str, str]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"--map {path}: is neither OLD=NEW nor a JSON file that can be read ({error})") from error
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in table.values()):
        raise ConfigError(f'--map {path}: must hold an object of names, like {{"puppy": "dog"}}')
    return table


def _hint(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
