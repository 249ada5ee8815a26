"""Decides what the canvas shows: the session's frame once it is decoded, its masks, selection and visibility."""

from dataclasses import replace

from PySide6.QtCore import QObject, QPointF, QRectF, QTimer

from app.canvas.canvas_view import CanvasView
from app.canvas.note_pins import NotePins
from app.canvas.overlay import OverlayStyle
from app.canvas.scene import Scene
from app.canvas.tools.brush import BrushTool
from app.canvas.tools.follow import FollowTool
from app.canvas.tools.polygon import PolygonTool
from app.canvas.tools.select import SelectTool
from app.canvas.tools.tool import Tool
from app.document.records import Change, FrameRange, Note
from app.document.suspicions import Suspicion
from app.session import Session
from app.theme import theme_changes
from app.video.frame_cache import FrameCache

# A frame that is there sooner than this comes without a "loading" note; it would only flicker.
_LOADING_NOTE_MS = 90
# Masks of so many frames ahead are decoded while nothing else is to do.
_MASKS_AHEAD = 3


class CanvasController(QObject):
    """Keeps the canvas and the session in step."""

    def __init__(self, session: Session, cache: FrameCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._cache = session, cache
        self.scene = Scene(session)
        self.select_tool = SelectTool(session, self.scene)
        self.brush, self.eraser = BrushTool(session, erases=False), BrushTool(session, erases=True)
        self.polygon = PolygonTool(session)
        self.follow = FollowTool(session, self)
        self._tools: dict[str, Tool] = {
            "select": self.select_tool,
            "brush": self.brush,
            "eraser": self.eraser,
            "polygon": self.polygon,
            "follow": self.follow,
        }
        self.pins = NotePins(session, self.scene)
        self.view = CanvasView(self.scene, self.select_tool, self.pins)
        self._style, self._shows_labels = OverlayStyle(), True
        self._shown_frame, self._direction = -1, 1
        self._failure = ""
        self._loading = QTimer(self, singleShot=True, interval=_LOADING_NOTE_MS)
        self._loading.timeout.connect(self._say_loading)
        self._idle = QTimer(self, singleShot=True, interval=0)
        self._idle.timeout.connect(self._prefetch_masks)
        self._connect()

    @property
    def shown_frame(self) -> int:
        """Index of the frame that is painted; -1 while there is none."""
        return self._shown_frame

    @property
    def style(self) -> OverlayStyle:
        """How masks look, with selection and hover."""
        return self._style

    def set_style(self, opacity: float, contours: bool, labels: bool) -> None:
        """Change how masks look; `opacity` of the fill in [0, 1]."""
        self._style = replace(self._style, opacity=opacity, contours=contours)
        self._shows_labels = labels
        self.view.set_style(self._style, labels)

    def set_trail_length(self, frames: int) -> None:
        """How far back trails reach; 0 for none."""
        self.scene.trails.length = frames
        self.view.redraw_masks()

    def show_notes(self, are_shown: bool) -> None:
        """Draw notes, or leave them out."""
        self.pins.are_shown = are_shown
        self.view.update()

    def media_ready(self) -> None:
        """The cache has a source now: show the session's frame."""
        self._shown_frame = -1
        self._want_frame(self._session.frame_index)

    def _connect(self) -> None:
        session = self._session
        session.project_opened.connect(self._clear)
        session.video_changed.connect(self._clear)
        session.frame_changed.connect(self._want_frame)
        session.document_changed.connect(self._apply_change)
        session.selection_changed.connect(self._show_selection)
        session.visibility_changed.connect(self.view.redraw_masks)
        session.colors.changed.connect(self._recolor)
        session.tool_changed.connect(self._use_tool)
        session.review.shown.connect(self._centre_on)
        session.notes.shown.connect(self._centre_on_note)
        session.preview.changed.connect(self._show_preview)
        self._cache.frame_ready.connect(self._take_frame)
        self._cache.frame_failed.connect(self._report_broken)
        self.view.track_hovered.connect(self._hover)
        self.view.escaped.connect(self._leave_tool)
        theme_changes().changed.connect(self.view.update)

    def _leave_tool(self) -> None:
        if self._session.tool_id != "select":
            self._session.set_tool("select")

    def _use_tool(self, tool_id: str) -> None:
        self.view.set_tool(self._tools[tool_id])

    def _clear(self) -> None:
        self._shown_frame = -1
        self.scene.clear()
        self.view.accepts_edits = False
        self.view.show_image(None, 1.0)

    def _want_frame(self, frame_index: int) -> None:
        if not self._cache.has_source:
            return
        if frame_index != self._shown_frame and self._shown_frame >= 0:
            self._direction = 1 if frame_index > self._shown_frame else -1
        self._failure = ""
        self._cache.request(frame_index, self._direction)
        if self._cache.image(frame_index) is not None:
            self._take_frame(frame_index)
        elif not self._loading.isActive():
            self.view.accepts_edits = False
            self._loading.start()

    def _take_frame(self, frame_index: int) -> None:
        if frame_index != self._session.frame_index or frame_index == self._shown_frame:
            return
        image, video = self._cache.image(frame_index), self._session.video
        if image is None or video is None:
            return
        self._loading.stop()
        self._shown_frame = frame_index
        self.view.tool.cancel()
        self.pins.cancel()
        self.scene.load(frame_index)
        self.view.accepts_edits = True
        self.view.set_notice("")
        self.view.show_image(image, video.pixel_aspect)
        self._idle.start()

    def _say_loading(self) -> None:
        if self._session.frame_index != self._shown_frame:
            self.view.set_notice(self._failure or f"Loading frame {self._session.frame_index}…")

    def _report_broken(self, frame_index: int, sentence: str) -> None:
        if frame_index == self._session.frame_index:
            self._loading.stop()
            self._failure = f"Frame {frame_index} cannot be shown: {sentence}"
            self.view.set_notice(self._failure)

    def _apply_change(self, change: Change) -> None:
        video = self._session.video
        if video is None or (change.video_ids and video.video_id not in change.video_ids):
            return
        relabelled = change.categories or bool(change.track_ids & self.scene.track_ids())
        if relabelled:
            self.scene.forget_labels()
        frames = change.frames
        self._redraw_trails(frames)
        if relabelled or frames is None or _holds(frames.first, frames.last, self._shown_frame):
            changed = self.scene.load(self._shown_frame)
            if changed:
                self.view.redraw_masks()

    def _redraw_trails(self, frames: FrameRange | None) -> None:
        trails = self.scene.trails
        if frames is not None:
            trails.forget(frames)
            if trails.length and frames.cut(self._shown_frame - trails.length, self._shown_frame):
                self.view.redraw_masks()

    def _recolor(self) -> None:
        if self._shown_frame >= 0:
            self.scene.load(self._shown_frame)
            self.view.redraw_masks()

    def _show_preview(self) -> None:
        if self._shown_frame >= 0 and self.scene.load(self._shown_frame):
            self.view.redraw_masks()

    def _show_selection(self, selection: frozenset[int]) -> None:
        self._style = replace(self._style, selection=selection)
        self.view.set_style(self._style, self._shows_labels)

    def _hover(self, track_id: int | None) -> None:
        if track_id != self._style.hovered:
            self._style = replace(self._style, hovered=track_id)
            self.view.set_style(self._style, self._shows_labels)

    def _centre_on(self, suspicion: Suspicion) -> None:
        document, video_id = self._session.document, suspicion.video_id
        assert document is not None
        area = QRectF()
        for track_id in suspicion.track_ids:
            instance = document.instance(video_id, track_id, suspicion.frame_index)
            if instance is not None:
                box = instance.box
                area |= QRectF(box.x, box.y, box.width, box.height)
        if not area.isEmpty():
            self.view.centre_on(area.center())

    def _centre_on_note(self, note: Note) -> None:
        if note.place is not None:
            self.view.centre_on(QPointF(*note.place))

    def _prefetch_masks(self) -> None:
        for ahead in range(1, _MASKS_AHEAD + 1):
            self.scene.prefetch(self._shown_frame + ahead * self._direction)


def _holds(first: int, last: int | None, frame_index: int) -> bool:
    return first <= frame_index and (last is None or frame_index <= last)
