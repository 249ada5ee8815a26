"""Why a moment is suspicious, in words: what speaks for a mistake and what against it, without figures."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from app.document.review.suspicion import SuspicionKind as Kind

# From where on a feature of a switch says something, and who says it.
_WITNESSES = {
    "near": (0.3, "similarity"),
    "look": (0.03, "looks"),
    "votes": (0.05, "classes"),
    "shift": (0.2, "motion"),
}


def why_switched(figures: Mapping[str, float]) -> str:
    """The strongest sign that two tracks were taken for each other; `figures` by the names of `SWITCH_FEATURES`."""
    shares = {
        "each goes on where the other went": figures["shift"] / 2,
        "each looks more like the other": 4 * figures["look"],
        "their classes fit better crossed": 3 * figures["votes"],
        "the model's similarities fit better crossed": figures["near"] / 2,
    }
    known = {text: value for text, value in shares.items() if not np.isnan(value)}
    best = max(known, key=lambda text: known[text]) if known else ""
    return best if best and known[best] > 0.05 else "they are close to each other here"


def for_and_against(figures: Mapping[str, float]) -> str:
    """Which signs speak for a switch and which against it."""
    known = {name: figures[name] for name in _WITNESSES if not np.isnan(figures[name])}
    speaks_for = [_WITNESSES[name][1] for name, value in known.items() if value > _WITNESSES[name][0]]
    against = [_WITNESSES[name][1] for name, value in known.items() if value < -_WITNESSES[name][0]]
    parts = [f"{_and(names)} {side}" for names, side in ((speaks_for, "for it"), (against, "against it")) if names]
    return ", ".join(parts) or "nothing speaks clearly for or against it"


def why_broken(track_id: int, figures: Mapping[str, float]) -> tuple[Kind, str]:
    """What is oddest about how a track goes on; `figures` by the names of `BREAK_FEATURES`."""
    figure = _known(figures)
    signs = {
        Kind.CHIMERA: 4 * (0.9 - figure("look", 0.9)) + 3 * (0.9 - figure("votes", 0.9)),
        Kind.WEAK_LINK: -0.5 * figure("near", 0.0),
        Kind.MASK_JUMP: figure("shift", 0.0),
        Kind.AREA_JUMP: figure("growth", 0.0),
    }
    reasons = {
        Kind.CHIMERA: f"{track_id} looks different from here on; it may be two objects",
        Kind.WEAK_LINK: f"{track_id} goes on with little similarity to what it was",
        Kind.MASK_JUMP: f"{track_id} jumps to another place",
        Kind.AREA_JUMP: f"The size of {track_id} changes suddenly",
    }
    kind = max(signs, key=lambda k: signs[k])
    return kind, reasons[kind]


def what_else(kind: Kind, figures: Mapping[str, float]) -> str:
    """What is odd there besides the reason that `why_broken` gives."""
    figure = _known(figures)
    signs = {
        Kind.WEAK_LINK: (figure("near", 0.0) < -1, "hardly similar to before"),
        Kind.CHIMERA: (figure("look", 1.0) < 0.8 or figure("votes", 1.0) < 0.7, "looks different, too"),
        Kind.MASK_JUMP: (figure("shift", 0.0) > 0.7, "jumps, too"),
        Kind.AREA_JUMP: (figure("growth", 0.0) > 0.4, "grows or shrinks, too"),
    }
    found = [text for other, (is_odd, text) in signs.items() if is_odd and other is not kind]
    return ", ".join(found[:2]) or "nothing else is odd here"


def how_alike(look: float, votes: float) -> str:
    """How much two tracks look like one object: cosines of their looks and of their class scores, NaN unknown."""
    words = []
    if not np.isnan(look):
        words.append("looks the same" if look > 0.9 else "looks alike" if look > 0.75 else "looks different")
    if not np.isnan(votes):
        words.append("same classes" if votes > 0.8 else "similar classes" if votes > 0.6 else "other classes")
    return ", ".join(words) or "only its place speaks for it"


def how_much(share: float) -> str:
    """A share in [0, 1] in words."""
    for least, text in ((0.9, "almost all"), (0.6, "most"), (0.4, "about half"), (0.1, "some")):
        if share >= least:
            return text
    return "few"


def _known(figures: Mapping[str, float]) -> Callable[[str, float], float]:
    def figure(name: str, usual: float) -> float:
        return usual if np.isnan(figures[name]) else figures[name]

    return figure


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
