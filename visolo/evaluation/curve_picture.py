"""Precision over recall as a picture. Matplotlib is imported when one is drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visolo.errors import ConfigError
from visolo.evaluation.track_matching import IOU_THRESHOLDS
from visolo.evaluation.ytvis_metrics import RECALL_POINTS
from visolo.io.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FORMATS = (".png", ".svg", ".pdf")
_MOST_CLASSES = 20  # with a colour of their own


def check_picture_path(path: Path) -> None:
    """Check before the work that this kind of picture can be drawn.

    Raises:
        ConfigError: the name ends in none of the known ways.
    """
    if path.suffix.lower() not in _FORMATS:
        raise ConfigError(f"{path}: curves are drawn as {', '.join(_FORMATS)}; choose such a name")


def draw_curves(path: Path, curves: Mapping[str, NDArray[np.float64]]) -> None:
    """Draw all classes together at every IoU threshold, and each class at 0.50.

    Args:
        path: .png, .svg or .pdf; replaced only when the new file is complete.
        curves: (T, R) precision at the recall points per class name, in [0, 1].

    Raises:
        ConfigError: the picture's kind is not known.
        OutputError: the file cannot be written.
    """
    check_picture_path(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _draw_thresholds(left, curves)
    _draw_classes(right, curves)
    for axes in (left, right):
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
        axes.grid(alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=120)


def _draw_thresholds(axes: "Axes", curves: Mapping[str, NDArray[np.float64]]) -> None:
    from matplotlib import colormaps

    axes.set_title("Mean of all classes" if curves else "No class has annotations")
    if not curves:
        return
    means = np.mean(list(curves.values()), axis=0)  # (T, R)
    colors = colormaps["viridis"](np.linspace(0, 0.9, len(means)))
    for threshold, mean, color in zip(IOU_THRESHOLDS, means, colors, strict=True):
        axes.plot(RECALL_POINTS, mean, color=color, label=f"IoU {threshold:.2f}: AP {mean.mean():.3f}")
    axes.legend(fontsize="small", title=f"AP {means.mean():.3f}")


def _draw_classes(axes: "Axes", curves: Mapping[str, NDArray[np.float64]]) -> None:
    from matplotlib import colormaps

    at_half = {name: curve[0] for name, curve in curves.items()}
    ranked = sorted(at_half, key=lambda name: -at_half[name].mean())
    shown = ranked[:_MOST_CLASSES]
    hidden = f" (the best {len(shown)} of {len(ranked)})" if len(shown) < len(ranked) else ""
    axes.set_title(f"Classes at IoU 0.50{hidden}")
    for index, name in enumerate(shown):
        color = colormaps["tab20" if len(shown) > 10 else "tab10"](index)
        axes.plot(RECALL_POINTS, at_half[name], color=color, label=f"{name}: {at_half[name].mean():.3f}")
    if shown:
        axes.legend(fontsize="x-small" if len(shown) > 10 else "small", ncols=1 + (len(shown) > 10), title="AP50")
