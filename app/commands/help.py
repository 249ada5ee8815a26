"""Help: keyboard shortcuts, the log, about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from app.dialogs.about import AboutDialog
from app.dialogs.shortcuts import KeyTable, ShortcutsDialog
from app.settings import SHORTCUTS, Settings, data_folder

if TYPE_CHECKING:
    from app.action_registry import ActionRegistry

LOG_NAME = "visolo-review.log"


class HelpCommands(QObject):
    """Handlers of the help actions; `actions` is set once the table is built."""

    def __init__(self, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._settings, self._window = settings, parent
        self.actions: ActionRegistry | None = None

    def shortcuts(self) -> None:
        """Show and change keys."""
        assert self.actions is not None
        rows = [
            KeyTable(
                row.action_id,
                self.actions.title(row.action_id),
                self.actions.keys(row.action_id),
                self.actions.default_keys(row.action_id),
            )
            for row in self.actions.rows()
        ]
        dialog = ShortcutsDialog(rows, self._window)
        dialog.keys_changed.connect(self._store_keys)
        dialog.open()

    def show_log(self) -> None:
        """Open the log file."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(data_folder() / LOG_NAME)))

    def about(self) -> None:
        """Version, licence, paper."""
        AboutDialog(self._window).open()

    def _store_keys(self, changed: dict[str, list[str]]) -> None:
        assert self.actions is not None
        self._settings.set_json(SHORTCUTS, changed)
        self.actions.set_keys(changed)
