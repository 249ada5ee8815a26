"""Colours: tracks can be told apart, also by colour-blind eyes; texts can be read; the style sheet is whole."""

import itertools

import numpy as np
import pytest
from PySide6.QtGui import QColor

from app.style_sheet import style_sheet
from app.theme import DARK, LIGHT, apply_theme, icon, text_on, track_color

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
_SEEN = {
    "all": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])


def _linear(color: QColor) -> np.ndarray:
    rgb = np.array([color.redF(), color.greenF(), color.blueF()])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _lab(color: QColor, eyes: str) -> np.ndarray:
    xyz = _TO_XYZ @ np.clip(_SEEN[eyes] @ _linear(color), 0, 1) / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _contrast(first: QColor, second: QColor) -> float:
    light = sorted(float(np.array([0.2126, 0.7152, 0.0722]) @ _linear(color)) for color in (first, second))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize(
    ("eyes", "count", "least"), [("all", 12, 18), ("protan", 7, 11), ("deutan", 7, 11), ("tritan", 7, 9)]
)
def test_track_colours_differ(eyes, count, least):
    labs = {track_id: _lab(track_color(track_id), eyes) for track_id in range(1, count + 1)}
    gaps = {pair: np.linalg.norm(labs[pair[0]] - labs[pair[1]]) for pair in itertools.combinations(labs, 2)}
    worst = min(gaps, key=gaps.get)
    assert gaps[worst] > least, f"{worst}: {gaps[worst]:.1f}"


def test_neighbouring_ids_never_look_alike():
    for track_id in range(1, 200):
        gap = np.linalg.norm(_lab(track_color(track_id), "all") - _lab(track_color(track_id + 1), "all"))
        assert gap > 18, track_id


def test_a_track_keeps_its_colour_and_its_label_can_be_read():
    for track_id in range(1, 200):
        color = track_color(track_id)
        assert track_color(track_id) == color
        assert _contrast(color, text_on(color.name())) > 4.5


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_words_can_be_read_on_every_ground(theme):
    for ground in (theme.window, theme.panel, theme.raised, theme.selection):
        assert _contrast(QColor(theme.text), QColor(ground)) > 7
        assert _contrast(QColor(theme.muted), QColor(ground)) > 4
    assert _contrast(QColor(theme.on_accent), QColor(theme.accent)) > 4.5


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_the_style_sheet_has_no_gaps(theme):
    text = style_sheet(vars(theme))
    assert "<" not in text
    assert text.count("{") == text.count("}")
    with pytest.raises(KeyError):
        style_sheet({"name": "dark"})


def test_an_unknown_icon_fails_at_once(qapp):
    apply_theme(qapp, "dark")
    with pytest.raises(Exception, match="no-such-icon"):
        icon("mdi6.no-such-icon")
