"""The table of actions: what can be done, by which keys, and when. Menus and tool bar are lists of their ids."""

# One row a line, however long: it is a table.
# ruff: noqa: E501

from collections.abc import Callable

from app.action_registry import Row
from app.commands.commands import Commands
from app.commands.conditions import (
    can_accept_preview,
    can_decline,
    can_follow,
    can_link,
    can_merge,
    can_redo,
    can_run,
    can_toggle_run,
    can_try_thresholds,
    can_undo,
    decline_has_keys,
    digits_take_proposals,
    edits_masks,
    has_note,
    has_preview,
    has_project,
    has_range,
    has_selection,
    has_suspicion,
    has_tracks,
    has_video,
    is_busy,
    is_following,
    offers_identity,
    one_or_two_selected,
    one_selected,
    preview_has_keys,
)
from app.commands.identities import link_text
from app.commands.review import accept_text, confirm_text, confirm_video_text, kind_text, reject_text
from app.digits import tracks_by_digit
from app.document.suspicions import SuspicionKind
from app.identities import proposal_text
from app.session import Scope, Session
from app.settings import COLOR_BY, REVIEW_LEAST, TRAIL_LENGTH
from app.theme import ThemeMode

_THEMES: tuple[tuple[ThemeMode, str], ...] = (("dark", "&Dark"), ("light", "&Light"), ("system", "As the &system"))
_SCOPE_IDS = {
    Scope.FRAME: "scope.frame",
    Scope.FROM_HERE: "scope.from_here",
    Scope.RANGE: "scope.range",
    Scope.TRACK: "scope.track",
}


def all_rows() -> list[Row]:
    """The whole table; where rows share a key, the first that can be done gets it."""
    return [
        # First, so that single letters are theirs while a mask is edited.
        *_TOOLS,
        *_FILE,
        *_EDIT,
        *[_scope_row(scope) for scope in Scope],
        *_PLAYBACK,
        # Before what else these keys do: they are theirs only while there are proposals.
        *_PREVIEW,
        *_COMPARISON,
        *_IDENTITY,
        *[_proposal_row(position) for position in range(3)],
        *_TRACK,
        *[_digit_row(kind, digit) for kind in ("select", "assign", "class") for digit in range(1, 10)],
        *_REVIEW,
        *_NOTES,
        *[_least_row(percent) for percent in REVIEW_LEAST.choices],
        *[_kind_row(kind) for kind in SuspicionKind],
        *_VIEW,
        *[_trail_row(frames) for frames in TRAIL_LENGTH.choices],
        *[_color_row(kind) for kind in COLOR_BY.choices],
        *[_theme_row(mode, text) for mode, text in _THEMES],
        *_RUN,
        *_HELP,
    ]


def scope_id(scope: Scope) -> str:
    """Action that chooses a scope."""
    return _SCOPE_IDS[scope]


def _undo_text(session: Session) -> str:
    history = session.history
    if history is None or not session.can_undo:
        return "&Undo"
    others = f" (by {history.undo_author})".replace("&", "&&") if history.undo_author != history.author else ""
    return f"&Undo {history.undo_text}{others}"


def _redo_text(session: Session) -> str:
    return f"&Redo {session.history.redo_text}" if session.history is not None and session.history.can_redo else "&Redo"


def _run_text(session: Session) -> str:
    if session.run.is_following:
        return "&Run model"
    return {"running": "&Pause run", "paused": "&Resume run"}.get(session.run.state, "&Run model")


_TOOLS = [
    Row(
        "tool.select",
        "&Select",
        lambda c: c.tools.use("select"),
        (),
        "mdi6.cursor-default-outline",
        has_video,
        lambda c: c.tools.tool_id == "select",
    ),
    Row(
        "tool.brush",
        "&Brush",
        lambda c: c.tools.use("brush"),
        (),
        "mdi6.brush",
        has_video,
        lambda c: c.tools.tool_id == "brush",
        mask_keys=("P",),
    ),
    Row(
        "tool.eraser",
        "&Eraser",
        lambda c: c.tools.use("eraser"),
        (),
        "mdi6.eraser",
        has_video,
        lambda c: c.tools.tool_id == "eraser",
        mask_keys=("E",),
    ),
    Row(
        "tool.polygon",
        "&Polygon",
        lambda c: c.tools.use("polygon"),
        (),
        "mdi6.vector-polygon",
        has_video,
        lambda c: c.tools.tool_id == "polygon",
        mask_keys=("G",),
    ),
    Row(
        "tool.follow",
        "&Follow",
        lambda c: c.tools.use("follow"),
        ("F",),
        "mdi6.target",
        has_video,
        lambda c: c.tools.tool_id == "follow",
    ),
    Row("follow.stop", "&Stop following", lambda c: c.follow.stop(), ("Esc",), "mdi6.stop", is_following),
    Row("tool.toggle", "Edit &masks, or select again", lambda c: c.tools.toggle_brush(), ("B",), "", has_video),
    Row("tool.smaller", "Smaller brush", lambda c: c.tools.resize_brush(-1), ("[",), "", edits_masks, repeats=True),
    Row("tool.larger", "Larger brush", lambda c: c.tools.resize_brush(1), ("]",), "", edits_masks, repeats=True),
    Row("tool.cut", "&Cut the polygon out", lambda c: c.tools.cut_polygon(), ("Ctrl+Return",), "", edits_masks),
]
_FILE = [
    Row("file.open", "&Open…", lambda c: c.file.open(), ("Ctrl+O",), "mdi6.folder-open-outline"),
    Row("file.open_folder", "Open image &folder…", lambda c: c.file.open_folder(), ("Ctrl+Shift+O",)),
    Row("file.open_sample", "Open the sam&ple", lambda c: c.file.open_sample()),
    Row("file.add_videos", "&Add videos to project…", lambda c: c.file.add_videos(), needs=has_project),
    Row("file.add_folder", "Add fol&der of videos to project…", lambda c: c.file.add_folder(), needs=has_project),
    Row("file.save", "&Save", lambda c: c.file.save(), ("Ctrl+S",), needs=has_project),
    Row("file.save_as", "Save project &as…", lambda c: c.file.save_as(), ("Ctrl+Shift+S",), needs=has_project),
    Row("file.import", "&Import annotations…", lambda c: c.file.import_results(), ("Ctrl+I",), needs=has_project),
    Row("file.import_folder", "Import a&nnotation folder…", lambda c: c.file.import_folder(), needs=has_project),
    Row("file.merge", "&Merge a project…", lambda c: c.file.merge_project(), (), "mdi6.source-merge", can_merge),
    Row("file.export", "&Export…", lambda c: c.file.export(), ("Ctrl+Shift+E",), "mdi6.export-variant", has_project),
    Row("export.overlay_video", "Overlay &video…", lambda c: c.exports.overlay_video(), needs=has_video),
    Row("export.overlay_images", "Overlay &pictures…", lambda c: c.exports.overlay_images(), needs=has_video),
    Row("export.mask_images", "&Mask pictures…", lambda c: c.exports.mask_images(), needs=has_video),
    Row("export.tracks", "&Table of all tracks…", lambda c: c.exports.tracks_table(), needs=has_project),
    Row("export.notes", "Table of all &notes…", lambda c: c.exports.notes_table(), needs=has_project),
    Row("export.report", "&Statistics report…", lambda c: c.exports.report(), needs=has_project),
    Row("file.quit", "&Quit", lambda c: c.file.quit(), ("Ctrl+Q",)),
]
_EDIT = [
    Row("edit.undo", _undo_text, lambda c: c.edit.undo(), ("Ctrl+Z",), "mdi6.undo", can_undo, repeats=True),
    Row(
        "edit.redo", _redo_text, lambda c: c.edit.redo(), ("Ctrl+Shift+Z", "Ctrl+Y"), "mdi6.redo", can_redo, None, True
    ),
    Row("edit.history", "&History…", lambda c: c.edit.show_history(), ("Ctrl+H",), "mdi6.history", has_project),
    Row("edit.name", "Your &name…", lambda c: c.edit.ask_name(), (), "mdi6.account-edit-outline"),
    Row(
        "class.edit",
        "C&lasses…",
        lambda c: c.classes.edit_all(),
        ("Ctrl+Alt+C",),
        "mdi6.tag-multiple-outline",
        has_project,
    ),
    Row("scope.cycle", "&Next scope", lambda c: c.edit.cycle_scope(), ("P",), needs=has_video),
    Row("range.start", "Range &begins here", lambda c: c.edit.mark_range_start(), ("Ctrl+[",), needs=has_video),
    Row("range.end", "Range &ends here", lambda c: c.edit.mark_range_end(), ("Ctrl+]",), needs=has_video),
    Row("range.clear", "&Clear range", lambda c: c.edit.clear_range(), needs=has_range),
]
_PLAYBACK = [
    Row("play.toggle", "&Play or pause", lambda c: c.playback.toggle_play(), ("Space",), "mdi6.play", has_video),
    Row("play.next", "&Next frame", lambda c: c.playback.step(1), ("Right", "D"), "mdi6.arrow-right", has_video, None, True),
    Row("play.previous", "P&revious frame", lambda c: c.playback.step(-1), ("Left", "A"), "mdi6.arrow-left", has_video, None, True),
    Row("play.next_10", "10 frames on", lambda c: c.playback.step(10), ("Shift+Right",), "", has_video, None, True),
    Row("play.previous_10", "10 frames back", lambda c: c.playback.step(-10), ("Shift+Left",), "", has_video, None, True),
    Row("play.next_100", "100 frames on", lambda c: c.playback.step(100), ("PgDown", "Ctrl+Alt+Right"), "", has_video, None, True),
    Row("play.previous_100", "100 frames back", lambda c: c.playback.step(-100), ("PgUp", "Ctrl+Alt+Left"), "", has_video, None, True),
    Row("play.first", "&First frame", lambda c: c.playback.first(), ("Home",), "", has_video),
    Row("play.last", "&Last frame", lambda c: c.playback.last(), ("End",), "", has_video),
    Row("play.go_to", "&Go to frame…", lambda c: c.playback.go_to_frame(), ("Ctrl+J", "`"), "", has_video),
    Row("play.next_birth", "Next new &track", lambda c: c.playback.next_birth(), ("Ctrl+E",), "", has_tracks),
    Row("play.next_edit", "Next &corrected frame", lambda c: c.playback.edited_frame(1, False), ("Alt+Right",), "", has_tracks),
    Row("play.previous_edit", "Previous corrected frame", lambda c: c.playback.edited_frame(-1, False), ("Alt+Left",), "", has_tracks),
    Row("play.next_own_edit", "Next corrected frame of this track", lambda c: c.playback.edited_frame(1, True), ("R",), "", has_selection),
    Row("play.previous_own_edit", "Previous corrected frame of this track", lambda c: c.playback.edited_frame(-1, True), ("E",), "", has_selection),
    Row("play.next_video", "Next &video", lambda c: c.playback.change_video(1), ("Alt+Shift+Right",), "", has_video),
    Row("play.previous_video", "Previous video", lambda c: c.playback.change_video(-1), ("Alt+Shift+Left",), "", has_video),
    Row("play.faster", "F&aster", lambda c: c.playback.change_speed(1), ("Shift+Up",), "", has_video),
    Row("play.slower", "Sl&ower", lambda c: c.playback.change_speed(-1), ("Shift+Down",), "", has_video),
    Row("play.loop", "&Loop", lambda c: c.playback.toggle_loop(), ("Ctrl+L",), checked=lambda c: c.playback.loops),
]  # fmt: skip
_TRACK = [
    Row("select.next", "&Next track", lambda c: c.selection.cycle(1), ("Tab",), "", has_tracks, None, True),
    Row("select.previous", "&Previous track", lambda c: c.selection.cycle(-1), ("Shift+Tab",), "", has_tracks, None, True),
    Row("select.all", "Select &all on this frame", lambda c: c.selection.select_all(), ("Ctrl+A",), "", has_tracks),
    Row("track.assign", "&Assign to…", lambda c: c.tracks.assign_to(), ("T",), "mdi6.arrow-right-bold-outline", one_selected),
    Row("track.new", "Assign to a &new track", lambda c: c.tracks.assign_new(), ("Ctrl+0",), "mdi6.plus", one_selected),
    Row("track.swap", "&Swap…", lambda c: c.tracks.swap(), ("Ctrl+T", "X"), "mdi6.swap-horizontal", one_or_two_selected),
    Row("track.merge", "&Merge…", lambda c: c.tracks.merge(), ("M",), "mdi6.call-merge", one_or_two_selected),
    Row("track.split", "S&plit at this frame", lambda c: c.tracks.split(), ("Alt+M",), "mdi6.call-split", one_selected),
    Row("track.follow", "&Follow from here on", lambda c: c.follow.from_here(), ("Shift+F",), "mdi6.target", can_follow),
    Row("track.follow_back", "Follow &back from here", lambda c: c.follow.from_here(is_backward=True), ("Ctrl+Shift+F",), "", can_follow),
    Row("track.follow_replaces", "Following replaces the model's masks", lambda c: c.follow.toggle_replaces_model(), checked=lambda c: c.follow.replaces_model),
    Row("track.absent", "Mark a&bsent", lambda c: c.tracks.mark_absent(), ("O",), "mdi6.eye-remove-outline", has_selection),
    Row("class.choose", "&Class…", lambda c: c.classes.choose(), ("Alt+0",), "mdi6.tag-outline", has_selection),
    Row("track.lock", "&Lock or unlock", lambda c: c.tracks.toggle_lock(), ("L",), "mdi6.lock-outline", has_selection),
    Row("track.hide", "&Hide or show", lambda c: c.selection.toggle_hidden(), ("H",), "mdi6.eye-outline", has_selection),
    Row("track.solo", "Sh&ow only this", lambda c: c.selection.toggle_solo(), ("S",), "", one_selected),
    Row("track.show_all", "Show all trac&ks", lambda c: c.selection.show_all(), ("Shift+S",), "", has_video),
    Row("track.delete_here", "Delete &mask on this frame", lambda c: c.tracks.delete_here(), ("Del",), "mdi6.eraser", has_selection),
    Row("track.delete_on", "Delete masks from here on", lambda c: c.tracks.delete_from_here(), ("Shift+Del",), "", has_selection),
    Row("track.delete", "Delete &track", lambda c: c.tracks.delete_track(), ("Ctrl+Shift+Backspace",), "mdi6.trash-can-outline", has_selection),
]  # fmt: skip
_PREVIEW = [
    Row("preview.accept", "&Accept the changes shown", lambda c: c.preview.accept(), ("Return", "Enter"), "mdi6.check", can_accept_preview, keys_when=preview_has_keys),
    Row("preview.decline", "N&ot now", lambda c: c.preview.decline(), ("Esc",), "mdi6.close", can_decline, keys_when=decline_has_keys),
    Row("preview.next", "Next change shown", lambda c: c.preview.step(1), ("Ctrl+N",), "", has_preview, None, True),
    Row("preview.previous", "Previous change shown", lambda c: c.preview.step(-1), ("Ctrl+Shift+N",), "", has_preview, None, True),
    Row("preview.reassociate", "Associate again &from here on", lambda c: c.preview.reassociate(), (), "mdi6.refresh", can_run),
    Row("preview.thresholds", "Try other t&hresholds", lambda c: c.preview.try_thresholds(), ("F6",), "mdi6.tune-vertical", can_try_thresholds, lambda c: c.preview.tries_thresholds),
    Row("preview.automatic", "Show what an identity edit would change &later", lambda c: c.preview.toggle_reassociates(), checked=lambda c: c.preview.reassociates),
]  # fmt: skip
_COMPARISON = [
    Row("review.compare_runs", "Compare r&uns…", lambda c: c.comparison.ask(), ("F7",), "mdi6.compare-horizontal", can_try_thresholds),
    Row("review.gains", "What corrections &bought…", lambda c: c.comparison.show_gains(), ("F8",), "mdi6.chart-bar", has_project),
]  # fmt: skip
_IDENTITY = [
    Row("identity.digits", "&1 to 3 take a proposal", lambda c: c.identities.toggle_digits(), ("I",), "", has_video, lambda c: c.identities.uses_digits),
    Row("identity.link", link_text, lambda c: c.identities.accept(0), ("Return", "Enter"), "mdi6.link-variant", can_link, keys_when=can_link),
]  # fmt: skip
_REVIEW = [
    Row("review.next", "&Next suspicion", lambda c: c.review.step(1), ("N",), "mdi6.arrow-down", has_video),
    Row("review.previous", "&Previous suspicion", lambda c: c.review.step(-1), ("Shift+N",), "mdi6.arrow-up", has_video),
    Row("review.accept", accept_text, lambda c: c.review.accept(), ("Return", "Enter"), "mdi6.check", has_suspicion),
    Row("review.dismiss", "&Dismiss: it is no mistake", lambda c: c.review.dismiss(), ("Backspace",), "mdi6.close", has_suspicion),
    Row("review.all_kinds", "&All kinds", lambda c: c.review.list_all_kinds()),
    Row("review.confirm", confirm_text, lambda c: c.review.toggle_confirmed(), ("C",), "mdi6.check-decagram-outline", has_video),
    Row("review.confirm_video", confirm_video_text, lambda c: c.review.toggle_video(), ("Shift+C",), "mdi6.check-all", has_video),
    Row("review.reject", reject_text, lambda c: c.review.toggle_rejected(), ("Ctrl+Alt+X",), "mdi6.close-octagon-outline", has_video),
]  # fmt: skip
_NOTES = [
    Row("note.add", "Add a n&ote to this frame…", lambda c: c.notes.add(), ("W", "Ctrl+Alt+M"), "mdi6.message-plus-outline", has_video),
    Row("note.open", "Op&en the note…", lambda c: c.notes.open(), ("Shift+W",), "", has_note),
    Row("note.next", "Next open note", lambda c: c.notes.step(1), ("J",), "", has_video),
    Row("note.previous", "Previous open note", lambda c: c.notes.step(-1), ("Shift+J",), "", has_video),
]  # fmt: skip
_VIEW = [
    Row("view.zoom_in", "Zoom &in", lambda c: c.view.zoom(1), ("Ctrl++", "Ctrl+="), "mdi6.magnify-plus-outline", has_video, None, True),
    Row("view.zoom_out", "Zoom &out", lambda c: c.view.zoom(-1), ("Ctrl+-",), "mdi6.magnify-minus-outline", has_video, None, True),
    Row("view.actual", "&100 %", lambda c: c.view.actual_size(), ("Ctrl+0",), "", has_video),
    Row("view.fit", "&Fit", lambda c: c.view.fit(), ("Ctrl+F",), "mdi6.fit-to-page-outline", has_video),
    Row("view.masks", "Show &masks", lambda c: c.view.toggle_masks(), ("Shift+H",), checked=lambda c: c.view.masks_shown),
    Row("view.labels", "Show &labels", lambda c: c.view.toggle_labels(), checked=lambda c: c.view.labels_shown),
    Row("view.contours", "Show &contours", lambda c: c.view.toggle_contours(), checked=lambda c: c.view.contours_shown),
    Row("view.trails", "Show &trails", lambda c: c.view.toggle_trails(), ("Shift+T",), checked=lambda c: c.view.trails_shown),
    Row("view.notes", "Show n&otes", lambda c: c.view.toggle_notes(), checked=lambda c: c.view.notes_shown),
    Row("view.more_opaque", "More opaque", lambda c: c.view.change_opacity(1), ("Ctrl+Alt+Up",), repeats=True),
    Row("view.less_opaque", "Less opaque", lambda c: c.view.change_opacity(-1), ("Ctrl+Alt+Down",), repeats=True),
    Row("view.full_screen", "Full &screen", lambda c: c.view.toggle_full_screen(), ("F11",), checked=lambda c: c.view.is_full_screen),
]  # fmt: skip
_RUN = [
    Row("run.toggle", _run_text, lambda c: c.run.toggle(), ("F5", "Ctrl+R"), "mdi6.play", can_toggle_run),
    Row("run.from_start", "Run from the &first frame", lambda c: c.run.from_start(), needs=can_run),
    Row("run.from_here", "Run again from &here", lambda c: c.run.from_here(), ("Ctrl+F5",), needs=can_run),
    Row(
        "run.all", "Run over &all videos", lambda c: c.run.all(), ("Ctrl+Shift+F5",), "mdi6.playlist-play", has_project
    ),
    Row("run.stop", "&Stop run", lambda c: c.run.stop(), ("Shift+F5",), "mdi6.stop", is_busy),
    Row("run.retrain", "Re&train…", lambda c: c.training.retrain(), ("Ctrl+Shift+R",), "mdi6.school-outline"),
    Row("run.settings", "Run &settings…", lambda c: c.run.settings(), ("F2",), "mdi6.tune"),
]
_HELP = [
    Row("help.shortcuts", "&Keyboard shortcuts…", lambda c: c.help.shortcuts(), ("F1",), "mdi6.keyboard-outline"),
    Row("help.log", "Show the &log file", lambda c: c.help.show_log()),
    Row("help.about", "&About VISOLO Review", lambda c: c.help.about()),
]


def _scope_row(scope: Scope) -> Row:
    def choose(commands: Commands) -> None:
        commands.edit.set_scope(scope)

    return Row(_SCOPE_IDS[scope], scope.value, choose, needs=has_video, checked=lambda c: c.edit.scope is scope)


def _color_row(kind: str) -> Row:
    def choose(commands: Commands) -> None:
        commands.view.set_color_by(kind)

    return Row(f"color.{kind}", f"&{kind.capitalize()}", choose, checked=lambda c: c.view.color_by == kind)


def _trail_row(frames: int) -> Row:
    def choose(commands: Commands) -> None:
        commands.view.set_trail_length(frames)

    return Row(f"trail.{frames}", f"{frames} frames", choose, checked=lambda c: c.view.trail_length == frames)


def _proposal_row(position: int) -> Row:
    def accept(commands: Commands) -> None:
        commands.identities.accept(position)

    def text(session: Session) -> str:
        return proposal_text(session, position)

    needs = offers_identity(position)
    keys = (f"{position + 1}",)
    return Row(f"identity.take.{position + 1}", text, accept, keys, needs=needs, keys_when=digits_take_proposals)


def _least_row(percent: int) -> Row:
    def choose(commands: Commands) -> None:
        commands.review.set_least_percent(percent)

    text = f"{percent} % and up" if percent else "However unlikely"
    return Row(f"review.least.{percent}", text, choose, checked=lambda c: c.review.least_percent == percent)


def _kind_row(kind: SuspicionKind) -> Row:
    def toggle(commands: Commands) -> None:
        commands.review.toggle_kind(kind)

    def text(session: Session) -> str:
        return kind_text(session, kind)

    return Row(f"review.kind.{kind.name.lower()}", text, toggle, checked=lambda c: c.review.lists_kind(kind))


def _theme_row(mode: ThemeMode, text: str) -> Row:
    def choose(commands: Commands) -> None:
        commands.view.set_theme(mode)

    return Row(f"theme.{mode}", text, choose, checked=lambda c: c.view.theme == mode)


def _digit_row(kind: str, digit: int) -> Row:
    handlers: dict[str, Callable[[Commands], None]] = {
        "select": lambda c: c.selection.select_digit(digit),
        "assign": lambda c: c.tracks.assign_digit(digit),
        "class": lambda c: c.classes.set_digit(digit),
    }
    keys = {"select": f"{digit}", "assign": f"Ctrl+{digit}", "class": f"Alt+{digit}"}
    needs = {"select": has_tracks, "assign": one_selected, "class": has_selection}

    def text(session: Session) -> str:
        return _digit_text(kind, digit, session)

    return Row(f"{kind}.{digit}", text, handlers[kind], (keys[kind],), needs=needs[kind])


def _digit_text(kind: str, digit: int, session: Session) -> str:
    if session.document is None or session.video is None:
        return f"Class {digit}" if kind == "class" else f"Track {digit}"
    names = session.category_names()
    if kind == "class":
        return list(names.values())[digit - 1] if digit <= len(names) else f"Class {digit}"
    track_id = tracks_by_digit(session).get(digit)
    if track_id is None:
        return f"Track {digit}"
    summary = next(summary for summary in session.tracks() if summary.track.track_id == track_id)
    return f"Track {track_id} {names.get(summary.track.category_id, '')}"
