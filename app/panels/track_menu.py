"""What can be done with tracks, as the context menu of the table and of the timeline's lanes.

Every entry says which frames it touches, so that the scope is known before the edit.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QIcon, QPixmap
from PySide6.QtWidgets import QMenu, QWidget

from app import theme
from app.dialogs.category import choose_category
from app.dialogs.merge import merge_tracks
from app.dialogs.split import SplitDialog
from app.document.edits import (
    DeleteTrack,
    Edit,
    EditGroup,
    ReassignTrack,
    RemoveInstances,
    SetLocked,
    SplitTrack,
    SwapTracks,
)
from app.document.records import FrameRange, TrackSummary
from app.session import Session
from visolo.errors import VisoloError

_LISTED_TRACKS = 24
_SWATCH = 12


def track_menu(session: Session, track_ids: Iterable[int], parent: QWidget, frame_index: int | None = None) -> QMenu:
    """Menu for these tracks of the current video.

    Args:
        session: what the entries edit.
        track_ids: at least one.
        parent: of the menu and of dialogs it opens.
        frame_index: where "Split" splits; None for the current frame.
    """
    menu = QMenu(parent)
    menu.setObjectName("trackMenu")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setToolTipsVisible(True)
    builder = _Builder(session, sorted(track_ids), parent, session.frame_index if frame_index is None else frame_index)
    builder.fill(menu)
    return menu


class _Builder:
    """Fills one menu; the scope is the session's at the moment the menu opens."""

    def __init__(self, session: Session, track_ids: list[int], parent: QWidget, frame_index: int) -> None:
        assert session.document is not None
        assert session.video is not None
        self._session, self._track_ids, self._parent = session, track_ids, parent
        self._frame_index = frame_index
        self._video_id = session.video.video_id
        self._summaries = {s.track.track_id: s for s in session.tracks()}
        self._names = session.category_names()
        self._scope = _scope_of(session)
        self._here = {i.track_id for i in session.document.instances(self._video_id, session.frame_index)}

    def fill(self, menu: QMenu) -> None:
        """Add all entries."""
        what = f"track {self._track_ids[0]}" if len(self._track_ids) == 1 else f"{len(self._track_ids)} tracks"
        _add(menu, f"Class of {what}…", partial(choose_category, self._session, self._track_ids, self._parent))
        menu.addSeparator()
        if len(self._track_ids) == 1:
            self._add_identity_of_one(menu, self._track_ids[0])
        elif len(self._track_ids) == 2:
            self._add_identity_of_two(menu, *self._track_ids)
        menu.addSeparator()
        where = "" if self._scope is None else f" {self._scope}"
        for text, absent, keys in (("Mark absent", True, "O"), ("Delete masks", False, "Shift+Delete")):
            self._add_scoped(menu, f"{text}{where}\t{keys if absent else ''}", partial(self._remove, absent))
        _add(menu, f"Delete {what} everywhere", self._delete)
        menu.addSeparator()
        self._add_switches(menu)

    def _add_identity_of_one(self, menu: QMenu, track_id: int) -> None:
        others = [s for t, s in self._summaries.items() if t != track_id]
        others.sort(key=lambda s: (s.track.track_id not in self._here, s.track.track_id))
        where = "" if self._scope is None else f" {self._scope}"
        assign = menu.addMenu(f"Assign{where} to")
        self._add_scoped(assign, "New track\tCtrl+0", partial(self._reassign, track_id, None))
        assign.addSeparator()
        self._add_tracks(assign, others, partial(self._reassign, track_id), is_scoped=True)
        swap = menu.addMenu(f"Swap{where} with")
        self._add_tracks(swap, others, partial(self._swap, track_id), is_scoped=True)
        merge = menu.addMenu("Merge into")
        self._add_tracks(merge, others, partial(self._merge, track_id), is_scoped=False)
        for submenu in (swap, merge):
            submenu.setEnabled(bool(others))
        summary = self._summaries[track_id]
        split = _add(menu, f"Split at frame {self._frame_index}\tAlt+M", partial(self._split, track_id))
        split.setEnabled(summary.first_frame < self._frame_index <= summary.last_frame)
        split.setToolTip("The part before this frame keeps the id, the rest becomes a new track")
        _add(menu, "Split at another frame…", partial(self._open_split, summary))

    def _add_identity_of_two(self, menu: QMenu, first: int, second: int) -> None:
        where = "" if self._scope is None else f" {self._scope}"
        self._add_scoped(menu, f"Swap {first} and {second}{where}\tCtrl+T", partial(self._swap, first, second))
        _add(menu, f"Merge {second} into {first}\tM", partial(self._merge, second, first))
        _add(menu, f"Merge {first} into {second}", partial(self._merge, first, second))

    def _add_tracks(
        self, menu: QMenu, summaries: list[TrackSummary], chosen: Callable[[int], None], is_scoped: bool
    ) -> None:
        """Tracks to choose from: those of this frame first, then by id."""
        for position, summary in enumerate(summaries[:_LISTED_TRACKS]):
            track_id = summary.track.track_id
            if position and track_id not in self._here and summaries[position - 1].track.track_id in self._here:
                menu.addSeparator()
            text = f"{track_id} {self._names.get(summary.track.category_id, 'no class')}"
            add = self._add_scoped if is_scoped else _add
            add(menu, text, partial(chosen, track_id), _swatch(track_id))
        if len(summaries) > _LISTED_TRACKS:
            rest = menu.addAction(f"{len(summaries) - _LISTED_TRACKS} more: select both tracks in the table instead")
            rest.setEnabled(False)

    def _add_scoped(self, menu: QMenu, text: str, slot: Callable[[], None], icon: QIcon | None = None) -> None:
        action = _add(menu, text, slot, icon)
        if self._scope is None:
            action.setEnabled(False)
            action.setToolTip("No range is marked: drag with Shift on the timeline, or choose another scope")

    def _add_switches(self, menu: QMenu) -> None:
        tracks = [self._summaries[t].track for t in self._track_ids]
        is_locked = all(track.locked for track in tracks)
        hidden = self._session.hidden & set(self._track_ids)
        _add(menu, "Unlock\tL" if is_locked else "Lock\tL", partial(self._lock, not is_locked))
        _add(menu, "Show\tH" if hidden else "Hide\tH", partial(self._hide, not hidden))
        if len(self._track_ids) == 1:
            is_solo = self._session.solo == self._track_ids[0]
            target = None if is_solo else self._track_ids[0]
            _add(menu, "Show all tracks" if is_solo else "Show only this", partial(self._session.set_solo, target))

    def _frames(self) -> FrameRange:
        assert self._scope is not None
        return self._scope

    def _do(self, edit: Edit) -> bool:
        return self._session.do(edit)

    def _reassign(self, track_id: int, to_track_id: int | None) -> None:
        assert self._session.document is not None
        target = self._session.document.next_track_id(self._video_id) if to_track_id is None else to_track_id
        if self._do(ReassignTrack(self._video_id, track_id, target, self._frames())):
            self._session.select({target})

    def _swap(self, track_id: int, other_track_id: int) -> None:
        self._do(SwapTracks(self._video_id, track_id, other_track_id, self._frames()))

    def _merge(self, absorbed_track_id: int, keep_track_id: int) -> None:
        merge_tracks(self._session, keep_track_id, absorbed_track_id, self._parent)

    def _split(self, track_id: int) -> None:
        assert self._session.document is not None
        new_track_id = self._session.document.next_track_id(self._video_id)
        if self._do(SplitTrack(self._video_id, track_id, self._frame_index, new_track_id)):
            self._session.select({new_track_id})

    def _open_split(self, summary: TrackSummary) -> None:
        dialog = SplitDialog(self._session, summary, self._frame_index, self._parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _remove(self, absent: bool) -> None:
        frames = self._frames()
        done = "Mark {} absent" if absent else "Delete masks of {}"
        present = [t for t in self._track_ids if absent or self._is_present(t, frames)] or self._track_ids
        edits = [RemoveInstances(self._video_id, t, frames, absent) for t in present]
        self._do_all(f"{done.format(_listed(present))} {frames}", edits)

    def _delete(self) -> None:
        edits = [DeleteTrack(self._video_id, t) for t in self._track_ids]
        self._do_all(f"Delete {_listed(self._track_ids)}", edits)

    def _is_present(self, track_id: int, frames: FrameRange) -> bool:
        assert self._session.document is not None
        indices = self._session.document.lane(self._video_id, track_id).frame_indices
        return bool(((indices >= frames.first) & (indices <= frames.end)).any())

    def _do_all(self, label: str, edits: Sequence[Edit]) -> None:
        """One entry of the history, also for several tracks."""
        self._do(edits[0] if len(edits) == 1 else EditGroup(self._video_id, label, tuple(edits)))

    def _lock(self, locked: bool) -> None:
        self._do(SetLocked(self._video_id, tuple(self._track_ids), locked))

    def _hide(self, hidden: bool) -> None:
        mine = frozenset(self._track_ids)
        self._session.set_hidden(self._session.hidden | mine if hidden else self._session.hidden - mine)


def _listed(track_ids: list[int]) -> str:
    return ("track " if len(track_ids) == 1 else "tracks ") + ", ".join(map(str, track_ids))


def _scope_of(session: Session) -> FrameRange | None:
    try:
        return session.scope_frames()
    except VisoloError:
        return None


def _add(menu: QMenu, text: str, slot: Callable[[], None], icon: QIcon | None = None) -> QAction:
    action = menu.addAction(text) if icon is None else menu.addAction(icon, text)
    action.triggered.connect(lambda _checked=False: slot())
    return action


def _swatch(track_id: int) -> QIcon:
    pixmap = QPixmap(_SWATCH, _SWATCH)
    pixmap.fill(theme.track_color(track_id))
    return QIcon(pixmap)
