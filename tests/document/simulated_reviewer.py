"""A person who follows a list of moments and mends what is wrong there, with every key counted.

One key goes to the next row, one accepts its proposal, and a mistake that is seen but has no right proposal costs
`BY_HAND` keys: the track, the other one, the scope, the command.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from review_errors import Error, errors_of
from review_truth import TrueProject

from app.document.edits import Edit
from app.document.queries import Queries
from app.document.records import EditRefused
from app.document.review.links import find_links
from app.document.review.observations import Observations
from app.document.suspicions import find_suspicions

BY_HAND = 4  # keys


class Moment(NamedTuple):
    """Where a list sends the person."""

    key: str
    frame_index: int
    track_ids: tuple[int, ...]
    proposal: Edit | None = None


Ranking = Callable[[Queries], list[Moment]]


def by_suspicion(queries: Queries) -> list[Moment]:
    """The review list of the app."""
    rows = find_suspicions(queries, 1)
    return [Moment(row.key, row.frame_index, row.track_ids, row.proposal) for row in rows]


def by_velocity(queries: Queries) -> list[Moment]:
    """Links in the order of how far the object moved in its own sizes per frame, best of each moment."""
    seen = Observations(queries, 1)
    later = np.flatnonzero(seen.previous >= 0)
    earlier = seen.previous[later]
    moved = np.linalg.norm(seen.centres[later] - seen.centres[earlier], axis=1) / seen.sizes[earlier]
    return _moments(seen, later[np.argsort(-moved / (seen.frames[later] - seen.frames[earlier]), kind="stable")])


def by_jump(queries: Queries) -> list[Moment]:
    """Links in the order of how far the object is from where its velocity leads, best of each moment."""
    seen = Observations(queries, 1)
    jumps = find_links(seen).jumps
    later = np.flatnonzero(~np.isnan(jumps))
    return _moments(seen, later[np.argsort(-jumps[later], kind="stable")])


def at_random(queries: Queries) -> list[Moment]:
    """The same links in no order, best of each moment."""
    seen = Observations(queries, 1)
    later = np.flatnonzero(seen.previous >= 0)
    chance = np.random.default_rng(0).random(int(seen.instances.max(initial=0)) + 1)
    return _moments(seen, later[np.argsort(chance[seen.instances[later]], kind="stable")])


RANKINGS: dict[str, Ranking] = {
    "ours": by_suspicion,
    "velocity": by_velocity,
    "jump": by_jump,
    "random": at_random,
}


def _moments(seen: Observations, ranked: np.ndarray) -> list[Moment]:
    """One row for a track within five frames, as the review list has it."""
    taken: dict[int, list[int]] = {}
    rows = []
    for position in ranked.tolist():
        frame, track = int(seen.frames[position]), int(seen.tracks[position])
        if all(abs(frame - other) > 5 for other in taken.setdefault(track, [])):
            taken[track].append(frame)
            rows.append(Moment(f"link:{int(seen.instances[position])}", frame, (track,)))
    return rows


class RankingScore(NamedTuple):
    """How soon a list shows the mistakes: average precision, share shown in the first 20 rows, how many there are."""

    average_precision: float
    recall_at_20: float
    errors: int


def score_ranking(rows: list[Moment], errors: list[Error]) -> RankingScore:
    """Of a list as it is before anything is mended; a row counts once, for mistakes that no row before it showed."""
    open_errors = list(range(len(errors)))
    hits, gained, precision_sum, in_20 = 0, 0, 0.0, 0
    for rank, row in enumerate(rows, 1):
        new = [e for e in open_errors if errors[e].is_seen(row.frame_index, row.track_ids)]
        open_errors = [e for e in open_errors if e not in new]
        if new:
            hits, gained = hits + 1, gained + len(new)
            precision_sum += len(new) * hits / rank
        if rank <= 20:
            in_20 = gained
    total = max(1, len(errors))
    return RankingScore(precision_sum / total, in_20 / total, len(errors))


@dataclass(frozen=True)
class Session:
    """What a review came to.

    Attributes:
        left: mistakes after each key, the first before any.
        accepted: proposals that were taken.
    """

    left: tuple[int, ...]
    accepted: int

    @property
    def fixed(self) -> int:
        """Mistakes that are gone."""
        return self.left[0] - self.left[-1]

    @property
    def keys_per_fix(self) -> float:
        """Keys for each; infinite where none was mended."""
        return self.keys / self.fixed if self.fixed else float("inf")

    @property
    def keys(self) -> int:
        """Pressed until the last mistake was mended."""
        return self.left.index(self.left[-1])

    def area(self, keys: int) -> float:
        """Under "share of the mistakes that are mended" over so many keys, in [0, 1]."""
        curve = (list(self.left) + [self.left[-1]] * keys)[: keys + 1]
        return float(np.mean([1 - left / max(1, self.left[0]) for left in curve[1:]]))


def review(project: TrueProject, ranking: Ranking, most_keys: int, by_hand: int = BY_HAND) -> Session:
    """Follow a list, made anew after every edit, to its end or for so many keys.

    Args:
        project: what is reviewed; it stays as the person leaves it.
        ranking: makes the list.
        most_keys: the person stops after these.
        by_hand: keys of a correction without a right proposal; 1 compares lists as if all had proposals.
    """
    left, accepted = [len(errors_of(project))], 0
    looked_at: set[str] = set()
    rows = ranking(project.document)
    while len(left) <= most_keys and left[-1]:
        row = next((r for r in rows if r.key not in looked_at), None)
        if row is None:
            break
        looked_at.add(row.key)
        keys, taken = _work_on(project, row, left[-1], by_hand)
        now = len(errors_of(project)) if keys > 1 else left[-1]
        left += [left[-1]] * (keys - 1) + [now]
        accepted += taken
        if keys > 1:
            rows = ranking(project.document)
    return Session(tuple(left), accepted)


def _work_on(project: TrueProject, row: Moment, before: int, by_hand: int) -> tuple[int, bool]:
    """Mend what the row shows; the keys that it took, and whether its proposal was accepted."""
    if row.proposal is not None and _mends(project, row.proposal, before):
        return 2, True
    keys = 1
    for error in errors_of(project):
        if error.is_seen(row.frame_index, row.track_ids) and _mends(project, error.mend, before):
            keys += by_hand
            before = len(errors_of(project))
    return keys, False


def _mends(project: TrueProject, edit: Edit, before: int) -> bool:
    """Make the edit; take it back where it leaves as many mistakes as there were."""
    try:
        project.history.do(edit)
    except EditRefused:
        return False
    if len(errors_of(project)) < before:
        return True
    project.history.undo()
    return False
