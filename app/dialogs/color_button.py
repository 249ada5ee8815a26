"""The colour of a class: a swatch; pressed, it offers colours well told apart, any other, and the automatic one."""

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QColorDialog, QFrame, QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.dialogs.form_parts import push_button
from visolo.palette import Rgb, track_rgb

_OFFERED, _COLUMNS = 24, 8
_SWATCH = 16
_RATIO = 2.0


class ColorButton(QToolButton):
    """A swatch to press.

    Signals:
        changed: another colour was chosen.
    """

    changed = Signal()

    def __init__(self, name: str, automatic: Rgb, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"color{name}")
        self._title = f"Colour of {name}"
        self._automatic = QColor(*automatic)
        self._color: str | None = None
        self.setAutoRaise(True)
        self.setIconSize(QSize(_SWATCH, _SWATCH))
        self.clicked.connect(self._offer)
        self._show()

    @property
    def color(self) -> str | None:
        """The chosen colour, "#rrggbb"; None for the automatic one."""
        return self._color

    def set_color(self, color: str | None) -> None:
        """Choose a colour."""
        if color != self._color:
            self._color = color
            self._show()
            self.changed.emit()

    def _show(self) -> None:
        shown = QColor(self._color) if self._color else self._automatic
        self.setIcon(_swatch(shown, is_automatic=self._color is None))
        words = self._color or "automatic"
        self.setToolTip(f"{self._title}: {words}")
        self.setAccessibleName(self.toolTip())

    def _offer(self) -> None:
        popup = _ColorPopup(self._automatic, self)
        popup.picked.connect(self.set_color)
        popup.other_wanted.connect(self._ask)
        popup.move(self.mapToGlobal(QPoint(0, self.height())))
        popup.show()

    def _ask(self) -> None:
        start = QColor(self._color) if self._color else self._automatic
        # The desktop's own dialog would not follow the theme.
        options = QColorDialog.ColorDialogOption.DontUseNativeDialog
        chosen = QColorDialog.getColor(start, self, self._title, options)
        if chosen.isValid():
            self.set_color(chosen.name())


class _ColorPopup(QFrame):
    """A grid of colours; Tab goes through it, Escape leaves.

    Signals:
        picked: "#rrggbb", or None for the automatic colour.
        other_wanted: none of these.
    """

    picked = Signal(object)
    other_wanted = Signal()

    def __init__(self, automatic: QColor, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("colorPopup")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        grid = QGridLayout()
        grid.setSpacing(2)
        for number in range(_OFFERED):
            color = QColor(*track_rgb(number + 1))
            grid.addWidget(self._swatch_button(color), number // _COLUMNS, number % _COLUMNS)
        automatic_button = push_button("Automatic", "colorAutomatic", lambda: self._pick(None))
        automatic_button.setIcon(_swatch(automatic, is_automatic=True))
        row = QHBoxLayout()
        row.addWidget(automatic_button)
        row.addStretch(1)
        row.addWidget(push_button("Other…", "colorOther", self._ask_other))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addLayout(grid)
        layout.addLayout(row)

    def _swatch_button(self, color: QColor) -> QToolButton:
        button = QToolButton(autoRaise=True)
        button.setObjectName(f"pick{color.name()}")
        button.setAccessibleName(color.name())
        button.setToolTip(color.name())
        button.setIcon(_swatch(color, is_automatic=False))
        button.setIconSize(QSize(_SWATCH, _SWATCH))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: self._pick(color.name()))
        return button

    def _pick(self, color: str | None) -> None:
        self.picked.emit(color)
        self.close()

    def _ask_other(self) -> None:
        self.close()
        self.other_wanted.emit()


def _swatch(color: QColor, *, is_automatic: bool) -> QIcon:
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
