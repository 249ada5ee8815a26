"""A reviewer at a real screen: `python screen_sessions.py keyboard|mouse PROJECT [PICTURES]`, with DISPLAY set.

Keys and clicks go through the X server, as those of a person do; the window only gets what the server delivers. The
project holds `switched_clip` over the first frames of a video. Prints what came of it, a line each; `PICTURES` is a
folder that gets a picture after every step.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2  # noqa: F401 - before Qt, as in a program that uses both: its wheel points Qt at its own plugins
from PySide6.QtCore import QEventLoop, QPoint, QPointF, QTimer
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QToolButton, QWidget

from app.application import forget_opencv_plugins, open_window, parse_arguments
from app.document.confirmation import confirmed_ranges
from app.session import Scope

_PATIENCE_MS = 30_000


class Reviewer:
    """Hands and eyes of the person: moves are real events, and are counted; waiting is for what can be seen."""

    def __init__(self, window, pictures: Path | None) -> None:
        self.window, self.session = window, window.session
        self.actions = 0
        self._pictures, self._count = pictures, 0

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Let the window live until something is so."""
        loop, timer, limit = QEventLoop(), QTimer(interval=20), QTimer(singleShot=True, interval=_PATIENCE_MS)
        timer.timeout.connect(lambda: condition() and loop.quit())
        limit.timeout.connect(loop.quit)
        timer.start()
        limit.start()
        loop.exec()
        if not condition():
            self.window.close()
            sys.exit(f"waited in vain until {what}")
        self._picture(what)

    def key(self, name: str) -> None:
        """Press and release, e.g. "ctrl+t"."""
        self.actions += 1
        _xdotool("key", name)

    @contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """A key held down meanwhile."""
        _xdotool("keydown", name)
        yield
        _xdotool("keyup", name)

    def click(self, at: QPoint, button: int = 1) -> None:
        """Click at a point of the screen."""
        self.actions += 1
        _xdotool("mousemove", "--sync", str(at.x()), str(at.y()), "click", str(button))

    def drag(self, start: QPoint, end: QPoint) -> None:
        """Press at one point of the screen and let go at another."""
        self.actions += 1
        _xdotool("mousemove", "--sync", str(start.x()), str(start.y()), "mousedown", "1")
        _xdotool("mousemove", "--sync", str(end.x()), str(end.y()), "mouseup", "1")

    def middle_of(self, name: str) -> QPoint:
        """A widget's middle on the screen."""
        widget = self.window.findChild(QWidget, name)
        return widget.mapToGlobal(widget.rect().center())

    def button_of(self, action_id: str) -> QPoint:
        """The middle of an action's button in the tool bar."""
        action = self.window.findChild(QAction, action_id)
        button = next(b for b in self.window.findChildren(QToolButton) if b.defaultAction() is action)
        return button.mapToGlobal(button.rect().center())

    def mask_of(self, track_id: int) -> QPoint:
        """A point of a track's mask on the screen."""
        view = self.window.workspace.canvas.view
        box = next(d for d in view.scene.instances if d.track_id == track_id).instance.box
        middle = QPointF(box.x + box.width / 2, box.y + box.height / 2)
        return view.mapToGlobal(view.view.to_widget(middle).toPoint())

    def lane_at(self, track_id: int, frame_index: int) -> QPoint:
        """The screen point of a frame in a track's lane."""
        timeline = self.window.docks["timeline"].widget()
        x = timeline.model.scene.x_of(frame_index + 0.5)
        return timeline.viewport().mapToGlobal(QPoint(round(x), timeline.lane_area(track_id).center().y()))

    def choose(self, start: str) -> None:
        """Click the entry of the open menu that begins so."""
        self.wait(lambda: self._entry(start) is not None, f"there is a menu with “{start}”")
        menu, entry = self._entry(start)
        self.click(menu.mapToGlobal(menu.actionGeometry(entry).center()))

    def _entry(self, start: str) -> tuple[QMenu, QAction] | None:
        menus = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible()]
        found = [(m, a) for m in menus for a in m.actions() if a.text().replace("&", "").startswith(start)]
        return found[0] if found else None

    def _picture(self, what: str) -> None:
        if self._pictures is not None:
            self._count += 1
            words = "".join(c if c.isalnum() else "_" for c in what)
            QGuiApplication.primaryScreen().grabWindow(0).save(str(self._pictures / f"{self._count:02d}_{words}.png"))


def keyboard_session(reviewer: Reviewer) -> None:
    """From the list to the export-ready video without a mouse."""
    session, history = reviewer.session, reviewer.session.history
    reviewer.key("n")
    reviewer.wait(lambda: session.review.current is not None, "the suspicion is shown")
    reviewer.key("Return")
    reviewer.wait(lambda: history.undo_text.startswith("Swap"), "the switch is mended")
    print("MENDED", reviewer.actions, history.undo_text)
    reviewer.key("Home")
    reviewer.key("3")
    reviewer.wait(lambda: session.selection == {3} and session.frame_index == 0, "track 3 is selected")
    reviewer.key("p")
    reviewer.wait(lambda: session.scope is not Scope.FROM_HERE, "the scope is another")
    # No range is marked, so there are two more.
    reviewer.key("p")
    reviewer.key("p")
    reviewer.wait(lambda: session.scope is Scope.FROM_HERE, "the scope is from here on again")
    with reviewer.holding("ctrl"):
        reviewer.wait(lambda: reviewer.window.workspace.canvas.view.legend, "the digits are told")
        reviewer.key("0")
    reviewer.wait(lambda: session.selection == {4}, "a new track has it")
    print("ASSIGNED", history.undo_text)
    reviewer.key("ctrl+z")
    reviewer.wait(lambda: history.undo_text.startswith("Swap"), "that is undone")
    reviewer.key("shift+c")
    reviewer.wait(lambda: confirmed_ranges(session.document, 1), "the video is confirmed")
    print("CONFIRMED", confirmed_ranges(session.document, 1)[0])


def mouse_session(reviewer: Reviewer) -> None:
    """The same mistake by hand: from the mask's menu; then the list, a range, a lane, undo."""
    session, history = reviewer.session, reviewer.session.history
    reviewer.click(reviewer.lane_at(3, 20))
    reviewer.wait(lambda: reviewer.window.workspace.canvas.shown_frame == 20, "the frame of the switch is shown")
    reviewer.actions = 0
    reviewer.click(reviewer.mask_of(1), button=3)
    reviewer.choose("Swap from frame 20 on with")
    reviewer.choose("2 ")
    reviewer.wait(lambda: history.undo_text.startswith("Swap"), "the switch is mended")
    print("MENDED", reviewer.actions, history.undo_text)
    reviewer.click(reviewer.button_of("edit.undo"))
    reviewer.wait(lambda: not history.undo_text.startswith("Swap"), "that is undone")
    reviewer.wait(lambda: session.review.found and not session.review.is_behind, "the list is there again")
    reviewer.actions = 0
    reviewer.click(reviewer.middle_of("nextSuspicion"))
    reviewer.wait(lambda: session.review.current is not None, "the suspicion is shown")
    reviewer.click(reviewer.middle_of("acceptSuspicion"))
    reviewer.wait(lambda: history.undo_text.startswith("Swap"), "the list has mended it")
    print("ACCEPTED", reviewer.actions, history.undo_text)
    with reviewer.holding("shift"):
        reviewer.drag(reviewer.lane_at(3, 4), reviewer.lane_at(3, 30))
    reviewer.wait(lambda: session.range is not None and session.range.last == 30, "a range is marked")
    reviewer.click(reviewer.button_of("scope.range"))
    reviewer.wait(lambda: session.scope is Scope.RANGE, "edits apply to the range")
    reviewer.click(reviewer.lane_at(3, 10), button=3)
    reviewer.choose("Confirm track 3")
    reviewer.wait(lambda: confirmed_ranges(session.document, 1, 3), "the range is confirmed")
    print("CONFIRMED", confirmed_ranges(session.document, 1, 3)[0])


def main() -> None:
    """Open the project, wait for the list, do one of the sessions."""
    session_name, project, *pictures = sys.argv[1:]
    forget_opencv_plugins()
    app = QApplication(["review"])
    if app.platformName() != "xcb":
        sys.exit(f"this is no X server but {app.platformName()}")
    window = open_window(app, parse_arguments([project]))
    window.move(0, 0)
    window.resize(1280, 860)
    reviewer = Reviewer(window, Path(pictures[0]) if pictures else None)
    reviewer.wait(lambda: window.workspace.canvas.shown_frame >= 0, "a frame is shown")
    # What a window manager does with a new window; the bare server has none.
    _xdotool("windowfocus", str(int(window.winId())))
    reviewer.wait(window.isActiveWindow, "the window has the keyboard")
    reviewer.wait(lambda: window.session.review.found, "the list is there")
    {"keyboard": keyboard_session, "mouse": mouse_session}[session_name](reviewer)
    window.close()


def _xdotool(*arguments: str) -> None:
    subprocess.run(["xdotool", *arguments], check=True, timeout=20)


if __name__ == "__main__":
    main()
