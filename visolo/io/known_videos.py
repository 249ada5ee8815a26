"""What was found out about video files that this process has opened, so that opening one again takes no decoding.

A window opens a video many times: to play it, for each panel's pictures, for exports. Only the first one indexes it;
who comes meanwhile waits for that.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from visolo.io.frame_index import FrameIndex
from visolo.io.frame_source import Progress
from visolo.io.packet_table import PacketTable

_MOST_PACKETS = 200_000  # in all, about 80 MB
_WAIT_S = 0.1

_Identity = tuple[str, int, int, int]


@dataclass(frozen=True, eq=False)
class KnownVideo:
    """What indexing a file has found.

    Attributes:
        table: its packets; shared by all who read the file, never changed.
        frames: which there are; to be copied by each reader, who may come to distrust parts of it.
        reorder_depth: frames that the decoder holds back.
        warnings: what is wrong with the file, in sentences.
    """

    table: PacketTable
    frames: FrameIndex
    reorder_depth: int
    warnings: tuple[str, ...]


class KnownVideos:
    """The files opened last, by path, size and time of change; for any thread."""

    def __init__(self, most_packets: int = _MOST_PACKETS) -> None:
        self._most_packets = most_packets
        self._found: OrderedDict[_Identity, KnownVideo] = OrderedDict()
        self._in_work: set[_Identity] = set()
        self._changed = threading.Condition()

    def find(self, path: Path, progress: Progress | None, index: Callable[[], KnownVideo]) -> KnownVideo:
        """What is known of a file, or what `index` finds now.

        Args:
            path: of the file.
            progress: hears 0 now and then while another thread indexes it; whatever it raises passes through.
            index: reads the file; whatever it raises passes through, and the next one tries again.
        """
        identity = _identity(path)
        while True:
            with self._changed:
                if known := self._found.get(identity):
                    self._found.move_to_end(identity)
                    return known
                if identity not in self._in_work:
                    self._in_work.add(identity)
                    break
                self._changed.wait(_WAIT_S)
            if progress:
                progress(0.0)
        try:
            known = index()
            self._keep(identity, known)
        finally:
            with self._changed:
                self._in_work.discard(identity)
                self._changed.notify_all()
        return known

    def _keep(self, identity: _Identity, known: KnownVideo) -> None:
        with self._changed:
            self._found[identity] = known
            while sum(len(video.table) for video in self._found.values()) > self._most_packets:
                self._found.popitem(last=False)


def _identity(path: Path) -> _Identity:
    state = path.stat()
    return os.path.abspath(path), state.st_size, state.st_mtime_ns, state.st_ino
