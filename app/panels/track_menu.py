"""What can be done with tracks, as the context menu of the table, of the timeline's lanes and of the canvas.

Every entry says which frames it touches, so that the scope is known before the edit.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QIcon, QKeySequence, QPixmap
from PySide6.QtWidgets import QMenu, QWidget

from app.dialogs.category import choose_category
from app.document.records import FrameRange, TrackSummary
from app.session import Scope, Session
from app.track_edits import TrackEdits
from visolo.errors import VisoloError

_LISTED_TRACKS = 24
_SWATCH = 12
_DELETE_ACTIONS = {Scope.FRAME: "track.delete_here", Scope.FROM_HERE: "track.delete_on"}


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
    builder = _Builder(session, sorted(track_ids), parent)
    builder.fill(menu, session.frame_index if frame_index is None else frame_index)
    return menu


class _Builder:
    """Fills one menu; the scope is the session's at the moment the menu opens."""

    def __init__(self, session: Session, track_ids: list[int], parent: QWidget) -> None:
        assert session.document is not None
        assert session.video is not None
        self._session, self._track_ids, self._parent = session, track_ids, parent
        self._summaries = {s.track.track_id: s for s in session.tracks()}
        self._names = session.category_names()
        self._scope = _scope_of(session)
        self._where = "" if self._scope is None else f" {self._scope}"
        self._edits = TrackEdits(session, parent)
        video_id, frame_index = session.video.video_id, session.frame_index
        self._here = {i.track_id for i in session.document.instances(video_id, frame_index)}

    def fill(self, menu: QMenu, frame_index: int) -> None:
        """Add all entries."""
        session, ids = self._session, self._track_ids
        what = f"track {ids[0]}" if len(ids) == 1 else f"{len(ids)} tracks"
        choose = partial(choose_category, session, ids, self._parent)
        self._add(menu, f"Class of {what}…", choose, like="class.choose")
        menu.addSeparator()
        if len(ids) == 1:
            self._add_identity_of_one(menu, ids[0])
            self._add_splits(menu, self._summaries[ids[0]], frame_index)
            menu.addSeparator()
            for follow in map(self._window_action, ("track.follow", "track.follow_back")):
                if follow is not None:
                    menu.addAction(follow)
        elif len(ids) == 2:
            self._add_identity_of_two(menu, *ids)
        menu.addSeparator()
        absent, delete = (partial(self._edits.remove, ids, self._scope, absent) for absent in (True, False))
        self._add_scoped(menu, f"Mark absent{self._where}", absent, like="track.absent")
        delete_action = _DELETE_ACTIONS.get(session.scope, "")
        self._add_scoped(menu, f"Delete masks{self._where}", delete, like=delete_action)
        self._add(menu, f"Delete {what} everywhere", partial(self._edits.delete, ids), like="track.delete")
        menu.addSeparator()
        self._add_switches(menu)

    def _add_identity_of_one(self, menu: QMenu, track_id: int) -> None:
        others = [s for t, s in self._summaries.items() if t != track_id]
        others.sort(key=lambda s: (s.track.track_id not in self._here, s.track.track_id))
        assign = menu.addMenu(f"Assign{self._where} to")
        self._add_scoped(assign, "New track", partial(self._reassign, track_id, None), like="track.new")
        assign.addSeparator()
        self._add_tracks(assign, others, partial(self._reassign, track_id))
        swap = menu.addMenu(f"Swap{self._where} with")
        self._add_tracks(swap, others, partial(self._swap, track_id))
        merge = menu.addMenu("Merge into")
        self._add_tracks(merge, others, partial(self._edits.merge, track_id), is_scoped=False)
        link = self._window_action("identity.link")
        if link is not None and link.isEnabled():
            menu.addAction(link)
        for submenu, action_id in ((assign, "track.assign"), (swap, "track.swap"), (merge, "track.merge")):
            source = self._window_action(action_id)
            submenu.setIcon(QIcon() if source is None else source.icon())
            submenu.setEnabled(bool(others) or submenu is assign)

    def _add_splits(self, menu: QMenu, summary: TrackSummary, frame_index: int) -> None:
        track_id = summary.track.track_id
        do = partial(self._edits.split, track_id, frame_index)
        split = self._add(menu, f"Split at frame {frame_index}", do, like="track.split")
        split.setEnabled(summary.first_frame < frame_index <= summary.last_frame)
        split.setToolTip("The part before this frame keeps the id, the rest becomes a new track")
        ask = self._add(menu, "Split at another frame…", partial(self._edits.ask_split, summary, frame_index))
        ask.setEnabled(summary.frame_count > 1)

    def _add_identity_of_two(self, menu: QMenu, first: int, second: int) -> None:
        swap = partial(self._swap, first, second)
        self._add_scoped(menu, f"Swap {first} and {second}{self._where}", swap, like="track.swap")
        self._add(menu, f"Merge {second} into {first}", partial(self._edits.merge, second, first), like="track.merge")
        self._add(menu, f"Merge {first} into {second}", partial(self._edits.merge, first, second))

    def _add_tracks(
        self, menu: QMenu, summaries: Sequence[TrackSummary], chosen: Callable[[int], None], is_scoped: bool = True
    ) -> None:
        """Tracks to choose from: those of this frame first, then by id."""
        for position, summary in enumerate(summaries[:_LISTED_TRACKS]):
            track_id = summary.track.track_id
            if position and track_id not in self._here and summaries[position - 1].track.track_id in self._here:
                menu.addSeparator()
            add = self._add_scoped if is_scoped else self._add
            text = f"{track_id} {self._names.get(summary.track.category_id, 'no class')}"
            add(menu, text, partial(chosen, track_id)).setIcon(_swatch(self._session.colors.of(track_id)))
        if len(summaries) > _LISTED_TRACKS:
            rest = menu.addAction(f"{len(summaries) - _LISTED_TRACKS} more: select both tracks in the table instead")
            rest.setEnabled(False)

    def _add_switches(self, menu: QMenu) -> None:
        confirm = self._window_action("review.confirm")
        if confirm is not None:
            menu.addAction(confirm)
        is_locked = all(self._summaries[t].track.locked for t in self._track_ids)
        hidden = self._session.hidden & set(self._track_ids)
        lock = partial(self._edits.lock, self._track_ids, not is_locked)
        hide = partial(self._edits.hide, self._track_ids, not hidden)
        self._add(menu, "Unlock" if is_locked else "Lock", lock, like="track.lock")
        self._add(menu, "Show" if hidden else "Hide", hide, like="track.hide")
        if len(self._track_ids) == 1:
            is_solo = self._session.solo == self._track_ids[0]
            show = partial(self._session.set_solo, None if is_solo else self._track_ids[0])
            self._add(menu, "Show all tracks" if is_solo else "Show only this", show, like="track.solo")

    def _reassign(self, track_id: int, to_track_id: int | None) -> None:
        self._edits.reassign(track_id, to_track_id, self._scope)

    def _swap(self, track_id: int, other_track_id: int) -> None:
        self._edits.swap(track_id, other_track_id, self._scope)

    def _add_scoped(self, menu: QMenu, text: str, do: Callable[[], None], like: str = "") -> QAction:
        """An entry that needs a scope."""
        action = self._add(menu, text, do, like)
        if self._scope is None:
            action.setEnabled(False)
            action.setToolTip("No range is marked: drag with Shift on the timeline, or choose another scope")
        return action

    def _add(self, menu: QMenu, text: str, do: Callable[[], None], like: str = "") -> QAction:
        """An entry with icon and key of the window's action `like` that does the same."""
        source = self._window_action(like)
        # A key set as shortcut would be a second owner of it and make Qt refuse both; as text it only shows.
        keys = "" if source is None else source.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action = menu.addAction(f"{text}\t{keys}" if keys else text)
        if source is not None:
            action.setIcon(source.icon())
        action.triggered.connect(lambda _checked=False: do())
        return action

    def _window_action(self, action_id: str) -> QAction | None:
        return self._parent.window().findChild(QAction, action_id) if action_id else None


def _scope_of(session: Session) -> FrameRange | None:
    try:
        return session.scope_frames()
    except VisoloError:
        return None


def _swatch(color: QColor) -> QIcon:
    pixmap = QPixmap(_SWATCH, _SWATCH)
    pixmap.fill(color)
    return QIcon(pixmap)
