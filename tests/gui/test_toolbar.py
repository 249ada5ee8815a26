"""The tool bar keeps all its buttons in the window, whatever words are on them."""

import pytest

from app.document.edits import AddCategory
from app.session import RunStatus


def _last_button_fits(window) -> bool:
    bar = window.toolbar
    return bar._export.isVisible() and bar._export.geometry().right() < bar.width()


@pytest.mark.parametrize("width", [1480, 1280, 1024])
def test_long_undo_text_leaves_room_for_export(window, qtbot, width):
    window.resize(width, 700)
    qtbot.waitUntil(lambda: window.toolbar.width() == width)
    for name in ("a", "class with a name that is much longer than any tool bar has room for"):
        window.session.do(AddCategory(900 + len(name), name))
        assert name in window.session.history.undo_text
        qtbot.waitUntil(lambda: _last_button_fits(window))
        assert len(window.toolbar._undo.text()) < 60


@pytest.mark.parametrize("width", [1480, 1280, 1024])
def test_a_run_leaves_room_for_export(window, qtbot, width):
    window.resize(width, 700)
    qtbot.waitUntil(lambda: window.toolbar.width() == width)
    window.session.set_run(RunStatus("running", frames_per_second=123.0))
    window.toolbar.show_device("NVIDIA H200 with a long name")
    qtbot.waitUntil(lambda: _last_button_fits(window))
