"""Which digit is which track, and what it would do: the card that the canvas shows while Ctrl is held."""

from app.canvas.notice import Legend, LegendEntry
from app.digits import tracks_by_digit
from app.session import Session
from app.theme import color
from visolo.errors import VisoloError


def digit_legend(session: Session) -> Legend | None:
    """The card for the present selection; None where there are no tracks."""
    categories = {summary.track.track_id: summary.track.category_id for summary in session.tracks()}
    if not categories:
        return None
    names = session.category_names()
    entries = [
        LegendEntry(digit, f"{track_id} {names.get(categories[track_id], 'no class')}", session.colors.of(track_id))
        for digit, track_id in tracks_by_digit(session).items()
    ]
    if len(session.selection) != 1:
        return Legend("A digit alone selects; Ctrl assigns the selected track", entries)
    entries.append(LegendEntry(0, "new track", color("raised")))
    return Legend(f"Assign {min(session.selection)} {_where(session)} to", entries)


def _where(session: Session) -> str:
    try:
        return str(session.scope_frames())
    except VisoloError:
        return "in the range (none is marked)"
