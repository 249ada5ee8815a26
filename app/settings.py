"""What the app remembers between starts: a declared table over QSettings. Read and written by key, nowhere else."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

from app.theme import ThemeMode

ORGANISATION = "VISOLO"
APPLICATION = "VISOLO Review"
RECENT_LIMIT = 12

_T = TypeVar("_T")


@dataclass(frozen=True)
class Setting(Generic[_T]):
    """One remembered value.

    Attributes:
        key: where QSettings keeps it.
        default: also says the type.
        choices: the only values that are accepted, or any where empty.
    """

    key: str
    default: _T
    choices: tuple[_T, ...] = ()


THEME: Setting[ThemeMode] = Setting("view/theme", "dark", ("dark", "light", "system"))
COLOR_BY = Setting("view/color_by", "track", ("track", "class"))
MASK_OPACITY = Setting("view/mask_opacity", 45)
SHOW_LABELS = Setting("view/show_labels", True)
SHOW_CONTOURS = Setting("view/show_contours", True)
SHOW_NOTES = Setting("view/show_notes", True)
SHOW_TRAILS = Setting("view/show_trails", False)
TRAIL_LENGTH = Setting("view/trail_length", 30, (10, 30, 100, 300))
REVIEW_LEAST = Setting("review/least_percent", 2, (0, 2, 5, 20, 50))
REVIEW_HIDDEN_KINDS = Setting("review/hidden_kinds", "[]")
REASSOCIATE = Setting("review/reassociate", True)
FOLLOW_REPLACES = Setting("track/follow_replaces", False)
LOOP = Setting("playback/loop", False)
FRAME_CACHE_MB = Setting("playback/frame_cache_mb", 384)
WEIGHTS = Setting("run/weights", "")
PRESET = Setting("run/preset", "")
DEVICE = Setting("run/device", "auto", ("auto", "cpu", "cuda", "mps"))
PRECISION = Setting("run/precision", "fp32", ("fp32", "bf16", "fp16"))
INFERENCE = Setting("run/inference", "{}")
RECENT = Setting("recent", "[]")
RECENT_WEIGHTS = Setting("run/recent_weights", "[]")
SHORTCUTS = Setting("shortcuts", "{}")
NAME = Setting("person/name", "")
LAST_FOLDER = Setting("last_folder", "")

_GEOMETRY, _WINDOW_STATE = "window/geometry", "window/state"
# Raised when docks or tool bars change so much that an old arrangement would hide or crowd something.
_WINDOW_STATE_VERSION = 2


class Settings:
    """The remembered values of this user."""

    def __init__(self) -> None:
        self._store = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, ORGANISATION, APPLICATION)

    def get(self, setting: Setting[_T]) -> _T:
        """The remembered value, or the default where none or a damaged one is stored."""
        value = self._store.value(setting.key, setting.default)
        try:
            read = _read(value, setting.default)
        except (TypeError, ValueError):
            return setting.default
        return setting.default if setting.choices and read not in setting.choices else read

    def set(self, setting: Setting[_T], value: _T) -> None:
        """Remember a value."""
        self._store.setValue(setting.key, value)

    def get_json(self, setting: Setting[str]) -> object:
        """A structured value; the default where the stored text is damaged."""
        try:
            return json.loads(self.get(setting))
        except ValueError:
            return json.loads(setting.default)

    def set_json(self, setting: Setting[str], value: object) -> None:
        """Remember a structured value."""
        self.set(setting, json.dumps(value))

    def recent(self) -> list[Path]:
        """What was opened lately, newest first; files that are gone are left out."""
        return self._paths(RECENT)

    def add_recent(self, path: Path) -> None:
        """Put a path on top of the recent list."""
        self._add_path(RECENT, path)

    def recent_weights(self) -> list[Path]:
        """Weights that runs used lately, newest first; files that are gone are left out."""
        return self._paths(RECENT_WEIGHTS)

    def add_recent_weights(self, path: Path) -> None:
        """Put weights on top of the recent list."""
        self._add_path(RECENT_WEIGHTS, path)

    def clear_recent(self) -> None:
        """Forget what was opened."""
        self.set_json(RECENT, [])

    def _paths(self, setting: Setting[str]) -> list[Path]:
        stored = self.get_json(setting)
        return [Path(p) for p in stored if isinstance(p, str) and Path(p).exists()] if isinstance(stored, list) else []

    def _add_path(self, setting: Setting[str], path: Path) -> None:
        kept = [path, *(other for other in self._paths(setting) if other != path)]
        self.set_json(setting, [str(p) for p in kept[:RECENT_LIMIT]])

    def shortcuts(self) -> dict[str, list[str]]:
        """Keys that the user has changed, by action id."""
        stored = self.get_json(SHORTCUTS)
        if not isinstance(stored, dict):
            return {}
        return {str(k): [str(key) for key in v] for k, v in stored.items() if isinstance(v, list)}

    def window_arrangement(self) -> tuple[QByteArray, QByteArray]:
        """Geometry and dock state of the main window; empty at the first start."""
        empty = QByteArray()
        geometry, state = self._store.value(_GEOMETRY, empty), self._store.value(_WINDOW_STATE, empty)
        if self._store.value(_WINDOW_STATE + "_version", 0, type=int) != _WINDOW_STATE_VERSION:
            state = empty
        return cast(QByteArray, geometry), cast(QByteArray, state)

    def set_window_arrangement(self, geometry: QByteArray, state: QByteArray) -> None:
        """Remember geometry and dock state of the main window."""
        self._store.setValue(_GEOMETRY, geometry)
        self._store.setValue(_WINDOW_STATE, state)
        self._store.setValue(_WINDOW_STATE + "_version", _WINDOW_STATE_VERSION)


def data_folder() -> Path:
    """Where the app keeps its own files: projects of opened videos and the log."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation))


def _read(value: object, default: _T) -> _T:
    """A stored value in the type of its default; an INI file gives everything back as text."""
    if isinstance(default, bool):
        return cast(_T, value if isinstance(value, bool) else str(value).lower() in {"true", "1"})
    if isinstance(default, int):
        return cast(_T, int(str(value)))
    return cast(_T, str(value))
