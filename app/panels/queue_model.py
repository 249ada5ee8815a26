"""The project's videos as a Qt list model: name, length, how far each is, and its picture once it is decoded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QPixmap

from app.document.confirmation import percent_words, rejection, review_progress
from app.document.records import Change, Run, Video
from app.review_counts import ToCheck, seconds_per_decision, to_check
from app.session import Session
from app.workers.thumbnails import Picture, PictureLoader, PictureRequest
from visolo.io.images import natural_key
from visolo.words import counted

VIDEO_ROLE = Qt.ItemDataRole.UserRole
PROGRESS_ROLE = Qt.ItemDataRole.UserRole + 1
NOTES_ROLE = Qt.ItemDataRole.UserRole + 2
PICTURE_SIZE = QSize(56, 36)
_PIXEL_RATIO = 2
_KEPT_PICTURES = 400
_Index = QModelIndex | QPersistentModelIndex


class VideoState(Enum):
    """How far the work on a video is."""

    NEW = "new"
    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    FAILED = "failed"
    TRACKED = "tracked"
    IN_REVIEW = "in review"
    DONE = "done"
    REJECTED = "rejected"


@dataclass(frozen=True)
class VideoProgress:
    """One video's state.

    Attributes:
        share: of the frames that the model has computed, in [0, 1].
        track_count: tracks that are present somewhere.
        edited_count: instances that a person touched.
        confirmed_share: of the instances that a person has confirmed, in [0, 1].
        to_check: what the review list has; None where nobody has looked yet, and of rejected videos.
        seconds_left: that deciding all of it is expected to take.
        reason: why it was rejected; empty where nobody said, or it was not.
    """

    state: VideoState
    share: float = 0.0
    track_count: int = 0
    edited_count: int = 0
    confirmed_share: float = 0.0
    to_check: ToCheck | None = None
    seconds_left: float = 0.0
    reason: str = ""


class QueueOrder(Enum):
    """What comes first."""

    ADDED = "As added"
    NAME = "By name"
    LONGEST = "Longest first"
    LEAST_CONFIRMED = "Least confirmed first"
    MOST_TO_CHECK = "Most to check first"
    SUREST = "Most mistakes per minute first"


class QueueShare(Enum):
    """Which videos are listed."""

    ALL = "All videos"
    NEW = "New"
    TRACKED = "Tracked, not yet in review"
    IN_REVIEW = "In review"
    DONE = "Done"
    FAILED = "Failed"
    REJECTED = "Rejected"
    UNFINISHED = "Not yet run to the end"
    UNCONFIRMED = "Run, not wholly confirmed"
    CONFIRMED = "Wholly confirmed"
    NOTED = "With open notes"


_STATES = {
    QueueShare.NEW: VideoState.NEW,
    QueueShare.TRACKED: VideoState.TRACKED,
    QueueShare.IN_REVIEW: VideoState.IN_REVIEW,
    QueueShare.DONE: VideoState.DONE,
    QueueShare.FAILED: VideoState.FAILED,
    QueueShare.REJECTED: VideoState.REJECTED,
}


@dataclass(frozen=True)
class QueueView:
    """What of the project's videos is listed, and in which order.

    Attributes:
        text: part of the name, in any case; words in any order.
    """

    text: str = ""
    order: QueueOrder = QueueOrder.ADDED
    share: QueueShare = QueueShare.ALL


class QueueModel(QAbstractListModel):
    """One row per listed video; states and pictures are made when a row is first shown.

    Rows stay where they are while states change: a video must not jump away under the mouse when it is done.

    Attributes:
        view: what is listed from the next `list_again` on.
        video_count: of the project.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.view = QueueView()
        self.video_count = 0
        self._videos: list[Video] = []
        self._progress: dict[int, VideoProgress] = {}
        self._decision_seconds: float | None = None
        self._pictures: dict[int, QPixmap] = {}
        self._requested: set[int] = set()
        self._readers: dict[int, Callable[[Video], object]] = {
            Qt.ItemDataRole.DisplayRole: _name,
            Qt.ItemDataRole.ToolTipRole: self._tip,
            Qt.ItemDataRole.AccessibleTextRole: self._words,
            Qt.ItemDataRole.DecorationRole: self._picture,
            VIDEO_ROLE: _itself,
            PROGRESS_ROLE: self.progress,
            NOTES_ROLE: self._note_count,
        }
        self.loader = PictureLoader(self)
        self.loader.ready.connect(self._take_picture)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102 - Qt's signature
        return 0 if parent.isValid() else len(self._videos)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: D102
        if not index.isValid():
            return None
        video = self._videos[index.row()]
        read = self._readers.get(role)
        return None if read is None else read(video)

    def reset(self) -> None:
        """Another project, or videos came and went."""
        self.forget_progress()
        self.list_again()

    def list_again(self) -> None:
        """Other videos are to be listed, or in another order."""
        self.beginResetModel()
        document = self._session.document
        videos = [] if document is None else document.videos()
        self.video_count = len(videos)
        self._videos = self._ordered(video for video in videos if self._is_listed(video))
        self.endResetModel()

    def forget_progress(self) -> None:
        """Every state is another one, perhaps; the rows are the same."""
        self._progress.clear()
        self._decision_seconds = None

    def forget_pictures(self) -> None:
        """Another project: the same ids are other videos."""
        self.loader.forget()
        self._pictures.clear()
        self._requested.clear()

    def row_of(self, video_id: int) -> int | None:
        """Row of a video."""
        return next((row for row, video in enumerate(self._videos) if video.video_id == video_id), None)

    def note_change(self, change: Change) -> None:
        """Look again at the videos that a change names."""
        pace, self._decision_seconds = self._decision_seconds, None
        for video_id in change.video_ids:
            self._touch(video_id)
        if pace is not None and self._videos and pace != self._pace():
            self.dataChanged.emit(self.index(0), self.index(len(self._videos) - 1), [PROGRESS_ROLE])

    def progress(self, video: Video) -> VideoProgress:
        """How far the work on a video is."""
        found = self._progress.get(video.video_id)
        if found is None:
            found = self._progress[video.video_id] = self._read_progress(video)
        # Said for the pace of now: of two rows one would contradict the other.
        return replace(found, seconds_left=_checked(found).count * self._pace()) if _checked(found).count else found

    def _is_listed(self, video: Video) -> bool:
        if any(word not in video.name.casefold() for word in self.view.text.casefold().split()):
            return False
        if self.view.share in {QueueShare.ALL, QueueShare.NOTED}:
            return self.view.share is QueueShare.ALL or self._note_count(video) > 0
        progress = self.progress(video)
        if self.view.share in _STATES:
            return progress.state is _STATES[self.view.share]
        if progress.state is VideoState.REJECTED:
            return False
        if progress.share < 1:
            return self.view.share is QueueShare.UNFINISHED
        is_done = progress.confirmed_share == 1
        return self.view.share is (QueueShare.CONFIRMED if is_done else QueueShare.UNCONFIRMED)

    def _ordered(self, videos: Iterable[Video]) -> list[Video]:
        keys: dict[QueueOrder, Callable[[Video], object]] = {
            QueueOrder.ADDED: lambda video: video.video_id,
            QueueOrder.NAME: lambda video: natural_key(video.name),
            QueueOrder.LONGEST: lambda video: -video.frame_count,
            QueueOrder.LEAST_CONFIRMED: lambda video: self.progress(video).confirmed_share,
            QueueOrder.MOST_TO_CHECK: lambda video: -_checked(self.progress(video)).count,
            QueueOrder.SUREST: lambda video: -_mistakes_per_decision(self.progress(video)),
        }
        return sorted(videos, key=keys[self.view.order])  # type: ignore[arg-type]

    def _tip(self, video: Video) -> str:
        failure = self._session.run_queue.failures.get(video.video_id, "")
        size = f"{video.width} × {video.height}, {_frames(video)}"
        notes = f"{counted(self._note_count(video), 'open note')}\n" if self._note_count(video) else ""
        words = f"{video.source}\n{size}\n{notes}{state_words(video, self.progress(video))}"
        if failure:
            return f"{words}: {failure}"
        progress = self.progress(video)
        return f"{words}\n{check_words(progress)}" if progress.to_check is not None else words

    def _words(self, video: Video) -> str:
        count = self._note_count(video)
        notes = f", {counted(count, 'open note')}" if count else ""
        return f"{video.name}, {state_words(video, self.progress(video))}{notes}"

    def _note_count(self, video: Video) -> int:
        return self._session.notes.open_count(video.video_id)

    def _touch(self, video_id: int) -> None:
        self._progress.pop(video_id, None)
        if video_id in self._pictures and self._pictures[video_id].isNull():
            del self._pictures[video_id]
            self._requested.discard(video_id)  # a file that could not be read may have been mended
        row = self.row_of(video_id)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))

    def _read_progress(self, video: Video) -> VideoProgress:
        document, run = self._session.document, self._session.run
        assert document is not None
        presence = document.cache.presence(video.video_id)
        edited = sum(track.edited for track in presence.values())
        reached = _frames_reached(document.runs(video.video_id))
        share = min(1.0, reached / max(1, video.frame_count))
        reason = rejection(document, video.video_id)
        queue = self._session.run_queue
        review = review_progress(document, video.video_id)
        if run.video_id == video.video_id and run.state in {"running", "paused"}:
            state = VideoState.PAUSED if run.state == "paused" else VideoState.RUNNING
        elif video.video_id in queue.waiting:
            state = VideoState.WAITING
        elif video.video_id in queue.failures:
            state = VideoState.FAILED
        elif reason is not None:
            state = VideoState.REJECTED
        elif review.confirmed_frames == video.frame_count > 0:
            state = VideoState.DONE
        elif edited or review.instance_percent or review.confirmed_frames:
            state = VideoState.IN_REVIEW
        else:
            state = VideoState.TRACKED if presence or reached else VideoState.NEW
        confirmed = review.instance_percent / 100
        is_rejected = state is VideoState.REJECTED
        listed = None if is_rejected else to_check(document, video.video_id, self._session.review.filter)
        return VideoProgress(state, share, len(presence), edited, confirmed, listed, reason=reason or "")

    def _pace(self) -> float:
        """Seconds that a decision takes, asked for once for all rows."""
        assert self._session.document is not None
        if self._decision_seconds is None:
            self._decision_seconds = seconds_per_decision(self._session.document)
        return self._decision_seconds

    def _picture(self, video: Video) -> QPixmap | None:
        picture = self._pictures.get(video.video_id)
        if picture is None and video.video_id not in self._requested:
            assert self._session.document is not None
            self._requested.add(video.video_id)
            source, size = self._session.document.source_path(video.video_id), PICTURE_SIZE * _PIXEL_RATIO
            self.loader.request(PictureRequest(video.video_id, source, None, size, (), video.pixel_aspect))
        return picture

    def _take_picture(self, picture: Picture) -> None:
        assert isinstance(picture.key, int)
        if picture.key not in self._requested:
            return
        pixmap = QPixmap.fromImage(picture.image)
        pixmap.setDevicePixelRatio(_PIXEL_RATIO)
        self._pictures[picture.key] = pixmap
        while len(self._pictures) > _KEPT_PICTURES:
            oldest = next(iter(self._pictures))
            del self._pictures[oldest]
            self._requested.discard(oldest)
        row = self.row_of(picture.key)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row), [Qt.ItemDataRole.DecorationRole])


def _name(video: Video) -> str:
    return video.name


def _itself(video: Video) -> Video:
    return video


def _frames_reached(runs: Iterable[Run]) -> int:
    """How many frames runs have come over; what several did counts once."""
    count = end = 0
    for run in sorted(runs, key=lambda run: run.first_frame):
        count += max(0, run.head - max(end, run.first_frame))
        end = max(end, run.head)
    return count


def _checked(progress: VideoProgress) -> ToCheck:
    return progress.to_check or ToCheck(0, 0.0)


def _mistakes_per_decision(progress: VideoProgress) -> float:
    left = _checked(progress)
    return left.mistakes / left.count if left.count else 0.0


def check_words(progress: VideoProgress) -> str:
    """E.g. "12 to check, about 9 of them mistakes: about 2 min"."""
    left = _checked(progress)
    if not left.count:
        return "nothing to check"
    text = f"{left.count} to check, about {max(1, round(left.mistakes))} of them mistakes"
    return f"{text}: about {time_words(progress.seconds_left)}"


def time_words(seconds: float) -> str:
    """E.g. "40 s" or "2 min"; empty for none."""
    if not seconds:
        return ""
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def state_words(video: Video, progress: VideoProgress) -> str:
    """E.g. "in review · 5 tracks", "done · 5 tracks", "12 to check · 38% confirmed" or "new · 412 frames"."""
    if progress.state in {VideoState.RUNNING, VideoState.PAUSED}:
        return f"{progress.state.value} · {progress.share:.0%}"
    if progress.state is VideoState.WAITING:
        return f"waiting · {progress.share:.0%}" if progress.share else "waiting"
    if progress.state is VideoState.FAILED:
        return "failed"
    if progress.state is VideoState.REJECTED:
        return f"rejected · {progress.reason}" if progress.reason else "rejected"
    if progress.state is VideoState.NEW:
        return f"new · {_frames(video)}"
    return _review_words(progress)


def length_words(video: Video) -> str:
    """E.g. "2:05" or "1:00:00"; the number of frames, "40 f", where the source does not say how quick they are."""
    if not video.frame_rate:
        return f"{video.frame_count} f"
    minutes, seconds = divmod(round(video.frame_count / video.frame_rate), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _frames(video: Video) -> str:
    return "1 frame" if video.frame_count == 1 else f"{video.frame_count:,} frames".replace(",", " ")


def _review_words(progress: VideoProgress) -> str:
    left = _checked(progress).count
    parts = [f"{left} to check"] if left else []
    if progress.confirmed_share and progress.state is not VideoState.DONE:
        return " · ".join([*parts, f"{percent_words(progress.confirmed_share)} confirmed"])
    tracks = "1 track" if progress.track_count == 1 else f"{progress.track_count} tracks"
    return " · ".join([progress.state.value, *(parts or [tracks])])
