"""Datasets made of datasets: merged, split, under another label set, with file names seen from another folder."""

import itertools
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from visolo.categories import Category, folded_name
from visolo.class_names import classes_by_name, counterpart
from visolo.errors import ConfigError
from visolo.io.ytvis_types import Annotation, Dataset, Video


def merge_datasets(datasets: Sequence[Dataset]) -> Dataset:
    """All videos of several datasets, numbered anew from 1 in the order given.

    Classes that share a name or synonym become one, called as the first; the first dataset's ids stay.
    """
    classes: list[Category] = []
    videos: list[Video] = []
    annotations: list[Annotation] = []
    for dataset in datasets:
        known = classes_by_name(classes)
        taken, new_ids = {category.category_id for category in classes}, {}
        for category in dataset.categories:
            target = counterpart(category, known)
            if target is None:
                free = category.category_id if category.category_id not in taken else max(taken) + 1
                target = replace(category, category_id=free)
                classes.append(target)
                known[folded_name(target.name)] = target
                taken.add(free)
            new_ids[category.category_id] = target.category_id
        video_ids = {video.video_id: len(videos) + i for i, video in enumerate(dataset.videos, start=1)}
        videos += (replace(video, video_id=video_ids[video.video_id]) for video in dataset.videos)
        for annotation in dataset.annotations:
            annotations.append(
                replace(
                    annotation,
                    annotation_id=len(annotations) + 1,
                    video_id=video_ids[annotation.video_id],
                    category_id=new_ids[annotation.category_id],
                )
            )
    first = datasets[0]
    return Dataset(tuple(videos), tuple(classes), tuple(annotations), first.info, first.licenses)


def split_dataset(dataset: Dataset, shares: Sequence[float], seed: int = 0) -> list[Dataset]:
    """Datasets with disjoint random videos; all ids and the file order stay.

    Args:
        dataset: what to split.
        shares: of the videos, in any unit: 80, 20 or 0.8, 0.2.
        seed: decides which videos go where.

    Raises:
        ConfigError: a share is not positive, or a part would get no video.
    """
    parts = split_ids([video.video_id for video in dataset.videos], shares, seed)
    return [_with_videos(dataset, part) for part in parts]


def split_ids(video_ids: Sequence[int], shares: Sequence[float], seed: int = 0) -> list[set[int]]:
    """Videos shared out at random; arguments and errors as for `split_dataset`."""
    if any(not share > 0 for share in shares):
        raise ConfigError("every share of a split must be greater than 0")
    shuffled = list(video_ids)
    random.Random(seed).shuffle(shuffled)
    edges = [round(len(shuffled) * sum(shares[:i]) / sum(shares)) for i in range(len(shares) + 1)]
    parts = [set(shuffled[start:stop]) for start, stop in itertools.pairwise(edges)]
    if not all(parts):
        raise ConfigError(f"there are too few videos ({len(shuffled)}) for {len(shares)} parts with these shares")
    return parts


def relabelled(dataset: Dataset, categories: Sequence[Category], new_ids: Mapping[int, int]) -> Dataset:
    """The dataset under other classes.

    Args:
        dataset: what to convert.
        categories: all classes of the result.
        new_ids: new category id by old one; annotations of others are left out.
    """
    annotations = tuple(
        replace(a, category_id=new_ids[a.category_id]) for a in dataset.annotations if a.category_id in new_ids
    )
    return replace(dataset, categories=tuple(categories), annotations=annotations)


def renamed(dataset: Dataset, names: Mapping[str, str]) -> Dataset:
    """The dataset with classes under other names; those that get one name become one class.

    Args:
        dataset: what to convert.
        names: new name by name; an empty one leaves the class and its tracks out.
    """
    asked = {folded_name(old): new for old, new in names.items()}
    wanted = {c.category_id: asked.get(folded_name(c.name), c.name) for c in dataset.categories}
    # Where classes join, the one that has the name already keeps its id.
    order = sorted(dataset.categories, key=lambda c: folded_name(c.name) != folded_name(wanted[c.category_id]))
    kept: dict[str, Category] = {}
    for category in order:
        if name := wanted[category.category_id]:
            kept.setdefault(folded_name(name), replace(category, name=name))
    new_ids = {old: kept[folded_name(name)].category_id for old, name in wanted.items() if name}
    used = set(new_ids.values())
    left = (replace(c, name=wanted[c.category_id]) for c in dataset.categories if c.category_id in used)
    return relabelled(dataset, tuple(left), new_ids)


def relocated(dataset: Dataset, old_folder: Path, new_folder: Path) -> Dataset:
    """The dataset with its file names, which start from one folder, starting from another."""

    def moved(name: str) -> str:
        return Path(os.path.relpath(old_folder / name, new_folder)).as_posix()

    videos = tuple(replace(v, file_names=tuple(moved(name) for name in v.file_names)) for v in dataset.videos)
    return replace(dataset, videos=videos)


def _with_videos(dataset: Dataset, video_ids: set[int]) -> Dataset:
    return replace(
        dataset,
        videos=tuple(v for v in dataset.videos if v.video_id in video_ids),
        annotations=tuple(a for a in dataset.annotations if a.video_id in video_ids),
    )
