"""Other thresholds tried on what runs have kept, without the network: the tracks a run with them would have made.

    replay = ThresholdReplay(queries, video_id, progress)   reads everything once; needs no connection afterwards
    replay.current, replay.lowest                           -> Thresholds
    replay.at(thresholds, progress)                         -> Reassociation: differences to walk, and one edit

What a person has touched, confirmed or locked stays; what a person has put away stays away; what is decided is obeyed
as in `reassociation`.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.document.association import decided_links, link_again, read_decisions, with_known_names
from app.document.association_edit import ReplaceAssociation, TakeThresholds
from app.document.candidates import decode_candidates
from app.document.evidence import run_similarity
from app.document.held_masks import covered_by_held
from app.document.images import Cell
from app.document.kept_detections import KeptDetections, read_kept
from app.document.queries import Queries
from app.document.reassociation import Reassociation, identity_changes
from app.document.records import EditRefused, Origin, Touch
from app.document.seen_instances import Ids, Progress, SeenInstances
from app.document.thresholds import Replayed, Thresholds, replayed, run_rules
from visolo.inference.linking import LinkState, TrackLinker

_FRAMES_AT_ONCE = 256  # between two reports of progress


class _Choice:
    """What a score threshold lets through: (n,) rank in the frame, -1 for what is not chosen, and (n,) scores."""

    def __init__(self, count: int) -> None:
        self.ranks: Ids = np.full(count, -1, np.int64)
        self.scores = np.zeros(count, np.float32)

    def shown(self, update_threshold: float) -> NDArray[np.bool_]:
        """(n,) whether an instance is shown at an update threshold, too."""
        return (self.ranks >= 0) & (self.scores >= np.float32(update_threshold))


class ThresholdReplay:
    """A video's kept evidence, ready to be looked at with any thresholds; out of date once the video is edited.

    Attributes:
        current: thresholds by which the tracks are what they are.
        lowest: down to where each of them can be tried.
        score_is_fixed: nothing was kept that another score threshold could show.
        reason: why not lower, in a sentence.
    """

    def __init__(self, queries: Queries, video_id: int, progress: Progress = lambda share: None) -> None:
        """Read it.

        Args:
            queries: of the project; a snapshot in a worker thread.
            video_id: of the video.
            progress: told the share that is done; raise in it to stop.

        Raises:
            EditRefused: a run is on in the video, none has been, or it did not note how it compares.
        """
        self._video_id = video_id
        self._kept = kept = read_kept(queries, video_id, progress)
        self._decisions = read_decisions(queries, video_id)
        self._state = LinkState(next_track_id=queries.next_track_id(video_id))
        self._rules = {run_id: run_rules(run) for run_id, run in kept.runs.items()}
        in_effect = {run_id: replayed(queries, run) for run_id, run in kept.runs.items()}
        self.current = in_effect[kept.latest_run.run_id].thresholds
        self._is_latest = _is_latest(kept)
        self._choices: dict[float, _Choice] = {}
        self._set_limits()
        self._tracks, self._touches = kept.column("track_id"), kept.column("edited")
        held = self._decisions.hold(kept.frames, self._tracks)
        self._is_held = (self._tracks > 0) & ((self._touches != Touch.NONE) | held)
        self._note_put_away(in_effect, progress)
        self._is_closed = self._put_away | self._decisions.confirmed.frames[kept.frames]
        able = (self._tracks == 0) & self._is_latest & ~self._is_closed
        self._is_closed |= covered_by_held(queries, kept, able, self._is_held)
        progress(1.0)

    def at(self, thresholds: Thresholds, progress: Progress = lambda share: None) -> Reassociation:
        """What other thresholds would change, and the edit that takes them.

        Raises:
            EditRefused: a threshold is below `lowest`, or above 1.
        """
        self._check(thresholds)
        kept, choice = self._kept, self._choice(thresholds.score, progress)
        shown = choice.shown(thresholds.update) & self._is_latest
        is_there = self._tracks > 0
        stays = is_there & (self._is_held | ~self._is_latest | shown)
        comes = ~is_there & shown & ~self._is_closed
        is_free = stays & shown & ~self._is_held
        scores = np.where(comes | is_free, choice.scores, kept.shown_scores)
        rows = np.flatnonzero(stays | comes)
        ranks = np.where(shown, choice.ranks, len(kept.frames) + kept.slots)[rows]
        rows = rows[np.lexsort((ranks, -scores[rows], kept.run_ids[rows], kept.frames[rows]))]
        after = np.zeros(len(kept.frames), np.int64)
        after[rows] = self._link(rows, thresholds, progress)
        return self._outcome(after, scores, thresholds)

    def _set_limits(self) -> None:
        runs = {frame.run_id for frame in self._kept.run_frames if frame.candidates is None}
        rules = self._rules.values()
        self.score_is_fixed = bool(runs)
        if runs:
            update = max(self._rules[run_id].update_threshold for run_id in runs)
            self.lowest = Thresholds(self.current.score, min(update, self.current.update), 0.0)
            self.reason = (
                f"The run kept only what it showed, so the score threshold stays {self.current.score:g} and the update"
                f" threshold can't go below {update:g}; run the model again to try others"
            )
            return
        floor = max(min(r.score_threshold, r.evidence_threshold) for r in rules)
        self.lowest = Thresholds(floor, 0.0, 0.0)
        self.reason = (
            f"The run kept nothing that scores below {floor:g}; to try less, run the model with a lower score threshold"
        )

    def _check(self, thresholds: Thresholds) -> None:
        values = thresholds.score, thresholds.update, thresholds.link
        if max(values) > 1 or min(values) < 0:
            raise EditRefused(f"Thresholds are from 0 to 1, not {thresholds}")
        is_too_low = thresholds.score < self.lowest.score or thresholds.update < self.lowest.update
        if is_too_low or (self.score_is_fixed and thresholds.score != self.current.score):
            raise EditRefused(self.reason)

    def _choice(self, score_threshold: float, progress: Progress) -> _Choice:
        """What a score threshold lets through; the latest few are remembered."""
        if score_threshold not in self._choices:
            if len(self._choices) > 3:
                del self._choices[next(iter(self._choices))]
            self._choices[score_threshold] = self._choose(score_threshold, progress)
        return self._choices[score_threshold]

    def _choose(self, score_threshold: float, progress: Progress) -> _Choice:
        kept, choice = self._kept, _Choice(len(self._kept.frames))
        rules = {
            run_id: replace(r, score_threshold=score_threshold, update_threshold=0.0)
            for run_id, r in self._rules.items()
        }
        for number, frame in enumerate(kept.run_frames):
            if number % _FRAMES_AT_ONCE == 0:
                progress(0.5 * number / len(kept.run_frames))
            if frame.candidates is None:
                here = slice(frame.first, frame.first + frame.count)
                choice.ranks[here] = np.arange(frame.count)
                choice.scores[here] = kept.found_scores[here]
            elif frame.count:
                # Raising the update threshold only shortens what is chosen, so one choice serves all of them.
                slots, scores = decode_candidates(frame.candidates).choose(rules[frame.run_id])
                choice.ranks[frame.first + slots] = np.arange(len(slots))
                choice.scores[frame.first + slots] = scores
        return choice

    def _note_put_away(self, in_effect: dict[int, Replayed], progress: Progress) -> None:
        """Find what the thresholds in effect would show and is not there."""
        kept = self._kept
        self._put_away = np.zeros(len(kept.frames), np.bool_)
        for run_id, current in in_effect.items():
            of_run = (kept.run_ids == run_id) & self._is_latest
            shown = self._choice(current.thresholds.score, progress).shown(current.thresholds.update)
            self._put_away |= of_run & shown & (self._tracks == 0)
        known = {entry for current in in_effect.values() for entry in current.kept_out}
        if known:
            keys = zip(kept.run_ids.tolist(), kept.frames.tolist(), kept.slots.tolist(), strict=True)
            self._put_away |= np.array([key in known for key in keys], np.bool_) & (self._tracks == 0)

    def _link(self, rows: Ids, thresholds: Thresholds, progress: Progress) -> Ids:
        """Tracks of some detections, (m,), as a run would give them under what is decided."""
        kept, run = self._kept, self._kept.latest_run
        others = np.array([(c.frame_index, c.track_id) for c in kept.others], np.int64).reshape(-1, 2)
        rules = thresholds.on(self._rules[run.run_id])
        seen = SeenInstances(
            self._video_id,
            run,
            rules,
            0,
            kept.frames[rows],
            self._tracks[rows],
            self._touches[rows],
            kept.shown_scores[rows],
            kept.queries[rows],
            kept.references[rows],
            others,
        )
        similarity = run_similarity(run)
        assert similarity is not None
        linker = TrackLinker(rules, similarity, decided_links(self._decisions, seen), self._state)
        return with_known_names(seen, link_again(seen, linker, progress), self._state, self._decisions)

    def _outcome(self, after: Ids, scores: NDArray[np.float32], thresholds: Thresholds) -> Reassociation:
        kept, before = self._kept, self._tracks
        is_moved = before != after
        is_rescored = ~is_moved & (before > 0) & (scores != kept.shown_scores)
        changed = np.flatnonzero(is_moved | is_rescored)
        if not len(changed):
            return Reassociation()
        replay = Replayed(thresholds, self._kept_out())
        text = f"Thresholds {thresholds}: {np.count_nonzero(is_moved)} instances change"
        edit = TakeThresholds(self._video_id, text, replay, lambda: self._replacement(text, changed, after, scores))
        changes = identity_changes(kept.frames, before, after)
        return Reassociation(changes, len(np.unique(kept.frames[is_moved])), int(is_rescored.sum()), edit)

    def _replacement(self, text: str, changed: Ids, after: Ids, scores: NDArray[np.float32]) -> ReplaceAssociation:
        """The rows of the project before and after."""
        shown = changed[self._tracks[changed] > 0]
        later = changed[after[changed] > 0]
        new_ids, firsts = np.unique(after, return_index=True)
        is_new = new_ids >= self._state.next_track_id
        categories = self._kept.categories[firsts[is_new]].tolist()
        return ReplaceAssociation(
            self._video_id,
            text,
            tuple(self._kept.shown_cells(shown, self._video_id)),
            tuple(self._cells_after(later, after, scores)),
            tuple(zip(new_ids[is_new].tolist(), categories, strict=True)),
        )

    def _cells_after(self, rows: Ids, after: Ids, scores: NDArray[np.float32]) -> list[Cell]:
        """The instances of some detections as they become."""
        kept = self._kept
        is_shown = self._tracks[rows] > 0
        moving, coming = rows[is_shown], rows[~is_shown]
        cells = kept.moved_cells(moving, self._video_id, after[moving], scores[moving])
        columns = after, kept.frames, kept.mask_ids, scores, kept.run_ids, kept.slots
        for track_id, frame_index, mask_id, score, *place in zip(*(c[coming].tolist() for c in columns), strict=True):
            position = self._video_id, track_id, frame_index
            cells.append(Cell(*position, mask_id, mask_id, score, int(Origin.MODEL), 0, *place))
        return cells

    def _kept_out(self) -> tuple[tuple[int, int, int], ...]:
        kept, rows = self._kept, np.flatnonzero(self._put_away)
        columns = (values[rows].tolist() for values in (kept.run_ids, kept.frames, kept.slots))
        return tuple(zip(*columns, strict=True))


def _is_latest(kept: KeptDetections) -> NDArray[np.bool_]:
    """(n,) whether a detection is of the latest run that has seen its frame: what earlier ones found was replaced."""
    latest = {frame.frame_index: frame.run_id for frame in kept.run_frames}
    last = max(latest) + 1
    by_frame = np.zeros(last, np.int64)
    by_frame[list(latest)] = list(latest.values())
    return np.asarray(by_frame[kept.frames] == kept.run_ids, np.bool_)
