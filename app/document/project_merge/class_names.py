"""Which class of theirs is which of ours: by name, and what one side renamed is still the same class."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.document import images
from app.document.classes import match_categories
from app.document.project_merge.ancestor import Ancestor
from app.document.queries import Queries
from visolo.categories import Category
from visolo.class_names import conflict

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

    def __str__(self) -> str:
        """E.g. "Classes: otter is new, class 2 is called puppy."; empty where none change."""
        names = {category.category_id: category.name for category in self.missing}
        parts = [f"{names[category_id]} is new" for category_id in sorted(self.wanted)]
        parts += [f"class {category_id} is called {name}" for category_id, name in self.renamed]
        parts += [f"class {category_id} is joined with class {target}" for category_id, target in self.joined]
        parts += [f"{category.name} has a colour or synonyms" for category in self.described]
        return f"Classes: {', '.join(parts)}." if parts else ""


def match_classes(ours: Queries, theirs: Queries, ancestor: Ancestor) -> ClassMatch:
    """Find what corresponds."""
    named_here, named_there = (_names_before(queries, ancestor.shared_entry) for queries in (ours, theirs))
    own = {c.category_id: c for c in ours.categories()}
    ids: dict[int, int] = {}
    wanted: dict[int, str] = {}
    notes: list[str] = []
    rest: list[Category] = []
    for category in theirs.categories():
        mine, before = own.get(category.category_id), named_there.get(category.category_id, category.name)
        is_same = mine and before and before == named_here.get(mine.category_id, mine.name)
        if mine is None or not (ancestor.shared_entry and is_same):
            rest.append(category)
            continue
        ids[category.category_id] = mine.category_id
        if category.name != before and mine.name == before:
            wanted[mine.category_id] = category.name
        elif category.name not in (before, mine.name):
            notes.append(f"Class {before} was renamed on both sides; it stays {mine.name}, not {category.name}.")
    joined = _joined(theirs, own, named_there) if ancestor.shared_entry else {}
    after = _renamed({i: category for i, category in own.items() if i not in joined}, wanted, notes)
    added, others = match_categories(ours, rest, tuple(after.values()))
    ids |= others
    described = _described(after, {ids[c.category_id]: c for c in theirs.categories()})
    for (category_id,) in theirs.rows("SELECT category_id FROM categories"):
        ids.setdefault(category_id, ids[theirs.cache.joined_with(category_id)])
    new = [c.category_id for c in rest if named_there.get(c.category_id, c.name) is None]
    needed = frozenset(others[i] for i in new) & {category.category_id for category in added}
    renamed = tuple((i, category.name) for i, category in after.items() if category.name != own[i].name)
    pairs = tuple((category_id, ids[target]) for category_id, target in joined.items() if ids[target] != category_id)
    return ClassMatch(ids, added, needed, renamed, pairs, described, tuple(notes))


def _joined(theirs: Queries, own: Mapping[int, Category], named_there: Mapping[int, str | None]) -> dict[int, int]:
    """Classes of ours that they joined with another, and with which, in their ids."""
    rows = theirs.rows("SELECT category_id, name FROM categories JOIN category_details USING (category_id)")
    targets = {
        i: theirs.cache.joined_with(i) for i, name in rows if i in own and own[i].name in (name, named_there.get(i))
    }
    return {category_id: target for category_id, target in targets.items() if target != category_id}


def _renamed(own: Mapping[int, Category], wanted: Mapping[int, str], notes: list[str]) -> dict[int, Category]:
    """Our classes with the names that they gave them, but for those that would be called like another one."""
    after = {i: replace(category, name=wanted.get(i, category.name)) for i, category in own.items()}
    for category_id, name in wanted.items():
        if conflict(after.values()):
            after[category_id] = own[category_id]
            notes.append(
                f"Class {own[category_id].name} is called {name} there; it keeps its name, for another has that."
            )
    return after


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
