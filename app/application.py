"""Starts the app: arguments, a display or a sentence why there is none, logging, theme, the window."""

import argparse
import ctypes
import gc
import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

from app.system_libraries import missing_packages, needed_libraries
from visolo import __version__

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.main_window import MainWindow
    from app.settings import Settings

logger = logging.getLogger(__name__)

_NO_DISPLAY = (
    "visolo-review: there is no display to open a window on; to run the model without one, use "
    "`python -m visolo track VIDEO --out results.json`"
)
_MISSING_LIBRARIES = (
    "visolo-review: Qt needs system libraries that are missing here; install them with: sudo apt install {}"
)
_LOG_BYTES = 1_000_000
# Python runs its signal handlers between byte codes; this often it gets a chance while Qt waits.
_SIGNAL_POLL_MS = 200
_OBJECTS_PER_COLLECTION = 20_000
EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window and run until it is closed.

    Args:
        arguments: without the program name; None for those of the command line.

    Returns:
        The process's exit code; 2 when no window can be opened.
    """
    options = parse_arguments(arguments)
    forget_opencv_plugins()
    problem = display_problem()
    if problem is not None:
        sys.stderr.write(problem + "\n")
        return EXIT_USAGE
    try:
        from PySide6.QtWidgets import QApplication
    except ImportError as error:
        sys.stderr.write(_missing_libraries(str(error)) + "\n")
        return EXIT_USAGE
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    collect_garbage_less_often()
    window = open_window(app, options)
    try:
        return app.exec()
    finally:
        window.deleteLater()


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        prog="visolo-review",
        description="Play videos through VISOLO, correct the tracked masks, export YouTube-VIS JSON.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="VIDEO | FOLDER | DATASET.json | RESULTS.json | PROJECT.visolo",
        help="what to open; further videos join the first one's project",
    )
    parser.add_argument("--weights", type=Path, help="weights file for runs in this and later sessions")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="where the model runs")
    parser.add_argument("--version", action="version", version=f"VISOLO Review {__version__}")
    return parser.parse_args(arguments)


def open_window(app: "QApplication", options: argparse.Namespace) -> "MainWindow":
    """Make and show the main window; what was named on the command line opens once it is on the screen."""
    from PySide6.QtCore import QTimer

    from app.errors import install_hooks
    from app.main_window import MainWindow
    from app.settings import APPLICATION, ORGANISATION, THEME, Settings, data_folder
    from app.theme import apply_theme

    app.setOrganizationName(ORGANISATION)
    app.setApplicationName(APPLICATION)
    app.setApplicationVersion(__version__)
    _start_log(data_folder())
    settings = Settings()
    _store_options(settings, options)
    apply_theme(app, settings.get(THEME))
    window = MainWindow(settings)
    install_hooks(window.errors.report_unexpected)
    _close_on_signals(window)
    window.show()
    paths = [path.absolute() for path in options.paths]
    QTimer.singleShot(0, window, lambda: window.open_paths(paths))
    return window


def collect_garbage_less_often() -> None:
    """Look for reference cycles after more new objects than Python does on its own.

    An edit of a long track makes tens of thousands of rows, none of them in a cycle; a third of its time went there.
    """
    gc.set_threshold(_OBJECTS_PER_COLLECTION, *gc.get_threshold()[1:])


def forget_opencv_plugins() -> None:
    """Undo what opencv-python does to Qt when it is imported, here or by the program that started this one.

    Its wheel brings a Qt of its own and points these variables at it; PySide6 then loads plugins of the wrong Qt.
    """
    for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        if "cv2" in Path(os.environ.get(name, "")).parts:
            del os.environ[name]


def display_problem() -> str | None:
    """One sentence why no window can be opened on this computer now; None when one can.

    Qt itself would end the process with a core dump.
    """
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM", "xcb") != "xcb":
        return None
    if os.environ.get("WAYLAND_DISPLAY"):
        return None
    if not os.environ.get("DISPLAY"):
        return _NO_DISPLAY
    missing = _unloadable_plugin()
    if missing is not None:
        return _missing_libraries(missing)
    return (
        None if _answers(os.environ["DISPLAY"]) else f"{_NO_DISPLAY} (DISPLAY={os.environ['DISPLAY']} does not answer)"
    )


def _unloadable_plugin() -> str | None:
    """What the linker says about Qt's plugin for X windows; None when it loads or is not where it is expected."""
    package = importlib.util.find_spec("PySide6")
    if package is None or not package.submodule_search_locations:
        return None
    plugin = Path(next(iter(package.submodule_search_locations))) / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return str(error) if plugin.exists() else None
    return None


def _missing_libraries(linker_message: str) -> str:
    packages = missing_packages(needed_libraries(with_screen=True))
    if packages:
        return _MISSING_LIBRARIES.format(" ".join(packages))
    return f"visolo-review: Qt cannot be loaded ({linker_message}); reinstall PySide6-Essentials"


def _answers(display: str) -> bool:
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    works = bool(xcb.xcb_connection_has_error(connection) == 0)
    xcb.xcb_disconnect(connection)
    return works


def _store_options(settings: "Settings", options: argparse.Namespace) -> None:
    from app.settings import DEVICE, WEIGHTS

    if options.weights is not None:
        settings.set(WEIGHTS, str(options.weights.expanduser().absolute()))
    if options.device is not None:
        settings.set(DEVICE, options.device)


def _start_log(folder: Path) -> None:
    from app.commands.help import LOG_NAME

    root = logging.getLogger()
    root.setLevel(logging.INFO)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(folder / LOG_NAME, maxBytes=_LOG_BYTES, backupCount=1)
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)


def _close_on_signals(window: "MainWindow") -> None:
    """Ctrl+C in the terminal and a polite kill close the window as a person would."""
    from PySide6.QtCore import QTimer

    received: list[int] = []

    def note(number: int, _frame: object) -> None:
        # Python calls this in the middle of whatever is going on; closing waits for the event loop.
        received.append(number)

    def close_if_told() -> None:
        if received:
            timer.stop()
            logger.info("closing on signal %d", received[0])
            window.workspace.commands.training.closes_unasked = True
            window.close()

    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    timer = QTimer(window, interval=_SIGNAL_POLL_MS)
    timer.timeout.connect(close_if_told)
    timer.start()
