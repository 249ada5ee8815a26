"""What a person has reviewed: confirmed frames and tracks, progress in percent, dismissed suspicions. Reads only.

    confirmed_content(queries, video_id)                -> Confirmed: .covers(track_id, frame_index), .covers_frame(i)
    confirmed_ranges(queries, video_id, track_id=None)  -> [FrameRange]; None: of whole frames
    wholly_confirmed_frames(queries, video_id)          -> (n,) bool, one for every frame of the video
    review_progress(queries, video_id)                  -> ReviewProgress: shares of the video and of each track
    dismissals(queries, video_id)                       -> {key: seconds since 1970}
    rejections(queries)                                 -> {video_id: reason}
    rejection(queries, video_id)                        -> reason, or None
    accepted_videos(queries)                            -> [Video], the others
    refuse_rejected(queries, video_ids)                 raises OutputError where all are rejected

The edits that change it: `confirm_edits`. Confirmed content is closed: runs leave it alone and edits of it are refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.document.images import Position
from app.document.queries import Queries
from app.document.records import FrameRange, Video
from visolo.errors import OutputError

WHOLE_FRAMES = 0
"""Stands for a track id in the table: the frame with all its tracks, and that none is missing."""


@dataclass(frozen=True, eq=False)
class Confirmed:
    """The confirmed content of one video of n frames.

    Attributes:
        frames: (n,) bool, confirmed as a whole.
        tracks: (n,) bool by track id, what is confirmed of that track alone; where it is absent, its absence is.
    """

    frames: NDArray[np.bool_]
    tracks: Mapping[int, NDArray[np.bool_]]

    def covers_frame(self, frame_index: int) -> bool:
        """Whether the frame is confirmed as a whole."""
        return frame_index < len(self.frames) and bool(self.frames[frame_index])

    def covers(self, track_id: int, frame_index: int) -> bool:
        """Whether a track's instance or absence in a frame is confirmed."""
        if frame_index >= len(self.frames):
            return False
        return bool(self.frames[frame_index]) or (track_id in self.tracks and bool(self.tracks[track_id][frame_index]))

    def of_track(self, track_id: int) -> NDArray[np.bool_]:
        """(n,) bool: where the track is confirmed, alone or with the whole frame."""
        return self.frames | self.tracks[track_id] if track_id in self.tracks else self.frames

    def covers_all(self, track_id: int | None, frames: FrameRange) -> bool:
        """Whether a track is confirmed in all of these frames; with None, whether all of the frames are as a whole."""
        marked = self.frames if track_id is None else self.of_track(track_id)
        return bool(marked[frames.first : frames.end + 1].all())


@dataclass(frozen=True)
class TrackProgress:
    """How many of a track's instances are confirmed."""

    confirmed_count: int
    count: int

    @property
    def percent(self) -> float:
        """0 to 100."""
        return 100 * self.confirmed_count / self.count if self.count else 0.0


@dataclass(frozen=True)
class ReviewProgress:
    """How far the review of a video is.

    Attributes:
        confirmed_frames: wholly confirmed ones.
        confirmed_instances: of all tracks together.
        tracks: by id, of the tracks that are present somewhere.
    """

    confirmed_frames: int
    frame_count: int
    confirmed_instances: int
    instance_count: int
    tracks: Mapping[int, TrackProgress]

    @property
    def percent(self) -> float:
        """Share of the frames, 0 to 100."""
        return 100 * self.confirmed_frames / self.frame_count if self.frame_count else 0.0

    @property
    def instance_percent(self) -> float:
        """Share of the instances, 0 to 100."""
        return 100 * self.confirmed_instances / self.instance_count if self.instance_count else 0.0


def confirmed_content(queries: Queries, video_id: int) -> Confirmed:
    """All that is confirmed in a video."""
    count = queries.video(video_id).frame_count
    rows = queries.rows("SELECT track_id, first_frame, last_frame FROM confirmed WHERE video_id = ?", video_id)
    by_track: dict[int, list[FrameRange]] = {}
    for track_id, first, last in rows:
        by_track.setdefault(track_id, []).append(FrameRange(first, last))
    frames = frames_in(by_track.pop(WHOLE_FRAMES, []), count)
    return Confirmed(frames, {track_id: frames_in(ranges, count) for track_id, ranges in by_track.items()})


def confirmed_ranges(queries: Queries, video_id: int, track_id: int | None = None) -> list[FrameRange]:
    """Ranges confirmed of a track, alone or with whole frames; with None those of whole frames."""
    confirmed = confirmed_content(queries, video_id)
    return ranges_of(confirmed.frames if track_id is None else confirmed.of_track(track_id))


def wholly_confirmed_frames(queries: Queries, video_id: int) -> NDArray[np.bool_]:
    """(n,) bool: frames confirmed as a whole, or in which each of the video's tracks is."""
    confirmed = confirmed_content(queries, video_id)
    track_ids = queries.cache.presence(video_id).keys()
    if not track_ids or not track_ids <= confirmed.tracks.keys():
        return confirmed.frames
    return np.asarray(np.stack([confirmed.of_track(track_id) for track_id in track_ids]).all(axis=0))


def review_progress(queries: Queries, video_id: int) -> ReviewProgress:
    """How much of a video and of its tracks is confirmed."""
    confirmed = confirmed_content(queries, video_id)
    counts = {track_id: presence.count for track_id, presence in queries.cache.presence(video_id).items()}
    done = {
        track_id: _count_in(queries, video_id, track_id, ranges_of(confirmed.of_track(track_id))) for track_id in counts
    }
    frames = wholly_confirmed_frames(queries, video_id)
    return ReviewProgress(
        int(np.count_nonzero(frames)),
        len(frames),
        sum(done.values()),
        sum(counts.values()),
        {track_id: TrackProgress(done[track_id], count) for track_id, count in sorted(counts.items())},
    )


def _count_in(queries: Queries, video_id: int, track_id: int, ranges: Iterable[FrameRange]) -> int:
    """How many instances a track has in these frames."""
    count = "SELECT count(*) FROM cells WHERE video_id = ? AND track_id = ? AND frame_index BETWEEN ? AND ?"
    return sum(int(queries.rows(count, video_id, track_id, r.first, r.end)[0][0]) for r in ranges)


def rejections(queries: Queries) -> dict[int, str]:
    """Why videos were rejected, by id; an empty text where nobody said."""
    return dict(queries.rows("SELECT video_id, reason FROM rejections"))


def rejection(queries: Queries, video_id: int) -> str | None:
    """Why a video was rejected, an empty text where nobody said; None where it was not."""
    rows = queries.rows("SELECT reason FROM rejections WHERE video_id = ?", video_id)
    return str(rows[0][0]) if rows else None


def accepted_videos(queries: Queries) -> list[Video]:
    """The project's videos without those that were rejected."""
    rejected = rejections(queries)
    return [video for video in queries.videos() if video.video_id not in rejected]


def refuse_rejected(queries: Queries, video_ids: Iterable[int]) -> None:
    """Refuse to let videos leave the project as data; those that are there to be looked at may.

    Raises:
        OutputError: every one of them is rejected.
    """
    wanted = set(video_ids)
    if wanted and rejections(queries).keys() >= wanted:
        raise OutputError("What was chosen is rejected, so it is not exported; take it back first, or choose others")


def dismissals(queries: Queries, video_id: int) -> dict[str, float]:
    """Suspicions that were dismissed, and when, in seconds since 1970."""
    return dict(queries.rows("SELECT key, created FROM dismissals WHERE video_id = ?", video_id))


def percent_words(share: float) -> str:
    """A share of [0, 1] in percent; only all of it is 100%, and only nothing 0%."""
    return f"{min(99, max(1, round(100 * share)))}%" if 0 < share < 1 else f"{share:.0%}"


def confirmed_positions(queries: Queries, positions: Iterable[Position]) -> list[Position]:
    """Those of some positions (video, track, frame) that are confirmed, in order."""
    if not queries.rows("SELECT 1 FROM confirmed LIMIT 1"):
        return []
    by_video: dict[int, set[Position]] = {}
    for position in positions:
        by_video.setdefault(position[0], set()).add(position)
    found: list[Position] = []
    for video_id, there in by_video.items():
        confirmed = confirmed_content(queries, video_id)
        found += [position for position in there if confirmed.covers(position[1], position[2])]
    return sorted(found)


def refusal(positions: list[Position]) -> str:
    """Why confirmed content is not changed, in a sentence; `positions` as `confirmed_positions` gives them."""
    track_ids = sorted({track_id for _, track_id, _ in positions})
    frames = [frame_index for _, _, frame_index in positions]
    who = f"Track {track_ids[0]} is" if len(track_ids) == 1 else f"Tracks {', '.join(map(str, track_ids[:5]))} are"
    return f"{who} confirmed {FrameRange(min(frames), max(frames))}; unconfirm these frames first, or edit others"


def frames_in(ranges: Iterable[FrameRange], frame_count: int) -> NDArray[np.bool_]:
    """(frame_count,) bool: whether each frame lies in one of the ranges."""
    marked = np.zeros(frame_count, dtype=np.bool_)
    for frames in ranges:
        marked[frames.first : frames.end + 1] = True
    return marked


def ranges_of(marked: NDArray[np.bool_]) -> list[FrameRange]:
    """The longest ranges of frames that are marked, in order."""
    edges = np.flatnonzero(np.diff(marked.astype(np.int8), prepend=0, append=0)).reshape(-1, 2).tolist()
    return [FrameRange(first, end - 1) for first, end in edges]
