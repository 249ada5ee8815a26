"""What two projects have in common: the point of one's history up to which the other has all of it, too."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Literal, NamedTuple

from app.document.queries import Queries

MERGE = "MergeProject"
"""Name of the edit in the history."""

_OF_NO_VIDEO = ("AddVideo", "AddCategory", "RenameCategory")
"""Edits that leave what is in the project's other videos as it is."""

SideName = Literal["ours", "theirs"]


@dataclass(frozen=True)
class Ancestor:
    """A state of one of the projects that the other one began with or has taken over.

    Attributes:
        side: whose history it is a point of.
        entry_id: the last entry of that state; None where there is no common state.
        shared_entry: the histories are the same up to this one, 0 for not at all.
        shared_mask, shared_run: ids up to these mean the same in both projects.
        since: by side, the entry after which its own work begins.
        tracks: what an earlier merge kept: own track by the other's, by video of the project that was merged into.
    """

    side: SideName
    entry_id: int | None
    shared_entry: int
    shared_mask: int
    shared_run: int
    since: Mapping[SideName, int]
    tracks: Mapping[int, Mapping[int, int]] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether there is a common state."""
        return self.entry_id is not None

    @property
    def their_news(self) -> int:
        """The entry of their history after which there may be something that ours has not."""
        return self.since["theirs"] if self.side == "theirs" else self.shared_entry

    def nothing(self) -> "Ancestor":
        """For a video that only one of them has."""
        return Ancestor("ours", self.entry_id, 0, 0, 0, {"ours": 0, "theirs": 0})

    def merged_tracks(self, our_video: int, their_video: int) -> dict[int, int]:
        """Our id by theirs of the tracks that an earlier merge brought together."""
        if self.side == "theirs":
            return dict(self.tracks.get(our_video, {}))
        return {mine: other for other, mine in self.tracks.get(their_video, {}).items()}


class _Mark(NamedTuple):
    """An earlier merge: when it was, and how far it took the other project, which is `side`, over."""

    created: float
    side: SideName
    entry_id: int
    since: Mapping[SideName, int]
    tracks: Mapping[int, Mapping[int, int]]


def find_ancestor(ours: Queries, theirs: Queries) -> Ancestor:
    """The latest state that is common to two projects."""
    pairs = zip(_entries(ours), _entries(theirs), strict=False)
    common = list(takewhile(lambda pair: pair[0][1:] == pair[1][1:], pairs))
    # What one side has undone since, the other still has: the common state is the other's.
    done = [max((pair[side][1] for pair in common if not pair[side][0]), default=0) for side in (0, 1)]
    begun: SideName = "ours" if done[0] >= done[1] else "theirs"
    shared_entry = max(done)
    marks = [*_marks(ours, theirs, "theirs", shared_entry), *_marks(theirs, ours, "ours", shared_entry)]
    latest = max(marks, key=lambda mark: mark.created, default=None)
    since: Mapping[SideName, int] = {"ours": done[0], "theirs": done[1]}
    side, entry_id, since, tracks = (begun, shared_entry or None, since, {}) if latest is None else latest[1:]
    # What is undone is gone with the next edit, and its masks are.
    mask, run = (min(_last_id(q, table, min(done)) for q in (ours, theirs)) for table in ("mask", "run"))
    return Ancestor(side, entry_id, shared_entry, mask, run, since, tracks)


def authors_since(theirs: Queries, ancestor: Ancestor) -> dict[str, int]:
    """Who made how many of their entries that ours lacks, the most first."""
    rows = theirs.rows(
        "SELECT author, count(*) FROM history WHERE entry_id > ? AND NOT undone GROUP BY author ORDER BY 2 DESC, 1",
        ancestor.their_news,
    )
    return {str(author): int(count) for author, count in rows}


def has_news(theirs: Queries, ancestor: Ancestor) -> Callable[[int], bool]:
    """Whether something was done in a video of theirs that ours may lack: of thousands they have worked on a few."""
    if not ancestor.is_known:
        return lambda _: True
    rows = theirs.rows(
        "SELECT DISTINCT video_id FROM history WHERE (entry_id > ?) = NOT undone"
        f" AND json_extract(edit, '$.edit') NOT IN ({','.join('?' * len(_OF_NO_VIDEO))})",
        ancestor.their_news,
        *_OF_NO_VIDEO,
    )
    touched = {row[0] for row in rows}
    return lambda video_id: None in touched or video_id in touched


def remembered_of(theirs: Queries, tracks: Mapping[int, Mapping[int, int]]) -> dict[str, Any]:
    """What the merge's entry keeps, so that the next one begins where this one ended."""
    rows = theirs.rows("SELECT entry_id, created FROM history WHERE NOT undone ORDER BY entry_id DESC LIMIT 1")
    head = list(rows[0]) if rows else [0, 0.0]
    return {"theirs": head, "tracks": {str(video): sorted(ids.items()) for video, ids in tracks.items()}}


def _entries(queries: Queries) -> list[Any]:
    """Of each entry whether it is undone, its id, and what else tells it from others, with how much it changed."""
    return queries.rows(
        "SELECT undone, entry_id, text, author, created, video_id, edit, count(part_id), sum(length(images))"
        " FROM history LEFT JOIN history_parts USING (entry_id) GROUP BY entry_id ORDER BY entry_id"
    )


def _marks(holder: Queries, other: Queries, side: SideName, shared_entry: int) -> list[_Mark]:
    """Merges in the history of `holder` that took `other` over, which is `side`."""
    found = []
    rows = holder.rows(
        "SELECT entry_id, created, edit FROM history"
        " WHERE NOT undone AND entry_id > ? AND json_extract(edit, '$.edit') = ?",
        shared_entry,
        MERGE,
    )
    holder_side: SideName = "ours" if side == "theirs" else "theirs"
    for merge_id, created, text in rows:
        value = json.loads(text)
        entry_id, head_created = value["theirs"]
        known = other.rows(
            "SELECT 1 FROM history WHERE entry_id = ? AND created = ? AND NOT undone", entry_id, head_created
        )
        if known and entry_id > shared_entry:
            tracks = {int(video): dict(pairs) for video, pairs in value["tracks"].items()}
            since: dict[SideName, int] = {side: entry_id, holder_side: merge_id}
            found.append(_Mark(created, side, entry_id, since, tracks))
    return found


def _last_id(queries: Queries, table: str, entry_id: int) -> int:
    sql = f"SELECT coalesce(max({table}_id), 0) FROM {table}s WHERE entry_id <= ?"
    return int(queries.rows(sql, entry_id)[0][0])
