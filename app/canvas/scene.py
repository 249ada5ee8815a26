"""What is on the frame that the canvas shows: its instances with shape, colour and label, read from the session."""

from dataclasses import dataclass

from PySide6.QtGui import QColor

from app.canvas.mask_shape import MaskShape, MaskShapeCache
from app.canvas.trails import TrailPoint, Trails
from app.document.records import Instance, Origin
from app.session import Session
from visolo.rle import Rle

_ORIGIN_WORDS = {
    Origin.MODEL: "found by the model",
    Origin.PERSON: "drawn by hand",
    Origin.IMPORTED: "imported",
    Origin.INTERPOLATED: "followed by the model",
    Origin.BOX: "a box without mask, for the model to follow",
}


@dataclass(frozen=True, eq=False)
class DrawnInstance:
    """One instance ready to draw."""

    instance: Instance
    shape: MaskShape
    color: QColor
    label: str

    @property
    def look(self) -> tuple[int, str, Rle, int]:
        """All that its drawing depends on."""
        return self.track_id, self.label, self.instance.rle, self.color.rgb()

    @property
    def track_id(self) -> int:
        """The track it belongs to."""
        return self.instance.track_id


class Scene:
    """Instances of one frame; masks are decoded once and kept."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shapes = MaskShapeCache()
        self.trails = Trails(session)
        self._labels: dict[int, str] = {}
        self.frame_index = -1
        self.instances: list[DrawnInstance] = []

    def load(self, frame_index: int) -> bool:
        """Read the instances of a frame, large ones first so that small ones lie on top.

        Returns:
            Whether anything is drawn otherwise than before.
        """
        before = [drawn.look for drawn in self.instances] if frame_index == self.frame_index else None
        self.frame_index = frame_index
        self.instances = self._read(frame_index)
        return before != [drawn.look for drawn in self.instances]

    def prefetch(self, frame_index: int) -> None:
        """Decode the masks of a frame that is likely to be shown next."""
        if self._session.video is not None and 0 <= frame_index < self._session.video.frame_count:
            self._read(frame_index)

    def forget_labels(self) -> None:
        """Classes were renamed, or tracks got another class."""
        self._labels.clear()

    def clear(self) -> None:
        """Another video or none is shown."""
        self.frame_index, self.instances = -1, []
        self._labels.clear()
        self._shapes.clear()
        self.trails.forget()

    def track_ids(self) -> set[int]:
        """Tracks of the frame, hidden ones too."""
        return {drawn.track_id for drawn in self.instances}

    def visible(self) -> list[DrawnInstance]:
        """The instances that are not hidden, in drawing order."""
        return [drawn for drawn in self.instances if self._session.is_visible(drawn.track_id)]

    def visible_trails(self) -> dict[int, list[TrailPoint]]:
        """Trails of the tracks that are drawn, and of selected ones that are not on the frame."""
        chosen = {track_id for track_id in self._session.selection if self._session.is_visible(track_id)}
        return self.trails.before(self.frame_index, {drawn.track_id for drawn in self.visible()} | chosen)

    def trail_color(self, track_id: int) -> QColor:
        """The colour that a track is drawn in."""
        return self._session.colors.of(track_id)

    def at(self, x: float, y: float) -> DrawnInstance | None:
        """The topmost visible instance at image point (x, y)."""
        return next((drawn for drawn in reversed(self.visible()) if drawn.shape.contains(x, y)), None)

    def tooltip(self, drawn: DrawnInstance) -> str:
        """What hovering over an instance says."""
        instance = drawn.instance
        words = _ORIGIN_WORDS[Origin(instance.origin)]
        return f"{drawn.label}  ·  score {instance.score:.2f}  ·  {drawn.shape.area:,} px  ·  {words}"

    def _read(self, frame_index: int) -> list[DrawnInstance]:
        document, video = self._session.document, self._session.video
        if document is None or video is None:
            return []
        drawn, colors = [], self._session.colors
        previewed = self._session.preview.steps_at(frame_index)
        for instance in document.instances(video.video_id, frame_index):
            shape = self._shapes.get(instance.rle)
            if shape is not None:
                label = self._label(video.video_id, instance.track_id)
                if instance.track_id in previewed:
                    label = f"{label} → {previewed[instance.track_id] or 'none'}"
                drawn.append(DrawnInstance(instance, shape, colors.of(instance.track_id), label))
        return sorted(drawn, key=lambda one: -one.shape.area)

    def _label(self, video_id: int, track_id: int) -> str:
        if track_id not in self._labels:
            document = self._session.document
            assert document is not None
            names = {category.category_id: category.name for category in document.categories()}
            category_id = document.track(video_id, track_id).category_id
            self._labels[track_id] = f"{track_id} {names.get(category_id, '?')}"
        return self._labels[track_id]
