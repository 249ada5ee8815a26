"""The main window: composes canvas, docks, menus and bars around a workspace. No edits, no files."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QKeyCombination, QMimeData, QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow, QMenu, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app.dialogs.errors import ErrorReporter
from app.held_keys import HeldKeys
from app.legend import digit_legend
from app.menus import PANELS, RECENT, fill_menu_bar
from app.opening_notes import OpeningNotes
from app.panels.inspector import Inspector
from app.panels.note_list import NoteList
from app.panels.note_menu import note_menu, offer_note
from app.panels.preview_bar import PreviewBar
from app.panels.queue import QueuePanel
from app.panels.review_list import ReviewList
from app.panels.threshold_bar import ThresholdBar
from app.panels.timeline import Timeline
from app.panels.track_menu import track_menu
from app.panels.track_table import TrackTable
from app.physical_keys import physical_sequence
from app.projects import is_project, project_title
from app.settings import Settings
from app.status_bar import MainStatusBar
from app.toolbar import MainToolBar
from app.welcome import Welcome
from app.workspace import Workspace

_SAVE_PLACE_MS = 700
# Below these the panels' tables and buttons lose their words.
_PANEL_WIDTHS = {"queue": 190, "tracks": 340, "inspector": 340, "review": 340, "notes": 340}
_TITLE = "VISOLO Review"


class MainWindow(QMainWindow):
    """One window with one workspace."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.workspace = Workspace(settings, self)
        self.session = self.workspace.session
        self.errors = ErrorReporter(self)
        self.welcome = Welcome()
        self.stack = QStackedWidget()
        self.docks: dict[str, QDockWidget] = {}
        self.recent_menu = QMenu("Open &recent", self)
        self.saved = QLabel()
        self._save_place = QTimer(self, singleShot=True, interval=_SAVE_PLACE_MS)
        self._save_place.timeout.connect(self.session.save_place)
        self._build()
        self.held_keys = HeldKeys(self, self.workspace.canvas.view.panning)
        self.notes = OpeningNotes(self.workspace, self.errors, self)
        self._connect()
        self._show_project()

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open what was named on the command line or dropped."""
        self.workspace.opener.open_paths(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the arrangement, stop all work, let go of the project; a training run is not stopped unasked."""
        if not self.workspace.commands.training.may_close():
            event.ignore()
            return
        self.workspace.settings.set_window_arrangement(self.saveGeometry(), self.saveState())
        # Waiting for a model to stop must not look like hanging.
        self.hide()
        self.workspace.close()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that no shortcut took: typed on another alphabet, or of an action that can't be done now."""
        sequence = physical_sequence(event)
        if sequence is None and event.key() not in _MODIFIER_KEYS:
            sequence = _typed_sequence(event)
        if sequence is None or not self.workspace.actions.press(sequence):
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped anywhere."""
        if _dropped(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped; over the queue of a project, add it there."""
        event.acceptProposedAction()
        paths = _dropped(event.mimeData())
        is_added = self.session.document is not None and not any(map(is_project, paths))
        if is_added and self.docks["queue"].geometry().contains(event.position().toPoint()):
            self.workspace.opener.add_paths(paths)
        else:
            self.open_paths(paths)

    def _build(self) -> None:
        workspace = self.workspace
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 560)
        self.resize(1480, 920)
        self.stack.addWidget(self.welcome)
        self.stack.addWidget(workspace.canvas.view)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.stack, 1)
        column.addWidget(ThresholdBar(self.session.trial))
        column.addWidget(PreviewBar(self.session.preview))
        self.setCentralWidget(centre)
        self.toolbar = MainToolBar(self.session, workspace.actions, workspace.player, workspace.settings)
        self.addToolBar(self.toolbar)
        self.status = MainStatusBar(
            self.session, workspace.player, workspace.settings, workspace.commands.view.set_opacity
        )
        self.setStatusBar(self.status)
        self._build_docks()
        self._build_menus()
        geometry, state = workspace.settings.window_arrangement()
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        if not state.isEmpty():
            self.restoreState(state)

    def _build_docks(self) -> None:
        area = Qt.DockWidgetArea
        self.setCorner(Qt.Corner.BottomLeftCorner, area.BottomDockWidgetArea)
        self.setCorner(Qt.Corner.BottomRightCorner, area.BottomDockWidgetArea)
        self._add_dock("queue", "Queue", QueuePanel(self.session), area.LeftDockWidgetArea)
        self._add_dock("tracks", "Tracks", TrackTable(self.session), area.RightDockWidgetArea)
        self._add_dock("inspector", "Inspector", Inspector(self.session), area.RightDockWidgetArea)
        self._add_dock("review", "To check", ReviewList(self.session), area.RightDockWidgetArea)
        self._add_notes(area.RightDockWidgetArea)
        self._add_dock("timeline", "Timeline", Timeline(self.session), area.BottomDockWidgetArea)
        self.resizeDocks([self.docks["queue"], self.docks["tracks"]], [215, 360], Qt.Orientation.Horizontal)
        right = [self.docks[key] for key in ("tracks", "inspector", "review")]
        self.resizeDocks(right, [180, 150, 310], Qt.Orientation.Vertical)
        self.resizeDocks([self.docks["timeline"]], [230], Qt.Orientation.Vertical)

    def _add_notes(self, area: Qt.DockWidgetArea) -> None:
        """The list of notes shares the place of what is to check; its tab says how many are open."""
        notes = NoteList(self.session)
        self._add_dock("notes", "Notes", notes, area)
        dock = self.docks["notes"]
        notes.counted.connect(lambda count: dock.setWindowTitle(f"Notes ({count})" if count else "Notes"))
        self.setTabPosition(area, QTabWidget.TabPosition.North)
        self.tabifyDockWidget(self.docks["review"], dock)
        self.docks["review"].raise_()

    def _add_dock(self, key: str, title: str, panel: QWidget, area: Qt.DockWidgetArea) -> None:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock.{key}")
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        panel.setMinimumWidth(_PANEL_WIDTHS.get(key, 0))
        dock.setWidget(panel)
        # The panels have headings of their own; a title bar would say the same twice.
        dock.setTitleBarWidget(QWidget())
        self.addDockWidget(area, dock)
        self.docks[key] = dock

    def _build_menus(self) -> None:
        panels = QMenu("&Panels", self)
        for dock in self.docks.values():
            panels.addAction(dock.toggleViewAction())
        fill_menu_bar(self.menuBar(), self.workspace.actions, {RECENT: self.recent_menu, PANELS: panels})
        self.saved.setProperty("muted", True)
        self.saved.setContentsMargins(0, 5, 14, 0)
        self.menuBar().setCornerWidget(self.saved)

    def _connect(self) -> None:
        session, workspace = self.session, self.workspace
        session.project_opened.connect(self._show_project)
        session.video_changed.connect(self._show_project)
        session.history_changed.connect(self._show_project)
        session.frame_changed.connect(self._save_place.start)
        workspace.inference.failed.connect(self.errors.show_error)
        workspace.inference.device_known.connect(self.toolbar.show_device)
        workspace.training.changed.connect(self.status.show_training)
        self.status.training_wanted.connect(workspace.actions.action("run.retrain").trigger)
        workspace.inference.choice_changed.connect(self.toolbar.show_run_choice)
        workspace.canvas.pins.opened.connect(workspace.commands.notes.open)
        workspace.canvas.view.menu_requested.connect(self._show_canvas_menu)
        workspace.commands.view.opacity_changed.connect(self.status.show_opacity)
        self.held_keys.key_coming.connect(workspace.actions.settle)
        self.held_keys.space_tapped.connect(workspace.actions.action("play.toggle").trigger)
        self.held_keys.legend_wanted.connect(self._show_legend)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self.recent_menu.triggered.connect(self._open_recent)
        self.welcome.open_wanted.connect(workspace.actions.action("file.open").trigger)
        self.welcome.sample_wanted.connect(workspace.actions.action("file.open_sample").trigger)
        self.welcome.path_chosen.connect(workspace.opener.open_path)

    def _show_project(self) -> None:
        document = self.session.document
        canvas = self.workspace.canvas.view
        has_videos = document is not None and bool(document.videos())
        if has_videos != (self.stack.currentWidget() is canvas):
            shown = canvas if has_videos else self.welcome
            self.stack.setCurrentWidget(shown)
            # Letters and digits are commands; they must not end in the first input line that finds the focus.
            shown.setFocus()
        for dock in self.docks.values():
            dock.setEnabled(document is not None)
        self.toolbar.setEnabled(True)
        if document is None:
            self.welcome.show_recent(self.workspace.settings.recent())
            self.setWindowTitle(_TITLE)
            self.saved.clear()
            return
        title = project_title(document.path)
        self.setWindowTitle(f"{title} — {_TITLE}")
        self.saved.setText(f"{title}  ·  all changes saved")
        # The menu bar asks for the size of its corner only when it is given one.
        self.menuBar().setCornerWidget(self.saved)
        self.saved.setToolTip(f"{document.path}\nEvery edit is written at once; there is nothing to lose")

    def _show_canvas_menu(self, position: QPoint, by_key: bool) -> None:
        view = self.workspace.canvas.view
        point = view.mapFromGlobal(position).toPointF()
        note = None if by_key else view.note_at(point)
        if note is not None:
            note_menu(self.session, note, self).popup(position)
            return
        drawn = None if by_key else view.instance_at(point)
        if drawn is not None and drawn.track_id not in self.session.selection:
            self.session.select({drawn.track_id})
        if drawn is not None or (by_key and self.session.selection):
            menu = track_menu(self.session, self.session.selection, self)
        else:
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            ids = ("play.toggle", "run.toggle", "run.from_here", "-", "view.fit", "view.actual", "-",
                   "view.masks", "view.labels", "view.contours", "track.show_all")  # fmt: skip
            for action_id in ids:
                menu.addSeparator() if action_id == "-" else menu.addAction(self.workspace.actions.action(action_id))
        offer_note(menu, self.session, self.session.frame_index, None if by_key else view.place_at(point), self)
        menu.popup(position)

    def _show_legend(self, wanted: bool) -> None:
        self.workspace.canvas.view.show_legend(digit_legend(self.session) if wanted else None)

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for path in self.workspace.settings.recent():
            self.recent_menu.addAction(str(path)).setData(str(path))
        if self.recent_menu.isEmpty():
            self.recent_menu.addAction("Nothing was opened yet").setEnabled(False)
            return
        self.recent_menu.addSeparator()
        self.recent_menu.addAction("Clear this list").setData("")

    def _open_recent(self, action: QAction) -> None:
        if action.data():
            self.workspace.opener.open_path(Path(action.data()))
        else:
            self.workspace.settings.clear_recent()


_MODIFIER_KEYS = {Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_AltGr, Qt.Key.Key_Meta, 0}


def _typed_sequence(event: QKeyEvent) -> QKeySequence:
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return QKeySequence(QKeyCombination(modifiers, Qt.Key(event.key())))


def _dropped(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
