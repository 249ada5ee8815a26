"""The list of classes as a whole: how it is used, what a person wants it to be, and the edit that makes it so."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.document.classes import put_details
from app.document.queries import Queries
from app.document.records import EditRefused
from app.document.transaction import Transaction
from visolo.categories import Category, folded_name
from visolo.class_names import conflict
from visolo.io.label_sets import color_of


@dataclass(frozen=True)
class ReviseCategories:
    """Rename, join, describe, add and remove classes in all videos at once, locked and confirmed tracks included.

    Attributes:
        joined: (class, the class that its tracks get, and all that runs find of it).
        named: (class, its name), of those that are new or renamed.
        removed: classes that nothing needs any more; those that tracks or model runs refer to cannot be removed.
        described: (class, its colour "#rrggbb" or None, its synonyms), of those that shall have others.
    """

    joined: tuple[tuple[int, int], ...] = ()
    named: tuple[tuple[int, str], ...] = ()
    removed: tuple[int, ...] = ()
    described: tuple[tuple[int, str | None, tuple[str, ...]], ...] = ()

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        parts = [
            (self.joined, "joined"),
            (self.named, "named"),
            (self.removed, "removed"),
            (self.described, "given colours or synonyms"),
        ]
        return "Revise classes: " + ", ".join(f"{len(ids)} {what}" for ids, what in parts if ids)

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        if self == ReviseCategories():
            raise EditRefused("Nothing to change: the classes are so already")
        for category_id, name in self.named:
            if category_id < 1 or not folded_name(name):
                raise EditRefused("A class needs a name")
            transaction.put_row("categories", (category_id,), (name.strip(),))
        for category_id, target in self.joined:
            self._join(transaction, category_id, target)
        self._remove(transaction)
        for category_id, color, synonyms in self.described:
            put_details(transaction, _described(transaction, category_id, color, synonyms))
        if problem := conflict(transaction.document.categories()):
            raise EditRefused(problem)

    def _join(self, transaction: Transaction, category_id: int, target: int) -> None:
        known = {category.category_id for category in transaction.document.categories()}
        if target not in known or target in self.removed or category_id == target:
            raise EditRefused(f"There is no class {target} in this project; add it first")
        _move_tracks(transaction, category_id, target)
        if category_id not in self.removed:
            transaction.put_row("category_details", (category_id,), (None, "[]", target))

    def _remove(self, transaction: Transaction) -> None:
        uses = category_uses(transaction.document)
        for category_id in self.removed:
            if category_id not in uses:
                raise EditRefused(f"There is no class {category_id} in this project")
            if uses[category_id].track_count or not uses[category_id].is_free:
                raise EditRefused(f"Class {category_id} is in use; give its tracks another class first")
            transaction.put_row("categories", (category_id,), None)
            transaction.put_row("category_details", (category_id,), None)


class CategoryUse(NamedTuple):
    """What refers to a class.

    Attributes:
        track_count: tracks that are present somewhere, in all videos.
        mask_count: their masks.
        is_free: nothing but these tracks needs it: no model run, nothing that was removed.
    """

    track_count: int = 0
    mask_count: int = 0
    is_free: bool = True


def category_uses(queries: Queries) -> dict[int, CategoryUse]:
    """How every class is used, hidden ones included."""
    shown: dict[tuple[int, int], int] = {}
    counts: dict[int, list[int]] = {}
    for video in queries.videos():
        for summary in queries.tracks(video.video_id):
            shown[video.video_id, summary.track.track_id] = summary.track.category_id
            count = counts.setdefault(summary.track.category_id, [0, 0])
            count[0] += 1
            count[1] += summary.frame_count
    rows = queries.rows("SELECT video_id, track_id, category_id FROM tracks")
    needed = {category_id for *key, category_id in rows if shown.get((key[0], key[1])) != category_id}
    for (text,) in queries.rows("SELECT DISTINCT category_ids FROM runs"):
        needed.update(map(int, json.loads(text)))
    needed |= set(map(queries.cache.joined_with, needed))
    uses: dict[int, CategoryUse] = {}
    for (category_id,) in queries.rows("SELECT category_id FROM categories"):
        track_count, mask_count = counts.get(category_id, (0, 0))
        uses[category_id] = CategoryUse(track_count, mask_count, category_id not in needed)
    return uses


def revision(
    categories: Sequence[Category],
    uses: Mapping[int, CategoryUse],
    wanted: Sequence[Category],
    *,
    removes_unused: bool = False,
) -> ReviseCategories:
    """The edit after which the classes are what is wanted; classes that get one name become one class.

    Of these the one stays that has the name already, else the one with the lowest id. A name that is given up becomes a
    synonym, unless another class has it, so that files and models that use it go on being understood.

    Args:
        categories: of the project.
        uses: of `category_uses`.
        wanted: all classes of the project as they shall be, and under id 0 those that there shall be, too.
        removes_unused: also remove classes without tracks that nothing refers to.
    """
    before = {category.category_id: category for category in categories}
    groups, added = _by_name(wanted)
    removed = _unused(groups, uses, set(added)) if removes_unused else set()
    taken = {name for category in wanted for name in map(folded_name, (category.name, *category.synonyms))}
    joined: list[tuple[int, int]] = []
    after: list[Category] = []
    for folded, group in groups.items():
        ids = [category.category_id for category in group]
        if removed.issuperset(ids):
            continue
        kept_id = next((i for i in ids if folded_name(before[i].name) == folded), min(ids))
        others = [i for i in ids if i != kept_id]
        joined += [(i, kept_id) for i in others]
        removed |= {i for i in others if uses[i].is_free}
        given_up = [before[i].name for i in ids if folded_name(before[i].name) not in taken]
        group.sort(key=lambda c: c.category_id != kept_id)
        after.append(_united([*group, *([added[folded]] if folded in added else [])], given_up))
    new = [category for folded, category in added.items() if folded not in groups]
    after += [replace(category, category_id=i) for i, category in enumerate(new, start=max(uses, default=0) + 1)]
    known = {category_id: (c.name, c.color, c.synonyms) for category_id, c in before.items()}
    changes = [(c, known.get(c.category_id, ("", None, ()))) for c in after]
    return ReviseCategories(
        tuple(joined),
        tuple((c.category_id, c.name) for c, old in changes if c.name != old[0]),
        tuple(sorted(removed)),
        tuple((c.category_id, c.color, c.synonyms) for c, old in changes if (c.color, c.synonyms) != old[1:]),
    )


def revised(categories: Sequence[Category], edit: ReviseCategories) -> list[Category]:
    """The classes as the edit would leave them, whether it can be made or not."""
    gone = {category_id for category_id, _ in edit.joined} | set(edit.removed)
    after = {category.category_id: category for category in categories if category.category_id not in gone}
    for category_id, name in edit.named:
        after[category_id] = replace(after.get(category_id, Category(category_id, "")), name=name)
    for category_id, color, synonyms in edit.described:
        after[category_id] = replace(after[category_id], color=color, synonyms=synonyms)
    return list(after.values())


def _by_name(wanted: Sequence[Category]) -> tuple[dict[str, list[Category]], dict[str, Category]]:
    """The project's classes, and those to be added, by folded name."""
    groups: dict[str, list[Category]] = {}
    added: dict[str, Category] = {}
    for category in wanted:
        if category.category_id:
            groups.setdefault(folded_name(category.name), []).append(category)
        else:
            added.setdefault(folded_name(category.name), category)
    return groups, added


def _unused(
    groups: Mapping[str, Sequence[Category]], uses: Mapping[int, CategoryUse], wanted_anyway: set[str]
) -> set[int]:
    """Classes that nothing refers to, stay alone, and are not asked for."""
    alone = {
        group[0].category_id for folded, group in groups.items() if len(group) == 1 and folded not in wanted_anyway
    }
    return {category_id for category_id in alone if uses[category_id].is_free and not uses[category_id].track_count}


def _united(group: Sequence[Category], given_up: Sequence[str]) -> Category:
    """The first class with a colour and all synonyms of those that become one with it."""
    kept = group[0]
    synonyms: dict[str, str] = {}
    for text in (*(s for category in group for s in category.synonyms), *given_up):
        if folded_name(text) not in ("", folded_name(kept.name)):
            synonyms.setdefault(folded_name(text), text.strip())
    color = next((category.color for category in group if category.color), None)
    return Category(kept.category_id, kept.name.strip(), color, tuple(synonyms.values()))


def _described(transaction: Transaction, category_id: int, color: str | None, synonyms: tuple[str, ...]) -> Category:
    known = {category.category_id: category for category in transaction.document.categories()}
    if category_id not in known:
        raise EditRefused(f"There is no class {category_id} in this project; add it first")
    if color is not None and color_of(color) != color:
        raise EditRefused(f"{color} is no colour; write it as #rrggbb")
    return replace(known[category_id], color=color, synonyms=synonyms)


def _move_tracks(transaction: Transaction, category_id: int, target: int) -> None:
    """Give tracks of a class another; those that are present nowhere (any more) begin with it, too."""
    document = transaction.document
    present = [summary.track for video in document.videos() for summary in document.tracks(video.video_id)]
    began = document.rows(
        "SELECT video_id, track_id, category_set, locked FROM tracks WHERE category_id = ?", category_id
    )
    rows = {(video_id, track_id): (target, is_set, locked) for video_id, track_id, is_set, locked in began}
    rows |= {(t.video_id, t.track_id): (target, 1, int(t.locked)) for t in present if t.category_id == category_id}
    for key, values in rows.items():
        transaction.put_row("tracks", key, values)
