"""What the timeline shows at this moment and where: lanes, scroll offset, marked range. No painting, no events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtGui import QColor

from app.document.records import FrameRange
from app.document.suspicions import Suspicion
from app.panels.timeline_notes import NoteMarks
from app.panels.timeline_scale import TimelineScale
from app.preview import PreviewStep
from app.theme import track_color

RULER_HEIGHT = 26
LANE_HEIGHT = 24
BAR_HEIGHT = 14
PLOT_HEIGHT = 44
GUTTER_WIDTH = 216  # as wide as the queue above it, so that lanes begin below the video
RIGHT_MARGIN = 6
ALL_TRACKS = 0
MARK_RADIUS = 4.0


@dataclass(frozen=True)
class LaneHead:
    """One lane's row in the gutter."""

    track_id: int
    label: str
    color: QColor
    is_locked: bool = False
    is_visible: bool = True
    is_confirmed: bool = False
    first_frame: int = 0
    last_frame: int = 0


@dataclass
class TimelineScene:
    """All that a paint needs besides the lanes' contents.

    Attributes:
        width, height: viewport size in px.
        scroll_y: px that the lanes are scrolled down.
        plotted: track whose score is plotted below the lanes, None for no plot.
        frames: the marked range.
        not_run: (first, last) inclusive frame ranges that the model has not computed.
        run_head: next frame that the model computes while it runs, else None.
        scope: frames that an edit made now touches in the selected tracks.
        confirmed: reviewed frames by track id, those of all tracks under `ALL_TRACKS`.
        suspicions: of the review list, by track id, in order of their frames; `suspicion` is the one looked at.
        notes: what people noted on frames.
        previewed: changes that are shown before they are accepted, by the track that they change.
    """

    scale: TimelineScale = field(default_factory=TimelineScale)
    width: int = 1
    height: int = 1
    scroll_y: int = 0
    heads: Sequence[LaneHead] = ()
    selection: frozenset[int] = frozenset()
    plotted: int | None = None
    frames: FrameRange | None = None
    not_run: Sequence[tuple[int, int]] = ()
    run_head: int | None = None
    scope: FrameRange | None = None
    confirmed: Mapping[int, Sequence[FrameRange]] = field(default_factory=dict)
    suspicions: Mapping[int, Sequence[Suspicion]] = field(default_factory=dict)
    suspicion: Suspicion | None = None
    previewed: Mapping[int, Sequence[PreviewStep]] = field(default_factory=dict)
    notes: NoteMarks = field(default_factory=NoteMarks)
    frame_index: int = 0

    def color_of(self, track_id: int) -> QColor:
        """The colour of a track's lane; of one that has none (yet), its own."""
        lane_index = self.lane_index(track_id)
        return track_color(track_id) if lane_index is None else self.heads[lane_index].color

    def resize(self, width: int, height: int) -> None:
        """Take the viewport's size in px."""
        self.width, self.height = width, height
        self.scale.set_width(width - GUTTER_WIDTH - RIGHT_MARGIN)

    @property
    def plot_height(self) -> int:
        """Height of the score plot, 0 when no track is plotted."""
        return PLOT_HEIGHT if self.plotted is not None else 0

    @property
    def content_height(self) -> int:
        """Height of all lanes, px."""
        return len(self.heads) * LANE_HEIGHT

    @property
    def lanes_height(self) -> int:
        """Height left for lanes between ruler and plot, px."""
        return max(0, self.height - RULER_HEIGHT - self.plot_height)

    @property
    def plot_top(self) -> int:
        """Top of the score plot: right below the last lane, or at the bottom when lanes fill the view."""
        return RULER_HEIGHT + min(self.lanes_height, self.content_height)

    def visible_lanes(self) -> range:
        """Indices of the lanes that can be seen."""
        first = self.scroll_y // LANE_HEIGHT
        last = (self.scroll_y + self.lanes_height + LANE_HEIGHT - 1) // LANE_HEIGHT
        return range(min(first, len(self.heads)), min(last, len(self.heads)))

    def lane_top(self, lane_index: int) -> int:
        """Top of a lane, px."""
        return RULER_HEIGHT + lane_index * LANE_HEIGHT - self.scroll_y

    def head_at(self, y: float) -> LaneHead | None:
        """The lane at this height, None on the ruler, on the plot and below the lanes."""
        if not RULER_HEIGHT <= y < self.plot_top:
            return None
        lane_index = int(y - RULER_HEIGHT + self.scroll_y) // LANE_HEIGHT
        return self.heads[lane_index] if lane_index < len(self.heads) else None

    def suspicion_at(self, x: float, y: float) -> Suspicion | None:
        """The suspicion whose mark is under a point of the viewport, the most likely one where marks lie together."""
        head = self.head_at(y)
        if head is None:
            return None
        near = [s for s in self.suspicions.get(head.track_id, ()) if abs(self.mark_x(s) - x) <= MARK_RADIUS + 1]
        return max(near, key=lambda s: s.confidence, default=None)

    def mark_x(self, suspicion: Suspicion) -> float:
        """Middle of a suspicion's mark in the viewport, px."""
        return self.middle_of(suspicion.frame_index)

    def middle_of(self, frame: int) -> float:
        """Middle of a frame in the viewport, px."""
        return GUTTER_WIDTH + self.scale.center_of(frame)

    def lane_index(self, track_id: int) -> int | None:
        """Position of a track's lane."""
        return next((i for i, head in enumerate(self.heads) if head.track_id == track_id), None)

    def frame_at(self, x: float) -> int:
        """Frame index under an x of the viewport, clipped to the video."""
        return self.scale.frame_at(x - GUTTER_WIDTH)

    def x_of(self, frame: float) -> float:
        """Left edge of a frame in the viewport, px."""
        return GUTTER_WIDTH + self.scale.x_of(frame)

    def playhead_x(self) -> float:
        """Middle of the current frame in the viewport, px."""
        return self.middle_of(self.frame_index)

    def span_of(self, frames: FrameRange) -> tuple[float, float]:
        """Left and right edge of a range in the viewport, px, clipped to the lanes."""
        last = self.scale.frame_count - 1 if frames.last is None else frames.last
        left = max(self.x_of(frames.first), GUTTER_WIDTH)
        return left, max(left, min(self.x_of(last + 1), self.width))
