"""Seeks at random in video files and prints, per file, how many frames came out wrong and how long it took.

python tests/bench/seek.py FILE [FILE ...]

A frame is wrong when its pixels differ from those of a plain decode from the start. Each time is that of a cold seek:
nothing decoded before is kept. Beside it stands plain PyAV, which seeks to the key frame before and decodes up to the
frame; it may return the wrong frame or none (column "plain wrong").
"""

import argparse
import random
import sys
import time
import zlib
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from visolo.errors import MediaError
from visolo.io.frames import open_frames

SEEKS = 120


class Row(NamedTuple):
    frame_count: int
    open_ms: float
    wrong: int
    times_ms: np.ndarray
    plain_wrong: int
    plain_times_ms: np.ndarray


def checksum(picture: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(picture))


def upright(frame: av.VideoFrame) -> np.ndarray:
    return np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))


def decode_all(path: Path) -> tuple[list[int], list[int | None]]:
    """Checksum and time stamp of every frame that decoding from the start delivers."""
    checksums, stamps = [], []
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        for packet in container.demux(stream):
            if packet.size == 0 and packet.buffer_ptr:  # a repeated picture: no data to decode
                continue
            try:
                for frame in packet.decode():
                    checksums.append(checksum(upright(frame)))
                    stamps.append(frame.pts)
            except av.FFmpegError:
                continue
    return checksums, stamps


def plain_seek(container: av.container.InputContainer, stream: av.VideoStream, stamp: int | None) -> int | None:
    """Checksum of what seeking to a time stamp and decoding up to it gives."""
    if stamp is None:
        return None
    try:
        container.seek(stamp, stream=stream)
        for frame in container.decode(stream):
            if frame.pts is not None and frame.pts >= stamp:
                return checksum(upright(frame))
    except av.FFmpegError:
        return None
    return None


def measure(path: Path, seeks: int) -> Row:
    begun = time.perf_counter()
    frames = open_frames(path, cache_bytes=0)
    open_ms = 1000 * (time.perf_counter() - begun)
    expected, stamps = decode_all(path)
    chooser = random.Random(len(expected))
    wrong, times, plain_wrong, plain_times = abs(len(frames) - len(expected)), [], 0, []
    with frames, av.open(str(path)) as container:
        stream = container.streams.best("video")
        for _ in range(seeks):  # in turns, so that whatever else the machine does hits both
            index = chooser.randrange(len(expected))
            begun = time.perf_counter()
            got = checksum(frames[index]) if index < len(frames) else None
            turned = time.perf_counter()
            plain = plain_seek(container, stream, stamps[index])
            times.append(1000 * (turned - begun))
            plain_times.append(1000 * (time.perf_counter() - turned))
            wrong += got != expected[index]
            plain_wrong += plain != expected[index]
    return Row(len(expected), open_ms, wrong, np.array(times), plain_wrong, np.array(plain_times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--seeks", type=int, default=SEEKS)
    arguments = parser.parse_args()
    print(f"{'file':36} frames  open ms  wrong  p50 ms  p95 ms  plain wrong  plain p50  plain p95  p95 ratio")
    for path in arguments.files:
        try:
            row = measure(path, arguments.seeks)
        except MediaError as error:
            print(f"{path.name:36} {error}")
            continue
        (p50, p95), (plain50, plain95) = (np.percentile(t, (50, 95)) for t in (row.times_ms, row.plain_times_ms))
        print(
            f"{path.name:36} {row.frame_count:6} {row.open_ms:8.0f} {row.wrong:6} {p50:7.1f} {p95:7.1f}"
            f" {row.plain_wrong:12} {plain50:10.1f} {plain95:10.1f} {p95 / plain95:10.2f}"
        )


if __name__ == "__main__":
    main()
