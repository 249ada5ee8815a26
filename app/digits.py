"""Which track a digit key means: the one with that id; digits without such a track serve later tracks in view."""

from app.session import Session

_DIGITS = range(1, 10)


def tracks_by_digit(session: Session) -> dict[int, int]:
    """Track id by digit, 1 to 9.

    A digit is the track with that very id, as its label on the canvas says. Digits left over are given, in order of
    id, to the tracks with ids above 9 that are on the current frame.
    """
    known = [summary.track.track_id for summary in session.tracks()]
    chosen = {digit: digit for digit in _DIGITS if digit in known}
    if not known or max(known) <= _DIGITS[-1]:
        return chosen
    assert session.document is not None
    assert session.video is not None
    here = session.document.instances(session.video.video_id, session.frame_index)
    later = sorted({instance.track_id for instance in here if instance.track_id > _DIGITS[-1]})
    free = [digit for digit in _DIGITS if digit not in chosen]
    return dict(sorted((chosen | dict(zip(free, later, strict=False))).items()))
