"""How many of the exported videos go to a file of their own for validation, and which draw decides."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.dialogs.form_parts import NumberBox
from visolo.errors import ConfigError
from visolo.io.ytvis_edit import split_ids

_MOST_PERCENT = 90


class SplitFields(QWidget):
    """A share in percent and a seed.

    Signals:
        changed: one of them is another now.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._percent = NumberBox(maximum=_MOST_PERCENT, singleStep=5, suffix=" % for validation")
        self._percent.setSpecialValueText("No split")
        self._percent.setObjectName("exportShare")
        self._percent.setAccessibleName("Share of the videos for validation")
        self._percent.setToolTip("These videos go to a file of their own, NAME-val, the others to NAME-train")
        self._seed = NumberBox(maximum=9999, prefix="seed ")
        self._seed.setObjectName("exportSeed")
        self._seed.setAccessibleName("Seed of the split")
        self._seed.setToolTip("The same number shares the same videos out in the same way")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._percent, 2)
        layout.addWidget(self._seed, 1)
        for box in (self._percent, self._seed):
            box.valueChanged.connect(self._tell)
        self._tell()

    def share(self) -> float:
        """Of the videos, 0 to below 1; 0 for no split."""
        return self._percent.value() / 100

    def leaves_both(self, video_count: int) -> bool:
        """Whether each file gets one of so many videos at least; one file is always right."""
        if not self.share():
            return True
        try:
            split_ids(range(video_count), (1 - self.share(), self.share()))
        except ConfigError:
            return False
        return True

    def seed(self) -> int:
        """Decides which videos these are."""
        return self._seed.value()

    def _tell(self) -> None:
        self._seed.setVisible(self._percent.value() > 0)
        self.changed.emit()
