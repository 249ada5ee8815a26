"""What this program is, by whom, under which licence."""

import platform

from PySide6 import __version__ as qt_version
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from visolo import __version__

_TEXT = """
<h2>VISOLO Review</h2>
<p>Version {version}</p>
<p>Plays videos through VISOLO, an online video instance segmentation network, and helps to correct what it found.</p>
<p>VISOLO: Grid-Based Space-Time Aggregation for Efficient Online Video Instance Segmentation<br>
Su Ho Han and others, CVPR 2022.</p>
<p>Licensed under the Apache License 2.0. Python {python}, Qt {qt}.</p>
"""


class AboutDialog(QDialog):
    """Name, version, paper, licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About VISOLO Review")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        text = QLabel(_TEXT.format(version=__version__, python=platform.python_version(), qt=qt_version), wordWrap=True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setMinimumWidth(440)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 12, 24, 16)
        layout.addWidget(text)
        layout.addWidget(buttons)
