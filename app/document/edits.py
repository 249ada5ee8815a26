"""Everything a person can do to a project, by name, and how edits are written into the history.

The edits themselves: `identity_edits` (which track), `content_edits` (masks, classes, locks, videos), `confirm_edits`
(what a person has reviewed), `note_edits` (notes on frames), `class_edits` (the list of classes), `edit` (what they
have in common, groups).
"""

import json
from dataclasses import fields
from typing import Any

from app.document.class_edits import ReviseCategories
from app.document.confirm_edits import Confirm, DismissSuspicion, RejectVideo
from app.document.content_edits import (
    AddCategory,
    AddVideo,
    RemoveVideo,
    RenameCategory,
    SetCategory,
    SetLocked,
    SetMask,
    SetVideoSource,
)
from app.document.edit import Edit, EditGroup, RoutedEdit
from app.document.identity_edits import (
    DeleteTrack,
    MergeTracks,
    ReassignTrack,
    RemoveInstances,
    SplitTrack,
    SwapTracks,
)
from app.document.note_edits import AddNote, DeleteNote, MoveNote, ResolveNote, RewordNote
from app.document.records import EditRefused, FrameRange, NotePlace, Origin, Video
from visolo.rle import Rle

__all__ = [
    "AddCategory",
    "AddNote",
    "AddVideo",
    "Confirm",
    "DeleteNote",
    "DeleteTrack",
    "DismissSuspicion",
    "Edit",
    "EditGroup",
    "EditRefused",
    "MergeTracks",
    "MoveNote",
    "ReassignTrack",
    "RejectVideo",
    "RemoveInstances",
    "RemoveVideo",
    "RenameCategory",
    "ResolveNote",
    "ReviseCategories",
    "RewordNote",
    "RoutedEdit",
    "SetCategory",
    "SetLocked",
    "SetMask",
    "SetVideoSource",
    "SplitTrack",
    "SwapTracks",
    "edit_from_json",
    "edit_to_json",
]

_EDITS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        AddCategory,
        AddNote,
        AddVideo,
        Confirm,
        DeleteNote,
        DeleteTrack,
        DismissSuspicion,
        EditGroup,
        MergeTracks,
        MoveNote,
        ReassignTrack,
        RejectVideo,
        RemoveInstances,
        RemoveVideo,
        RenameCategory,
        ResolveNote,
        ReviseCategories,
        RewordNote,
        SetCategory,
        SetLocked,
        SetMask,
        SetVideoSource,
        SplitTrack,
        SwapTracks,
    )
}
_VALUES: dict[str, Any] = {kind.__name__: kind for kind in (FrameRange, NotePlace, Rle, Video)}


def edit_to_json(edit: Edit) -> str:
    """The edit as the history keeps it.

    Edits of other modules are never applied again; of them their name is kept, and their `remembered` where they say
    what is to be known of them later.
    """
    if type(edit).__name__ in _EDITS:
        return json.dumps(_to_value(edit))
    remembered: dict[str, Any] = getattr(edit, "remembered", {})
    return json.dumps({"edit": type(edit).__name__} | remembered)


def edit_from_json(text: str) -> Edit | None:
    """The edit of `edit_to_json`; None for edits of other modules."""
    value = json.loads(text)
    edit: Edit | None = _from_value(value) if value["edit"] in _EDITS else None
    return edit


def _to_value(value: Any) -> Any:  # noqa: ANN401 - any field of an edit
    kind = type(value).__name__
    if kind in _EDITS:
        return {"edit": kind} | {f.name: _to_value(getattr(value, f.name)) for f in fields(value)}
    if kind == "Video":
        return {"value": kind} | {f.name: getattr(value, f.name) for f in fields(value)}
    if kind in _VALUES:
        return {"value": kind} | value._asdict()
    if isinstance(value, tuple):
        return [_to_value(v) for v in value]
    return int(value) if isinstance(value, Origin) else value


def _from_value(value: Any) -> Any:  # noqa: ANN401 - any field of an edit
    if isinstance(value, list):
        return tuple(_from_value(v) for v in value)
    if not isinstance(value, dict):
        return value
    parts = {key: _from_value(v) for key, v in value.items() if key not in {"edit", "value"}}
    return _EDITS[value["edit"]](**parts) if "edit" in value else _VALUES[value["value"]](**parts)
