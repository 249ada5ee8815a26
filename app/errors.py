"""From an exception to what a person reads, and what happens with the ones nobody expected."""

import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

from visolo import __version__
from visolo.errors import VisoloError

logger = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong inside the app; your project is saved up to the last edit."


def sentence_of(error: BaseException) -> str:
    """One sentence for a person: the error's own where it was written for people."""
    if isinstance(error, VisoloError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The computer is out of memory; close other programs or use a smaller video, then try again"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}; check that the file is there and may be read"
    return UNEXPECTED


def details_of(error: BaseException) -> str:
    """What helps to find a bug: the traceback and the versions; empty for errors that the sentence explains."""
    if isinstance(error, VisoloError):
        return ""
    trace = "".join(traceback.format_exception(error))
    return f"VISOLO Review {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n{trace}"


def install_hooks(show: Callable[[BaseException], None]) -> None:
    """Log and show every exception that nothing caught.

    Args:
        show: called on the thread that failed; must bring itself to the GUI thread.
    """

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        logger.critical("unhandled exception", exc_info=(kind, error, trace))
        show(error)

    def report_in_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            report(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    sys.excepthook = report
    threading.excepthook = report_in_thread
