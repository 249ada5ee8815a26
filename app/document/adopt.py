"""What a model run adds to a project, frame by frame, while people edit.

Rules, in the order in which they are applied to a frame that lands:
1. Instances of earlier runs that nobody edited and that are neither confirmed nor of a locked track are replaced by
   what this run found.
2. What a person drew, edited, imported or confirmed stays. A detection whose track has such an instance in the frame,
   or that covers the same object (IoU of at least 0.7), or whose track a person marked or confirmed absent there, is
   set aside: kept as evidence of the run and counted in `Run.set_aside`, not shown. So is all of a confirmed frame.
3. A box without mask is a prompt: the detection whose box fits it best (IoU of boxes of at least 0.5) becomes the mask
   of its track, and the segmenter's track goes on there.
4. A detection of a track that was locked before the run, where that track is absent, goes to a track of its own.
5. Edits made since the run began are applied to the frame (see `RoutedEdit`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.document.box_prompts import best_pairs
from app.document.classes import add_category, match_categories
from app.document.confirmation import confirmed_content
from app.document.evidence import store_evidence
from app.document.held_masks import SAME_OBJECT_IOU
from app.document.history import History
from app.document.images import Cell
from app.document.records import Change, EditRefused, FrameRange, Origin
from app.document.transaction import Transaction
from visolo import rle as rle_masks
from visolo.categories import LabelSet
from visolo.results import FrameResult, InstanceResult
from visolo.rle import Rle

EndState = Literal["done", "stopped", "failed"]


class RunWriter:
    """Puts the frames of one run into the project; made by `begin_run`.

    Attributes:
        run_id: of its evidence and instances.
        entry_id: of the run in the history.
        head: next frame to be delivered.
        track_ids: document track by segmenter track; what the caller knows already is taken over, new ones are added.
    """

    def __init__(self, history: History, video_id: int, run_id: int, entry_id: int, head: int) -> None:
        self.video_id = video_id
        self.run_id = run_id
        self.entry_id = entry_id
        self.head = head
        self.wants_end = False
        self.track_ids: dict[int, int] = {}
        self._last_state: EndState = "stopped"
        self._history = history
        self._document = history.document
        self._overflow: dict[int, int] = {}
        video = history.document.video(video_id)
        self._size = (video.height, video.width)
        # As they are now: what people lock or mark later acts on the frames that land through `RoutedEdit`.
        self._locked = self._locked_tracks()
        self._absences = self._absent_frames()
        self._confirmed = confirmed_content(history.document, video_id)

    def add(self, results: Sequence[FrameResult]) -> Change:
        """Add frames that were computed, in one transaction, with the edits that wait for them.

        Args:
            results: of increasing frames, none before `head`.

        Raises:
            ValueError: a frame comes before `head`, its masks have not the video's size, or the run has ended.
            ProjectError: the frames cannot be stored; nothing was changed.
        """
        if self.wants_end or self._history.active_runs.get(self.video_id) is not self:
            raise ValueError("this run has ended")
        state = self.head, dict(self.track_ids), dict(self._overflow)
        change = Change()
        try:
            with self._document.transaction():
                for result in results:
                    change = change.union(self._add_frame(result))
        except BaseException:
            self.head, self.track_ids, self._overflow = state
            raise
        return change

    def finish(self, state: EndState) -> Change:
        """End the run; edits that waited for more frames are applied to what is there.

        Returns:
            What these edits changed beyond the head.

        Raises:
            ProjectError: this cannot be stored; the history tries again before the next edit.
        """
        if self._history.active_runs.get(self.video_id) is not self:
            raise ValueError("this run has ended")
        self.wants_end, self._last_state = True, state
        with self._document.transaction() as connection:
            change = self._history.extend_edits(self.video_id, self, None)
            connection.execute("UPDATE runs SET state = ? WHERE run_id = ?", (state, self.run_id))
        del self._history.active_runs[self.video_id]
        return change

    def end(self) -> None:
        """Try again to finish, after it could not be stored."""
        self.finish(self._last_state)

    def overflow_track(self, transaction: Transaction, track_id: int) -> int:
        """The track that takes in what is detected for a locked track; made when needed."""
        if track_id not in self._overflow:
            self._overflow[track_id] = self._document.next_track_id(self.video_id)
        target = self._overflow[track_id]
        if transaction.row("tracks", self.video_id, target) is None:
            category_id = self._document.track(self.video_id, track_id).category_id
            transaction.add_track(self.video_id, target, category_id, category_set=False)
        return target

    def _add_frame(self, result: FrameResult) -> Change:
        if result.frame_index < self.head:
            raise ValueError(f"frame {result.frame_index} comes after frame {self.head - 1}")
        everything = result.instances + result.hidden
        if wrong := {instance.rle.size for instance in everything} - {self._size}:
            raise ValueError(f"masks of frame {result.frame_index} are {wrong.pop()}, the video is {self._size}")
        transaction = Transaction(self._document, self.entry_id)
        kept = self._clear_frame(transaction, result.frame_index)
        mask_ids = [transaction.add_mask(instance.rle) for instance in everything]
        store_evidence(self._document, self.run_id, result, mask_ids)
        added = self._place(transaction, result, mask_ids[: len(result.instances)], kept)
        self._history.store_images(transaction)
        self._extend_cache(added, result)
        self.head = result.frame_index + 1
        self._document.connection.execute(
            "UPDATE runs SET head = ?, set_aside = set_aside + ? WHERE run_id = ?",
            (self.head, len(result.instances) - len(added), self.run_id),
        )
        frames = FrameRange(result.frame_index, result.frame_index)
        here = Change(frozenset({self.video_id}), frames=frames)
        return here.union(transaction.change).union(self._history.extend_edits(self.video_id, self, self.head))

    def _clear_frame(self, transaction: Transaction, frame_index: int) -> list[Cell]:
        present = transaction.frame_cells(self.video_id, frame_index)
        if not present:
            return []
        locked = self._locked | self._locked_tracks()
        open_ = [c for c in present if not self._confirmed.covers(c.track_id, frame_index)]
        replaced = [c for c in open_ if _is_replaceable(c) and c.track_id not in locked]
        transaction.replace_cells(replaced, [])
        return [c for c in present if c not in replaced]

    def _place(
        self, transaction: Transaction, result: FrameResult, mask_ids: list[int], kept: list[Cell]
    ) -> list[tuple[Cell, int]]:
        if self._confirmed.covers_frame(result.frame_index):
            return []
        masked = [cell for cell in kept if cell.origin != Origin.BOX]
        covered = self._overlaps(result, masked)
        answered = self._follow_boxes(transaction, result, covered)
        taken = {cell.track_id for cell in kept} - answered
        added: list[tuple[Cell, int]] = []
        for slot, (instance, mask_id) in enumerate(zip(result.instances, mask_ids, strict=True)):
            track_id = None if covered[slot] else self._target(transaction, instance, taken)
            if track_id is None or self._is_absent(track_id, result.frame_index):
                continue
            taken.add(track_id)
            position = (self.video_id, track_id, result.frame_index)
            score = float(np.float32(instance.score))
            cell = Cell(*position, mask_id, mask_id, score, int(Origin.MODEL), 0, self.run_id, slot)
            added.append((cell, slot))
        transaction.add_landed([cell for cell, _ in added])
        return added

    def _follow_boxes(
        self, transaction: Transaction, result: FrameResult, covered: NDArray[np.bool_]
    ) -> frozenset[int]:
        """Let detections answer the frame's boxes: those boxes go, and their tracks take the detections in.

        Returns:
            The tracks whose boxes went.
        """
        boxes = [c for c in transaction.frame_cells(self.video_id, result.frame_index) if c.origin == Origin.BOX]
        boxes = [cell for cell in boxes if cell.track_id not in self._locked]
        slots = np.flatnonzero(~covered).tolist()
        if not boxes or not slots:
            return frozenset()
        masks = {i.track_id: i.rle for i in self._document.instances(self.video_id, result.frame_index) if i.is_box}
        found = [rle_masks.bounding_box(result.instances[slot].rle) for slot in slots]
        pairs = best_pairs(found, [rle_masks.bounding_box(masks[cell.track_id]) for cell in boxes])
        for position, box in pairs:
            target = boxes[box].track_id
            # Whatever went on there before is another object.
            self.track_ids = {key: track_id for key, track_id in self.track_ids.items() if track_id != target}
            self.track_ids[result.instances[slots[position]].track_id] = target
        gone = [boxes[box] for _, box in pairs]
        transaction.replace_cells(gone, [])
        return frozenset(cell.track_id for cell in gone)

    def _target(self, transaction: Transaction, instance: InstanceResult, taken: set[int]) -> int | None:
        """Track of a detection; None when that track has an instance in the frame already."""
        track_id = self.track_ids.get(instance.track_id)
        if track_id is None:
            track_id = self.track_ids[instance.track_id] = self._document.next_track_id(self.video_id)
        if track_id in taken:
            return None
        if track_id in self._locked:
            track_id = self.overflow_track(transaction, track_id)
        elif transaction.row("tracks", self.video_id, track_id) is None:
            category_ids = self._document.cache.run_categories(self.run_id)
            transaction.add_track(self.video_id, track_id, category_ids[instance.category_index], category_set=False)
        return None if track_id in taken else track_id

    def _overlaps(self, result: FrameResult, kept: list[Cell]) -> NDArray[np.bool_]:
        if not kept or not result.instances:
            return np.zeros(len(result.instances), dtype=np.bool_)
        instances = self._document.instances(self.video_id, result.frame_index)
        others: list[Rle] = [i.rle for i in instances if i.rle.size == self._size and not i.is_box]
        overlaps = rle_masks.iou([i.rle for i in result.instances], others)
        return np.asarray((overlaps >= SAME_OBJECT_IOU).any(axis=1), dtype=np.bool_)

    def _is_absent(self, track_id: int, frame_index: int) -> bool:
        return self._confirmed.covers(track_id, frame_index) or any(
            r.first <= frame_index <= r.end for r in self._absences.get(track_id, ())
        )

    def _locked_tracks(self) -> frozenset[int]:
        sql = "SELECT track_id FROM tracks WHERE video_id = ? AND locked"
        return frozenset(row[0] for row in self._document.rows(sql, self.video_id))

    def _absent_frames(self) -> dict[int, list[FrameRange]]:
        sql = "SELECT track_id, first_frame, last_frame FROM absences WHERE video_id = ?"
        ranges: dict[int, list[FrameRange]] = {}
        for track_id, first, last in self._document.rows(sql, self.video_id):
            ranges.setdefault(track_id, []).append(FrameRange(first, last))
        return ranges

    def _extend_cache(self, added: list[tuple[Cell, int]], result: FrameResult) -> None:
        for cell, slot in added:
            scores = np.asarray(result.instances[slot].class_scores, dtype=np.float16)
            self._document.cache.extend(cell, scores)


def begin_run(
    history: History,
    video_id: int,
    settings: Mapping[str, Any],
    label_set: LabelSet,
    first_frame: int = 0,
    track_ids: Mapping[int, int] | None = None,
) -> RunWriter:
    """Start a run: one history entry that everything it adds belongs to.

    Args:
        history: of the open project.
        video_id: where the frames belong.
        settings: JSON values to remember with the run; `settings["model"]` is named in the history.
        label_set: the model's classes; those that the project lacks, by name, are added.
        first_frame: first frame that will be delivered.
        track_ids: document track by segmenter track, for a segmenter that was primed with `known_tracks`.

    Raises:
        EditRefused: a run is on in this video already.
        ProjectError: there is no such video, or the project cannot be written.
    """
    document = history.document
    document.video(video_id)
    history.end_runs()
    if video_id in history.active_runs:
        raise EditRefused("The model is running on this video already; stop that run first")
    text = f"Run {settings.get('model', 'model')} from frame {first_frame}"
    with document.transaction() as connection:
        entry_id = history.insert_entry(text, video_id, json.dumps({"edit": "Run"}))
        transaction = Transaction(document, entry_id)
        category_ids = _adopt_categories(transaction, label_set)
        for track_id in (track_ids or {}).values():
            # Made here, so that undoing an edit that came while the run was on can't take it away.
            if transaction.row("tracks", video_id, track_id) is None:
                transaction.add_track(video_id, track_id, category_ids[0], category_set=False)
        cursor = connection.execute(
            "INSERT INTO runs (video_id, entry_id, first_frame, head, state, settings, label_set, category_ids)"
            " VALUES (?,?,?,?,?,?,?,?)",
            (
                video_id,
                entry_id,
                first_frame,
                first_frame,
                "running",
                json.dumps(dict(settings)),
                label_set.name,
                json.dumps(category_ids),
            ),
        )
        history.store_images(transaction)
    assert cursor.lastrowid is not None
    run = RunWriter(history, video_id, cursor.lastrowid, entry_id, first_frame)
    run.track_ids.update(track_ids or {})
    history.active_runs[video_id] = run
    return run


def _adopt_categories(transaction: Transaction, label_set: LabelSet) -> list[int]:
    """Category id in the project of each of the model's class indices; classes that are missing by name are added."""
    added, ids = match_categories(transaction.document, label_set.categories)
    for category in added:
        add_category(transaction, category)
    return [ids[category.category_id] for category in label_set.categories]


def _is_replaceable(cell: Cell) -> bool:
    return cell.origin == Origin.MODEL and not cell.edited
