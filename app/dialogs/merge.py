"""Merging two tracks; where both are in a frame, the user sees such frames and says whose masks stay."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.dialogs.form_parts import dialog_column, muted
from app.document.edits import MergeTracks
from app.session import Session
from app.workers.thumbnails import PaintedMask, Picture, PictureLoader, PictureRequest

_PICTURES = 4
_PICTURE_SIZE = QSize(168, 112)


def overlap(session: Session, track_id: int, other_track_id: int) -> NDArray[np.int32]:
    """Frames (n,) int32 of the current video that hold both tracks."""
    assert session.document is not None
    assert session.video is not None
    document, video_id = session.document, session.video.video_id
    frames = document.lane(video_id, track_id).frame_indices
    return np.intersect1d(frames, document.lane(video_id, other_track_id).frame_indices)


def merge_tracks(session: Session, keep_track_id: int, absorbed_track_id: int, parent: QWidget) -> None:
    """Merge two tracks of the current video, asking first where they overlap in time."""
    assert session.video is not None
    frames = overlap(session, keep_track_id, absorbed_track_id)
    if len(frames):
        dialog = MergeDialog(session, keep_track_id, absorbed_track_id, frames, parent)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
    elif session.do(MergeTracks(session.video.video_id, keep_track_id, absorbed_track_id)):
        session.select({keep_track_id})


class MergeDialog(QDialog):
    """Asks whose masks stay in the frames that hold both tracks, with pictures of such frames.

    Args:
        session: what the edit goes to.
        keep_track_id: id that stays.
        absorbed_track_id: id that goes.
        frames: (n,) int32 frames that hold both, n > 0.
    """

    def __init__(
        self,
        session: Session,
        keep_track_id: int,
        absorbed_track_id: int,
        frames: NDArray[np.int32],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._keep, self._absorbed = session, keep_track_id, absorbed_track_id
        self.setWindowTitle(f"Merge {absorbed_track_id} into {keep_track_id}")
        self.setObjectName("mergeDialog")
        self._loader = PictureLoader(self)
        self._loader.ready.connect(self._show_picture)
        shown = frames[np.unique(np.linspace(0, len(frames) - 1, _PICTURES).round().astype(int))].tolist()
        self._pictures = {frame: _picture_label() for frame in shown}
        self._build(len(frames), shown)
        self._request_pictures(shown)
        self.finished.connect(self._loader.stop)

    def _build(self, count: int, shown: list[int]) -> None:
        frames = "1 frame" if count == 1 else f"{count} frames"
        text = QLabel(
            f"Both tracks are in {frames}. A track has one mask in a frame: choose whose masks stay there. "
            "Undo brings the others back.",
            wordWrap=True,
        )
        text.setObjectName("overlapText")
        row = QHBoxLayout()
        row.setSpacing(10)
        for frame in shown:
            column = QVBoxLayout()
            column.addWidget(self._pictures[frame])
            column.addWidget(muted(f"frame {frame}"))
            row.addLayout(column)
        row.addStretch(1)
        self._choices = QButtonGroup(self)
        choices = QVBoxLayout()
        for identifier, track_id in enumerate((self._keep, self._absorbed)):
            button = QRadioButton(f"Keep the masks of track {track_id}")
            button.setObjectName(f"prefer_{track_id}")
            button.setIcon(theme.icon("mdi6.square-rounded", theme.track_color(track_id).name()))
            button.setChecked(track_id == self._keep)
            self._choices.addButton(button, identifier)
            choices.addWidget(button)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        merge = buttons.addButton("Merge", QDialogButtonBox.ButtonRole.AcceptRole)
        merge.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = dialog_column(self, 14)
        layout.addWidget(text)
        layout.addLayout(row)
        layout.addLayout(choices)
        layout.addWidget(buttons)

    def accept(self) -> None:
        """Make the edit."""
        assert self._session.video is not None
        prefer: Literal["kept", "absorbed"] = "kept" if self._choices.checkedId() == 0 else "absorbed"
        edit = MergeTracks(self._session.video.video_id, self._keep, self._absorbed, prefer)
        if self._session.do(edit):
            self._session.select({self._keep})
        super().accept()

    def _request_pictures(self, frames: list[int]) -> None:
        assert self._session.document is not None
        assert self._session.video is not None
        document, video = self._session.document, self._session.video
        for frame in frames:
            found = [document.instance(video.video_id, t, frame) for t in (self._keep, self._absorbed)]
            masks = tuple(PaintedMask(i.rle, theme.track_color(i.track_id)) for i in found if i is not None)
            size = _PICTURE_SIZE * self.devicePixelRatioF()
            source = document.source_path(video.video_id)
            self._loader.request(PictureRequest(frame, source, frame, size, masks, video.pixel_aspect))

    def _show_picture(self, picture: Picture) -> None:
        label = self._pictures.get(picture.key) if isinstance(picture.key, int) else None
        if label is None:
            return
        if picture.image.isNull():
            label.setText("frame can't be read")
            return
        pixmap = QPixmap.fromImage(picture.image)
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        label.setPixmap(pixmap)


def _picture_label() -> QLabel:
    label = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
    label.setFixedSize(_PICTURE_SIZE)
    label.setFrameShape(QFrame.Shape.StyledPanel)
    label.setProperty("muted", True)
    return label
