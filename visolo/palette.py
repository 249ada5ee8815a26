"""Colours of tracks and classes: functions of their ids alone, so that they never change when others come or go."""

import colorsys
from functools import cache

Rgb = tuple[int, int, int]

# Okabe and Ito's colours, told apart with every common kind of colour blindness. Their vermillion and blue come late:
# on video they are the darkest. Black is left out, being invisible on dark footage.
_FIRST = (
    "#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#2f86d0",
    "#a678de", "#a5d75a", "#b98a62", "#ff9d96", "#8fa3b8",
)  # fmt: skip
_GOLDEN_ANGLE = 137.508  # degrees; neighbouring ids never look alike
_LIGHTNESS = (0.64, 0.54, 0.76)
_SATURATION = (0.62, 0.70, 0.66)


@cache
def track_rgb(number: int) -> Rgb:
    """Red, green and blue, 0 to 255.

    Args:
        number: of the track as people see it, from 1. The first seven are safe for colour-blind eyes, five more for
            others; later ones spread hue by the golden angle over three lightness steps.
    """
    if 1 <= number <= len(_FIRST):
        code = _FIRST[number - 1]
        return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)
    step = number - len(_FIRST)
    hue = (step * _GOLDEN_ANGLE + 20.0) % 360.0 / 360.0
    red, green, blue = colorsys.hls_to_rgb(hue, _LIGHTNESS[step % 3], _SATURATION[step // 3 % 3])
    return round(red * 255), round(green * 255), round(blue * 255)


def class_rgb(category_id: int, color: str | None = None) -> Rgb:
    """Red, green and blue, 0 to 255: the class's own colour, "#rrggbb", else a steady one of the palette."""
    if color is not None:
        red, green, blue = bytes.fromhex(color.removeprefix("#"))
        return red, green, blue
    return track_rgb(category_id)


def text_rgb(background: Rgb) -> Rgb:
    """Near-black or white, whichever reads better on a colour."""
    red, green, blue = (_linear(channel / 255) for channel in background)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (16, 18, 22) if luminance > 0.18 else (255, 255, 255)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
