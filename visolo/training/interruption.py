"""Ctrl-C and SIGTERM while training: the first asks the run to finish its step and save, the second ends it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from visolo.distributed import world_size

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that the first signal sets; a second one acts as it did before.

    Under torchrun later ones are swallowed: it passes on each signal that the processes got from the terminal already,
    and kills what does not end in 30 seconds.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    previous = {number: signal.getsignal(number) or signal.SIG_DFL for number in _SIGNALS}

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        event.set()
        if world_size() == 1:
            restore()

    def restore() -> None:
        for number, handler in previous.items():
            if signal.getsignal(number) is request_stop:
                signal.signal(number, handler)

    for number in _SIGNALS:
        signal.signal(number, request_stop)
    try:
        yield event
    finally:
        restore()
