"""Splitting a track at a frame that the user chooses; the picture shows the first frame of the new track."""

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import theme
from app.dialogs.form_parts import NumberBox, dialog_column
from app.document.edits import SplitTrack
from app.document.records import TrackSummary
from app.session import Session
from app.workers.thumbnails import PaintedMask, Picture, PictureLoader, PictureRequest

_PICTURE_SIZE = QSize(210, 140)
_SETTLE_MS = 150


class SplitDialog(QDialog):
    """Asks where to split; everything before the frame keeps the id.

    Args:
        session: what the edit goes to.
        summary: the track, in at least two frames.
        frame_index: proposed first frame of the new track.
    """

    def __init__(
        self, session: Session, summary: TrackSummary, frame_index: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._track_id = session, summary.track.track_id
        self.setWindowTitle(f"Split track {self._track_id}")
        self.setObjectName("splitDialog")
        self._loader = PictureLoader(self)
        self._loader.ready.connect(self._show_picture)
        self._frame = NumberBox(
            minimum=summary.first_frame + 1, maximum=max(summary.first_frame + 1, summary.last_frame)
        )
        self._frame.setObjectName("splitFrame")
        self._frame.setAccessibleName("First frame of the new track")
        self._frame.setValue(frame_index)
        self._pictures = {name: QLabel(alignment=Qt.AlignmentFlag.AlignCenter) for name in ("before", "after")}
        self._captions = {name: QLabel() for name in ("before", "after")}
        self._settle = QTimer(self, interval=_SETTLE_MS, singleShot=True)
        self._settle.timeout.connect(self._request_pictures)
        self._build()
        self._frame.valueChanged.connect(self._describe)
        self.finished.connect(self._settle.stop)
        self.finished.connect(self._loader.stop)
        self._describe()
        self._request_pictures()

    def _build(self) -> None:
        line = QHBoxLayout()
        line.addWidget(QLabel("New track begins at frame"))
        line.addWidget(self._frame)
        line.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(12)
        for name, picture in self._pictures.items():
            picture.setFixedSize(_PICTURE_SIZE)
            picture.setProperty("muted", True)
            self._captions[name].setProperty("muted", True)
            column = QVBoxLayout()
            column.addWidget(picture)
            column.addWidget(self._captions[name])
            row.addLayout(column)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        split = buttons.addButton("Split", QDialogButtonBox.ButtonRole.AcceptRole)
        split.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = dialog_column(self, 14)
        layout.addLayout(line)
        layout.addLayout(row)
        layout.addWidget(buttons)

    def accept(self) -> None:
        """Make the edit."""
        assert self._session.document is not None
        assert self._session.video is not None
        video_id = self._session.video.video_id
        new_track_id = self._session.document.next_track_id(video_id)
        if self._session.do(SplitTrack(video_id, self._track_id, self._frame.value(), new_track_id)):
            self._session.select({new_track_id})
        super().accept()

    def _describe(self) -> None:
        frame = self._frame.value()
        self._captions["before"].setText(f"frame {frame - 1}: stays track {self._track_id}")
        self._captions["after"].setText(f"frame {frame}: becomes a new track")
        self._settle.start()

    def _request_pictures(self) -> None:
        assert self._session.document is not None
        assert self._session.video is not None
        document, video = self._session.document, self._session.video
        self._loader.forget()
        for name, frame in (("before", self._frame.value() - 1), ("after", self._frame.value())):
            instance = document.instance(video.video_id, self._track_id, frame)
            color = theme.track_color(self._track_id)
            masks = () if instance is None else (PaintedMask(instance.rle, color),)
            source, size = document.source_path(video.video_id), _PICTURE_SIZE * self.devicePixelRatioF()
            key = (name, frame)
            self._loader.request(PictureRequest(key, source, frame, size, masks, video.pixel_aspect))

    def _show_picture(self, picture: Picture) -> None:
        assert isinstance(picture.key, tuple)
        name, frame = picture.key
        if frame != self._frame.value() - (name == "before"):
            return
        if picture.image.isNull():
            self._pictures[name].setText("frame can't be read")
            return
        pixmap = QPixmap.fromImage(picture.image)
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        self._pictures[name].setPixmap(pixmap)
