"""Which format a JSON file is in, by its first names: for commands that should not load what reads all of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from visolo.io.ytvis_text import JsonText

TRACK_KEYS = ("track_id", "instance_id")
_LOOKED_AT = 200  # annotations, to see whether a file has tracks


def json_format(path: Path) -> str:
    """The name of the format; "ytvis" for what is in none that is known.

    Raises:
        AnnotationError: the file is missing.
    """
    text = JsonText(path)
    if text.starts_with("["):
        return "results"
    names = set(text.keys()) if text.starts_with("{") else set()
    if "sequences" in names:
        return "burst"
    if "shapes" in names:
        return "labelme"
    if "images" in names:
        return "coco" if _has_tracks(text) else "coco-stills"
    return "ytvis"


def track_of(value: Mapping[str, Any]) -> str | None:
    """What the annotation's track is called; CVAT has it among the attributes."""
    attributes = value.get("attributes")
    places = [value, attributes] if isinstance(attributes, dict) else [value]
    found = next((place[key] for place in places for key in TRACK_KEYS if place.get(key) is not None), None)
    return None if found is None else str(found)


def _has_tracks(text: JsonText) -> bool:
    """Whether a COCO file says which images are of one video, or which annotations of one track."""
    names, found = set(), False
    for name in text.keys():  # noqa: SIM118 - not a dict: reads on in the text
        names.add(name)
        if name == "annotations" and text.starts_with("["):
            for _, value in zip(range(_LOOKED_AT), text.elements(), strict=False):
                found = found or (isinstance(value, dict) and track_of(value) is not None)
    return found or "videos" in names
