"""How often a panel reads the document again while a model lands frame after frame."""

from collections.abc import Callable
from time import perf_counter

from PySide6.QtCore import QObject, QTimer

# A panel may not spend more than a tenth of the time on catching up, however long the video is.
_BUSY_SHARE = 10


class PacedRefresh(QTimer):
    """Calls a panel's refresh at once, or soon and then once for all calls that came in between.

    Args:
        refresh: reads the document and repaints.
        least_ms: between two refreshes that were asked for with `soon`.
        parent: owner.
    """

    def __init__(self, refresh: Callable[[], None], least_ms: int, parent: QObject) -> None:
        super().__init__(parent)
        self._refresh, self._least_ms = refresh, least_ms
        self.setSingleShot(True)
        self.setInterval(least_ms)
        self.timeout.connect(self.now)

    def now(self) -> None:
        """Refresh at once."""
        self.stop()
        started = perf_counter()
        self._refresh()
        self.setInterval(max(self._least_ms, round((perf_counter() - started) * 1000 * _BUSY_SHARE)))

    def soon(self) -> None:
        """Refresh when the time has come."""
        if not self.isActive():
            self.start()
