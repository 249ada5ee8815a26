"""Confirming with `C` and `Shift+C`: what the scope shows is confirmed, seen everywhere, and closed to edits."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from app.document.confirmation import confirmed_ranges
from app.document.records import FrameRange
from app.panels.timeline_scene import ALL_TRACKS
from app.panels.track_menu import track_menu
from app.session import Scope
from app.theme import color


def ranges(window, track_id: int | None = None) -> list[FrameRange]:
    return confirmed_ranges(window.session.document, 1, track_id)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope.FRAME, FrameRange(12, 12)),
        (Scope.FROM_HERE, FrameRange(12, 39)),
        (Scope.RANGE, FrameRange(4, 9)),
        (Scope.TRACK, FrameRange(0, 39)),
    ],
)
def test_c_confirms_the_selected_track_in_the_scope_and_again_takes_it_back(tracked, press, scope, expected):
    session = tracked.session
    session.show_frame(12)
    session.set_range(FrameRange(4, 9))
    session.set_scope(scope)
    press(tracked, "2", "C")
    assert ranges(tracked, 2) == [expected]
    assert ranges(tracked, 1) == []
    press(tracked, "C")
    assert ranges(tracked, 2) == []
    press(tracked, "Ctrl+Z")
    assert ranges(tracked, 2) == [expected]


def test_without_a_selection_c_confirms_whole_frames(tracked, press):
    tracked.session.show_frame(30)
    press(tracked, "C")
    assert ranges(tracked) == [FrameRange(30, 39)]
    assert tracked.session.history.undo_text == "Confirm everything from frame 30 on"


def test_shift_c_confirms_the_whole_video_and_opens_it_again(tracked, press):
    press(tracked, "Shift+C")
    assert ranges(tracked) == [FrameRange(0, 39)]
    press(tracked, "Shift+C")
    assert ranges(tracked) == []


def test_several_tracks_are_confirmed_in_one_entry_also_when_one_was_before(tracked, press):
    session = tracked.session
    session.set_scope(Scope.TRACK)
    press(tracked, "2", "C")
    session.select({1, 2})
    press(tracked, "C")
    assert ranges(tracked, 1) == ranges(tracked, 2) == [FrameRange(0, 39)]
    press(tracked, "Ctrl+Z")
    assert ranges(tracked, 1) == []
    assert ranges(tracked, 2) == [FrameRange(0, 39)]


def test_without_a_marked_range_the_reason_is_said(tracked, press):
    tracked.session.set_scope(Scope.RANGE)
    press(tracked, "C")
    assert "No range is marked" in tracked.status.message()
    assert ranges(tracked) == []


def test_the_menu_says_what_would_be_confirmed(tracked, press):
    tracked.session.show_frame(7)
    press(tracked, "2")
    action = tracked.workspace.actions.action("review.confirm")
    assert action.text().replace("&", "") == "Confirm track 2 from frame 7 on"
    press(tracked, "C")
    assert action.text().replace("&", "") == "Unconfirm track 2 from frame 7 on"


def test_confirmed_content_refuses_an_edit_in_a_sentence(tracked, press):
    tracked.session.show_frame(5)
    press(tracked, "2", "C", "Ctrl+0")
    assert "confirmed" in tracked.status.message()
    assert [s.track.track_id for s in tracked.session.tracks()] == [1, 2, 3]


def test_progress_in_percent_is_in_the_status_bar_and_in_the_queue(tracked, press, qtbot):
    share = tracked.status.findChild(QLabel, "review")
    assert not share.isVisibleTo(tracked.status)
    tracked.session.set_scope(Scope.TRACK)
    press(tracked, "2", "C")
    # 40 of 110 instances.
    qtbot.waitUntil(lambda: share.text() == "36% confirmed" and share.isVisibleTo(tracked.status), timeout=3000)
    model = tracked.docks["queue"].widget().model
    words = lambda: model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)  # noqa: E731
    qtbot.waitUntil(lambda: "36% confirmed" in words(), timeout=3000)
    press(tracked, "Ctrl+Z")
    qtbot.waitUntil(lambda: not share.isVisibleTo(tracked.status), timeout=3000)


def test_the_timeline_marks_what_is_confirmed(tracked, press, qtbot):
    timeline = tracked.docks["timeline"].widget()
    tracked.session.set_scope(Scope.TRACK)
    press(tracked, "2", "C")
    head = timeline.model.head(2)
    assert head.is_confirmed
    assert not timeline.model.head(1).is_confirmed
    area = timeline.lane_area(2)
    qtbot.waitUntil(lambda: not timeline.is_loading)
    line = area.bottomLeft() + QPoint(area.width() // 2, -2)
    assert timeline.viewport().grab().toImage().pixelColor(line) == color("good")
    press(tracked, "Shift+C")
    assert timeline.model.scene.confirmed[ALL_TRACKS] == [FrameRange(0, 39)]
    assert timeline.model.head(1).is_confirmed


def test_the_context_menu_confirms(tracked):
    session = tracked.session
    session.set_scope(Scope.TRACK)
    timeline = tracked.docks["timeline"].widget()
    session.select({3})
    menu: QMenu = track_menu(session, session.selection, timeline)
    QApplication.processEvents()
    entry = next(a for a in menu.actions() if a.text().replace("&", "").startswith("Confirm track 3"))
    entry.trigger()
    assert ranges(tracked, 3) == [FrameRange(0, 39)]
