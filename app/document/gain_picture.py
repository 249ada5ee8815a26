"""What corrections bought as a picture: what predictions reached of each score, and the effort. Drawn by Matplotlib."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.document.gain_table import summary
from app.document.gains import Gains, VideoGain
from visolo.io.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCORES = {"AP": "ap", "HOTA": "hota", "IDF1": "idf1"}
COLORS = {"AP": "#0072b2", "HOTA": "#e69f00", "IDF1": "#007a5a"}
MOST_ROWS = 20


def draw_gains(path: Path, gains: Gains) -> None:
    """Draw them into a .png, .svg or .pdf; replaced only when the new file is complete.

    Raises:
        OutputError: the file cannot be written.
    """
    figure = gain_figure(gains)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=120)


def gain_figure(gains: Gains) -> "Figure":
    """Scores of the predictions on the left, edits and minutes on the right, by video."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = worst_rows(gains)
    figure = Figure(figsize=(11, 1.6 + 0.55 * max(2, len(rows))), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1), sharey=True)
    figure.suptitle(summary(gains), fontsize="medium")
    _draw_scores(left, rows)
    _draw_effort(right, rows)
    if rows:
        figure.legend(fontsize="small", loc="outside lower left", ncols=len(SCORES))
    left.set_yticks(range(len(rows)), [row.name for row in rows])
    left.set_ylim(len(rows) - 0.5, -0.5)
    return figure


def worst_rows(gains: Gains, most: int = MOST_ROWS) -> list[VideoGain]:
    """The scored videos in which most was bought, that first; all together at the end where there are several."""
    scored = [row for row in gains.videos if row.scores is not None]
    ranked = sorted(scored, key=lambda row: row.scores.hota if row.scores is not None else 0.0)[:most]
    return [*ranked, gains.total] if len(scored) > 1 else ranked


def _draw_scores(axes: "Axes", rows: list[VideoGain]) -> None:
    height = 0.8 / len(SCORES)
    for number, (name, field) in enumerate(SCORES.items()):
        values = np.array([max(0.0, getattr(row.scores, field)) for row in rows])
        places = np.arange(len(rows)) + (number - 1) * height
        axes.barh(places, values, height * 0.9, color=COLORS[name], label=f"{name} of the predictions")
        axes.barh(places, 1 - values, height * 0.9, left=values, color=COLORS[name], alpha=0.22)
    axes.set(xlim=(0, 1), xlabel="score; what is pale was bought by corrections")
    axes.grid(axis="x", alpha=0.3)


def _draw_effort(axes: "Axes", rows: list[VideoGain]) -> None:
    spent = np.array([row.effort.seconds / 60 for row in rows])
    axes.barh(np.arange(len(rows)), spent, 0.5, color="#888888")
    for place, row in enumerate(rows):
        edits = f" {row.effort.edit_count} edit{'s' * (row.effort.edit_count != 1)}"
        axes.text(spent[place], place, edits, va="center", fontsize="small")
    axes.set(xlabel="minutes", xlim=(0, 1.35 * max(spent.max(initial=0), 0.1)))
    axes.tick_params(labelleft=False)
    axes.grid(axis="x", alpha=0.3)
