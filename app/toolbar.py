"""The tool bar: playing, running the model, what edits touch, which tool, undo, export."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from app.action_registry import ActionRegistry
from app.actions import scope_id
from app.run_choice import read_choice
from app.session import RunStatus, Scope, Session
from app.settings import Settings
from app.theme import current_theme, icon, theme_changes
from app.video.player import SPEEDS, Player

_ICON_SIZE = QSize(18, 18)
_RUN_WORDS = "Run model"
_UNDO_WIDTH = 190
_SHORT_SCOPES = ("Frame", "From here", "Range", "Track")


class MainToolBar(QToolBar):
    """Buttons for the most frequent actions and the state they depend on."""

    def __init__(self, session: Session, actions: ActionRegistry, player: Player, settings: Settings) -> None:
        super().__init__("Tool bar")
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setIconSize(_ICON_SIZE)
        self._session, self._actions, self._player, self._settings = session, actions, player, settings
        self._fill()
        self._connect()
        self.show_run_choice()
        self._show_run(session.run)
        self._show_history()

    def show_run_choice(self) -> None:
        """The run settings have changed."""
        choice = read_choice(self._settings)
        self._model.setText(f"{choice.weights_name} · {choice.device.upper() if choice.device != 'auto' else 'auto'}")
        self._model.setToolTip(f"{choice.weights_path}\nDevice {choice.device}, precision {choice.precision}")

    def show_device(self, name: str) -> None:
        """The device that a run really uses."""
        self._model.setText(f"{read_choice(self._settings).weights_name} · {name}")
        self._fit()

    def _fill(self) -> None:
        for action_id in ("play.previous", "play.toggle", "play.next"):
            self._add_action(action_id)
        self._speed = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self._speed.setText("1×")
        self._speed.setToolTip("Speed of playing")
        self._speed.setMenu(self._speed_menu())
        self._speed_button = self.addWidget(self._speed)
        self.addSeparator()
        self._run = QPushButton(_RUN_WORDS)
        self._run_word: str | None = None
        self._run.setProperty("primary", True)
        self._run.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._run.setObjectName("runButton")
        self._run.clicked.connect(self._press_run)
        self.addWidget(self._run)
        self._stop = self._add_action("run.stop")
        self._model = QToolButton()
        self._model.setIcon(icon("mdi6.tune"))
        self._model.clicked.connect(self._actions.action("run.settings").trigger)
        self.addWidget(self._model)
        self._rate = QLabel("")
        self._rate.setProperty("muted", True)
        self._rate_label = self.addWidget(self._rate)
        self.addSeparator()
        scope = QLabel("Edits apply to ")
        scope.setProperty("muted", True)
        self._scope_label = self.addWidget(scope)
        self._scopes = SegmentedControl([scope_id(s) for s in Scope], self._actions)
        self.addWidget(self._scopes)
        self.addSeparator()
        self._tools = SegmentedControl(
            ["tool.select", "tool.brush", "tool.eraser", "tool.polygon", "tool.follow"], self._actions
        )
        self.addWidget(self._tools)
        self.addSeparator()
        self._undo = self._add_action("edit.undo", Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._add_action("edit.redo")
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spacer)
        self._export = self._add_action("file.export", Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def _add_action(
        self, action_id: str, style: Qt.ToolButtonStyle = Qt.ToolButtonStyle.ToolButtonIconOnly
    ) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self._actions.action(action_id))
        button.setToolButtonStyle(style)
        self.addWidget(button)
        return button

    def _speed_menu(self) -> QMenu:
        menu = QMenu(self)
        for speed in SPEEDS:
            action = menu.addAction(f"{speed:g}×")
            action.setData(speed)
        menu.addSeparator()
        menu.addAction(self._actions.action("play.loop"))
        menu.triggered.connect(self._choose_speed)
        return menu

    def _connect(self) -> None:
        self._player.playing_changed.connect(self._show_playing)
        self._player.speed_changed.connect(self._show_speed)
        self._session.run_changed.connect(self._show_run)
        self._session.history_changed.connect(self._show_history)
        self._session.video_changed.connect(self._refresh_run)
        self._session.project_opened.connect(self._refresh_run)
        theme_changes().changed.connect(self._recolor)

    def _choose_speed(self, action: object) -> None:
        speed = action.data()  # type: ignore[attr-defined]
        if isinstance(speed, float):
            self._player.set_speed(speed)

    def _press_run(self) -> None:
        self._actions.run("run.toggle")

    def _show_playing(self, playing: bool) -> None:
        self._actions.action("play.toggle").setIcon(icon("mdi6.pause" if playing else "mdi6.play"))

    def _show_speed(self, speed: float) -> None:
        self._speed.setText(f"{speed:g}×")

    def _refresh_run(self) -> None:
        self._show_run(self._session.run)

    def _show_run(self, status: RunStatus) -> None:
        running = status.state in ("running", "loading")
        words = {"running": "Pause run", "loading": "Loading…", "paused": "Resume run"}
        if status.is_following:
            words["running"] = "Following…"
        self._run.setIcon(icon("mdi6.pause" if running else "mdi6.play", current_theme().on_accent))
        self._run.setEnabled(self._actions.why_not("run.toggle") is None)
        self._run.setToolTip(self._actions.why_not("run.toggle") or "Find and follow objects in the video (F5)")
        rate = f"{status.frames_per_second:.0f} FPS" if status.frames_per_second else ""
        grown = len(rate) != len(self._rate.text()) or words.get(status.state) != self._run_word
        self._run_word = words.get(status.state)
        self._rate.setText(rate)
        if grown:
            self._fit()

    def _show_history(self) -> None:
        text = self._session.history.undo_text if self._session.history is not None and self._session.can_undo else ""
        # As the action's short text: the button takes that again whenever the action changes.
        self._undo.defaultAction().setIconText(
            self._undo.fontMetrics().elidedText(f"Undo {text}".strip(), Qt.TextElideMode.ElideRight, _UNDO_WIDTH - 40)
        )
        self._undo.setToolTip(f"Undo {text}".strip() + " (Ctrl+Z)")
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Less text where there is less room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as many words as there is room for; the icons always stay."""
        icons, words = Qt.ToolButtonStyle.ToolButtonIconOnly, Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        self._tools.set_style(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._run.setText(self._run_word or _RUN_WORDS)
        self._undo.setToolButtonStyle(words)
        self._export.setToolButtonStyle(words)
        self._model.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._scopes.set_words(tuple(scope.value for scope in Scope))
        self._scope_label.setVisible(True)
        self._rate_label.setVisible(True)
        self._speed_button.setVisible(True)
        layout = self.layout()
        assert layout is not None
        shorter: list[Callable[[], None]] = [
            lambda: self._tools.set_style(icons),
            lambda: self._undo.setToolButtonStyle(icons),
            lambda: self._scope_label.setVisible(False),
            lambda: self._export.setToolButtonStyle(icons),
            lambda: self._scopes.set_words(_SHORT_SCOPES),
            lambda: self._model.setToolButtonStyle(icons),
            lambda: self._rate_label.setVisible(False),
            lambda: self._run.setText(self._run.text().split()[0]),
            lambda: self._speed_button.setVisible(False),
        ]
        for shorten in shorter:
            layout.invalidate()
            if layout.sizeHint().width() <= self.width():
                return
            shorten()

    def _recolor(self) -> None:
        self._show_run(self._session.run)
        self._show_playing(self._player.is_playing)
        self._model.setIcon(icon("mdi6.tune"))


class SegmentedControl(QFrame):
    """Checkable actions side by side, of which one is ticked."""

    def __init__(self, action_ids: Sequence[str], actions: ActionRegistry) -> None:
        super().__init__()
        self.setObjectName("segments")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(1)
        self._buttons: list[QToolButton] = []
        for action_id in action_ids:
            button = QToolButton()
            button.setProperty("segment", True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setDefaultAction(actions.action(action_id))
            layout.addWidget(button)
            self._buttons.append(button)

    def set_words(self, words: Sequence[str]) -> None:
        """Other words on the buttons than in the menus."""
        for button, word in zip(self._buttons, words, strict=True):
            button.defaultAction().setIconText(word)

    def set_style(self, style: Qt.ToolButtonStyle) -> None:
        """Words or icons."""
        for button in self._buttons:
            button.setToolButtonStyle(style)
