"""What a row of the review list is."""

from dataclasses import dataclass
from enum import StrEnum

from app.document.edits import Edit


class SuspicionKind(StrEnum):
    """Why a moment is suspicious; the value is its title on screen."""

    POSSIBLE_SWITCH = "Possible switch"
    NOT_OPTIMAL = "Better crossed"
    NARROW_MARGIN = "Narrow margin"
    WEAK_LINK = "Weak link"
    CHIMERA = "Two objects"
    MASK_JUMP = "Jump"
    AREA_JUMP = "Sudden size"
    BORN_WHERE_ANOTHER_ENDED = "Broken track"
    DUPLICATE = "Same object twice"
    CLASS_FLIP = "Class flip"
    LOW_SUPPORT = "Low support"
    SHORT_TRACK = "Short track"


@dataclass(frozen=True)
class Suspicion:
    """One moment that a person should look at, and what to do about it.

    Attributes:
        key: the same after every recomputation as long as the moment is the same; what `DismissSuspicion` takes.
        frame_index: where to look, the first frame after the event.
        before_frame: last frame before it, for comparison; None when there is none.
        track_ids: the tracks in question, the one that stays first.
        reason: in plain words, one sentence without a full stop.
        detail: what else speaks for it or against it, in words.
        confidence: in [0, 1], how likely it is a mistake; the list is ordered by it.
        proposal: the edit that mends it; None when only looking helps.
        proposal_text: it in words; empty without one.
    """

    key: str
    kind: SuspicionKind
    video_id: int
    frame_index: int
    before_frame: int | None
    track_ids: tuple[int, ...]
    reason: str
    detail: str
    confidence: float
    proposal: Edit | None
    proposal_text: str
