"""Menus as lists of action ids; "-" is a separator, a tuple a submenu."""

from collections.abc import Sequence

from PySide6.QtWidgets import QMenu, QMenuBar

from app.action_registry import ActionRegistry
from app.document.suspicions import SuspicionKind
from app.settings import REVIEW_LEAST, TRAIL_LENGTH

Entry = str | tuple[str, Sequence[str]]

_DIGITS = range(1, 10)
RECENT = "@recent"
PANELS = "@panels"

MENUS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "&File",
        ("file.open", "file.open_folder", RECENT, "file.open_sample", "-",
         "file.add_videos", "file.add_folder", "-", "file.import", "file.import_folder", "file.merge", "-",
         "file.save", "file.save_as", "file.export",
         ("Export &more", ("export.overlay_video", "export.overlay_images", "export.mask_images", "-",
                           "export.tracks", "export.notes", "export.report")),
         "-", "file.quit"),
    ),
    (
        "&Edit",
        ("edit.undo", "edit.redo", "edit.history", "-",
         ("Edits apply &to", ("scope.frame", "scope.from_here", "scope.range", "scope.track", "-", "scope.cycle")),
         "range.start", "range.end", "range.clear", "-", "select.all", "-", "class.edit", "run.settings", "edit.name"),
    ),
    (
        "&View",
        ("view.zoom_in", "view.zoom_out", "view.actual", "view.fit", "-", "view.masks", "view.labels",
         "view.contours", "view.notes", ("Colour &by", ("color.track", "color.class")), "view.trails",
         ("Trail len&gth", tuple(f"trail.{n}" for n in TRAIL_LENGTH.choices)),
         "view.more_opaque", "view.less_opaque", "-", PANELS,
         ("&Theme", ("theme.dark", "theme.light", "theme.system")), "view.full_screen"),
    ),
    (
        "&Playback",
        ("play.toggle", "play.loop", "play.faster", "play.slower", "-", "play.next", "play.previous", "play.next_10",
         "play.previous_10", "play.next_100", "play.previous_100", "play.first", "play.last", "play.go_to", "-",
         "play.next_birth", "play.next_edit", "play.previous_edit", "play.next_own_edit", "play.previous_own_edit",
         "-", "play.next_video", "play.previous_video"),
    ),
    (
        "&Track",
        (("&Select", (*[f"select.{n}" for n in _DIGITS], "-", "select.next", "select.previous", "select.all")), "-",
         "track.swap", "track.merge", "track.split", "track.assign", "track.new",
         ("Assign &to", tuple(f"assign.{n}" for n in _DIGITS)), "track.absent", "-",
         "track.follow", "track.follow_back", "follow.stop", "track.follow_replaces", "-", "class.choose",
         ("C&lass", tuple(f"class.{n}" for n in _DIGITS)), "-", "track.lock", "track.hide", "track.solo",
         "track.show_all", "-",
         ("Propos&als", (*[f"identity.take.{n}" for n in range(1, 4)], "-", "identity.digits")), "identity.link", "-",
         "track.delete_here", "track.delete_on", "track.delete"),
    ),
    (
        "Revie&w",
        ("review.next", "review.previous", "review.accept", "review.dismiss", "-", "review.confirm",
         "review.confirm_video", "review.reject", "-",
         "note.add", "note.open", "note.next", "note.previous", "-",
         "preview.reassociate", "preview.automatic", "preview.thresholds", "review.compare_runs", "review.gains",
         ("Changes s&hown", ("preview.next", "preview.previous", "preview.accept", "preview.decline")), "-",
         ("&List", tuple(f"review.least.{n}" for n in REVIEW_LEAST.choices)),
         ("&Kinds", (*[f"review.kind.{kind.name.lower()}" for kind in SuspicionKind], "-", "review.all_kinds"))),
    ),
    (
        "Mas&k",
        ("tool.toggle", "-", "tool.select", "tool.brush", "tool.eraser", "tool.polygon", "tool.follow", "-",
         "tool.smaller", "tool.larger", "tool.cut"),
    ),
    (
        "&Run",
        ("run.toggle", "run.from_start", "run.from_here", "run.all", "run.stop", "-", "run.retrain", "run.settings"),
    ),
    ("&Help", ("help.shortcuts", "help.log", "-", "help.about")),
)  # fmt: skip


def fill_menu_bar(bar: QMenuBar, actions: ActionRegistry, special: dict[str, QMenu]) -> None:
    """Build all menus.

    Args:
        bar: of the main window.
        actions: by id.
        special: submenus that the main window fills itself, by `RECENT` and `PANELS`.
    """
    for title, entries in MENUS:
        menu = bar.addMenu(title)
        menu.setToolTipsVisible(True)
        for entry in entries:
            _add(menu, entry, actions, special)


def action_ids() -> set[str]:
    """Every action that is in some menu."""
    found: set[str] = set()
    for _, entries in MENUS:
        for entry in entries:
            found.update([entry] if isinstance(entry, str) else entry[1])
    return found - {"-", RECENT, PANELS}


def _add(menu: QMenu, entry: Entry, actions: ActionRegistry, special: dict[str, QMenu]) -> None:
    if isinstance(entry, tuple):
        title, ids = entry
        submenu = menu.addMenu(title)
        for one in ids:
            _add(submenu, one, actions, special)
    elif entry == "-":
        menu.addSeparator()
    elif entry in special:
        menu.addMenu(special[entry])
    else:
        menu.addAction(actions.action(entry))
