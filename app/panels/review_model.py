"""The review list as a Qt list model: rows as they were found, their words, and their pictures once decoded."""

from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QPixmap

from app import theme
from app.document.confirmation import percent_words
from app.document.suspicions import Suspicion
from app.session import Session
from app.workers.thumbnails import PaintedMask, Picture, PictureLoader, PictureRequest

SUSPICION_ROLE = Qt.ItemDataRole.UserRole
PICTURES_ROLE = Qt.ItemDataRole.UserRole + 1
PICTURE_SIZE = QSize(44, 44)
_PIXEL_RATIO = 2
_KEPT_PICTURES = 600
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class _Shot:
    """What a picture shows; two rows that show the same share it.

    Attributes:
        masks: (track_id, RLE counts) of the tracks in question that are in the frame.
    """

    video_id: int
    frame_index: int
    masks: tuple[tuple[int, str], ...]


class ReviewModel(QAbstractListModel):
    """One row per suspicion; pictures are asked for when a row is first painted."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._rows: tuple[Suspicion, ...] = ()
        self._pictures: dict[_Shot, QPixmap] = {}
        self._requested: set[_Shot] = set()
        self.loader = PictureLoader(self)
        self.loader.ready.connect(self._take_picture)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: D102
        if not index.isValid():
            return None
        suspicion = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return suspicion.reason
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return full_words(suspicion)
            case _ if role == SUSPICION_ROLE:
                return suspicion
            case _ if role == PICTURES_ROLE:
                return self._pair(suspicion)
        return None

    def show(self, rows: tuple[Suspicion, ...]) -> None:
        """List these."""
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def forget_pictures(self) -> None:
        """Another video or project."""
        self.loader.forget()
        self._pictures.clear()
        self._requested.clear()

    def row_of(self, suspicion: Suspicion | None) -> int | None:
        """Row of a suspicion."""
        return self._rows.index(suspicion) if suspicion in self._rows else None

    def _pair(self, suspicion: Suspicion) -> tuple[QPixmap | None, QPixmap | None]:
        """Pictures before and after; None where there is none, or not yet."""
        before = suspicion.before_frame
        return (
            None if before is None else self._picture(suspicion, before),
            self._picture(suspicion, suspicion.frame_index),
        )

    def _picture(self, suspicion: Suspicion, frame_index: int) -> QPixmap | None:
        document, video = self._session.document, self._session.video
        if document is None or video is None or video.video_id != suspicion.video_id:
            return None
        found = [document.instance(video.video_id, track_id, frame_index) for track_id in suspicion.track_ids]
        instances = [instance for instance in found if instance is not None]
        shot = _Shot(video.video_id, frame_index, tuple((i.track_id, i.rle.counts) for i in instances))
        if shot not in self._requested:
            self._requested.add(shot)
            masks = tuple(PaintedMask(i.rle, theme.track_color(i.track_id)) for i in instances)
            source, size = document.source_path(video.video_id), PICTURE_SIZE * _PIXEL_RATIO
            self.loader.request(PictureRequest(shot, source, frame_index, size, masks, video.pixel_aspect))
        return self._pictures.get(shot)

    def _take_picture(self, picture: Picture) -> None:
        assert isinstance(picture.key, _Shot)
        if picture.key not in self._requested:
            return
        pixmap = QPixmap.fromImage(picture.image)
        pixmap.setDevicePixelRatio(_PIXEL_RATIO)
        self._pictures[picture.key] = pixmap
        while len(self._pictures) > _KEPT_PICTURES:
            oldest = next(iter(self._pictures))
            del self._pictures[oldest]
            self._requested.discard(oldest)
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1), [PICTURES_ROLE])


def full_words(suspicion: Suspicion) -> str:
    """All that is known of a suspicion, for tool tips and screen readers."""
    proposal = suspicion.proposal_text or "no one edit mends this"
    return (
        f"{suspicion.kind.value}, {percent_words(suspicion.confidence)} sure\n"
        f"{suspicion.reason}\nframe {suspicion.frame_index} · {suspicion.detail}\nProposal: {proposal}"
    )
