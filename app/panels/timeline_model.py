"""Keeps the timeline's scene equal to the session: lanes, selection, marked range, the model's head. No widgets."""

from PySide6.QtCore import QObject, QTimer, Signal

from app import theme
from app.document.confirmation import ranges_of
from app.document.records import Change, FrameRange, TrackSummary
from app.document.suspicions import Suspicion
from app.panels.pacing import PacedRefresh
from app.panels.timeline_areas import AreaStore
from app.panels.timeline_lanes import LaneStore
from app.panels.timeline_notes import NoteMarks
from app.panels.timeline_scene import ALL_TRACKS, LaneHead, TimelineScene
from app.preview import PreviewStep
from app.session import RunStatus, Scope, Session

# While a run lands results, lanes follow at this pace: reading and painting must not slow the model or the canvas.
_REFRESH_MS = 100
_HEAD_MS = 50
_LOAD_BUDGET_S = 0.006


class TimelineModel(QObject):
    """The scene and the lanes of the current video.

    Signals:
        still_changed: ruler, lanes or plot look different now.
        moving_changed: only playhead, scope or the model's head moved.
        extent_changed: the number of lanes or frames is another.
    """

    still_changed = Signal()
    moving_changed = Signal()
    extent_changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.scene = TimelineScene()
        self.lanes, self.areas = LaneStore(), AreaStore()
        self._session = session
        self._paced = PacedRefresh(self._refresh, _REFRESH_MS, self)
        self._run_timer = QTimer(self, interval=_HEAD_MS, singleShot=True)
        self._run_timer.timeout.connect(self._show_run)
        self._load_timer = QTimer(self, interval=0, singleShot=True)
        self._load_timer.timeout.connect(self._load_lanes)
        session.project_opened.connect(self._show_video)
        session.video_changed.connect(self._show_video)
        session.document_changed.connect(self._note_change)
        session.frame_changed.connect(self._show_frame)
        session.selection_changed.connect(self._show_selection)
        session.scope_changed.connect(self._show_scope)
        session.range_changed.connect(self._show_range)
        session.visibility_changed.connect(self._paced.now)
        session.colors.changed.connect(self._paced.now)
        session.run_changed.connect(self._note_run)
        session.review.listed.connect(self._show_suspicions)
        session.notes.changed.connect(self._show_notes)
        session.notes.current_changed.connect(self._show_notes)
        session.preview.changed.connect(self._show_preview)
        session.review.current_changed.connect(self._show_suspicion)
        theme.theme_changes().changed.connect(self.still_changed)
        self._show_video()

    def request_lanes(self) -> None:
        """Read lanes that are visible now but not there yet; they appear a little later."""
        if self._session.video is None:
            return
        if self.lanes.is_missing(self._wanted_lanes()) or self.areas.is_missing(self.scene.plotted):
            self._load_timer.start()

    @property
    def is_loading(self) -> bool:
        """Whether `request_lanes` has more to come."""
        return self._load_timer.isActive()

    def head(self, track_id: int) -> LaneHead | None:
        """The lane of a track."""
        lane_index = self.scene.lane_index(track_id)
        return None if lane_index is None else self.scene.heads[lane_index]

    def _show_video(self) -> None:
        session, scene = self._session, self.scene
        video = session.video
        for store in (self.lanes, self.areas):
            store.show(session.document, video.video_id if video else 0)
        scene.scale.set_video(video.frame_count if video else 1)
        scene.frame_index, scene.frames, scene.scroll_y = session.frame_index, session.range, 0
        scene.selection = session.selection
        self._refresh()
        self._show_scope()
        self.extent_changed.emit()

    def _note_change(self, change: Change) -> None:
        video = self._session.video
        if video is None or (video.video_id not in change.video_ids and not change.categories):
            return
        self.lanes.changed(change)
        self.areas.changed(change)
        if self._session.run.state == "running":
            self._paced.soon()
        else:
            self._paced.now()

    def _refresh(self) -> None:
        """Read the list of tracks and whatever became stale."""
        session = self._session
        count = len(self.scene.heads)
        self._read_confirmed()
        names = session.category_names()
        self.scene.heads = [self._head_of(summary, names) for summary in session.tracks()]
        self._show_selection()
        self._show_run()
        if len(self.scene.heads) != count:
            self.extent_changed.emit()

    def _head_of(self, summary: TrackSummary, names: dict[int, str]) -> LaneHead:
        track = summary.track
        return LaneHead(
            track_id=track.track_id,
            label=f"{track.track_id} {names.get(track.category_id, 'no class')}",
            color=self._session.colors.of(track.track_id),
            is_locked=track.locked,
            is_visible=self._session.is_visible(track.track_id),
            is_confirmed=self._session.confirmed().covers_all(
                track.track_id, FrameRange(summary.first_frame, summary.last_frame)
            ),
            first_frame=summary.first_frame,
            last_frame=summary.last_frame,
        )

    def _show_suspicions(self) -> None:
        by_track: dict[int, list[Suspicion]] = {}
        for suspicion in sorted(self._session.review.found, key=lambda s: s.frame_index):
            for track_id in suspicion.track_ids:
                by_track.setdefault(track_id, []).append(suspicion)
        self.scene.suspicions = by_track
        self._show_suspicion()

    def _show_suspicion(self) -> None:
        self.scene.suspicion = self._session.review.current
        self.still_changed.emit()

    def _show_notes(self) -> None:
        notes = self._session.notes
        self.scene.notes = NoteMarks(notes.all, notes.current)
        self.still_changed.emit()

    def _show_preview(self) -> None:
        by_track: dict[int, list[PreviewStep]] = {}
        offer = self._session.preview.offer
        for step in () if offer is None else offer.steps:
            lane = step.to_track_id if step.track_id is None else step.track_id
            if lane is not None:
                by_track.setdefault(lane, []).append(step)
        self.scene.previewed = by_track
        self.still_changed.emit()

    def _read_confirmed(self) -> None:
        if self._session.video is None:
            self.scene.confirmed = {}
            return
        confirmed = self._session.confirmed()
        marks = {ALL_TRACKS: confirmed.frames, **confirmed.tracks}
        self.scene.confirmed = {track_id: ranges_of(mark) for track_id, mark in marks.items()}

    def _load_lanes(self) -> None:
        if self._session.video is None:
            return
        if not self.lanes.load(self._wanted_lanes(), _LOAD_BUDGET_S):
            self._load_timer.start()
        elif self.scene.plotted is not None and self.areas.is_missing(self.scene.plotted):
            self.areas.load(self.scene.plotted)
        self.still_changed.emit()

    def _wanted_lanes(self) -> list[int]:
        wanted = [self.scene.heads[i].track_id for i in self.scene.visible_lanes()]
        return wanted if self.scene.plotted is None else [self.scene.plotted, *wanted]

    def _show_frame(self, frame_index: int) -> None:
        self.scene.frame_index = frame_index
        self._show_scope()

    def _show_selection(self) -> None:
        scene = self.scene
        scene.selection = self._session.selection
        present = {head.track_id for head in scene.heads} & scene.selection
        scene.plotted = min(present) if present else None
        self.still_changed.emit()

    def _show_scope(self) -> None:
        is_marked = self._session.scope is not Scope.RANGE or self._session.range is not None
        self.scene.scope = self._session.scope_frames() if is_marked else None
        self.moving_changed.emit()

    def _show_range(self, frames: FrameRange | None) -> None:
        self.scene.frames = frames
        self._show_scope()
        self.still_changed.emit()

    def _note_run(self, run: RunStatus) -> None:
        if run.state != "running":
            self._show_run()
        elif not self._run_timer.isActive():
            self._run_timer.start()

    def _show_run(self) -> None:
        run, scene = self._session.run, self.scene
        video = self._session.video
        is_here = video is not None and run.video_id == video.video_id and run.state in {"running", "paused"}
        head = run.head if is_here else None
        not_run = self._not_run(run if is_here else None)
        scene.run_head = head
        if not_run != scene.not_run:
            scene.not_run = not_run
            self.still_changed.emit()
        self.moving_changed.emit()

    def _not_run(self, run: RunStatus | None) -> list[tuple[int, int]]:
        """Frame ranges that no run of the model has reached; none where no model was ever run."""
        document, video = self._session.document, self._session.video
        if document is None or video is None:
            return []
        spans = [(stored.first_frame, stored.head) for stored in document.runs(video.video_id)]
        if run is not None:
            spans.append((run.first_frame, run.head))
        return uncovered(spans, video.frame_count) if spans else []


def uncovered(spans: list[tuple[int, int]], frame_count: int) -> list[tuple[int, int]]:
    """What half-open spans leave of the frames.

    Args:
        spans: (first, end), end exclusive, in any order.
        frame_count: frames from 0.

    Returns:
        (first, last) inclusive, in order.
    """
    left, reached = [], 0
    for first, end in [*sorted(spans), (frame_count, frame_count)]:
        if first > reached:
            left.append((reached, first - 1))
        reached = max(reached, end)
    return left
