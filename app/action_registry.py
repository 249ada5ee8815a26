"""Turns the table of actions into QActions: keys, enabled or why not, checked, changing texts, shared keys."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.commands.commands import Commands
from app.commands.conditions import Condition, always
from app.session import Session
from app.theme import icon, theme_changes


@dataclass(frozen=True)
class Row:
    """One action.

    Attributes:
        action_id: "area.verb", stable: settings keep keys under it.
        text: in menus; one that depends on the session is a function.
        run: what it does.
        keys: portable key sequences, the first is shown in menus.
        icon: QtAwesome name, or empty.
        needs: when it can be done.
        checked: whether it is ticked; None for actions that are not.
        repeats: whether holding the key repeats it.
        keys_when: when the keys are this action's; it can be done without them at other times, too.
        mask_keys: further keys while a mask tool has the mouse.
    """

    action_id: str
    text: str | Callable[[Session], str]
    run: Callable[[Commands], None]
    keys: tuple[str, ...] = ()
    icon: str = ""
    needs: Condition = always
    checked: Callable[[Commands], bool] | None = None
    repeats: bool = False
    keys_when: Condition = always
    mask_keys: tuple[str, ...] = ()


class ActionRegistry(QObject):
    """All actions of the window by id.

    A key of several rows belongs to the first of them that can be done now: Ctrl+0 is "new track" while a track is
    selected and "100 %" otherwise.

    Signals:
        refused: a sentence why the action that was asked for can't be done.
    """

    refused = Signal(str)

    def __init__(self, rows: Sequence[Row], commands: Commands, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._rows = {row.action_id: row for row in rows}
        assert len(self._rows) == len(rows), "two actions have one id"
        self._commands, self._session = commands, session
        self._keys = {row.action_id: row.keys for row in rows}
        self._actions = {row.action_id: self._make(row, window) for row in rows}
        self._refresh_later = QTimer(self, singleShot=True, interval=0)
        self._refresh_later.timeout.connect(self.refresh)
        self._connect()
        self.refresh()

    def rows(self) -> list[Row]:
        """The table."""
        return list(self._rows.values())

    def action(self, action_id: str) -> QAction:
        """The QAction of an id.

        Raises:
            KeyError: the table has no such id.
        """
        return self._actions[action_id]

    def title(self, action_id: str) -> str:
        """What the action is called, without mnemonics."""
        return self._text(self._rows[action_id]).replace("&", "").rstrip("…")

    def why_not(self, action_id: str) -> str | None:
        """Why the action can't be done now; None when it can."""
        return self._rows[action_id].needs(self._session)

    def keys(self, action_id: str) -> tuple[str, ...]:
        """Keys in force."""
        return self._keys[action_id]

    def default_keys(self, action_id: str) -> tuple[str, ...]:
        """Keys as shipped."""
        return self._rows[action_id].keys

    def set_keys(self, changed: Mapping[str, Iterable[str]]) -> None:
        """Use these keys instead of the shipped ones; ids that are not there any more are ignored."""
        self._keys = {row.action_id: tuple(changed.get(row.action_id, row.keys)) for row in self._rows.values()}
        self.refresh()

    def schedule_refresh(self) -> None:
        """Look at all conditions again once the current event is done."""
        if not self._refresh_later.isActive():
            self._refresh_later.start()

    def settle(self) -> None:
        """Look at all conditions now if something changed: a key may arrive before a scheduled look."""
        if self._refresh_later.isActive():
            self._refresh_later.stop()
            self.refresh()

    def refresh(self) -> None:
        """Bring texts, ticks, keys and what is enabled up to date."""
        taken: set[str] = set()
        for action_id, row in self._rows.items():
            action = self._actions[action_id]
            enabled = row.needs(self._session) is None
            action.setEnabled(enabled)
            action.setText(self._text(row))
            if row.checked is not None:
                action.setChecked(row.checked(self._commands))
            own = [key for key in self._keys_now(action_id) if key not in taken]
            shortcuts = [QKeySequence(key) for key in own]
            if action.shortcuts() != shortcuts:
                action.setShortcuts(shortcuts)
            if enabled:
                taken.update(own)

    def _keys_now(self, action_id: str) -> tuple[str, ...]:
        row = self._rows[action_id]
        usual = self._keys[action_id] if row.keys_when(self._session) is None else ()
        return (*usual, *(row.mask_keys if self._session.tool_id != "select" else ()))

    def press(self, keys: QKeySequence) -> bool:
        """Do what a key sequence stands for; used for keys that Qt itself did not recognise.

        Returns:
            False when no action has these keys.
        """
        wanted = keys.toString(QKeySequence.SequenceFormat.PortableText)
        meant = [action_id for action_id in self._rows if wanted in _portable(self._keys_now(action_id))]
        for action_id in meant:
            if self.why_not(action_id) is None:
                self._actions[action_id].trigger()
                return True
        if meant:
            self.refused.emit(f"{self.title(meant[0])}: {self.why_not(meant[0])}")
        return bool(meant)

    def run(self, action_id: str) -> None:
        """Do an action if it can be done, else say why not."""
        reason = self.why_not(action_id)
        if reason is None:
            self._rows[action_id].run(self._commands)
        else:
            self.refused.emit(f"{self.title(action_id)}: {reason}")
        self.schedule_refresh()

    def _make(self, row: Row, window: QWidget) -> QAction:
        action = QAction(self._text(row), window)
        action.setObjectName(row.action_id)
        action.setCheckable(row.checked is not None)
        action.setAutoRepeat(row.repeats)
        if row.icon:
            action.setIcon(icon(row.icon))
        action.triggered.connect(self._run_sender)
        window.addAction(action)
        return action

    def _run_sender(self, _checked: bool = False) -> None:
        self.run(self.sender().objectName())

    def _text(self, row: Row) -> str:
        return row.text if isinstance(row.text, str) else row.text(self._session)

    def _connect(self) -> None:
        session = self._session
        for signal in (
            session.project_opened,
            session.document_changed,
            session.video_changed,
            session.selection_changed,
            session.scope_changed,
            session.range_changed,
            session.history_changed,
            session.visibility_changed,
            session.run_changed,
            session.tool_changed,
            session.review.current_changed,
            session.review.listed,
            session.notes.current_changed,
            session.preview.changed,
            session.preview.waited,
            session.identities.answered,
            session.identities.digits_changed,
        ):
            signal.connect(self.schedule_refresh)
        theme_changes().changed.connect(self._recolor)

    def _recolor(self) -> None:
        for action_id, row in self._rows.items():
            if row.icon:
                self._actions[action_id].setIcon(icon(row.icon))


def _portable(keys: Iterable[str]) -> set[str]:
    return {QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText) for key in keys}
