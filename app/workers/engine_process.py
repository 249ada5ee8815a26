"""The model's own process: loads weights, runs frames, answers orders. The app never imports torch itself.

A process and not a thread: importing torch alone holds Python's lock for half a second, running out of memory must not
take the app along, and the network gets all cores at a lower priority than the window.
"""

import hashlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.document.evidence import KnownTrack, known_tracks
from app.document.queries import snapshot
from app.errors import details_of, sentence_of
from app.run_choice import RunChoice
from app.workers.engine_following import follow_frames
from app.workers.engine_messages import Ended, Failed, FollowRequest, Landed, Loading, RunRequest, Started, Taken
from visolo.categories import LabelSet, load_label_set
from visolo.errors import NothingThereError, WeightsError

if TYPE_CHECKING:
    from visolo.inference.segmenter import OnlineSegmenter
    from visolo.io.frames import FrameSource
    from visolo.model.visolo import Visolo

logger = logging.getLogger(__name__)

_NICENESS = 2


class CanceledError(Exception):
    """The app asked to stop."""


def serve(connection: Connection) -> None:
    """Main function of the process: carry out requests until told to quit or the app is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    # Threads of the network that spin while they wait for each other stand still on a busy computer: 13 times slower,
    # measured with four busy programs on two cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    engine = _Engine(connection)
    while True:
        try:
            order = connection.recv()
        except (EOFError, OSError):
            return
        if order == "quit":
            return
        if isinstance(order, RunRequest | FollowRequest):
            engine.carry_out(order)


class _Engine:
    """Runs requests one after the other; the network stays loaded between them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loaded: tuple[RunChoice, float] | None = None
        self._model: Visolo | None = None
        self._labels = LabelSet("", ())
        self._weights_id = ""
        self._taken = 0
        self._is_ready = False

    def carry_out(self, request: RunRequest | FollowRequest) -> None:
        """Do what is asked for and say how it ended."""
        try:
            if isinstance(request, RunRequest):
                self._run(request)
            else:
                self._follow(request)
        except CanceledError:
            self._send(Ended(request.number, "stopped"))
        except (BrokenPipeError, ConnectionResetError, EOFError):
            raise SystemExit(0) from None
        except NothingThereError as error:
            self._send(Failed(request.number, str(error)))
        # Whatever happens here must reach the person; the process goes on with the next request.
        except Exception as error:
            logger.exception("run failed")
            self._send(Failed(request.number, sentence_of(error), details_of(error), not self._is_ready))

    def _run(self, request: RunRequest) -> None:
        from visolo.inference.segmenter import model_similarity

        model = self._get_ready(request)
        with _frames_of(request.source) as reader:
            segmenter, known = self._prepare(model, request, reader)
            device, similarity = model_device_name(model), model_similarity(model)
            self._send(Started(request.number, self._labels, device, self._weights_id, known, similarity))
            self._step_all(request, reader, segmenter)
        self._send(Ended(request.number, "done"))

    def _follow(self, request: FollowRequest) -> None:
        model = self._get_ready(request)
        with _frames_of(request.source) as reader:
            for message in follow_frames(request, model, self._labels, reader.iterate(request.frames), self._obey):
                self._send(message)
        self._send(Ended(request.number, "done"))

    def _get_ready(self, request: RunRequest | FollowRequest) -> "Visolo":
        """The model; says what is being prepared until the video is opened."""
        self._is_ready = False
        self._send(Loading(request.number, "Loading the model…"))
        model = self._load(request.choice)
        self._is_ready = True
        self._obey()
        self._send(Loading(request.number, "Opening the video…"))
        return model

    def _step_all(self, request: RunRequest, reader: "_Reader", segmenter: "OnlineSegmenter") -> None:
        from visolo.device import device_errors

        last = time.perf_counter()
        self._taken = 0
        for frame_index, frame in reader.iterate(range(request.first_frame, len(reader))):
            if self._obey(frame_index - request.first_frame - request.most_ahead):
                last = time.perf_counter()
            with device_errors():
                result = segmenter.step(frame)
            now = time.perf_counter()
            frames, used = len(segmenter.memory_frames), self._device_bytes()
            self._send(Landed(request.number, result, now - last, frames, used))
            last = now

    def _device_bytes(self) -> int:
        import torch

        assert self._model is not None
        device = next(self._model.parameters()).device
        return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0

    def _prepare(
        self, model: "Visolo", request: RunRequest, reader: "_Reader"
    ) -> tuple["OnlineSegmenter", tuple[int, ...]]:
        from visolo.inference.linking import Sighting, link_state
        from visolo.inference.memory import memory_frames
        from visolo.inference.segmenter import OnlineSegmenter

        inference = request.choice.inference
        # Linking with the vectors as they are kept, so that association run again later gives these very tracks.
        segmenter = OnlineSegmenter(model, inference, request.size, links_by_evidence=True)
        first = request.first_frame
        if first == 0:
            return segmenter, ()
        known = self._known(request, model.config.embedding)
        state = link_state(first, [Sighting(k.frame_index, k.track_id, k.query) for k in known])
        frames = ((index, reader.read(index)) for index in memory_frames(first, inference))
        segmenter.prime(first, frames, state)
        return segmenter, tuple(k.track_id for k in known)

    def _known(self, request: RunRequest, embedding: int) -> list[KnownTrack]:
        """Tracks before the first frame whose vectors these very weights have computed."""
        with snapshot(request.project) as queries:
            same = {
                run.run_id
                for run in queries.runs(request.video_id)
                if run.settings.get("weights_id") == self._weights_id
            }
            known = known_tracks(queries, request.video_id, request.first_frame)
            return [track for track in known if track.run_id in same and len(track.query) == embedding]

    def _load(self, choice: RunChoice) -> "Visolo":
        path = choice.weights_path
        if not path.is_file():
            raise WeightsError(f"{path}: there is no such weights file; choose one in Run > Run settings")
        key = (RunChoice(path, choice.preset, choice.device, choice.precision), path.stat().st_mtime)
        if self._model is not None and self._loaded == key:
            return self._model
        from visolo.device import device_errors, select_compute
        from visolo.model.checkpoint import load_weights

        self._model = self._loaded = None
        compute = select_compute(choice.device, choice.precision)
        model = load_weights(path, choice.preset or None)
        with device_errors():
            self._model = model.to(compute.device, compute.dtype)
        self._labels, self._weights_id = _labels_of(path, model), _digest(path)
        self._loaded = key
        return self._model

    def _obey(self, least_taken: int = 0) -> bool:
        """Look at orders; wait while paused, or until the app has taken so many frames.

        Returns:
            Whether it has waited.

        Raises:
            CanceledError: the run is to end.
            SystemExit: so is the process.
        """
        waited = paused = False
        while (wait := paused or self._taken < least_taken) or self._connection.poll():
            waited |= wait
            order = self._connection.recv()
            if order == "quit":
                raise SystemExit(0)
            if order == "cancel":
                raise CanceledError
            if isinstance(order, Taken):
                self._taken = order.count
            else:
                paused = order == "pause"
        return waited

    def _send(self, message: object) -> None:
        self._connection.send(message)


class _Reader:
    """Reads frames in a thread of its own, one ahead of the network."""

    def __init__(self, frames: "FrameSource", executor: ThreadPoolExecutor) -> None:
        self._frames, self._executor = frames, executor

    def read(self, frame_index: int) -> NDArray[np.uint8]:
        """One frame (H, W, 3) uint8 RGB."""
        return self._executor.submit(self._frames.__getitem__, frame_index).result()

    def iterate(self, indices: range) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Index and frame of each, in this order."""
        upcoming = [self._executor.submit(self._frames.__getitem__, index) for index in indices[:1]]
        for position, frame_index in enumerate(indices):
            frame = upcoming.pop().result()
            upcoming += [
                self._executor.submit(self._frames.__getitem__, i) for i in indices[position + 1 : position + 2]
            ]
            yield frame_index, frame

    def __len__(self) -> int:
        return len(self._frames)


@contextmanager
def _frames_of(source: Path) -> Iterator[_Reader]:
    from visolo.io.frames import open_frames

    with ThreadPoolExecutor(1) as executor:
        frames = executor.submit(open_frames, source).result()
        try:
            yield _Reader(frames, executor)
        finally:
            executor.submit(frames.close).result()


def model_device_name(model: "Visolo") -> str:
    """What the tool bar calls the device that a network is on."""
    return next(model.parameters()).device.type.upper()


def _labels_of(path: Path, model: "Visolo") -> LabelSet:
    from visolo.model.checkpoint import weights_info

    header = weights_info(path).header
    return header.labels if header is not None else load_label_set(model.config.label_set)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
