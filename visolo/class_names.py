"""Which class of another set is meant: by its name or a synonym, by published tables, or by a name much like it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from visolo.categories import Category, folded_name
from visolo.resources import resource_path

_LIKENESS = 0.84  # of two names, from 0 to 1, to be suggested for each other


def classes_by_name(categories: Iterable[Category]) -> dict[str, Category]:
    """Every class by its folded names; a name goes before a synonym, and a synonym of two classes means neither."""
    categories = list(categories)
    found: dict[str, Category | None] = {}
    for category in categories:
        for synonym in map(folded_name, category.synonyms):
            found[synonym] = category if found.get(synonym, category) is category else None
    found |= {folded_name(category.name): category for category in reversed(categories)}
    return {name: category for name, category in found.items() if category is not None and name}


def counterpart(category: Category, known: Mapping[str, Category]) -> Category | None:
    """The class of another set that is meant: the one of this name, else the only one that its synonyms name.

    Args:
        category: to be looked for.
        known: `classes_by_name` of the other set.
    """
    if (found := known.get(folded_name(category.name))) is not None:
        return found
    meant = {other.category_id: other for name in category.synonyms if (other := known.get(folded_name(name)))}
    return next(iter(meant.values())) if len(meant) == 1 else None


def suggested_names(categories: Sequence[Category], target: Sequence[Category]) -> dict[int, str]:
    """What classes are called in another set, by id; those without a counterpart are left out.

    The class of this name or synonym, else that of a published table where it is clear, else the one name much like it
    that no other class has.
    """
    known = classes_by_name(target)
    pairs = _published_pairs()
    found: dict[int, str] = {}
    for category in categories:
        meant = counterpart(category, known) or _published(folded_name(category.name), pairs, known)
        if meant is not None:
            found[category.category_id] = meant.name
    free = [name for name, category in known.items() if category.name not in found.values()]
    for category in categories:
        if category.category_id not in found:
            for name in get_close_matches(folded_name(category.name), free, n=1, cutoff=_LIKENESS):
                found[category.category_id] = known[name].name
    return found


def without_conflicts(categories: Iterable[Category]) -> tuple[Category, ...]:
    """The classes without those synonyms that are the name of a class, or a synonym of another; without repetitions."""
    categories = list(categories)
    known = classes_by_name(categories)
    names = {folded_name(category.name) for category in categories}
    clean: list[Category] = []
    for category in categories:
        own = {folded_name(s): s.strip() for s in category.synonyms if known.get(folded_name(s)) is category}
        clean.append(replace(category, synonyms=tuple(s for name, s in own.items() if name not in names)))
    return tuple(clean)


def conflict(categories: Iterable[Category]) -> str:
    """What stands against using these names together, as a sentence; empty when nothing does."""
    categories = list(categories)
    names: dict[str, Category] = {}
    for category in categories:
        if (other := names.setdefault(folded_name(category.name), category)) is not category:
            return f"There would be two classes {other.name}; give both one name to join them"
    synonyms: dict[str, Category] = {}
    for category in categories:
        for synonym in category.synonyms:
            other = names.get(folded_name(synonym), category)
            if other is not category:
                return (
                    f"{category.name} cannot have the synonym {synonym}: it is a class; give both one name to join them"
                )
            if (other := synonyms.setdefault(folded_name(synonym), category)) is not category:
                return f"{other.name} and {category.name} cannot both have the synonym {synonym}; leave it with one"
    return ""


def _published(name: str, pairs: set[tuple[str, str]], known: Mapping[str, Category]) -> Category | None:
    # Against a table's direction only where one class alone became this one: bicycle and motorcycle both are motorbike.
    meant = {new for old, new in pairs if old == name} or {old for old, new in pairs if new == name}
    candidates = [known[other] for other in meant if other in known]
    return candidates[0] if len(candidates) == 1 else None


def _published_pairs() -> set[tuple[str, str]]:
    """(name, name in the other set), folded, of all published tables."""
    pairs: set[tuple[str, str]] = set()
    for path in sorted(resource_path("mappings").glob("*.json")):
        maps = json.loads(path.read_text(encoding="utf-8"))["maps"].values()
        pairs |= {(folded_name(old), folded_name(new)) for table in maps for old, new in table.items()}
    return pairs
