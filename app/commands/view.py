"""How things look: zoom, masks, theme, full screen."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.canvas.canvas_controller import CanvasController
from app.settings import (
    COLOR_BY,
    MASK_OPACITY,
    SHOW_CONTOURS,
    SHOW_LABELS,
    SHOW_NOTES,
    SHOW_TRAILS,
    THEME,
    TRAIL_LENGTH,
    Settings,
)
from app.theme import ThemeMode, apply_theme
from app.track_colors import TrackColors

_ZOOM_STEP = 1.25
_OPACITY_STEP = 10


class ViewCommands(QObject):
    """Handlers of the view actions.

    Signals:
        opacity_changed: the fills got another opacity.
    """

    opacity_changed = Signal()

    def __init__(self, canvas: CanvasController, colors: TrackColors, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._canvas, self._colors, self._settings, self._window = canvas, colors, settings, parent
        self._masks_shown = True
        self.apply_style()

    @property
    def theme(self) -> str:
        """dark, light or system."""
        return self._settings.get(THEME)

    @property
    def labels_shown(self) -> bool:
        """Whether ids and classes are drawn."""
        return self._settings.get(SHOW_LABELS)

    @property
    def contours_shown(self) -> bool:
        """Whether outlines are drawn."""
        return self._settings.get(SHOW_CONTOURS)

    @property
    def masks_shown(self) -> bool:
        """Whether anything is drawn over the video."""
        return self._masks_shown

    @property
    def color_by(self) -> str:
        """Track or class."""
        return self._settings.get(COLOR_BY)

    @property
    def notes_shown(self) -> bool:
        """Whether notes are drawn."""
        return self._settings.get(SHOW_NOTES)

    @property
    def trails_shown(self) -> bool:
        """Whether past positions are drawn."""
        return self._settings.get(SHOW_TRAILS)

    @property
    def trail_length(self) -> int:
        """Frames back that trails reach when they are drawn."""
        return self._settings.get(TRAIL_LENGTH)

    @property
    def is_full_screen(self) -> bool:
        """Whether the window covers the screen."""
        return self._window.isFullScreen()

    def zoom(self, steps: int) -> None:
        """Larger or smaller around the middle."""
        self._canvas.view.zoom_by(_ZOOM_STEP**steps)

    def actual_size(self) -> None:
        """One image pixel on one screen pixel."""
        view = self._canvas.view
        view.zoom_by(1.0 / view.devicePixelRatioF() / view.view.zoom)

    def fit(self) -> None:
        """The whole frame."""
        self._canvas.view.fit()

    def toggle_labels(self) -> None:
        """Show or hide ids and classes."""
        self._settings.set(SHOW_LABELS, not self.labels_shown)
        self.apply_style()

    def toggle_contours(self) -> None:
        """Show or hide outlines."""
        self._settings.set(SHOW_CONTOURS, not self.contours_shown)
        self.apply_style()

    def set_color_by(self, kind: str) -> None:
        """Colour by track or by class."""
        self._settings.set(COLOR_BY, kind)
        self.apply_style()

    def toggle_notes(self) -> None:
        """Show or hide notes."""
        self._settings.set(SHOW_NOTES, not self.notes_shown)
        self.apply_style()

    def toggle_trails(self) -> None:
        """Show or hide past positions."""
        self._settings.set(SHOW_TRAILS, not self.trails_shown)
        self.apply_style()

    def set_trail_length(self, frames: int) -> None:
        """Show past positions of so many frames."""
        self._settings.set(TRAIL_LENGTH, frames)
        self._settings.set(SHOW_TRAILS, True)
        self.apply_style()

    def toggle_masks(self) -> None:
        """Show or hide everything that is drawn over the video."""
        self._masks_shown = not self._masks_shown
        self.apply_style()

    def set_opacity(self, percent: int) -> None:
        """Opacity of the fills from 0 to 100."""
        self._settings.set(MASK_OPACITY, min(max(percent, 0), 100))
        self.apply_style()
        self.opacity_changed.emit()

    def change_opacity(self, steps: int) -> None:
        """More or less opaque fills."""
        self.set_opacity(self._settings.get(MASK_OPACITY) + steps * _OPACITY_STEP)

    def set_theme(self, mode: ThemeMode) -> None:
        """Dark, light, or as the desktop."""
        self._settings.set(THEME, mode)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_theme(application, mode)

    def toggle_full_screen(self) -> None:
        """Cover the screen, or be a window again."""
        if self._window.isFullScreen():
            self._window.showNormal()
        else:
            self._window.showFullScreen()

    def apply_style(self) -> None:
        """Draw masks as the settings say."""
        self._colors.set_by_class(self.color_by == "class")
        opacity = self._settings.get(MASK_OPACITY) / 100.0 if self._masks_shown else 0.0
        self._canvas.set_style(
            opacity, self.contours_shown and self._masks_shown, self.labels_shown and self._masks_shown
        )
        self._canvas.show_notes(self.notes_shown and self._masks_shown)
        self._canvas.set_trail_length(self.trail_length if self.trails_shown and self._masks_shown else 0)
