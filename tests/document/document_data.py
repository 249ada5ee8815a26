"""Small projects for the tests: videos, model results with masks that can be told apart, and what a project holds."""

import numpy as np

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddCategory, AddVideo
from app.document.history import History
from app.document.queries import Queries
from app.document.records import Video
from visolo import rle
from visolo.categories import Category, LabelSet
from visolo.results import FrameResult, InstanceResult

HEIGHT, WIDTH, FRAMES = 16, 20, 12
LABELS = LabelSet("three", (Category(1, "person"), Category(2, "dog"), Category(3, "car")))
CONTENT = (
    "videos",
    "categories",
    "category_details",
    "tracks",
    "absences",
    "cells",
    "confirmed",
    "dismissals",
    "rejections",
    "notes",
)


def mask(number: int) -> rle.Rle:
    """A mask that no other number from 0 to 15,000 has; masks with numbers in a row do not overlap much."""
    pixels = np.zeros((HEIGHT, WIDTH), dtype=bool)
    row, column = 3 * (number % 5), 4 * (number // 5 % 5)
    pixels[row : row + 2, column : column + 3] = True
    for bit in range(14):
        pixels[15, bit] = number >> bit & 1
    return rle.encode(pixels)


def pixels(counts: str) -> np.ndarray:
    """(H, W) 0 and 1 of a mask, decoded without the code under test: runs go down the columns."""
    runs = rle.run_lengths(counts)
    return np.repeat(np.arange(len(runs)) % 2, runs).reshape(WIDTH, HEIGHT).T


def add_video(history: History, video_id: int = 1, frame_count: int = FRAMES, source: str | None = None) -> Video:
    video = Video(video_id, f"video {video_id}", source or f"v{video_id}.mp4", frame_count, HEIGHT, WIDTH, 25.0)
    history.do(AddVideo(video))
    return video


def detection(track: int, number: int, class_index: int = 0, score: float = 0.5) -> InstanceResult:
    class_scores = np.full(3, 0.125, dtype=np.float32)
    class_scores[class_index] = score
    vector = np.full(4, number % 100, dtype=np.float16)
    return InstanceResult(track, class_index, score, mask(number), number % 7, class_scores, vector, -vector)


def frame(frame_index: int, tracks: list[int], seed: int = 0) -> FrameResult:
    """A frame in which the segmenter's `tracks` were found; track t is class t % 3."""
    return FrameResult(
        frame_index,
        tuple(detection(t, (seed * 2500) + frame_index * 20 + t, t % 3, 0.25 + t / 16) for t in tracks),
    )


def new_project(path) -> tuple[Document, History]:
    document = Document.create(path)
    return document, History(document, "tester")


def project_with_run(path, tracks=(0, 1, 2), frame_count: int = FRAMES) -> tuple[Document, History]:
    """A project with a finished run over one video; segmenter track t is document track t + 1."""
    document, history = new_project(path)
    add_video(history, frame_count=frame_count)
    run = begin_run(history, 1, {"model": "lite"}, LABELS, 0)
    run.add([frame(i, list(tracks)) for i in range(frame_count)])
    run.finish("done")
    return document, history


def project_without_run(path) -> tuple[Document, History]:
    document, history = new_project(path)
    add_video(history)
    for category in LABELS.categories:
        history.do(AddCategory(category.category_id, category.name))
    return document, history


def raw_content(document: Queries) -> dict[str, list[tuple]]:
    """Every row of what edits change, exactly as stored."""
    return {table: sorted(document.connection.execute(f"SELECT * FROM {table}"), key=repr) for table in CONTENT}


def lanes(document: Queries, video_id: int = 1) -> dict[int, list[int]]:
    """Frames of each track that is present somewhere."""
    return {
        s.track.track_id: document.lane(video_id, s.track.track_id).frame_indices.tolist()
        for s in document.tracks(video_id)
    }


def masks_of(document: Queries, track_id: int, video_id: int = 1) -> dict[int, str]:
    """Mask counts by frame of a track."""
    return {i.frame_index: i.rle.counts for i in document.track_instances(video_id, track_id)}


def check_consistent(document: Queries, video_id: int = 1) -> None:
    """One instance per track and frame, indexes whole, and the caches equal to what the file says."""
    assert document.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert document.connection.execute("PRAGMA foreign_key_check").fetchall() == []
    fresh = Queries(document.path, document.connection)
    cached, computed = document.tracks(video_id), fresh.tracks(video_id)
    assert [s.track for s in cached] == [s.track for s in computed]
    for one, other in zip(cached, computed, strict=True):
        assert (one.frame_count, one.first_frame, one.last_frame, one.edited_count) == (
            other.frame_count,
            other.first_frame,
            other.last_frame,
            other.edited_count,
        )
        assert abs(one.score - other.score) < 1e-9
    missing = document.connection.execute(
        "SELECT count(*) FROM cells LEFT JOIN masks USING (mask_id) WHERE masks.mask_id IS NULL"
    ).fetchone()
    assert missing == (0,)
