"""The review list in the real window: a planted switch is found, and mended with two keys or two clicks."""

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton

sys.path.insert(0, str(Path(__file__).parent))

from switched_clip import FRAMES, SWITCH, begin_switched, plant_switch, switched_frame

from app.document.confirmation import dismissals
from app.document.edits import AddCategory
from app.document.suspicions import Suspicion, SuspicionKind
from app.panels.review_model import PICTURES_ROLE
from app.session import RunStatus
from app.settings import REVIEW_HIDDEN_KINDS, REVIEW_LEAST, Settings


@pytest.fixture
def switched(window, qtbot):
    """The window with the clip open, in which the model took two objects for each other."""
    session = window.session
    session.results_landed(plant_switch(session.history))
    qtbot.waitUntil(lambda: bool(session.review.found), timeout=10_000)
    return window


def lefts(window, frame_index: int) -> dict[int, int]:
    """Where each track's square is."""
    return {i.track_id: i.box.x for i in window.session.document.instances(1, frame_index)}


def is_settled(window) -> bool:
    return window.workspace.search.is_idle()


def test_two_keys_mend_a_switch(switched, press, qtbot):
    assert lefts(switched, 30) != lefts(switched, 10)
    press(switched, "N")
    session = switched.session
    assert session.frame_index == SWITCH
    assert session.selection == {1, 2}
    press(switched, "Return")
    assert lefts(switched, 30) == lefts(switched, 10) == lefts(switched, SWITCH)
    assert session.history.undo_text == "Swap 1 and 2 from frame 20 on"
    qtbot.waitUntil(lambda: is_settled(switched))
    assert not any(s.kind is SuspicionKind.POSSIBLE_SWITCH for s in session.review.found)


def test_two_clicks_mend_a_switch(switched, qtbot):
    view = switched.docks["review"].widget().view
    area = view.visualRect(view.model().index(0))
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=area.center())
    assert switched.session.frame_index == SWITCH
    qtbot.mouseClick(switched.findChild(QPushButton, "acceptSuspicion"), Qt.MouseButton.LeftButton)
    assert lefts(switched, 30) == lefts(switched, 10)


def test_undo_brings_the_row_back(switched, press, qtbot):
    review = switched.session.review
    key = review.found[0].key
    press(switched, "N", "Return")
    qtbot.waitUntil(lambda: is_settled(switched))
    assert key not in {s.key for s in review.found}
    press(switched, "Ctrl+Z")
    qtbot.waitUntil(lambda: key in {s.key for s in review.found}, timeout=10_000)


def test_backspace_dismisses_for_good_and_undo_forgets_it(switched, press, qtbot):
    session = switched.session
    key = session.review.found[0].key
    press(switched, "N", "Backspace")
    assert set(dismissals(session.document, 1)) == {key}
    qtbot.waitUntil(lambda: is_settled(switched))
    assert key not in {s.key for s in session.review.found}
    press(switched, "Ctrl+Z")
    qtbot.waitUntil(lambda: key in {s.key for s in session.review.found}, timeout=10_000)


def test_n_walks_the_list_round_and_shift_n_back(switched, press):
    review = switched.session.review
    press(switched, *["N"] * (len(review.found) + 1))
    assert review.current == review.found[0]
    press(switched, "Shift+N")
    assert review.current == review.found[-1]


def test_the_current_row_stays_current_when_the_list_is_found_again(switched, press, qtbot):
    session = switched.session
    press(switched, "N")
    before = session.review.current
    session.do(AddCategory(99, "kite"))
    qtbot.waitUntil(lambda: is_settled(switched))
    assert session.review.current == before
    assert switched.findChild(QPushButton, "acceptSuspicion").isEnabled()


@pytest.fixture
def listed(switched, qtbot):
    """The window with a list of known confidences; the search has nothing to add."""
    review = switched.session.review
    qtbot.waitUntil(lambda: is_settled(switched))
    review.take(
        [
            _row(SuspicionKind.POSSIBLE_SWITCH, 0.9),
            _row(SuspicionKind.CLASS_FLIP, 0.3),
            _row(SuspicionKind.MASK_JUMP, 0.01),
        ]
    )
    return switched


def _row(kind: SuspicionKind, confidence: float) -> Suspicion:
    return Suspicion(f"{kind.name}:5", kind, 1, 5, 4, (1,), "Why", "what else", confidence, None, "")


def test_unlikely_suspicions_are_left_out_until_asked_for_and_that_is_remembered(listed):
    review = listed.session.review
    assert [s.confidence for s in review.found] == [0.9, 0.3]
    listed.workspace.actions.run("review.least.0")
    assert [s.confidence for s in review.found] == [0.9, 0.3, 0.01]
    assert Settings().get(REVIEW_LEAST) == 0
    listed.workspace.actions.run("review.least.50")
    assert [s.confidence for s in review.found] == [0.9]
    assert listed.findChild(QLabel, "reviewCount").text() == "1 of 3"


def test_the_foot_says_how_many_are_not_listed_and_lists_them(listed, qtbot):
    foot = listed.findChild(QToolButton, "reviewHidden")
    listed.workspace.actions.run("review.kind.class_flip")
    assert foot.text() == "1 below 2 %, 1 of hidden kinds · Show all"
    qtbot.mouseClick(foot, Qt.MouseButton.LeftButton)
    assert listed.session.review.found == listed.session.review.all_found
    assert not foot.isVisible()


def test_a_kind_can_be_left_out_and_n_does_not_visit_it(listed, press):
    review = listed.session.review
    listed.workspace.actions.run("review.kind.possible_switch")
    press(listed, "N")
    assert review.current.kind is SuspicionKind.CLASS_FLIP
    assert "(1)" in listed.workspace.actions.action("review.kind.possible_switch").text()
    listed.workspace.actions.run("review.all_kinds")
    assert review.found[0].kind is SuspicionKind.POSSIBLE_SWITCH
    assert Settings().get_json(REVIEW_HIDDEN_KINDS) == []


def test_the_current_row_stays_when_it_becomes_less_likely(listed, press):
    review = listed.session.review
    press(listed, "N")
    review.take([_row(SuspicionKind.POSSIBLE_SWITCH, 0.03)])
    assert [s.confidence for s in review.found] == [0.03]
    assert review.current is review.found[0]


def test_the_filter_button_offers_the_kinds_that_are_there(listed):
    button = listed.findChild(QToolButton, "reviewFilter")
    button.menu().aboutToShow.emit()
    offered = [action.objectName() for action in button.menu().actions()]
    assert "review.kind.mask_jump" in offered
    assert "review.kind.duplicate" not in offered


def test_accepting_before_the_list_has_caught_up_waits_for_it(switched, press, qtbot):
    session = switched.session
    press(switched, "N")
    session.review.fall_behind()
    session.review.accept()
    assert session.history.undo_text != "Swap 1 and 2 from frame 20 on"
    session.review.take(session.review.found)
    assert session.history.undo_text == "Swap 1 and 2 from frame 20 on"


def test_rows_have_two_pictures_a_count_and_marks_on_the_timeline(switched, qtbot):
    panel = switched.docks["review"].widget()
    qtbot.waitUntil(lambda: all(p is not None for p in panel.model.index(0).data(PICTURES_ROLE)), timeout=10_000)
    assert not panel.model.index(0).data(PICTURES_ROLE)[1].isNull()
    review = switched.session.review
    assert 0 < len(review.found) < len(review.all_found)
    assert panel.findChild(QLabel, "reviewCount").text() == f"{len(review.found)} of {len(review.all_found)}"
    timeline = switched.docks["timeline"].widget()
    x = round(timeline.model.scene.mark_x(switched.session.review.found[0]))
    point = QPoint(x, timeline.lane_area(2).center().y())
    qtbot.mouseClick(timeline.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert switched.session.review.current.frame_index == SWITCH


def test_the_list_fills_while_a_run_lands_frames(window, qtbot):
    session = window.session
    writer = begin_switched(session.history)
    session.set_run(RunStatus("running", 1, 0, 0, FRAMES))
    for index in range(30):
        session.results_landed(writer.add([switched_frame(index)]))
        session.set_run(RunStatus("running", 1, index + 1, 0, FRAMES))
    qtbot.waitUntil(lambda: any(s.frame_index == SWITCH for s in session.review.found), timeout=10_000)
    writer.finish("stopped")
    session.set_run(RunStatus())


def test_without_tracks_the_list_says_what_to_do(window, qtbot):
    empty = window.docks["review"].widget().findChild(QLabel, "reviewEmpty")
    qtbot.waitUntil(lambda: "run the model" in empty.text(), timeout=10_000)


def test_enter_without_a_suspicion_says_what_is_missing(switched, press):
    press(switched, "Return")
    assert "Go to a suspicion first" in switched.status.message()
