"""How much there is to check in every video: counted while nobody looks, kept, and used to order the queue."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from app.document.adopt import begin_run
from app.document.edits import DismissSuspicion
from app.document.suspicions import find_suspicions
from app.panels.queue_model import QueueOrder, QueueView
from app.review import ReviewFilter
from app.review_counts import is_counted, seconds_per_decision, to_check
from visolo.categories import load_label_set
from visolo.results import FrameResult, InstanceResult

EVERYTHING = ReviewFilter(least_percent=0)
_LONG_MS = 20_000


@pytest.fixture
def two_tracked(open_window, qtbot, make_clip, tmp_path, frame_results):
    """A project of two videos, both with tracks; the second has one object twice."""
    clips = [make_clip(tmp_path / f"clip{number}.mp4") for number in range(2)]
    window = open_window()
    window.workspace.counts._soon.setInterval(20)
    window.open_paths(clips)
    qtbot.waitUntil(
        lambda: window.session.document is not None and len(window.session.document.videos()) == 2, timeout=_LONG_MS
    )
    session = window.session
    for video_id in (1, 2):
        writer = begin_run(session.history, video_id, {"model": "test"}, load_label_set("ytvis2021"), 0)
        found = list(frame_results)
        if video_id == 2:
            found = [FrameResult(f.frame_index, (*f.instances, _twin(f.instances[0]))) for f in found]
        change = writer.add(found)
        writer.finish("done")
        session.results_landed(change)
    return window


def _twin(instance: InstanceResult) -> InstanceResult:
    return replace(instance, track_id=9, cell_index=9)


def words(window, row: int) -> str:
    model = window.docks["queue"].widget().model
    return model.index(row).data(Qt.ItemDataRole.AccessibleTextRole).split(", ", 1)[1]


def counted(qtbot, window) -> None:
    """Wait until both videos are counted as they are now."""
    document = window.session.document

    def is_right() -> bool:
        return all(
            is_counted(document, i) and to_check(document, i, EVERYTHING).count == len(find_suspicions(document, i))
            for i in (1, 2)
        )

    qtbot.waitUntil(is_right, timeout=_LONG_MS)


def test_videos_that_are_not_shown_are_counted_and_the_queue_says_so(two_tracked, qtbot):
    counted(qtbot, two_tracked)
    document = two_tracked.session.document
    listed = to_check(document, 2, two_tracked.session.review.filter)
    assert listed.count > 0
    qtbot.waitUntil(lambda: words(two_tracked, 1) == f"tracked · {listed.count} to check", timeout=_LONG_MS)
    tip = two_tracked.docks["queue"].widget().model.index(1).data(Qt.ItemDataRole.ToolTipRole)
    assert f"{listed.count} to check, about {max(1, round(listed.mistakes))} of them mistakes: about" in tip


def test_an_edit_of_the_shown_video_counts_again(two_tracked, qtbot):
    counted(qtbot, two_tracked)
    session = two_tracked.session
    session.show_video(2)
    found = find_suspicions(session.document, 2)
    session.do(DismissSuspicion(2, found[0].key))
    qtbot.waitUntil(lambda: to_check(session.document, 2, EVERYTHING).count == len(found) - 1, timeout=_LONG_MS)
    session.show_video(1)
    session.undo()
    qtbot.waitUntil(lambda: to_check(session.document, 2, EVERYTHING).count == len(found), timeout=_LONG_MS)


def test_counts_survive_a_restart(two_tracked, qtbot, open_window):
    counted(qtbot, two_tracked)
    path = two_tracked.session.document.path
    before = [to_check(two_tracked.session.document, i, EVERYTHING) for i in (1, 2)]
    two_tracked.close()
    again = open_window(path)
    assert [to_check(again.session.document, i, EVERYTHING) for i in (1, 2)] == before


def test_the_queue_is_ordered_by_what_is_to_check(two_tracked, qtbot):
    counted(qtbot, two_tracked)
    document = two_tracked.session.document
    model = two_tracked.docks["queue"].widget().model
    wanted = two_tracked.session.review.filter
    listed = {i: to_check(document, i, wanted) for i in (1, 2)}
    for order, key in (
        (QueueOrder.MOST_TO_CHECK, lambda c: c.count),
        (QueueOrder.SUREST, lambda c: c.mistakes / c.count if c.count else 0),
    ):
        model.view = QueueView(order=order)
        model.reset()
        shown = [model.index(row).data() for row in range(2)]
        assert shown == [f"clip{i - 1}.mp4" for i in sorted(listed, key=lambda i: -key(listed[i]))]


def test_the_pace_is_that_of_the_latest_edits(two_tracked):
    document = two_tracked.session.document
    assert seconds_per_decision(document) == 5.0
    session = two_tracked.session
    for number in range(12):
        session.do(DismissSuspicion(1, f"made up {number}"))
    assert 0 < seconds_per_decision(document) < 5.0
