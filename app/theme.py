"""Named colours of the dark and the light theme, the style sheet made from them, icons, and the colour of a track."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import qtawesome
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from app.style_sheet import style_sheet
from visolo.palette import track_rgb

ThemeMode = Literal["dark", "light", "system"]


@dataclass(frozen=True)
class Theme:
    """Colours by what they are for, as #rrggbb.

    Attributes:
        window: behind everything.
        panel: docks, menus, tool bar.
        raised: controls on a panel, and a hovered row.
        canvas: around the video.
        border: hairlines between areas.
        text: normal text; `muted` is secondary, `faint` is for disabled things.
        accent: the one primary button, focus, the bar of the current row; `on_accent` is text on it.
        selection: background of a selected row.
        good, warning, bad: states; `bad` is also the play head.
    """

    name: str
    window: str
    panel: str
    raised: str
    canvas: str
    border: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    good: str
    warning: str
    bad: str


DARK = Theme(
    name="dark",
    window="#17181c",
    panel="#202329",
    raised="#2f343d",
    canvas="#121316",
    border="#2c3037",
    text="#e6e8ec",
    muted="#959ca8",
    faint="#5d646f",
    accent="#2f6fe4",
    accent_hover="#4582f0",
    on_accent="#ffffff",
    selection="#2e3440",
    good="#3fb27f",
    warning="#f0b429",
    bad="#ff6b5e",
)
LIGHT = Theme(
    name="light",
    window="#eceef1",
    panel="#f8f9fb",
    raised="#e2e6eb",
    canvas="#d5d9df",
    border="#cfd4db",
    text="#1c2128",
    muted="#59626f",
    faint="#9aa2ad",
    accent="#1f5fd6",
    accent_hover="#3b76e6",
    on_accent="#ffffff",
    selection="#d6e2f8",
    good="#1d8a5b",
    warning="#a86b00",
    bad="#d0362a",
)

# On no colour is the better of these two below a contrast of 4.5; with a softer black it would be.
_DARK_TEXT, _LIGHT_TEXT = "#050506", "#ffffff"


class ThemeChanges(QObject):
    """Tells widgets that draw themselves to repaint.

    Signals:
        changed: the Theme now in use.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.theme = DARK


@cache
def theme_changes() -> ThemeChanges:
    """The one object that announces theme changes."""
    return ThemeChanges()


def current_theme() -> Theme:
    """The theme in use."""
    return theme_changes().theme


def apply_theme(app: QApplication, mode: ThemeMode) -> Theme:
    """Restyle the whole application.

    Args:
        app: the running application.
        mode: "system" follows the desktop's colour scheme, dark where it has none.
    """
    theme = _resolve(mode)
    app.setStyle("Fusion")
    app.setFont(_interface_font())
    app.setPalette(_qt_palette(theme))
    app.setStyleSheet(style_sheet(vars(theme)))
    theme_changes().theme = theme
    theme_changes().changed.emit(theme)
    return theme


def icon(name: str, color: str | None = None) -> QIcon:
    """A QtAwesome icon in the text colour of the theme, faint where disabled.

    Args:
        name: e.g. "mdi6.play"; an unknown name fails loudly.
        color: #rrggbb instead of the text colour.
    """
    theme = current_theme()
    made = qtawesome.icon(name, color=color or theme.text, color_disabled=theme.faint)
    assert isinstance(made, QIcon)
    return made


def color(name: str) -> QColor:
    """A named colour of the theme in use, e.g. ``color("muted")``."""
    return QColor(getattr(current_theme(), name))


@cache
def track_color(track_id: int) -> QColor:
    """Colour of a track: a function of its id alone, the same in both themes and after other tracks go.

    Args:
        track_id: from 1; see `visolo.palette`, which overlays of the command line use, too.
    """
    return QColor(*track_rgb(track_id))


@cache
def text_on(background: str) -> QColor:
    """Black or white, whichever reads better on a colour given as #rrggbb (`QColor.name()`)."""
    luminance = _luminance(QColor(background))
    on_dark = (1.05) / (luminance + 0.05)
    on_light = (luminance + 0.05) / (_luminance(QColor(_DARK_TEXT)) + 0.05)
    return QColor(_LIGHT_TEXT if on_dark > on_light else _DARK_TEXT)


def _luminance(value: QColor) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(value.redF()) + 0.7152 * linear(value.greenF()) + 0.0722 * linear(value.blueF())


def _resolve(mode: ThemeMode) -> Theme:
    if mode == "system":
        return LIGHT if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK
    return LIGHT if mode == "light" else DARK


@cache
def _interface_font() -> QFont:
    """The best interface font that is installed, at 13 px, so that the app looks alike everywhere."""
    installed = set(QFontDatabase.families())
    wanted = ("Inter", "SF Pro Text", "Segoe UI", "Cantarell", "Ubuntu", "Noto Sans", "Roboto", "Open Sans")
    font = QFont(QGuiApplication.font())
    family = next((name for name in wanted if name in installed), None)
    if family is not None:
        font.setFamily(family)
    font.setPixelSize(13)
    return font


def _qt_palette(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.panel,
        QPalette.ColorRole.AlternateBase: theme.window,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Button: theme.raised,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.BrightText: theme.bad,
        QPalette.ColorRole.ToolTipBase: theme.raised,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.on_accent,
        QPalette.ColorRole.Link: theme.accent_hover,
        QPalette.ColorRole.Mid: theme.border,
    }
    for role, value in roles.items():
        palette.setColor(role, QColor(value))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    return palette
