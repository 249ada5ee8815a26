"""The review: walking the suspicions, and saying that content is right. `C` confirms what scope and selection show."""

from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.dialogs.reject import reject_video
from app.document.confirmation import rejection
from app.document.edits import Confirm, EditGroup, RejectVideo
from app.document.records import FrameRange
from app.document.suspicions import SuspicionKind
from app.review import ReviewFilter
from app.session import Session
from app.settings import REVIEW_HIDDEN_KINDS, REVIEW_LEAST, Settings
from app.track_edits import listed
from visolo.errors import VisoloError


class ReviewCommands(QObject):
    """Handlers of the review actions; `parent` is the window that dialogs belong to."""

    def __init__(self, session: Session, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._settings, self._window = session, settings, parent
        session.review.set_filter(_remembered_filter(settings))

    @property
    def least_percent(self) -> int:
        """Confidence from which suspicions are listed."""
        return self._session.review.filter.least_percent

    def set_least_percent(self, percent: int) -> None:
        """List suspicions from this confidence on."""
        self._session.review.set_filter(replace(self._session.review.filter, least_percent=percent))
        self._settings.set(REVIEW_LEAST, percent)

    def lists_kind(self, kind: SuspicionKind) -> bool:
        """Whether suspicions of a kind are listed."""
        return kind not in self._session.review.filter.hidden_kinds

    def toggle_kind(self, kind: SuspicionKind) -> None:
        """List suspicions of a kind, or leave them out."""
        self._hide_kinds(self._session.review.filter.hidden_kinds ^ {kind})

    def list_all_kinds(self) -> None:
        """Leave no kind out."""
        self._hide_kinds(frozenset())

    def step(self, direction: int) -> None:
        """Look at the next or previous suspicion."""
        self._session.review.step(direction)

    def accept(self) -> None:
        """Make the proposed edit."""
        self._session.review.accept()

    def dismiss(self) -> None:
        """Remember that it is no mistake."""
        self._session.review.dismiss()

    def toggle_confirmed(self) -> None:
        """Confirm the selected tracks, or everything, in the scope; where all of it is confirmed, take that back."""
        try:
            frames = self._session.scope_frames()
        except VisoloError as error:
            self._session.refused.emit(str(error))
            return
        self._confirm(sorted(self._session.selection), frames)

    def toggle_video(self) -> None:
        """Confirm the whole video, or take that back."""
        self._confirm([], FrameRange(0, None))

    def toggle_rejected(self) -> None:
        """Reject the video, after asking why, or take it back."""
        assert self._session.video is not None
        if is_rejected(self._session):
            self._session.do(RejectVideo(self._session.video.video_id, None))
        else:
            reject_video(self._session, self._session.video, self._window)

    def _hide_kinds(self, kinds: frozenset[SuspicionKind]) -> None:
        self._session.review.set_filter(replace(self._session.review.filter, hidden_kinds=kinds))
        self._settings.set_json(REVIEW_HIDDEN_KINDS, sorted(kind.name for kind in kinds))

    def _confirm(self, track_ids: list[int], frames: FrameRange) -> None:
        assert self._session.video is not None
        video_id = self._session.video.video_id
        confirms = not _is_confirmed(self._session, track_ids, frames)
        if not track_ids:
            self._session.do(Confirm(video_id, None, frames, confirms))
            return
        # One that is confirmed already would make the edit of all of them fail.
        confirmed = self._session.confirmed()
        chosen = [t for t in track_ids if not (confirms and confirmed.covers_all(t, frames))]
        edits = tuple(Confirm(video_id, track_id, frames, confirms) for track_id in chosen)
        label = f"{'Confirm' if confirms else 'Unconfirm'} {listed(chosen)} {frames}"
        self._session.do(edits[0] if len(edits) == 1 else EditGroup(video_id, label, edits))


def kind_text(session: Session, kind: SuspicionKind) -> str:
    """A kind with how many there are, whatever the filter: "Possible switch (6)"."""
    count = sum(suspicion.kind is kind for suspicion in session.review.all_found)
    return f"{kind.value} ({count})" if count else kind.value


def accept_text(session: Session) -> str:
    """What `Enter` would do now."""
    current = session.review.current
    return f"&Accept: {current.proposal_text}" if current is not None and current.proposal_text else "&Accept"


def confirm_text(session: Session) -> str:
    """What `C` would do now, for menus: "Confirm track 2 from frame 60 on"."""
    if session.video is None:
        return "&Confirm"
    try:
        frames = session.scope_frames()
    except VisoloError:
        return "&Confirm the marked range"
    chosen = sorted(session.selection)
    verb = "Un&confirm" if _is_confirmed(session, chosen, frames) else "&Confirm"
    what = listed(chosen[:4]) + (" …" if len(chosen) > 4 else "") if chosen else "all tracks"
    return f"{verb} {what} {frames}"


def confirm_video_text(session: Session) -> str:
    """What confirming the video would do now."""
    is_done = session.video is not None and _is_confirmed(session, [], FrameRange(0, None))
    return f"{'Unconfirm' if is_done else 'Confirm'} the whole &video"


def is_rejected(session: Session) -> bool:
    """Whether the video in view is rejected."""
    document, video = session.document, session.video
    return document is not None and video is not None and rejection(document, video.video_id) is not None


def reject_text(session: Session) -> str:
    """What rejecting would do now."""
    return "Take the rejected video &back" if is_rejected(session) else "Re&ject the video…"


def _is_confirmed(session: Session, track_ids: list[int], frames: FrameRange) -> bool:
    """Whether these tracks, or with none everything, are confirmed in all of these frames."""
    confirmed = session.confirmed()
    chosen: list[int | None] = [*track_ids] or [None]
    return all(confirmed.covers_all(track_id, frames) for track_id in chosen)


def _remembered_filter(settings: Settings) -> ReviewFilter:
    stored = settings.get_json(REVIEW_HIDDEN_KINDS)
    names = stored if isinstance(stored, list) else []
    return ReviewFilter(settings.get(REVIEW_LEAST), frozenset(kind for kind in SuspicionKind if kind.name in names))
