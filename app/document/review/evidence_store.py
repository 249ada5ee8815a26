"""What models saw in the detections of a video, as growing arrays: each is read once, whatever edits do."""

import numpy as np
from numpy.typing import NDArray

from app.document.evidence import run_similarity
from app.document.queries import Queries
from app.document.records import Run
from visolo.inference.linking import Similarity

_FIRST_ROWS = 1024


class ModelEvidence:
    """Vectors and class scores of all detections that runs of the same weights made.

    Attributes:
        similarity: how it compares q and r; None when its runs did not note it.
    """

    def __init__(self, embedding: int, similarity: Similarity | None) -> None:
        self.similarity = similarity
        self.embedding = embedding
        self._count = 0
        self._queries = np.zeros((_FIRST_ROWS, embedding), np.float16)
        self._references = np.zeros((_FIRST_ROWS, embedding), np.float16)

    @property
    def queries(self) -> NDArray[np.float16]:
        """(m, E) q by row."""
        return self._queries[: self._count]

    @property
    def references(self) -> NDArray[np.float16]:
        """(m, E) r by row."""
        return self._references[: self._count]

    def append(self, queries: NDArray[np.float16], references: NDArray[np.float16]) -> int:
        """Take in the detections of some frames; the row of the first of them."""
        first, self._count = self._count, self._count + len(queries)
        if self._count > len(self._queries):
            room = max(self._count, 2 * len(self._queries))
            self._queries, self._references = (_grown(a, room) for a in (self._queries, self._references))
        self._queries[first : self._count] = queries
        self._references[first : self._count] = references
        return first


class EvidenceStore:
    """Evidence of one video by run, frame and slot; reads what it is asked for and has not yet.

    Attributes:
        models: those whose vectors can be compared with each other, in order of appearance.
    """

    def __init__(self) -> None:
        self.models: list[ModelEvidence] = []
        self._model_names: dict[tuple[str, int], int] = {}
        self._offsets: dict[int, NDArray[np.int64]] = {}  # by run: row of a frame's first detection, -1 when not read
        self._run_models: dict[int, int] = {}
        self._class_scores = np.zeros((_FIRST_ROWS, 0), np.float16)
        self._columns: dict[int, int] = {}  # category_id -> column of the class scores
        self._class_offsets: dict[int, NDArray[np.int64]] = {}
        self._class_count = 0

    @property
    def category_ids(self) -> NDArray[np.int64]:
        """(C,) class of each column of the class scores."""
        return np.array(list(self._columns), dtype=np.int64)

    @property
    def class_scores(self) -> NDArray[np.float16]:
        """(m, C) of all detections, in their own order, see `class_rows`."""
        return self._class_scores[: self._class_count]

    def read(self, queries: Queries, runs: dict[int, Run], frame_count: int, needed: NDArray[np.int64]) -> None:
        """Read the evidence of detections that are not known yet.

        Args:
            queries: of the project.
            runs: of the video, by id.
            frame_count: of the video.
            needed: (n, 2) run_id, frame_index.
        """
        for run_id in np.unique(needed[:, 0]).tolist():
            if run_id in runs:
                self._offsets.setdefault(run_id, np.full(frame_count, -1, np.int64))
                self._class_offsets.setdefault(run_id, np.full(frame_count, -1, np.int64))
                frames = needed[needed[:, 0] == run_id, 1]
                missing = frames[self._offsets[run_id][frames] < 0]
                if len(missing):
                    self._read_run(queries, runs[run_id], int(missing.min()), int(missing.max()))

    def rows(
        self, run_ids: NDArray[np.int64], frames: NDArray[np.int64], slots: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Where detections lie.

        Returns:
            model index, row in that model, row in the class scores; each (n,) int64, -1 where there is no evidence.
        """
        models, rows, class_rows = (np.full(len(run_ids), -1, np.int64) for _ in range(3))
        for run_id, offsets in self._offsets.items():
            chosen = np.flatnonzero((run_ids == run_id) & (slots >= 0))
            chosen = chosen[offsets[frames[chosen]] >= 0]
            models[chosen] = self._run_models[run_id]
            rows[chosen] = offsets[frames[chosen]] + slots[chosen]
            class_rows[chosen] = self._class_offsets[run_id][frames[chosen]] + slots[chosen]
        return models, rows, class_rows

    def _read_run(self, queries: Queries, run: Run, first_frame: int, last_frame: int) -> None:
        found = queries.rows(
            'SELECT frame_index, class_scores, queries, "references" FROM run_frames JOIN run_embeddings'
            " USING (run_frame_id) WHERE run_id = ? AND frame_index BETWEEN ? AND ? ORDER BY frame_index",
            run.run_id,
            first_frame,
            last_frame,
        )
        offsets, class_offsets = self._offsets[run.run_id], self._class_offsets[run.run_id]
        found = [row for row in found if row[1] and offsets[row[0]] < 0]
        if not found:
            return
        frames = np.array([row[0] for row in found], dtype=np.int64)
        classes = len(run.category_ids)
        counts = np.array([len(row[1]) // (2 * classes) for row in found], dtype=np.int64)
        vectors = [
            np.frombuffer(b"".join(row[column] for row in found), np.float16).reshape(int(counts.sum()), -1)
            for column in (2, 3)
        ]
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        model = self._model_of(run, vectors[0].shape[1])
        self._run_models[run.run_id] = model
        offsets[frames] = self.models[model].append(vectors[0], vectors[1]) + starts
        scores = np.frombuffer(b"".join(row[1] for row in found), np.float16).reshape(-1, classes)
        class_offsets[frames] = self._append_classes(scores, run.category_ids) + starts

    def _model_of(self, run: Run, embedding: int) -> int:
        name = str(run.settings.get("weights_id") or f"run {run.run_id}"), embedding
        if name not in self._model_names:
            self._model_names[name] = len(self.models)
            self.models.append(ModelEvidence(embedding, run_similarity(run)))
        return self._model_names[name]

    def _append_classes(self, scores: NDArray[np.float16], category_ids: tuple[int, ...]) -> int:
        for category_id in category_ids:
            self._columns.setdefault(category_id, len(self._columns))
        first, self._class_count = self._class_count, self._class_count + len(scores)
        room, width = self._class_scores.shape
        if self._class_count > room or len(self._columns) > width:
            wider = np.zeros((max(room, self._class_count, 2 * first), len(self._columns)), np.float16)
            wider[:first, :width] = self._class_scores[:first]
            self._class_scores = wider
        rows = self._class_scores[first : self._class_count]
        rows[:] = 0
        for index, category_id in enumerate(category_ids):  # several of the model's classes may be one here
            column = self._columns[category_id]
            rows[:, column] = np.maximum(rows[:, column], scores[:, index])
        return first


def _grown(array: NDArray[np.float16], rows: int) -> NDArray[np.float16]:
    wider = np.zeros((rows, array.shape[1]), array.dtype)
    wider[: len(array)] = array
    return wider
