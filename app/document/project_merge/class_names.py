"""Which class of theirs is which of ours: by name, and what one side renamed is still the same class."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.document import images
from app.document.classes import match_categories
from app.document.project_merge.ancestor import Ancestor
from app.document.queries import Queries
from visolo.categories import Category, folded_name
from visolo.class_names import classes_by_name, conflict

_NAMING = ("AddCategory", "RenameCategory", "ReviseCategories")


@dataclass(frozen=True)
class ClassMatch:
    """The classes of two projects.

    Attributes:
        ours: our class by theirs, also of those that they joined with another.
        missing: classes that ours lacks, by the ids that they would get.
        wanted: of these, those that people added since the common state.
        renamed: (class of ours, the name that they gave it).
        joined: (class of ours, the class of ours that they joined it with).
        described: classes of ours with the colour or the synonyms that only they gave them.
        notes: what could not be taken over, one sentence each.
    """

    ours: Mapping[int, int]
    missing: tuple[Category, ...]
    wanted: frozenset[int]
    renamed: tuple[tuple[int, str], ...]
    joined: tuple[tuple[int, int], ...]
    described: tuple[Category, ...]
    notes: tuple[str, ...]

    @property
    def has_news(self) -> bool:
        """Whether classes change, whatever becomes of the tracks."""
        return bool(self.wanted or self.renamed or self.joined or self.described)


def match_classes(ours: Queries, theirs: Queries, ancestor: Ancestor) -> ClassMatch:
    """Find what corresponds."""
    named_here, named_there = (_names_before(queries, ancestor.shared_entry) for queries in (ours, theirs))
    own = {c.category_id: c for c in ours.categories()}
    ids: dict[int, int] = {}
    renamed: list[tuple[int, str]] = []
    notes: list[str] = []
    rest: list[Category] = []
    for category in theirs.categories():
        mine, before = own.get(category.category_id), named_there.get(category.category_id, category.name)
        is_same = ancestor.shared_entry and mine and before and before == named_here.get(mine.category_id, mine.name)
        if mine is None or not is_same or _means_another(own, mine, category.name):
            rest.append(category)
            continue
        ids[category.category_id] = mine.category_id
        if category.name != before and mine.name == before:
            renamed.append((mine.category_id, category.name))
        elif category.name not in (before, mine.name):
            notes.append(f"Class {before} was renamed on both sides; it stays {mine.name}, not {category.name}.")
    added, others = match_categories(ours, rest)
    ids |= others
    described = _described(own, {ids[c.category_id]: c for c in theirs.categories()})
    joined: list[tuple[int, int]] = []
    for category_id, name in theirs.rows("SELECT category_id, name FROM categories"):
        if category_id not in ids:
            target = ids[category_id] = ids[theirs.cache.joined_with(category_id)]
            mine = own.get(category_id)
            is_same = mine is not None and mine.name in (name, named_there.get(category_id))
            if ancestor.shared_entry and is_same and category_id != target:
                joined.append((category_id, target))
    new = [c.category_id for c in rest if named_there.get(c.category_id, c.name) is None]
    wanted = frozenset(others[i] for i in new) & {category.category_id for category in added}
    return ClassMatch(ids, added, wanted, tuple(renamed), tuple(joined), described, tuple(notes))


def _means_another(own: Mapping[int, Category], mine: Category, name: str) -> bool:
    """Whether another class of ours goes by a name."""
    meant = classes_by_name(own.values()).get(folded_name(name))
    return meant is not None and meant.category_id != mine.category_id


def _described(own: Mapping[int, Category], theirs: Mapping[int, Category]) -> tuple[Category, ...]:
    """Our classes that have neither colour nor synonyms, as they have them, where that stands against nothing."""
    after = dict(own)
    for category_id, other in theirs.items():
        mine = own.get(category_id)
        if mine is not None and not (mine.color or mine.synonyms) and (other.color or other.synonyms):
            described = replace(mine, color=other.color, synonyms=other.synonyms)
            if not conflict([*(c for c in after.values() if c.category_id != category_id), described]):
                after[category_id] = described
    return tuple(category for category_id, category in after.items() if category != own[category_id])


def _names_before(queries: Queries, entry_id: int) -> dict[int, str | None]:
    """Names of classes as they were, of those that people named since an entry; None for those that were not there."""
    before: dict[int, str | None] = {}
    if not entry_id:
        return before
    rows = queries.rows(
        "SELECT images FROM history JOIN history_parts USING (entry_id)"
        f" WHERE entry_id > ? AND NOT undone AND json_extract(edit, '$.edit') IN ({','.join('?' * len(_NAMING))})"
        " ORDER BY entry_id, part_id",
        entry_id,
        *_NAMING,
    )
    for (data,) in rows:
        for (table, key), (old, _) in images.decode(data).rows.items():
            if table == "categories":
                before.setdefault(int(key[0] or 0), None if old is None else str(old[0]))
    return before
