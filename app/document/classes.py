"""Matching of class lists by name and synonyms: a model's, a file's, the project's."""

import json
from collections.abc import Sequence
from dataclasses import replace

from app.document.queries import Queries
from app.document.transaction import Transaction
from visolo.categories import Category, folded_name
from visolo.class_names import classes_by_name, counterpart, without_conflicts


def match_categories(
    queries: Queries, categories: Sequence[Category], own: Sequence[Category] | None = None
) -> tuple[tuple[Category, ...], dict[int, int]]:
    """Match classes with the project's, whose names and synonyms stand.

    Args:
        queries: of the project.
        categories: to be matched.
        own: the project's classes as they are going to be; as they are when None.

    Returns:
        Classes to be added, with ids that are free (their own where possible) and those synonyms that mean no other
        class, and project id by given id.
    """
    own = queries.categories() if own is None else own
    known = classes_by_name(own)
    taken = {category_id for (category_id,) in queries.rows("SELECT category_id FROM categories")}
    added: list[Category] = []
    ids: dict[int, int] = {}
    for category in categories:
        target = counterpart(category, known)
        if target is None:
            is_free = category.category_id > 0 and category.category_id not in taken
            category_id = category.category_id if is_free else max(taken, default=0) + 1
            taken.add(category_id)
            target = replace(category, category_id=category_id)
            known[folded_name(category.name)] = target
            added.append(target)
        ids[category.category_id] = target.category_id
    return without_conflicts([*own, *added])[len(own) :], ids


def add_category(transaction: Transaction, category: Category) -> None:
    """Write a class that is new, with its colour and synonyms if it has any."""
    transaction.put_row("categories", (category.category_id,), (category.name,))
    if category.color or category.synonyms:
        put_details(transaction, category)


def put_details(transaction: Transaction, category: Category) -> None:
    """Write the colour and the synonyms of a class; no row when it has neither."""
    details = (category.color, json.dumps(category.synonyms, ensure_ascii=False), None)
    has_any = bool(category.color or category.synonyms)
    transaction.put_row("category_details", (category.category_id,), details if has_any else None)
