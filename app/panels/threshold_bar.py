"""Sliders below the video while other thresholds are tried; the bar beside them shows what they would change."""

from dataclasses import replace
from typing import NamedTuple

from PySide6.QtCore import QEvent, QSignalBlocker, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QWidget,
)

from app.panels.elided_label import ElidedLabel
from app.trial import ThresholdTrial

# The same words as in the run settings.
_TITLES = {
    "score": "Lowest class score",
    "update": "Lowest score after suppression",
    "link": "Lowest similarity to a known track",
}
_STEPS = 100
_HEIGHT = 118
_OWN_KEYS = {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}


class _Line(NamedTuple):
    title: QLabel
    slider: QSlider
    value: QLabel


class ThresholdBar(QFrame):
    """Shown while the session's trial is open; it takes no edit itself."""

    def __init__(self, trial: ThresholdTrial, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trial = trial
        self._had_focus: QWidget | None = None
        self.setObjectName("thresholdBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._lines = {name: self._make_line(name, title) for name, title in _TITLES.items()}
        self._words = ElidedLabel("thresholdWords")
        self._words.setProperty("muted", True)
        self._reset = QPushButton("Reset")
        self._reset.setObjectName("thresholdReset")
        self._reset.setToolTip("Back to the thresholds that the tracks were made with")
        self._reset.clicked.connect(self._take_back)
        self._close = QPushButton("Close (Esc)")
        self._close.setObjectName("thresholdClose")
        self._close.setToolTip("Leave everything as it is")
        self._close.clicked.connect(trial.close)
        self._build()
        trial.changed.connect(self._show)
        self._show()

    def _build(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setHorizontalSpacing(10)
        layout.setVerticalSpacing(4)
        for row, line in enumerate(self._lines.values()):
            for column, widget in enumerate(line):
                layout.addWidget(widget, row, column)
        foot = QHBoxLayout()
        foot.setSpacing(6)
        foot.addWidget(self._words, 1)
        for button in (self._reset, self._close):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            foot.addWidget(button)
        layout.addLayout(foot, len(self._lines), 0, 1, 3)
        layout.setColumnStretch(1, 1)
        self.setFixedHeight(_HEIGHT)

    def _make_line(self, name: str, title: str) -> _Line:
        slider = _Slider(Qt.Orientation.Horizontal)
        slider.setObjectName(f"threshold_{name}")
        slider.setAccessibleName(title)
        slider.setRange(0, _STEPS)
        slider.setPageStep(_STEPS // 10)
        slider.setMinimumWidth(110)
        slider.valueChanged.connect(self._try_out)
        value = QLabel()
        value.setObjectName(f"thresholdValue_{name}")
        value.setMinimumWidth(value.fontMetrics().horizontalAdvance("0.000, was 0.000"))
        return _Line(QLabel(title), slider, value)

    def _show(self) -> None:
        trial = self._trial
        if not trial.is_open:
            self._give_focus_back()
        self.setVisible(trial.is_open)
        self._words.setText(trial.words)
        limits, tried = trial.limits, trial.tried
        for name, line in self._lines.items():
            line.slider.setToolTip("" if limits is None else limits.reason)
            line.slider.setEnabled(limits is not None and not (name == "score" and limits.score_is_fixed))
            if limits is not None and tried is not None:
                self._show_line(line, getattr(tried, name), getattr(limits.current, name), getattr(limits.lowest, name))
        self._reset.setEnabled(limits is not None and tried != limits.current)
        # Beside what would change there is a button that does the same.
        self._close.setVisible(not trial.has_offer)
        if limits is not None and self._had_focus is None:
            self._had_focus = self.window().focusWidget() or self.window()
            self._lines["link"].slider.setFocus()

    def _give_focus_back(self) -> None:
        """To where it was: Qt would choose the next line of input, and letters are commands."""
        before, self._had_focus = self._had_focus, None
        focused = self.window().focusWidget()
        if before is not None and focused is not None and self.isAncestorOf(focused):
            before.setFocus()

    def _show_line(self, line: _Line, value: float, current: float, lowest: float) -> None:
        with QSignalBlocker(line.slider):
            line.slider.setMinimum(round(lowest * _STEPS))
            line.slider.setValue(round(value * _STEPS))
        line.value.setText(f"{value:.3g}" if value == current else f"{value:.3g}, was {current:.3g}")

    def _try_out(self) -> None:
        limits, tried = self._trial.limits, self._trial.tried
        if limits is None or tried is None:
            return
        for name, line in self._lines.items():
            # Thresholds that no slider moved stay exactly what they are, between the slider's steps, too.
            if line.slider.value() != round(getattr(tried, name) * _STEPS):
                value = max(line.slider.value() / _STEPS, getattr(limits.lowest, name))
                tried = replace(tried, **{name: value})
        self._trial.try_out(tried)

    def _take_back(self) -> None:
        if self._trial.limits is not None:
            self._trial.try_out(self._trial.limits.current)


class _Slider(QSlider):
    """A slider that keeps the arrow keys for itself; elsewhere they step frames."""

    def event(self, event: QEvent) -> bool:
        """Claim a key before a shortcut does; Up and Down go to the next slider."""
        if isinstance(event, QKeyEvent) and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            is_up_or_down = event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down)
            if event.type() == QEvent.Type.ShortcutOverride and (is_up_or_down or event.key() in _OWN_KEYS):
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress and is_up_or_down:
                self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
                return True
        return super().event(event)
