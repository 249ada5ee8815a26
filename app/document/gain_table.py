"""What corrections bought, in words: the same table for the screen, the command line and files."""

from collections.abc import Sequence

from app.document.effort import TIME_RULE
from app.document.gains import ClassGain, Gains, GainScores, VideoGain

VIDEO_HEADS = ("video", "frames", "edits", "minutes", "AP", "HOTA", "IDF1", "ID switches", "tracks")
CLASS_HEADS = ("class", "AP", "HOTA", "IDF1", "ID switches", "tracks")
HEAD_TIPS = {
    "frames": "Frames that the scores are about",
    "edits": "Corrections that are not undone",
    "minutes": f"The {TIME_RULE}",
    "AP": "YouTube-VIS AP of the predictions against the corrected tracks; what is missing to 1 was bought",
    "HOTA": "HOTA of the predictions, with masks",
    "IDF1": "Share of masks that the predictions gave the right identity",
    "ID switches": "How often an object changed its identity in the predictions",
    "tracks": "Predicted → corrected",
}


def video_rows(gains: Gains) -> list[tuple[str, ...]]:
    """A row of `VIDEO_HEADS` for each video, and one for all where several are scored."""
    rows = [*gains.videos, *([gains.total] if sum(row.scores is not None for row in gains.videos) > 1 else [])]
    return [_video_cells(row) for row in rows]


def class_rows(gains: Gains) -> list[tuple[str, ...]]:
    """A row of `CLASS_HEADS` for each class."""
    return [(f"{one.category_id} {one.name}", *_score_cells(one.scores)) for one in gains.classes]


def bought(row: VideoGain | ClassGain) -> str:
    """E.g. "HOTA 0.62 → 1"; empty where nothing is scored."""
    return f"HOTA {row.scores.hota:.2f} → 1" if row.scores is not None and row.scores.hota >= 0 else ""


def summary(gains: Gains) -> str:
    """The whole in a sentence."""
    total = gains.total
    if total.scores is None:
        return "Nothing can be scored yet: run a model over a video, correct what it found, and confirm it (C)."
    frames = "confirmed frames" if gains.frames == "confirmed" else "frames"
    edits = f"{total.effort.edit_count} edit{'s' * (total.effort.edit_count != 1)}"
    return (
        f"{edits} in {minutes(total.effort.seconds)} min brought {bought(total)} over {total.frame_count} {frames}"
        f" of {sum(row.scores is not None for row in gains.videos)} of {len(gains.videos)} videos."
    )


def minutes(seconds: float) -> str:
    """A time in minutes, with a decimal where it is short."""
    return f"{seconds / 60:.1f}" if seconds < 6000 else f"{seconds / 60:.0f}"


def _video_cells(row: VideoGain) -> tuple[str, ...]:
    effort = (str(row.effort.edit_count), minutes(row.effort.seconds))
    frames = str(row.frame_count) if row.frame_count else "none"
    return (row.name, frames, *effort, *_score_cells(row.scores))


def _score_cells(scores: GainScores | None) -> Sequence[str]:
    if scores is None:
        return [""] * 5
    ratios = ["–" if value < 0 else f"{value:.3f}" for value in (scores.ap, scores.hota, scores.idf1)]
    return [*ratios, str(scores.id_switches), f"{scores.predicted_tracks} → {scores.tracks}"]
