"""Notes in the real window: written, pinned, dragged, walked, ticked off in the list, marked on the timeline."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPlainTextEdit, QPushButton

from app.document.edits import AddNote, AddVideo, DeleteNote, ResolveNote
from app.document.notes import notes_of
from app.document.records import NotePlace, Video
from app.panels.note_model import NoteColumn

PLACE = NotePlace(48.0, 32.0)


@pytest.fixture
def add(window):
    """Leaves a note without the dialog: `add(frame, words, place)`."""

    def leave(frame_index, words="whose leg?", place=None):
        assert window.session.do(AddNote(window.session.video.video_id, frame_index, words, place))
        return max(window.session.notes.all, key=lambda note: note.note_id)

    return leave


def stored(window):
    return notes_of(window.session.document, window.session.video.video_id)


def view_of(window):
    return window.workspace.canvas.view


def head_of(window, place=PLACE) -> QPoint:
    """Middle of the head of a pin."""
    return (view_of(window).view.to_widget(QPointF(*place)) - QPointF(0, 16)).toPoint()


def dialog():
    found = QApplication.activeModalWidget()
    assert found is not None
    return found


def type_words(qtbot, words, end=Qt.Key.Key_Return):
    line = dialog().findChild(QPlainTextEdit, "noteWords")
    qtbot.keyClicks(line, words)
    qtbot.keyClick(line, end)


def show_list(window):
    window.docks["notes"].raise_()
    QApplication.processEvents()
    return window.docks["notes"].widget()


def menu_at(widget, point) -> QMenu:
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, widget.mapToGlobal(point))
    QApplication.sendEvent(widget, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def choose(menu, text):
    action = next(action for action in menu.actions() if action.text() == text)
    action.trigger()
    menu.close()
    QApplication.processEvents()


def drag(qtbot, window, start, *stops):
    view = view_of(window)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for stop in stops:
        qtbot.mouseMove(view, stop)
    return stops[-1]


def test_a_key_adds_a_note_to_the_frame_shown(window, press, qtbot):
    window.session.show_frame(7)
    press(window, "W")
    type_words(qtbot, "blurred")
    assert [(note.frame_index, note.words, note.place) for note in stored(window)] == [(7, "blurred", None)]
    assert window.session.history.undo_text == "Note on frame 7: blurred"
    press(window, "Ctrl+Z")
    assert stored(window) == []


def test_shift_enter_begins_a_line_and_nothing_is_no_note(window, press, qtbot):
    press(window, "W")
    line = dialog().findChild(QPlainTextEdit, "noteWords")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert not dialog().findChild(QPushButton, "noteSave").isEnabled()
    qtbot.keyClicks(line, "one")
    qtbot.keyClick(line, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(line, "two")
    qtbot.mouseClick(dialog().findChild(QPushButton, "noteSave"), Qt.MouseButton.LeftButton)
    assert [note.words for note in stored(window)] == ["one\ntwo"]
    press(window, "W")
    qtbot.keyClick(dialog(), Qt.Key.Key_Escape)
    assert len(stored(window)) == 1


def test_a_right_click_on_the_picture_pins_a_note_there(window, qtbot):
    point = view_of(window).view.to_widget(QPointF(*PLACE)).toPoint()
    choose(menu_at(view_of(window), point), "Add a note here…")
    type_words(qtbot, "here")
    (note,) = stored(window)
    assert note.place.x == pytest.approx(PLACE.x, abs=0.2)
    assert note.place.y == pytest.approx(PLACE.y, abs=0.2)


def test_a_right_click_on_a_mask_offers_a_note_too(tracked, qtbot):
    point = view_of(tracked).view.to_widget(QPointF(10, 25)).toPoint()
    menu = menu_at(view_of(tracked), point)
    assert menu.objectName() == "trackMenu"
    choose(menu, "Add a note here…")
    type_words(qtbot, "not a person")
    assert stored(tracked)[0].place.x == pytest.approx(10, abs=0.2)


def test_a_click_on_a_pin_opens_it_and_it_can_be_reworded_and_resolved(window, add, qtbot):
    add(0, place=PLACE)
    qtbot.mouseClick(view_of(window), Qt.MouseButton.LeftButton, pos=head_of(window))
    assert "whose leg?" in dialog().findChild(QPlainTextEdit, "noteWords").toPlainText()
    qtbot.keyClicks(dialog().findChild(QPlainTextEdit, "noteWords"), "an arm")
    qtbot.mouseClick(dialog().findChild(QPushButton, "noteResolve"), Qt.MouseButton.LeftButton)
    (note,) = stored(window)
    assert (note.words, note.is_resolved) == ("an arm", True)
    assert window.session.history.undo_text == "Resolve note on frame 0: an arm"
    window.session.undo()
    assert (stored(window)[0].words, stored(window)[0].is_resolved) == ("whose leg?", False)


def test_what_cannot_be_saved_is_not_lost_and_the_dialog_says_why(window, add, press, qtbot):
    note = add(0, place=PLACE)
    qtbot.mouseClick(view_of(window), Qt.MouseButton.LeftButton, pos=head_of(window))
    window.session.do(DeleteNote(1, note.note_id))
    type_words(qtbot, "an arm")
    assert "it may have been deleted" in dialog().findChild(QLabel, "noteHint").text()
    assert dialog().findChild(QPlainTextEdit, "noteWords").toPlainText() == "an arm"


def test_a_pin_is_dragged_in_one_edit_and_escape_puts_it_back(window, add, qtbot):
    add(0, place=PLACE)
    count = len(window.session.history.entries())
    start = head_of(window)
    drag(qtbot, window, start, start + QPoint(20, 0), start + QPoint(40, 20))
    qtbot.keyClick(view_of(window), Qt.Key.Key_Escape)
    qtbot.mouseRelease(view_of(window), Qt.MouseButton.LeftButton, pos=start + QPoint(40, 20))
    assert stored(window)[0].place == PLACE
    end = drag(qtbot, window, start, start + QPoint(20, 0), start + QPoint(40, 20))
    qtbot.mouseRelease(view_of(window), Qt.MouseButton.LeftButton, pos=end)
    zoom = view_of(window).view.zoom
    place = stored(window)[0].place
    assert (place.x - PLACE.x, place.y - PLACE.y) == pytest.approx((40 / zoom, 20 / zoom), abs=0.1)
    assert len(window.session.history.entries()) == count + 1
    assert QApplication.activeModalWidget() is None


def test_a_pin_dragged_out_of_the_picture_stays_at_its_edge(window, add, qtbot):
    add(0, place=PLACE)
    end = drag(qtbot, window, head_of(window), head_of(window) + QPoint(9, 0), QPoint(-500, 4000))
    qtbot.mouseRelease(view_of(window), Qt.MouseButton.LeftButton, pos=end)
    assert stored(window)[0].place == NotePlace(0.0, 64.0)


def test_a_mark_in_the_corner_is_dragged_to_a_place_and_unpinned_again(window, add, qtbot):
    add(0)
    view = view_of(window)
    corner = view.view.shown_rect.topRight().toPoint() + QPoint(-14, 14)
    assert view.note_at(QPointF(corner)) is not None
    target = view.view.to_widget(QPointF(*PLACE)).toPoint()
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=drag(qtbot, window, corner, target))
    assert stored(window)[0].place.x == pytest.approx(PLACE.x, abs=0.2)
    choose(menu_at(view, head_of(window)), "Unpin: it is about the whole frame")
    assert stored(window)[0].place is None


def test_pins_stay_at_their_place_when_the_picture_is_zoomed_and_panned(window, add, qtbot):
    add(0, place=PLACE)
    view = view_of(window)
    view.zoom_by(3.0, QPointF(100, 80))
    view.set_view(view.view.panned(QPointF(-33, 21), view.size()))
    assert view.note_at(QPointF(head_of(window))) is not None
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=head_of(window))
    dialog().close()
    assert window.session.notes.current is not None


def test_a_pin_at_the_upper_edge_of_the_view_hangs_below_its_place(window, add):
    add(0, place=PLACE)
    view = view_of(window)
    view.zoom_by(4.0)
    tip = view.view.to_widget(QPointF(*PLACE))
    view.set_view(view.view.panned(QPointF(0, 6 - tip.y()), view.size()))
    tip = view.view.to_widget(QPointF(*PLACE))
    assert tip.y() == pytest.approx(6)
    assert view.note_at(tip + QPointF(0, 16)) is not None
    assert view.note_at(tip - QPointF(0, 4)) is None


def test_hovering_says_what_is_noted_as_it_was_written(window, add):
    add(0, "is <b>this</b>\nan arm?", PLACE)
    tip = view_of(window).tip_at(QPointF(head_of(window)))
    assert "is &lt;b&gt;this&lt;/b&gt;<br>an arm?" in tip
    assert window.session.history.author in tip


def test_mask_tools_draw_over_pins_and_hidden_pins_are_not_there(window, add, qtbot):
    add(0, place=PLACE)
    window.session.set_tool("brush")
    qtbot.mouseClick(view_of(window), Qt.MouseButton.LeftButton, pos=head_of(window))
    assert QApplication.activeModalWidget() is None
    window.session.set_tool("select")
    shown = view_of(window).grab().toImage()
    window.workspace.actions.action("view.notes").trigger()
    assert view_of(window).grab().toImage() != shown
    assert view_of(window).note_at(QPointF(head_of(window))) is None


def test_keys_walk_the_open_notes_around(window, add, press):
    notes = [add(frame) for frame in (3, 9, 9, 20)]
    window.session.do(ResolveNote(1, notes[3].note_id))
    seen = []
    for _ in range(4):
        press(window, "J")
        seen.append((window.session.frame_index, window.session.notes.current.note_id))
    assert seen == [(n.frame_index, n.note_id) for n in (*notes[:3], notes[0])]
    press(window, "Shift+J")
    assert window.session.notes.current.note_id == notes[2].note_id
    press(window, "Shift+W")
    assert dialog().windowTitle() == "Note on frame 9"


def test_without_open_notes_the_keys_say_so(window, press):
    press(window, "J")
    assert "No note of this video is open" in window.status.message()
    press(window, "Shift+W")
    assert "Go to a note first" in window.status.message()


def test_the_empty_list_says_how_to_add_one(window):
    panel = show_list(window)
    assert panel.findChild(QLabel, "noteEmpty").isVisible()
    assert "with W" in panel.findChild(QLabel, "noteEmpty").text()
    assert window.docks["notes"].windowTitle() == "Notes"


def rows(panel) -> list[tuple[str, str]]:
    model = panel.model
    return [
        (model.index(row, NoteColumn.FRAME).data(), model.index(row, NoteColumn.WORDS).data())
        for row in range(model.rowCount())
    ]


def click_row(qtbot, panel, row, column=NoteColumn.WORDS):
    area = panel.view.visualRect(panel.model.index(row, column))
    point = area.center() if column is not NoteColumn.FRAME else QPoint(area.left() + 14, area.center().y())
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=point)
    QApplication.processEvents()


def test_the_list_has_open_notes_first_and_a_click_goes_to_one(window, add, qtbot):
    first, *_ = [add(frame, f"at {frame}") for frame in (3, 9, 20)]
    window.session.do(ResolveNote(1, first.note_id))
    panel = show_list(window)
    assert rows(panel) == [("9", "at 9"), ("20", "at 20"), ("3", "at 3")]
    assert window.docks["notes"].windowTitle() == "Notes (2)"
    click_row(qtbot, panel, 1)
    assert window.session.frame_index == 20
    assert window.session.notes.current.words == "at 20"


def test_keys_of_the_list_tick_off_go_to_and_delete(window, add, press, qtbot):
    for frame in (3, 9, 20):
        add(frame, f"at {frame}")
    panel = show_list(window)
    click_row(qtbot, panel, 0)
    press(window, "Space")
    assert not window.workspace.player.is_playing
    assert rows(panel) == [("9", "at 9"), ("20", "at 20"), ("3", "at 3")]
    assert window.session.history.undo_text == "Resolve note on frame 3: at 3"
    press(window, "Space")
    assert rows(panel)[0] == ("3", "at 3")
    press(window, "Down", "Return")
    assert window.session.frame_index == 9
    press(window, "Delete")
    assert rows(panel) == [("3", "at 3"), ("20", "at 20")]
    press(window, "Delete")
    assert rows(panel) == [("3", "at 3")]
    press(window, "Ctrl+Z")
    assert rows(panel) == [("3", "at 3"), ("20", "at 20")]
    press(window, "F2")
    assert dialog().objectName() == "noteDialog"


def test_a_tick_resolves_the_note_that_was_clicked(window, add, qtbot):
    for frame in (3, 9, 20):
        add(frame, f"at {frame}")
    panel = show_list(window)
    click_row(qtbot, panel, 0, NoteColumn.FRAME)
    assert [note.is_resolved for note in stored(window)] == [True, False, False]
    assert window.session.frame_index == 3


def test_the_list_can_be_of_all_videos_and_of_open_ones(window, add, make_clip, tmp_path, qtbot):
    make_clip(tmp_path / "other.mp4")
    window.session.do(AddVideo(Video(2, "other.mp4", str(tmp_path / "other.mp4"), 40, 64, 96, 25.0)))
    window.session.do(AddNote(2, 8, "in the other"))
    window.session.do(ResolveNote(1, add(3, "at 3").note_id))
    add(5, "at 5")
    panel = show_list(window)
    assert rows(panel) == [("5", "at 5"), ("3", "at 3")]
    panel.resolved_too.trigger()
    assert rows(panel) == [("5", "at 5")]
    panel.all_videos.trigger()
    assert rows(panel) == [("5", "at 5"), ("8", "in the other")]
    click_row(qtbot, panel, 1)
    assert (window.session.video.video_id, window.session.frame_index) == (2, 8)
    assert panel.view.currentIndex().row() == 1


def test_the_list_is_sorted_by_its_heads_but_open_ones_stay_first(window, add, qtbot):
    for frame, words in ((3, "b"), (9, "c"), (20, "a")):
        note = add(frame, words)
    window.session.do(ResolveNote(1, note.note_id))
    panel = show_list(window)
    head = panel.view.horizontalHeader()
    x = head.sectionViewportPosition(NoteColumn.WORDS) + 20
    qtbot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 10))
    assert [words for _, words in rows(panel)] == ["b", "c", "a"]
    qtbot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 10))
    assert [words for _, words in rows(panel)] == ["c", "b", "a"]


def test_marks_on_the_timeline_go_to_their_notes(window, add, qtbot):
    add(10, "at 10")
    add(30, "at 30", PLACE)
    timeline = window.docks["timeline"].widget()
    scene = timeline.model.scene
    at = QPoint(round(scene.middle_of(30)), 5)
    assert "at 30" in timeline.mouse.tip_at(QPointF(at))
    qtbot.mouseClick(timeline.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert window.session.frame_index == 30
    assert window.session.notes.current.words == "at 30"
    empty = QPoint(round(scene.middle_of(20)), 5)
    qtbot.mouseClick(timeline.viewport(), Qt.MouseButton.LeftButton, pos=empty)
    assert window.session.frame_index == 20


def test_a_right_click_on_the_timeline_notes_that_frame(tracked, qtbot):
    timeline = tracked.docks["timeline"].widget()
    x = round(timeline.model.scene.middle_of(25))
    choose(menu_at(timeline.viewport(), QPoint(x, 8)), "Add a note here…")
    type_words(qtbot, "ruler")
    choose(menu_at(timeline.viewport(), QPoint(x, timeline.lane_area(1).center().y())), "Add a note here…")
    type_words(qtbot, "lane")
    assert [(note.frame_index, note.words) for note in stored(tracked)] == [(25, "ruler"), (25, "lane")]
