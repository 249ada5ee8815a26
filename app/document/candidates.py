"""What a run chose the instances of a frame from, as the project keeps it: for choosing again at other thresholds."""

import struct
import zlib

import numpy as np

from visolo.errors import ProjectError
from visolo.inference.choosing import FrameCandidates, MaskStatistics

_COMPRESSION = 1  # fast: it is packed while a run delivers frames


def encode_candidates(candidates: FrameCandidates) -> bytes:
    """Compact bytes."""
    statistics = candidates.statistics
    upper = np.triu_indices(len(candidates.slots), 1)
    parts = (
        candidates.slots.astype(np.int32),
        candidates.category_indices.astype(np.int32),
        candidates.scores.astype(np.float32),
        statistics.areas.astype(np.int32),
        statistics.maskness.astype(np.float32),
        statistics.intersections[upper].astype(np.int32),
    )
    packed = struct.pack("<I", len(candidates.slots)) + b"".join(part.tobytes() for part in parts)
    return zlib.compress(packed, _COMPRESSION)


def decode_candidates(data: bytes) -> FrameCandidates:
    """The candidates of `encode_candidates`.

    Raises:
        ProjectError: the bytes are damaged.
    """
    try:
        raw = zlib.decompress(data)
        (count,) = struct.unpack_from("<I", raw)
        slots, categories, areas = (np.frombuffer(raw, np.int32, count, 4 + 4 * count * i) for i in (0, 1, 3))
        scores, maskness = (np.frombuffer(raw, np.float32, count, 4 + 4 * count * i) for i in (2, 4))
        shared = np.frombuffer(raw, np.int32, count * (count - 1) // 2, 4 + 20 * count)
    except (zlib.error, struct.error, ValueError) as error:
        raise ProjectError("the evidence in the project file is damaged; restore it from a copy") from error
    intersections = np.zeros((count, count), np.float32)
    upper = np.triu_indices(count, 1)
    intersections[upper] = shared
    intersections += intersections.T
    np.fill_diagonal(intersections, areas)
    statistics = MaskStatistics(areas.astype(np.float32), maskness, intersections)
    return FrameCandidates(slots, categories.astype(np.int64), scores, statistics)
