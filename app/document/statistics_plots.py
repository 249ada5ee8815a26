"""The plots of the statistics report, as pieces of SVG to be put into a page. Drawn by Matplotlib, imported then."""

import io
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.document.statistics import Statistics, VideoStatistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_BARS = 30
_MOST_BINS = 40
_MASKS, _TRACKS, _GOOD, _NEUTRAL = "#56b4e9", "#0072b2", "#009e73", "#888888"  # to be seen on white and on black
_INK = "#010203"  # stands for the colour of the page's text
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
}
_PACE_BINS = (1, 2, 5, 10, 30, 60, 120)  # minutes
_MOST_PACE_BINS = 60

Draw = Callable[["Figure", "Axes"], None]


def draw_plots(statistics: Statistics) -> dict[str, str]:
    """All plots for which there is something to draw: SVG by title."""
    return {title: _svg(draw) for title, draw in _plots(statistics)}


def _plots(statistics: Statistics) -> Iterator[tuple[str, Draw]]:
    classes = [one for one in statistics.classes if one.tracks]
    if classes:
        yield "Tracks of each class", _bars({c.name: c.tracks for c in classes}, "tracks", _TRACKS)
        yield "Masks of each class", _bars({c.name: c.masks for c in classes}, "masks", _MASKS)
        yield "Length of tracks", _histogram(statistics.track_lengths, ("masks of a track", "tracks"), _TRACKS)
        sizes = 100 * statistics.mask_sizes
        yield "Size of masks", _histogram(sizes, ("side of a square of that area, % of the frame's", "masks"), _MASKS)
    if statistics.videos:
        labels = _labels(statistics.videos)
        confirmed = {labels[one.video.video_id]: _confirmed_percent(one) for one in statistics.videos}
        yield "Confirmed frames of each video", _bars(confirmed, "% of its frames", _GOOD)
    edited = [one for one in statistics.videos if one.effort.edit_count]
    if edited:
        yield "Edits by kind", _bars(statistics.effort.corrections, "edits", _NEUTRAL)
        labels = _labels(statistics.videos)
        paces = {labels[one.video.video_id]: one.effort.edits_per_minute for one in edited}
        yield "Edits per minute in each video", _bars(paces, "edits per minute", _NEUTRAL)
        yield "Edits per minute in the course of the work", _pace(statistics.work_minutes)


def _confirmed_percent(one: VideoStatistics) -> float:
    return 100 * one.confirmed_frames / max(1, one.video.frame_count)


def _labels(videos: Sequence[VideoStatistics]) -> dict[int, str]:
    """What to call every video, by id: its name, with the id where several have it."""
    counts = Counter(one.video.name for one in videos)
    return {
        one.video.video_id: f"{one.video.name} ({one.video.video_id})" if counts[one.video.name] > 1 else one.video.name
        for one in videos
    }


def _bars(values: Mapping[str, float], unit: str, color: str) -> Draw:
    """Horizontal bars, the longest `_MOST_BARS` at the top."""
    ranked = sorted(values.items(), key=lambda item: -item[1])
    shown = ranked[:_MOST_BARS]

    def draw(figure: "Figure", axes: "Axes") -> None:
        from matplotlib.ticker import MaxNLocator

        figure.set_size_inches(6.4, 1.1 + 0.26 * max(3, len(shown)))
        axes.barh(range(len(shown)), [value for _, value in shown], color=color)
        axes.set_yticks(range(len(shown)), [name for name, _ in shown])
        axes.set_ylim(max(2.5, len(shown) - 0.5), -0.5)
        hidden = f" (the first {len(shown)} of {len(ranked)})" if len(shown) < len(ranked) else ""
        axes.set_xlabel(unit + hidden)
        if all(isinstance(value, int) for _, value in shown):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="x", alpha=0.15)

    return draw


def _histogram(values: Sequence[float] | NDArray[np.float64], labels: tuple[str, str], color: str) -> Draw:
    def draw(_figure: "Figure", axes: "Axes") -> None:
        from matplotlib.ticker import MaxNLocator

        counts = np.asarray(values)
        bins: int | list[float] = min(_MOST_BINS, max(5, math.isqrt(len(counts))))
        if counts.dtype.kind == "i" and np.ptp(counts) < _MOST_BINS:
            bins = [number - 0.5 for number in range(counts.min(), counts.max() + 2)]  # a bar for every number
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.hist(counts, bins=bins, color=color)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.grid(axis="y", alpha=0.15)

    return draw


def _pace(minutes: NDArray[np.float64]) -> Draw:
    """Edits per minute in equal stretches of work."""
    last = float(minutes.max(initial=0.0))
    width = next((width for width in _PACE_BINS if last / width <= _MOST_PACE_BINS), _PACE_BINS[-1])
    edges = np.arange(0, last + width + 1e-9, width)
    counts, _ = np.histogram(minutes, edges)

    def draw(_figure: "Figure", axes: "Axes") -> None:
        axes.bar(edges[:-1], counts / width, width, align="edge", color=_NEUTRAL)
        axes.set(xlabel=f"minutes of work, in stretches of {width}", ylabel="edits per minute")
        axes.grid(axis="y", alpha=0.15)

    return draw


def _svg(draw: Draw) -> str:
    """One plot without a head of its own; its words stay words."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 3.0), layout="constrained", facecolor="none")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        draw(figure, axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue().replace(_INK, "currentColor")
    return text[text.index("<svg") :]
