"""Who the selected instance may be, in the real window: cards, the keys 1 to 3, and links where a track begins."""

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QToolButton

sys.path.insert(0, str(Path(__file__).parent))

from switched_clip import SWITCH, plant_switch

from app.document.edits import SetLocked, SplitTrack


@pytest.fixture
def switched(window):
    """The window with the clip open, in which the model took two objects for each other."""
    window.session.results_landed(plant_switch(window.session.history))
    return window


@pytest.fixture
def ask(switched, qtbot):
    """Selects a track in a frame and waits for its proposals."""

    def ask(track_id: int, frame_index: int) -> list[int]:
        session = switched.session
        session.show_frame(frame_index)
        session.select({track_id})
        qtbot.waitUntil(lambda: session.identities.is_fresh, timeout=10_000)
        return [proposal.track_id for proposal in session.identities.proposals]

    return ask


def lefts(window, frame_index: int) -> dict[int, int]:
    """Where each track's square is."""
    return {i.track_id: i.box.x for i in window.session.document.instances(1, frame_index)}


def test_one_key_gives_an_instance_to_the_track_it_looks_like(switched, ask, press):
    press(switched, "I")
    assert ask(1, SWITCH)[0] == 2
    press(switched, "1")
    assert switched.session.history.undo_text == f"Assign 1 to 2 from frame {SWITCH} on"
    assert lefts(switched, 30) == lefts(switched, 10)
    assert switched.session.selection == {2}


def test_digits_select_tracks_until_they_are_set_to_take_proposals(switched, ask, press):
    ask(1, SWITCH)
    press(switched, "2")
    assert switched.session.selection == {2}
    assert switched.workspace.actions.keys("identity.take.1") == ("1",)
    ask(1, SWITCH)
    press(switched, "I", "I", "3")
    assert switched.session.selection == {3}


def test_a_card_shows_a_picture_and_a_click_takes_it(switched, ask, qtbot):
    ask(1, SWITCH)
    card = switched.findChild(QToolButton, "identity_1")
    assert card.isVisible()
    assert card.text().startswith("2 ")
    assert f"Assign 1 to 2 from frame {SWITCH} on" in card.toolTip()
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert lefts(switched, 30) == lefts(switched, 10)


def test_enter_links_a_track_that_begins_to_the_one_it_continues(switched, ask, press):
    session = switched.session
    switched.workspace.actions.run("preview.automatic")
    session.do(SplitTrack(1, 3, 10, 4))
    assert ask(4, 10)[0] == 3
    assert "BEGINS HERE" in switched.findChild(QLabel, "identityHeading").text()
    press(switched, "Return")
    assert session.history.undo_text == "Merge 4 into 3"
    assert session.selection == {3}


def test_enter_is_for_changes_that_are_shown_until_they_are_left(switched, ask, press, qtbot):
    session = switched.session
    session.do(SplitTrack(1, 3, 10, 4))
    ask(4, 10)
    qtbot.waitUntil(lambda: session.preview.offer is not None, timeout=10_000)
    heading = switched.findChild(QLabel, "identityHeading")
    assert "ENTER LINKS" not in heading.text()
    press(switched, "Escape")
    assert "ENTER LINKS" in heading.text()
    press(switched, "Return")
    assert session.history.undo_text == "Merge 4 into 3"


def test_enter_accepts_the_suspicion_of_this_frame_first(switched, ask, press, qtbot):
    session = switched.session
    session.do(SplitTrack(1, 3, SWITCH, 4))
    qtbot.waitUntil(lambda: switched.workspace.search.is_idle() and bool(session.review.found), timeout=10_000)
    session.review.choose(next(s for s in session.review.found if s.frame_index == SWITCH))
    ask(4, SWITCH)
    proposal = session.review.current.proposal.text
    press(switched, "Return")
    assert session.history.undo_text == proposal


def test_a_locked_track_gets_no_proposals_and_the_key_says_so(switched, ask, press):
    switched.session.do(SetLocked(1, (1,), True))
    assert ask(1, SWITCH) == []
    assert not switched.findChild(QToolButton, "identity_1").isVisible()
    switched.workspace.actions.run("identity.take.1")
    assert "No other track looks like this one" in switched.status.message()


def test_an_edit_renews_the_proposals(switched, ask, qtbot):
    assert ask(1, SWITCH)[0] == 2
    switched.session.do(SetLocked(1, (2,), True))
    qtbot.waitUntil(lambda: switched.session.identities.is_fresh, timeout=10_000)
    assert 2 not in [proposal.track_id for proposal in switched.session.identities.proposals]
