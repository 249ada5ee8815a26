"""Matching of class lists by name: a model's, a file's, the project's."""

from collections.abc import Sequence

from app.document.queries import Queries
from visolo.categories import Category


def match_categories(queries: Queries, categories: Sequence[Category]) -> tuple[tuple[Category, ...], dict[int, int]]:
    """Match classes with the project's by name.

    Returns:
        Classes to be added, with ids that are free (their own where possible), and project id by given id.
    """
    known = {c.name.casefold(): c.category_id for c in queries.categories()}
    taken = set(known.values())
    added: list[Category] = []
    ids: dict[int, int] = {}
    for category in categories:
        category_id = known.get(category.name.casefold())
        if category_id is None:
            is_free = category.category_id > 0 and category.category_id not in taken
            category_id = category.category_id if is_free else max(taken, default=0) + 1
            taken.add(category_id)
            known[category.name.casefold()] = category_id
            added.append(Category(category_id, category.name))
        ids[category.category_id] = category_id
    return tuple(added), ids
