"""Reaches any decoded frame of a video: reads on, or starts at an earlier key picture, and checks what it got."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from visolo.io.frame_index import FrameIndex, Start, fingerprint
from visolo.io.rgb import RgbConverter
from visolo.io.video_decoder import DecodedFrame, PacketMismatchError, VideoDecoder

_FAR = 3000  # frames
_LAST_RESORTS = 6
_NEAR = 3  # frames ahead that are reached sooner by reading on than by seeking


@dataclass
class _Run:
    """One stretch of decoding: where it began, whether from a newly opened file, and which frame comes next."""

    start: Start
    is_from_open: bool
    next_index: int
    last: DecodedFrame | None = None
    last_kept: "_Kept | None" = None


class _Kept(NamedTuple):
    """A decoded frame in the store, and how it was come by.

    Where nothing is damaged, the frame as decoded: of those passed on the way to another, few are ever asked for.
    """

    picture: av.VideoFrame | NDArray[np.uint8]
    start: Start
    is_from_open: bool
    checksum: int | None

    @property
    def byte_count(self) -> int:
        if isinstance(self.picture, np.ndarray):
            return self.picture.nbytes
        return sum(plane.buffer_size for plane in self.picture.planes)


class FrameReader:
    """Random access to decoded frames, with a store of those decoded last.

    A start that does not deliver what the index says is given up for an earlier one; the last resort is to open the
    file anew and decode from its beginning, which is what the index was made from.
    """

    def __init__(
        self,
        decoder: VideoDecoder,
        index: FrameIndex,
        converter: RgbConverter,
        cache_bytes: int,
        report: Callable[[str], None],
    ) -> None:
        """Wrap a decoder.

        Args:
            decoder: used by nobody else from now on.
            index: its frames; loses the starts that turn out to be of no use.
            converter: made for its first frame.
            cache_bytes: how much to keep of what was decoded last; the frame asked for is always kept.
            report: hears, once per frame, of frames that the index promised and the decoder cannot deliver.
        """
        self._decoder, self._index, self._converter = decoder, index, converter
        self._cache_bytes, self._kept_bytes = cache_bytes, 0
        self._report = report
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._run: _Run | None = None
        self._wanted = 0
        # Per start, the first frame that damage keeps from coming out of it as it does from a newly opened file.
        self._damaged_from: dict[Start, int] = {}

    def rgb(self, frame_index: int) -> NDArray[np.uint8]:
        """Give one frame as (H, W, 3) uint8 RGB, upright, owned by the caller.

        Raises:
            PacketMismatchError: the file no longer holds what it held.
            av.FFmpegError: it cannot be opened again.
        """
        self._wanted = frame_index
        for _ in range(2 * len(self._index.starts) + _LAST_RESORTS):  # every try gives up a start or gets there
            kept = self._kept.get(frame_index)
            if kept is None:
                if not self._advance(frame_index):
                    self._retreat(frame_index)
            elif self._is_right(frame_index, kept):
                return self._rgb_of(kept)
            else:
                self.forget()
                self._run = _Run(kept.start, kept.is_from_open, kept.start.frame_index)
                self._retreat(frame_index)
        raise PacketMismatchError

    def forget(self) -> None:
        """Empty the store."""
        self._kept.clear()
        self._kept_bytes = 0

    def _advance(self, frame_index: int) -> bool:
        """Decode up to `frame_index`; False when the run has not delivered what it should."""
        run, start = self._run, self._index.start_for(frame_index)
        is_damaged = frame_index >= self._damaged_from.get(start, frame_index + 1)
        start = self._index.starts[0] if is_damaged else start
        is_unfit = run is None or run.next_index > frame_index or (is_damaged and not run.is_from_open)
        if run is None or is_unfit or self._pays_to_seek(run, start, frame_index):
            run = self._begin(start, from_open=is_damaged)
        try:
            for decoded in self._decoder:
                if self._must_be_careful(decoded):
                    return True
                if not self._take(run, decoded):
                    return False
                if run.next_index > frame_index:
                    return True
        except PacketMismatchError:  # after a seek, some demuxers cut damaged stretches otherwise
            if run.is_from_open:
                raise
            return False
        return self._end(run, frame_index)

    def _begin(self, start: Start, from_open: bool) -> _Run:
        # What stands where a damaged picture was not decoded depends on all that this decoder did before.
        if from_open:
            self._decoder.start_over()
        else:
            self._decoder.start(start.packet_index)
        self._run = _Run(start, from_open, start.frame_index)
        return self._run

    @staticmethod
    def _pays_to_seek(run: _Run, start: Start, frame_index: int) -> bool:
        return start.frame_index > run.next_index and frame_index - run.next_index >= _NEAR

    def _take(self, run: _Run, decoded: DecodedFrame) -> bool:
        """Put a decoded frame where it belongs; False when it shows that the run is not to be trusted."""
        run.last = decoded  # held while the next is decoded, as by any plain loop: see _begin
        frame_index = self._index.frame_index_of(decoded) if self._index.is_addressable else run.next_index
        if frame_index is None or frame_index < run.next_index:
            return True  # shown before the key picture that the run began with
        is_first = run.next_index == run.start.frame_index and run.start.packet_index > 0
        if self._index.fingerprints:
            if frame_index > run.next_index and is_first:  # the picture is built up over several frames
                self._index.distrust(run.start, first_right=frame_index)
                run.start = Start(frame_index, run.start.packet_index)
                if frame_index > self._wanted:
                    return False
            elif frame_index > run.next_index:
                return False
        elif is_first and (frame_index > run.next_index or not decoded.frame.key_frame):
            return False
        else:
            self._bridge(run, frame_index)
        self._keep(run, frame_index, decoded.frame)
        run.next_index = frame_index + 1
        return True

    def _bridge(self, run: _Run, frame_index: int) -> None:
        """Show the frame before in place of frames that the packets promised and the decoder does not give."""
        for missing in range(run.next_index, frame_index):
            self._report(f"frame {missing} cannot be decoded; the one before it is shown instead")
            if run.last_kept is None:  # nothing comes before the very first frame
                raise PacketMismatchError
            self._store(missing, run.last_kept)

    def _end(self, run: _Run, frame_index: int) -> bool:
        """What to do where the stream ends before `frame_index`."""
        if self._index.fingerprints or run.next_index == run.start.frame_index:
            return False
        self._bridge(run, frame_index + 1)
        run.next_index = frame_index + 1
        return True

    def _must_be_careful(self, decoded: DecodedFrame) -> bool:
        """Begin again without frame threads at the first damage in a file that had seemed whole."""
        if self._decoder.is_careful or not (self._decoder.failures or decoded.frame.is_corrupt):
            return False
        self._report("the file is damaged; some frames may look wrong")
        self._be_careful()
        return True

    def _be_careful(self) -> None:
        self.forget()
        self._decoder.start_over(careful=True)
        self._run = None

    def _retreat(self, frame_index: int) -> None:
        """Give up the start of the current run; the next try begins earlier, at last with a newly opened file."""
        run, self._run = self._run, None
        assert run is not None
        if run.is_from_open:
            raise PacketMismatchError
        if run.start.frame_index > frame_index:
            return  # it was found to serve later frames only
        if self._index.fingerprints and not self._decoder.is_careful:
            self._be_careful()  # damage that no decoder owned up to
        elif self._index.is_damaged or run.start.packet_index == 0:  # the start still serves those before the damage
            self._damaged_from[run.start] = min(frame_index, self._damaged_from.get(run.start, frame_index))
        else:
            self._index.distrust(run.start)

    def _is_right(self, frame_index: int, kept: _Kept) -> bool:
        if kept.is_from_open or not self._index.fingerprints or self._is_out_of_reach(frame_index):
            return True
        checksum = kept.checksum
        if checksum is None and isinstance(kept.picture, av.VideoFrame):
            checksum = fingerprint(kept.picture)
        return self._index.fingerprints[frame_index] == checksum

    def _is_out_of_reach(self, frame_index: int) -> bool:
        """Whether a damaged file would have to be decoded for minutes for the very pixels seen at first.

        It is the right frame all the same; only what stands where data is missing may differ.
        """
        return self._decoder.is_careful and frame_index > _FAR

    def _keep(self, run: _Run, frame_index: int, frame: av.VideoFrame) -> None:
        if self._decoder.is_careful:
            height, width = self._converter.size
            if self._index.fingerprints and (self._wanted - frame_index) * height * width * 3 > self._cache_bytes:
                return  # it would be gone again before it is asked for
            picture = self._converter.to_rgb(frame)
            run.last_kept = _Kept(picture, run.start, run.is_from_open, fingerprint(frame))
        else:
            run.last_kept = _Kept(frame, run.start, run.is_from_open, None)
        self._store(frame_index, run.last_kept)

    def _store(self, frame_index: int, kept: _Kept) -> None:
        if frame_index in self._kept:
            self._kept_bytes -= self._kept.pop(frame_index).byte_count
        self._kept[frame_index] = kept
        self._kept_bytes += kept.byte_count
        while self._kept_bytes > self._cache_bytes and len(self._kept) > 1:
            oldest = next(index for index in self._kept if index != self._wanted)
            self._kept_bytes -= self._kept.pop(oldest).byte_count

    def _rgb_of(self, kept: _Kept) -> NDArray[np.uint8]:
        if isinstance(kept.picture, np.ndarray):
            return kept.picture.copy()
        return self._converter.to_rgb(kept.picture)
