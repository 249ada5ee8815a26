"""The review list: every mistake is found with the edit that mends it, and nothing is said where all is right."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from review_scenes import Scene, open_scene, two_crossing

from app.document.document import Document
from app.document.history import History
from app.document.suspicions import SuspicionKind, find_suspicions

SURE = 0.5


@pytest.fixture
def opened(tmp_path):
    """Opens scenes and closes them after the test."""
    documents: list[Document] = []

    def open_it(scene: Scene) -> tuple[Document, History]:
        document, history = open_scene(scene, tmp_path)
        documents.append(document)
        return document, history

    yield open_it
    for document in documents:
        document.close()


def whose(document: Document) -> dict[int, list[tuple[int, int]]]:
    """(frame, instance) of every track; instances never change their id."""
    rows = document.rows("SELECT track_id, frame_index, instance_id FROM cells ORDER BY track_id, frame_index")
    found: dict[int, list[tuple[int, int]]] = {}
    for track_id, frame, instance in rows:
        found.setdefault(track_id, []).append((frame, instance))
    return found


def groups(document: Document) -> set[tuple]:
    """Which instances belong together, whatever the tracks are called."""
    return {tuple(instance for _, instance in track) for track in whose(document).values()}


def truth(scene_of, opened) -> set[tuple]:
    document, _ = opened(scene_of())
    return groups(document)


def swapped_from(frame: int):
    return lambda thing, index: thing if thing > 1 or index < frame else 1 - thing


def test_nothing_is_sure_where_all_is_right(opened):
    document, _ = opened(two_crossing())
    assert [row for row in find_suspicions(document, 1) if row.confidence >= SURE] == []


@pytest.mark.parametrize("frame", [12, 30, 50])
def test_a_switch_comes_first_and_its_proposal_mends_it(opened, frame):
    document, history = opened(two_crossing(track_of=swapped_from(frame)))
    row = find_suspicions(document, 1)[0]
    assert row.kind == SuspicionKind.POSSIBLE_SWITCH
    assert (row.frame_index, row.before_frame, row.track_ids) == (frame, frame - 1, (1, 2))
    assert row.confidence > SURE
    assert row.proposal_text == f"Swap 1 and 2 from frame {frame} on"
    history.do(row.proposal)
    assert [row for row in find_suspicions(document, 1) if row.confidence >= SURE] == []


def test_an_empty_video_and_one_of_one_frame_have_no_rows(opened):
    document, _ = opened(two_crossing(frames=1))
    assert find_suspicions(document, 1) == []
    empty = Scene([])
    document.close()
    (document.path).unlink()
    document, _ = opened(empty)
    assert find_suspicions(document, 1) == []
