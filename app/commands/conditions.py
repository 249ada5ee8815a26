"""When an action can be done: each condition gives None, or one sentence why not. Cheap; asked after every change."""

from collections.abc import Callable

from app.session import Session

Condition = Callable[[Session], str | None]

_NO_VIDEO = "Open a video first"


def always(_session: Session) -> str | None:
    """No condition."""
    return None


def has_project(session: Session) -> str | None:
    """A project is open."""
    return None if session.document is not None else _NO_VIDEO


def can_merge(session: Session) -> str | None:
    """A project is open and no model writes to it."""
    if session.document is None or session.history is None:
        return _NO_VIDEO
    return "Stop the model first" if session.history.active_runs else None


def has_video(session: Session) -> str | None:
    """A video is shown."""
    return None if session.video is not None else _NO_VIDEO


def has_tracks(session: Session) -> str | None:
    """A video is shown and has tracks."""
    if session.video is None or session.document is None:
        return _NO_VIDEO
    return None if session.tracks() else "There are no tracks yet; run the model first"


def has_selection(session: Session) -> str | None:
    """At least one track is selected."""
    if session.video is None:
        return _NO_VIDEO
    return None if session.selection else "Select a track first: click its mask, or press its number"


def one_selected(session: Session) -> str | None:
    """Exactly one track is selected."""
    if session.video is None or not session.selection:
        return has_selection(session)
    return None if len(session.selection) == 1 else "Select only one track for this"


def one_or_two_selected(session: Session) -> str | None:
    """One track or a pair is selected."""
    if session.video is None or not session.selection:
        return has_selection(session)
    return None if len(session.selection) <= 2 else "Select one track or two for this"


def can_undo(session: Session) -> str | None:
    """There is an edit to take back."""
    return None if session.can_undo else "There is nothing to undo"


def can_redo(session: Session) -> str | None:
    """There is an undone edit."""
    return None if session.history is not None and session.history.can_redo else "There is nothing to redo"


def can_run(session: Session) -> str | None:
    """A video is shown and the model is idle."""
    if session.video is None:
        return _NO_VIDEO
    return None if session.run.state == "idle" else "The model is running; pause or stop it first"


def can_toggle_run(session: Session) -> str | None:
    """A video is shown, and the model does nothing else than running over videos."""
    if session.run.is_following:
        return "One object is being followed; stop that first (Esc)"
    return has_video(session)


def is_busy(session: Session) -> str | None:
    """The model runs or is paused."""
    return None if session.run.state != "idle" else "The model is not running"


def is_following(session: Session) -> str | None:
    """One object is being followed."""
    return None if session.run.is_following else "Nothing is being followed"


def can_follow(session: Session) -> str | None:
    """One track is selected and the model is idle."""
    return one_selected(session) or can_run(session)


def edits_masks(session: Session) -> str | None:
    """A video is shown and a mask tool has the mouse."""
    if session.video is None:
        return _NO_VIDEO
    return None if session.tool_id != "select" else "Choose brush, eraser or polygon first (B)"


def has_note(session: Session) -> str | None:
    """A note is looked at."""
    return None if session.notes.current is not None else "Go to a note first, with J or in the list of notes"


def has_suspicion(session: Session) -> str | None:
    """A row of the review list is looked at, and no tool uses these keys."""
    if session.video is None:
        return _NO_VIDEO
    if session.tool_id != "select":
        return "Go back to selecting first (Esc)"
    return None if session.review.current is not None else "Go to a suspicion first (N)"


def offers_identity(position: int) -> Condition:
    """There is a proposal at this position of who the selected instance is."""

    def condition(session: Session) -> str | None:
        if session.identities.question is None:
            return one_selected(session)
        return None if session.identities.best(position) is not None else "No other track looks like this one"

    return condition


def digits_take_proposals(session: Session) -> str | None:
    """The keys 1 to 3 are set to take proposals."""
    return None if session.identities.uses_digits else "Let digits take proposals first (I)"


def can_link(session: Session) -> str | None:
    """The selected track begins here and may continue another; a suspicion looked at in this frame goes first."""
    if session.tool_id != "select":
        return "Go back to selecting first (Esc)"
    current = session.review.current
    if current is not None and current.frame_index == session.frame_index:
        return "Accept or dismiss the suspicion first"
    if session.identities.are_links and session.identities.best() is not None:
        return None
    return "Go to the first frame of a track that continues another, and select it"


def has_preview(session: Session) -> str | None:
    """Changes are shown that may be accepted or not."""
    if session.video is None:
        return _NO_VIDEO
    return None if session.preview.offer is not None else "No changes are waiting to be accepted"


def can_accept_preview(session: Session) -> str | None:
    """Changes are shown that an edit can make."""
    offer = session.preview.offer
    return None if offer is not None and offer.edit is not None else "No changes are waiting to be accepted"


def preview_has_keys(session: Session) -> str | None:
    """Enter and Escape are for the changes that are shown: no tool uses them, no suspicion was gone to since."""
    if session.tool_id != "select":
        return "Go back to selecting first (Esc)"
    if session.review.current is not None:
        return "Accept or dismiss the suspicion first"
    if not session.preview.has_keys:
        return "Something else was selected since; use the buttons below the video"
    return has_preview(session)


def can_decline(session: Session) -> str | None:
    """Changes are shown or waited for, or thresholds are tried."""
    return None if session.trial.is_open or session.preview.waits_for else has_preview(session)


def decline_has_keys(session: Session) -> str | None:
    """Escape is for the changes that are shown or waited for, or for the thresholds that are tried."""
    if (session.trial.is_open or session.preview.waits_for) and session.tool_id == "select":
        return None
    return preview_has_keys(session)


def can_try_thresholds(session: Session) -> str | None:
    """There are tracks, and the model is idle."""
    return can_run(session) or has_tracks(session)


def has_range(session: Session) -> str | None:
    """A range of frames is marked."""
    if session.video is None:
        return _NO_VIDEO
    return None if session.range is not None else "No range is marked"
