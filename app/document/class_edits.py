"""The list of classes as a whole: how it is used, what a person wants it to be, and the edit that makes it so."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.document.queries import Queries
from app.document.records import EditRefused
from app.document.transaction import Transaction
from visolo.categories import Category, folded_name


@dataclass(frozen=True)
class ReviseCategories:
    """Rename, join, add and remove classes in all videos at once, locked and confirmed tracks included.

    Attributes:
        joined: (class, the class that its tracks get).
        named: (class, its name), of those that are new or renamed.
        removed: classes that nothing needs any more; those that tracks or model runs refer to cannot be removed.
    """

    joined: tuple[tuple[int, int], ...] = ()
    named: tuple[tuple[int, str], ...] = ()
    removed: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        parts = [(self.joined, "joined"), (self.named, "named"), (self.removed, "removed")]
        return "Revise classes: " + ", ".join(f"{len(ids)} {what}" for ids, what in parts if ids)

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        if not (self.joined or self.named or self.removed):
            raise EditRefused("Nothing to change: the classes are so already")
        for category_id, name in self.named:
            if category_id < 1 or not name.strip():
                raise EditRefused("A class needs a name")
            transaction.put_row("categories", (category_id,), (name.strip(),))
        known = {category.category_id for category in transaction.document.categories()}
        for category_id, target in self.joined:
            if target not in known or target in self.removed:
                raise EditRefused(f"There is no class {target} in this project; add it first")
            _move_tracks(transaction, category_id, target)
        self._remove(transaction)
        _check_names(transaction.document.categories())

    def _remove(self, transaction: Transaction) -> None:
        uses = category_uses(transaction.document)
        for category_id in self.removed:
            if category_id not in uses:
                raise EditRefused(f"There is no class {category_id} in this project")
            if uses[category_id].track_count or not uses[category_id].is_free:
                raise EditRefused(f"Class {category_id} is in use; give its tracks another class first")
            transaction.put_row("categories", (category_id,), None)


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
    """How every class is used."""
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
    uses: dict[int, CategoryUse] = {}
    for category in queries.categories():
        track_count, mask_count = counts.get(category.category_id, (0, 0))
        uses[category.category_id] = CategoryUse(track_count, mask_count, category.category_id not in needed)
    return uses


def revision(
    categories: Sequence[Category],
    uses: Mapping[int, CategoryUse],
    wanted: Mapping[int, str],
    added: Iterable[str] = (),
    *,
    removes_unused: bool = False,
) -> ReviseCategories:
    """The edit after which every class is called what is wanted; classes that get one name become one class.

    Of these the one stays that has the name already, else the one with the lowest id.

    Args:
        categories: of the project.
        uses: of `category_uses`.
        wanted: name by category id; a class that is not in it keeps its own.
        added: names of classes that there shall be, too.
        removes_unused: also remove classes without tracks that nothing refers to.
    """
    names = {c.category_id: wanted.get(c.category_id, c.name).strip() for c in categories}
    groups: dict[str, list[Category]] = {}
    for category in categories:
        groups.setdefault(folded_name(names[category.category_id]), []).append(category)
    added = [name.strip() for name in added]
    wanted_anyway = set(map(folded_name, added))
    joined: list[tuple[int, int]] = []
    named: list[tuple[int, str]] = []
    removed: list[int] = []
    for folded, group in groups.items():
        kept = next((c for c in group if folded_name(c.name) == folded), min(group, key=lambda c: c.category_id))
        others = [c.category_id for c in group if c is not kept]
        joined += [(category_id, kept.category_id) for category_id in others]
        removed += [category_id for category_id in others if uses[category_id].is_free]
        use = uses[kept.category_id]
        is_unused = not others and use.is_free and not use.track_count and folded not in wanted_anyway
        if removes_unused and is_unused:
            removed.append(kept.category_id)
        elif names[kept.category_id] != kept.name:
            named.append((kept.category_id, names[kept.category_id]))
    next_id = max((c.category_id for c in categories), default=0) + 1
    fresh = {folded_name(name): name for name in added if folded_name(name) not in groups}
    return ReviseCategories(tuple(joined), (*named, *enumerate(fresh.values(), start=next_id)), tuple(removed))


def _move_tracks(transaction: Transaction, category_id: int, target: int) -> None:
    document = transaction.document
    for video in document.videos():
        for summary in document.tracks(video.video_id):
            track = summary.track
            if track.category_id == category_id:
                transaction.put_row("tracks", (video.video_id, track.track_id), (target, 1, int(track.locked)))


def _check_names(categories: Sequence[Category]) -> None:
    names: dict[str, str] = {}
    for category in categories:
        if not folded_name(category.name):
            raise EditRefused("A class needs a name")
        if other := names.get(folded_name(category.name)):
            raise EditRefused(
                f"There would be two classes {other}; one is still in use: give both one name to join them"
            )
        names[folded_name(category.name)] = category.name
