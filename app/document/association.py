"""What linking needs to be run again over stored evidence: a video's instances, what is decided about them, the state.

    read_seen(queries, video_id, first_frame, progress)     -> SeenInstances, or a refusal in words
    decided_links(queries, video_id, seen)                  -> LinkConstraints
    link_again(seen, linker, progress)                      -> track ids
    with_known_names(seen, linked, known, fresh)            -> the same with ids that the document has or may have

The rules of linking themselves are the engine's: `visolo.inference.linking`. No network is needed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.document.confirmation import confirmed_content
from app.document.evidence import comparable_runs, known_tracks, run_similarity
from app.document.queries import Queries
from app.document.records import EditRefused, FrameRange, Run, Touch
from visolo.config import InferenceConfig, config_from_table
from visolo.inference.linking import LinkConstraints, LinkState, Sighting, Similarity, TrackLinker, link_state

Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1, every now and then; may raise to stop."""

Ids = NDArray[np.int64]

_FEW_FRAMES = 256  # between two reports of progress, and where looking up by frame is quicker than reading tracks


@dataclass(frozen=True, eq=False)
class SeenInstances:
    """Instances of a video that one model detected, n of them, by frame and in the order of that frame's detections.

    Attributes:
        run: the latest run of the model; all that were read can be compared with its vectors.
        first_frame: of those that were read.
        frames, tracks: (n,) int64.
        touches: (n,) int64 values of `Touch`.
        scores: (n,) float32.
        queries, references: (n, E) float16.
        others: (m, 2) int64 frame and track of the other instances there, which no or another model detected.
    """

    video_id: int
    run: Run
    first_frame: int
    frames: Ids
    tracks: Ids
    touches: Ids
    scores: NDArray[np.float32]
    queries: NDArray[np.float16]
    references: NDArray[np.float16]
    others: Ids

    @property
    def similarity(self) -> Similarity:
        """How its vectors are compared."""
        similarity = run_similarity(self.run)
        assert similarity is not None
        return similarity

    @property
    def config(self) -> InferenceConfig:
        """The rules by which the run was made."""
        table: Any = self.run.settings.get("inference") or {}
        return config_from_table(InferenceConfig(), table, f"run {self.run.run_id}")

    def take(self, chosen: NDArray[np.bool_]) -> "SeenInstances":
        """Some of them, the rest is as if it was not there."""
        columns = ("frames", "tracks", "touches", "scores", "queries", "references")
        return replace(self, **{name: getattr(self, name)[chosen] for name in columns})


def read_seen(queries: Queries, video_id: int, first_frame: int, progress: Progress) -> SeenInstances:
    """The instances from a frame on whose association can be run again.

    Raises:
        EditRefused: a run is on in the video; no model saw anything there; its run did not note how it compares.
    """
    runs = {run.run_id: run for run in queries.runs(video_id)}
    if any(run.state == "running" for run in runs.values()):
        raise EditRefused("The model is running on this video; wait for it, or stop it, before associating again")
    table = _read_cells(queries, video_id, first_frame)
    progress(0.2)
    run_ids, counts = np.unique(table["run"][table["run"] > 0], return_counts=True)
    if not len(run_ids):
        raise EditRefused(f"No model has seen anything from frame {first_frame} on; run the model first")
    alike = comparable_runs(runs.values(), runs[int(run_ids[counts.argmax()])])
    run = runs[max(alike & set(run_ids.tolist()))]
    if run_similarity(run) is None:
        raise EditRefused("An older version ran the model and did not note how it compares; run the model again")
    seen = np.isin(table["run"], list(alike))
    others = table[~seen]
    table = table[seen]
    vectors = _read_vectors(queries, table, progress)
    return SeenInstances(
        video_id,
        run,
        first_frame,
        table["frame"],
        table["track"],
        table["touch"],
        table["score"].astype(np.float32),
        *vectors,
        np.stack([others["frame"], others["track"]], 1),
    )


def decided_links(queries: Queries, seen: SeenInstances) -> LinkConstraints:
    """What is not to be changed: instances that a person decided, and confirmed, locked and absent tracks.

    Returns:
        detection_index counts the frame's instances among `seen`.
    """
    video_id = seen.video_id
    confirmed = confirmed_content(queries, video_id)
    locked = [row[0] for row in queries.rows("SELECT track_id FROM tracks WHERE video_id = ? AND locked", video_id)]
    fixed = (seen.touches == Touch.DECIDED) | np.isin(seen.tracks, locked) | confirmed.frames[seen.frames]
    for track_id, marked in confirmed.tracks.items():
        fixed |= (seen.tracks == track_id) & marked[seen.frames]
    starts = np.searchsorted(seen.frames, seen.frames[fixed])
    indices = (np.flatnonzero(fixed) - starts).tolist()
    keys = zip(seen.frames[fixed].tolist(), indices, strict=True)
    forced = dict(zip(keys, seen.tracks[fixed].tolist(), strict=True))
    excluded: dict[int, set[int]] = {}
    last = int(seen.frames[-1]) if len(seen.frames) else -1
    for track_id, frames in _closed_to_links(queries, video_id, locked, last):
        for frame_index in range(max(seen.first_frame, frames.first), min(last, frames.end) + 1):
            excluded.setdefault(frame_index, set()).add(track_id)
    for frame_index, track_id in seen.others.tolist():
        excluded.setdefault(frame_index, set()).add(track_id)
    return LinkConstraints(forced, excluded={frame: frozenset(tracks) for frame, tracks in excluded.items()})


def known_state(queries: Queries, seen: SeenInstances) -> LinkState:
    """What association knows before the first frame, with corrections; new tracks get ids the video never had."""
    alike = comparable_runs(queries.runs(seen.video_id), seen.run)
    known = [track for track in known_tracks(queries, seen.video_id, seen.first_frame) if track.run_id in alike]
    sightings = [Sighting(track.frame_index, track.track_id, track.query) for track in known]
    return link_state(seen.first_frame, sightings, queries.next_track_id(seen.video_id))


def link_again(seen: SeenInstances, linker: TrackLinker, progress: Progress) -> Ids:
    """Track ids of all instances, as a run of the model over these frames would give them: (n,) int64."""
    if not len(seen.frames):
        return np.zeros(0, np.int64)
    count = int(seen.frames[-1]) + 1 - seen.first_frame
    edges = np.searchsorted(seen.frames, np.arange(seen.first_frame, seen.first_frame + count + 1)).tolist()
    linked = np.empty(len(seen.frames), np.int64)
    for chunk in range(0, count, _FEW_FRAMES):
        progress(0.4 + 0.5 * chunk / count)
        end = min(count, chunk + _FEW_FRAMES)
        begin = edges[chunk]
        # Converted together, because that is quicker than frame by frame; all at once would take twice the memory.
        queries, references = (v[begin : edges[end]].astype(np.float32) for v in (seen.queries, seen.references))
        for index in range(chunk, end):
            here = slice(edges[index] - begin, edges[index + 1] - begin)
            found = linker.link(seen.first_frame + index, queries[here], references[here])
            linked[edges[index] : edges[index + 1]] = found
    return linked


def with_known_names(seen: SeenInstances, linked: Ids, known: LinkState) -> Ids:
    """The same association with tracks that were born in it called by the ids of the document where it has them.

    A new track gets the id of the one in whose place it is, if that one was not seen before either and most of the
    instances of one of the two are the other's; the rest get the ids that follow the highest one ever used.

    Args:
        seen: what was linked.
        linked: (n,) as `link_again` gives them.
        known: the state that linking began with.
    """
    first_new = known.next_track_id
    earlier = {int(i) for group in (*known.lost, known.previous) if group is not None for i in group.track_ids}
    names: dict[int, int] = {}
    taken: set[int] = set()
    for new_id, old_id, share in _likely_names(seen, linked, first_new):
        is_free = new_id not in names and old_id not in taken and old_id not in earlier
        if is_free and share > 0.5 and not _meet(seen, linked, new_id, old_id):
            names[new_id] = old_id
            taken.add(old_id)
    born = linked[linked >= first_new]
    for new_id in dict.fromkeys(born.tolist()):
        if new_id not in names:
            names[new_id] = first_new
            first_new += 1
    if not names:
        return linked
    keys = np.array(sorted(names))
    named = linked.copy()
    named[linked >= known.next_track_id] = np.array([names[key] for key in keys.tolist()])[np.searchsorted(keys, born)]
    return named


def _likely_names(seen: SeenInstances, linked: Ids, first_new: int) -> list[tuple[int, int, float]]:
    """(new id, old id, share of instances in common), the pair with most instances first."""
    born = np.flatnonzero(linked >= first_new)
    pairs, counts = np.unique(np.stack([linked[born], seen.tracks[born]]), axis=1, return_counts=True)
    new_sizes = dict(zip(*(a.tolist() for a in np.unique(linked[born], return_counts=True)), strict=True))
    old_sizes = dict(zip(*(a.tolist() for a in np.unique(seen.tracks, return_counts=True)), strict=True))
    order = np.argsort(-counts, kind="stable")
    return [
        (new_id, old_id, count / min(new_sizes[new_id], old_sizes[old_id]))
        for new_id, old_id, count in zip(*pairs[:, order].tolist(), counts[order].tolist(), strict=True)
    ]


def _meet(seen: SeenInstances, linked: Ids, new_id: int, old_id: int) -> bool:
    """Whether an id that was given or is fixed is in a frame with a new track."""
    fixed = np.concatenate([seen.frames[linked == old_id], seen.others[seen.others[:, 1] == old_id, 0]])
    return bool(np.isin(seen.frames[linked == new_id], fixed).any())


def _closed_to_links(
    queries: Queries, video_id: int, locked: Iterable[int], last: int
) -> Iterable[tuple[int, FrameRange]]:
    """Tracks and frames in which they get no instance that they have not."""
    for track_id in locked:
        yield track_id, FrameRange(0, None)
    sql = "SELECT track_id, first_frame, last_frame FROM {} WHERE video_id = ?"
    for table in ("absences", "confirmed"):
        for track_id, first, end in queries.rows(sql.format(table), video_id):
            if track_id:
                yield track_id, FrameRange(first, last if end is None else end)


def _read_cells(queries: Queries, video_id: int, first_frame: int) -> NDArray[Any]:
    """All instances from a frame on as a structured array, by frame, run and slot."""
    columns = ("frame", "track", "touch", "run", "slot")
    few = queries.video(video_id).frame_count - first_frame < _FEW_FRAMES
    rows = queries.rows(
        "SELECT frame_index, track_id, edited, run_id, slot, score FROM cells"
        f" {'INDEXED BY cells_by_frame' if few else ''} WHERE video_id = ? AND frame_index >= ?",
        video_id,
        first_frame,
    )
    values = np.fromiter(chain.from_iterable(rows), np.float64, 6 * len(rows)).reshape(-1, 6)
    values = values[np.lexsort((values[:, 4], values[:, 3], values[:, 0]))]
    table = np.empty(len(values), [*((name, np.int64) for name in columns), ("score", np.float64)])
    for index, name in enumerate((*columns, "score")):
        table[name] = values[:, index]
    return table


def _read_vectors(
    queries: Queries, table: NDArray[Any], progress: Progress
) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """The q and r of the instances of `table`."""
    found: list[tuple[Ids, list[NDArray[np.float16]]]] = []
    for run_id in np.unique(table["run"]).tolist():
        rows = np.flatnonzero(table["run"] == run_id)
        frames = table["frame"][rows]
        stored = queries.rows(
            'SELECT frame_index, length(run_tracks) / 4, queries, "references" FROM run_frames'
            " JOIN run_embeddings USING (run_frame_id) WHERE run_id = ? AND frame_index BETWEEN ? AND ?"
            " ORDER BY frame_index",
            run_id,
            int(frames[0]),
            int(frames[-1]),
        )
        counts = np.array([row[1] for row in stored])
        offsets = np.cumsum(counts) - counts
        at = offsets[np.searchsorted([row[0] for row in stored], frames)] + table["slot"][rows]
        blobs = (b"".join(row[column] for row in stored) for column in (2, 3))
        found.append((rows, [np.frombuffer(b, np.float16).reshape(int(counts.sum()), -1)[at] for b in blobs]))
    progress(0.4)
    if len(found) == 1:
        return found[0][1][0], found[0][1][1]
    order = np.argsort(np.concatenate([rows for rows, _ in found]))
    queries_, references = (np.concatenate([part[kind] for _, part in found])[order] for kind in (0, 1))
    return queries_, references
