"""Colours to choose from: those that are well told apart, any other, and the automatic one."""

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QColorDialog, QFrame, QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.dialogs.form_parts import push_button
from visolo.palette import track_rgb

_OFFERED, _COLUMNS = 24, 8
_SWATCH = 16
_RATIO = 2.0


class ColorPopup(QFrame):
    """A grid of colours; Tab goes through it, Escape leaves.

    Signals:
        picked: "#rrggbb", or None for the automatic colour.
    """

    picked = Signal(object)

    def __init__(self, title: str, color: str | None, automatic: QColor, parent: QWidget) -> None:
        """Ask for a colour.

        Args:
            title: what the colour is of.
            color: the one that it has now; None for the automatic one.
            automatic: what that looks like.
            parent: what it belongs to.
        """
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("colorPopup")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._title, self._start = title, QColor(color) if color else automatic
        grid = QGridLayout()
        grid.setSpacing(2)
        for number in range(_OFFERED):
            offered = QColor(*track_rgb(number + 1))
            grid.addWidget(self._swatch_button(offered), number // _COLUMNS, number % _COLUMNS)
        automatic_button = push_button("Automatic", "colorAutomatic", lambda: self._pick(None))
        automatic_button.setIcon(swatch(automatic, is_automatic=True))
        row = QHBoxLayout()
        row.addWidget(automatic_button)
        row.addStretch(1)
        row.addWidget(push_button("Other…", "colorOther", self._ask_other))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addLayout(grid)
        layout.addLayout(row)

    def show_at(self, point: QPoint) -> None:
        """Open with the upper left corner at a point of the screen."""
        self.move(point)
        self.show()

    def _swatch_button(self, color: QColor) -> QToolButton:
        button = QToolButton(autoRaise=True)
        button.setObjectName(f"pick{color.name()}")
        button.setAccessibleName(color.name())
        button.setToolTip(color.name())
        button.setIcon(swatch(color, is_automatic=False))
        button.setIconSize(QSize(_SWATCH, _SWATCH))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: self._pick(color.name()))
        return button

    def _pick(self, color: str | None) -> None:
        self.picked.emit(color)
        self.close()

    def _ask_other(self) -> None:
        # The desktop's own dialog would not follow the theme.
        options = QColorDialog.ColorDialogOption.DontUseNativeDialog
        self.hide()
        chosen = QColorDialog.getColor(self._start, self.parentWidget(), self._title, options)
        if chosen.isValid():
            self.picked.emit(chosen.name())
        self.close()


def swatch(color: QColor, *, is_automatic: bool) -> QIcon:
    """A square of the colour; one with a hole where nobody chose it."""
    pixmap = QPixmap(QSize(_SWATCH, _SWATCH) * _RATIO)
    pixmap.setDevicePixelRatio(_RATIO)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(1, 1, _SWATCH - 2, _SWATCH - 2), 3, 3)
    if is_automatic:
        painter.setBrush(theme.color("panel"))
        painter.drawRoundedRect(QRectF(5, 5, _SWATCH - 10, _SWATCH - 10), 1.5, 1.5)
    painter.end()
    return QIcon(pixmap)
