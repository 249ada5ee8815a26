"""The edit by which another project's work comes into the open one, as one entry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.document.class_edits import ReviseCategories
from app.document.classes import add_category
from app.document.content_edits import AddVideo
from app.document.images import Cell
from app.document.note_edits import new_note_id
from app.document.project_merge.ancestor import remembered_of
from app.document.project_merge.conflicts import Conflict
from app.document.project_merge.evidence_copy import copy_runs
from app.document.project_merge.facts import RowChange
from app.document.project_merge.plan import CellChange, Changes, ProjectMerge, VideoFate, VideoMerge, history_mark
from app.document.project_merge.their_project import read
from app.document.queries import Queries
from app.document.records import EditRefused
from app.document.stored_masks import read_masks
from app.document.transaction import Transaction
from visolo.rle import Rle
from visolo.words import counted

_STALE = "{} was edited since the comparison; compare again"


@dataclass(frozen=True, eq=False)
class MergeProject:
    """Take another project's work over.

    Attributes:
        merge: of `compare_projects`.
        taken: conflicts in which theirs is taken; in all others ours stays.
        added: ids, as the merge gives them, of videos that only they have and that shall be added.
        remembered: what the history keeps of it, see `ancestor`.
    """

    merge: ProjectMerge
    taken: frozenset[Conflict]
    added: frozenset[int]
    remembered: Mapping[str, Any]

    @classmethod
    def of(cls, merge: ProjectMerge, taken: Iterable[Conflict], added: Iterable[int]) -> "MergeProject":
        """The edit with what a person decided.

        Raises:
            ProjectError: their project cannot be read any more.
        """
        added = frozenset(added)
        tracks = {v.video.video_id: v.matched.all_tracks for v in _merged(merge, added) if v.matched is not None}
        with read(merge.theirs) as theirs:
            remembered = remembered_of(theirs, tracks)
        return cls(merge, frozenset(taken), added, remembered | {"authors": dict(merge.authors)})

    def is_needed(self) -> bool:
        """Whether it would change anything."""
        if self.added or self.merge.classes.has_news:
            return True
        changes = [video.changes(self.taken) for video in _merged(self.merge, self.added)]
        return any(c.cells or c.rows for c in changes)

    @property
    def video_id(self) -> int | None:
        """The only video that changes, for the history; None when there are several, or others are added."""
        changes = {v.video.video_id: v.changes(self.taken) for v in _merged(self.merge, self.added)}
        concerned = [video_id for video_id, change in changes.items() if change.cells or change.rows]
        return concerned[0] if len(concerned) == 1 and not self.added else None

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Merge {self.merge.people} work"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        merge, document = self.merge, transaction.document
        if history_mark(document, transaction.entry_id) != merge.ours_mark:
            raise EditRefused(_STALE.format("This project"))
        with read(merge.theirs) as theirs:
            if history_mark(theirs) != merge.theirs_mark:
                raise EditRefused(_STALE.format(merge.theirs.path.name))
            frames, tracks = 0, 0
            changed = False
            work = [(video, video.changes(self.taken)) for video in _merged(merge, self.added)]
            changed = self._add_classes(transaction, theirs, work)
            for video, changes in work:
                if video.fate is not VideoFate.MATCHED:
                    AddVideo(video.video).apply(transaction)
                changed = _VideoWriter(transaction, theirs, video, merge).write(changes) or changed
                frames += changes.coming.frame_count
                tracks += changes.coming.track_count
            changed = self._revise_classes(transaction) or changed
        if not changed and not self.added:
            raise EditRefused("Nothing differs, so there is nothing to merge")
        parts = [f"{counted(frames, 'frame')} of {counted(tracks, 'track')}"] if frames else []
        parts += [f"{counted(len(self.added), 'video')} added"] if self.added else []
        transaction.text = self.text + (f": {', '.join(parts)}" if parts else "")

    def _add_classes(
        self,
        transaction: Transaction,
        theirs: Queries,
        work: Sequence[tuple[VideoMerge, Changes]],
    ) -> bool:
        """Add the classes that are needed."""
        classes = self.merge.classes
        needed = set(classes.wanted) | {target for _, target in classes.joined}
        for video, changes in work:
            rows, cells = changes.rows, changes.cells
            needed |= {int(row.values[0] or 0) for row in rows if row.table == "tracks" and row.values is not None}
            runs = {c.outcome.mask.cell.run_id for c in cells if c.outcome.mask is not None}
            for run in theirs.runs(video.their_id):
                if -run.run_id in runs:
                    needed |= {classes.ours[category_id] for category_id in run.category_ids}
        added = [category for category in classes.missing if category.category_id in needed]
        for category in added:
            add_category(transaction, category)
        return bool(added)

    def _revise_classes(self, transaction: Transaction) -> bool:
        """Join, name and describe classes as they did; the tracks have theirs already, but for those only ours has."""
        classes = self.merge.classes
        for category_id, target in classes.joined:
            transaction.put_row("category_details", (category_id,), (None, "[]", target))
            sql = "SELECT video_id, track_id, category_set, locked FROM tracks WHERE category_id = ?"
            for video_id, track_id, is_set, locked in transaction.document.rows(sql, category_id):
                transaction.put_row("tracks", (video_id, track_id), (target, is_set, locked))
        described = tuple((c.category_id, c.color, c.synonyms) for c in classes.described)
        revision = ReviseCategories((), classes.renamed, (), described)
        if revision != ReviseCategories():
            revision.apply(transaction)
        return classes.has_news


class _VideoWriter:
    """Writes what changes in one video."""

    def __init__(self, transaction: Transaction, theirs: Queries, video: VideoMerge, merge: ProjectMerge) -> None:
        self._transaction, self._theirs, self._video, self._merge = transaction, theirs, video, merge
        self._masks: dict[int, int] = {}
        self._runs: dict[int, int] = {}

    def write(self, changes: Changes) -> bool:
        """Write all; whether that was anything."""
        cells, rows = changes.cells, changes.rows
        if not cells and not rows:
            return False
        tracks = [row for row in rows if row.table == "tracks"]
        rest = [row for row in rows if row.table != "tracks"]
        self._put(tracks)
        self._take_runs(cells)
        if cells:
            self._replace([c.before for c in cells if c.before is not None], self._after(cells))
        self._put(rest)
        return True

    def _replace(self, before: Sequence[Cell], after: Sequence[Cell]) -> None:
        video_id = self._video.video.video_id
        # What is confirmed is closed: it is opened for the moment, and closed again where it stays so.
        confirmed = self._confirmed_rows()
        for key, _ in confirmed:
            self._transaction.put_row("confirmed", (video_id, *key), None)
        self._transaction.replace_cells(before, after)
        for key, last in confirmed:
            self._transaction.put_row("confirmed", (video_id, *key), (last,))

    def _put(self, rows: Iterable[RowChange]) -> None:
        video_id = self._video.video.video_id
        for row in rows:
            key = row.key if row.key != (None,) else (new_note_id(self._transaction, video_id),)
            self._transaction.put_row(row.table, (video_id, *key), row.values)

    def _confirmed_rows(self) -> list[tuple[tuple[int, int], int]]:
        rows = self._transaction.document.rows(
            "SELECT track_id, first_frame, last_frame FROM confirmed WHERE video_id = ?", self._video.video.video_id
        )
        return [((track_id, first), last) for track_id, first, last in rows]

    def _take_runs(self, cells: Sequence[CellChange]) -> None:
        """The runs that found what comes over, with their evidence."""
        runs = {-c.outcome.mask.cell.run_id for c in cells if c.outcome.mask is not None}
        wanted = sorted(run_id for run_id in runs if run_id > 0)
        copied = copy_runs(self._transaction, self._theirs, self._video.video.video_id, wanted, self._merge)
        self._runs, self._masks = dict(copied.runs), dict(copied.masks)

    def _after(self, cells: Sequence[CellChange]) -> list[Cell]:
        needed = [c.outcome.mask.cell for c in cells if c.outcome.mask is not None and c.outcome.track_id is not None]
        theirs = [cell.mask_id for cell in needed if cell.mask_id < 0 and -cell.mask_id not in self._masks]
        for mask_id, mask in read_masks(self._theirs, [-i for i in theirs]).items():
            self._masks[mask_id] = self._transaction.add_mask(mask)
        return [self._cell(c) for c in cells if c.outcome.track_id is not None]

    def _cell(self, change: CellChange) -> Cell:
        outcome = change.outcome
        assert outcome.mask is not None
        assert outcome.track_id is not None
        cell = outcome.mask.cell
        mask_id = self._masks[-cell.mask_id] if cell.mask_id < 0 else cell.mask_id
        ours = outcome.thing.ours
        instance_id = cell.instance_id if ours is None else ours.cell.instance_id
        if instance_id < 0:  # an instance is called as its first mask
            instance_id = self._masks.get(-instance_id) or (mask_id if cell.mask_id < 0 else self._copy(mask_id))
        run_id = self._runs[-cell.run_id] if cell.run_id < 0 else cell.run_id
        video_id = self._video.video.video_id
        position = (video_id, outcome.track_id, cell.frame_index)
        return Cell(*position, instance_id, mask_id, cell.score, cell.origin, outcome.touch, run_id, cell.slot)

    def _copy(self, mask_id: int) -> int:
        mask: Rle = read_masks(self._transaction.document, [mask_id])[mask_id]
        return self._transaction.add_mask(mask)


def _merged(merge: ProjectMerge, added: frozenset[int]) -> list[VideoMerge]:
    """The videos that are merged: those of both, and those that shall be added."""
    return [v for v in merge.videos if v.fate is VideoFate.MATCHED or v.video.video_id in added]
