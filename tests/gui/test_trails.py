"""Trails: where tracks were in the frames before, in their colours, cut where a track was away for long."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from app.document.adopt import begin_run
from app.document.edits import RemoveInstances, SwapTracks
from app.document.records import FrameRange
from app.settings import SHOW_TRAILS, Settings
from app.theme import track_color
from visolo.categories import load_label_set
from visolo.results import FrameResult, InstanceResult
from visolo.rle import encode

WIDTH, HEIGHT, FRAMES = 96, 64, 40


def walker(track: int, left: int, top: int) -> InstanceResult:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    mask[top : top + 8, left : left + 8] = True
    vector = np.zeros(8, dtype=np.float16)
    return InstanceResult(track, 0, 0.8, encode(mask), track, np.full(40, 0.1, np.float32), vector, vector)


@pytest.fixture
def walked(window):
    """Track 1 walks along the lower edge, 2 px a frame; track 2 stands in the upper right corner."""
    session = window.session
    writer = begin_run(session.history, 1, {"model": "test"}, load_label_set("ytvis2021"), 0)
    frames = [FrameResult(k, (walker(0, 2 * k, 54), walker(1, 84, 2))) for k in range(FRAMES)]
    session.results_landed(writer.add(frames))
    writer.finish("done")
    return window


def distance(window, x: float, y: float, track_id: int) -> int:
    """How far the picture at an image point is from a track's colour, over the three channels."""
    view = window.workspace.canvas.view
    seen = view.grab().toImage().pixelColor(view.view.to_widget(QPointF(x, y)).toPoint())
    wanted = track_color(track_id)
    pairs = ((seen.red(), wanted.red()), (seen.green(), wanted.green()), (seen.blue(), wanted.blue()))
    return sum(abs(a - b) for a, b in pairs)


def show(window, qtbot, frame_index):
    window.session.show_frame(frame_index)
    qtbot.waitUntil(lambda: window.workspace.canvas.shown_frame == frame_index)


def test_a_key_shows_and_hides_trails_and_it_is_remembered(walked, press, qtbot):
    show(walked, qtbot, 20)
    was_at_14 = 2 * 14 + 4, 58  # the middle of the mask six frames ago; the mask itself is at 40 to 48
    before = distance(walked, *was_at_14, 1)
    press(walked, "Shift+T")
    assert distance(walked, *was_at_14, 1) < before / 2
    assert Settings().get(SHOW_TRAILS)
    press(walked, "Shift+T")
    assert distance(walked, *was_at_14, 1) == before


def test_a_trail_ends_at_its_length(walked, qtbot):
    show(walked, qtbot, 30)
    reached = 2 * 5 + 4, 58
    view = walked.workspace.commands.view
    view.set_trail_length(10)
    short = distance(walked, *reached, 1)
    view.set_trail_length(100)
    assert distance(walked, *reached, 1) < short


def test_a_trail_follows_edits_and_their_undo(walked, press, qtbot):
    show(walked, qtbot, 20)
    press(walked, "Shift+T")
    trails = walked.workspace.canvas.scene.visible_trails()
    assert [p.frame_index for p in trails[1]] == list(range(21))
    walked.session.do(SwapTracks(1, 1, 2, FrameRange(0, 9)))
    swapped = walked.workspace.canvas.scene.visible_trails()
    assert (swapped[1][0].x, swapped[1][10].x) == (88, 24)
    walked.session.undo()
    assert walked.workspace.canvas.scene.visible_trails() == trails


def test_a_trail_is_cut_where_the_track_was_away(walked, press, qtbot):
    walked.session.do(RemoveInstances(1, 1, FrameRange(8, 14)))
    show(walked, qtbot, 20)
    press(walked, "Shift+T")
    gap, there = distance(walked, 2 * 11 + 4, 58, 1), distance(walked, 2 * 17 + 3, 58, 1)
    assert there < gap


def test_a_hidden_track_has_no_trail(walked, press, qtbot):
    show(walked, qtbot, 20)
    press(walked, "Shift+T", "1", "H")
    assert set(walked.workspace.canvas.scene.visible_trails()) == {2}
