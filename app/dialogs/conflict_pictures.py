"""A frame of a conflict twice: as ours has it and as theirs has it; pressing one of them decides."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.dialogs.form_parts import muted
from app.document.project_merge.conflict_views import Shown
from app.document.records import Video
from app.workers.thumbnails import PaintedMask, Picture, PictureLoader, PictureRequest

OURS, THEIRS = 0, 1
_NAMES = ("Ours", "Theirs")
_PICTURE_SIZE = QSize(300, 200)
_CAPTION_HEIGHT = 56


class ConflictPictures(QWidget):
    """Two cards, and a slider over the frames of the conflict.

    Signals:
        chosen: `OURS` or `THEIRS`.
        frame_wanted: index of a frame, whose instances shall be shown.
    """

    chosen = Signal(int)
    frame_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frames: tuple[int, ...] = ()
        self._loader = PictureLoader(self)
        self._loader.ready.connect(self._show_picture)
        self._cards = QButtonGroup(self)
        self._cards.setExclusive(False)
        self._cards.idClicked.connect(self.chosen)
        self._says = (QLabel(wordWrap=True), QLabel(wordWrap=True))
        row = QHBoxLayout()
        row.setSpacing(10)
        for side in (OURS, THEIRS):
            row.addLayout(self._column(side), 1)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName("conflictFrames")
        self._slider.setAccessibleName("Frames of the conflict")
        self._slider.valueChanged.connect(self._go_to)
        self._where = muted()
        self._where.setObjectName("conflictFrame")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self._slider)
        layout.addWidget(self._where)
        layout.addStretch(1)

    def _column(self, side: int) -> QVBoxLayout:
        card = QToolButton()
        card.setCheckable(True)
        card.setObjectName(f"conflict{_NAMES[side]}")
        card.setText(f"{_NAMES[side]} ({side + 1})")
        card.setShortcut(str(side + 1))
        card.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        card.setIconSize(_PICTURE_SIZE)
        card.setFixedHeight(_PICTURE_SIZE.height() + _CAPTION_HEIGHT)
        card.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._cards.addButton(card, side)
        column = QVBoxLayout()
        column.addWidget(card)
        column.addWidget(self._says[side])
        return column

    def stop(self) -> None:
        """End the loading of pictures."""
        self._loader.stop()

    def show_conflict(self, frames: tuple[int, ...], says: tuple[str, str]) -> None:
        """Show a conflict of these frames; `says` is what either side says."""
        self._frames = frames
        for label, text in zip(self._says, says, strict=True):
            label.setText(text[:1].upper() + text[1:])
        self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, len(frames) - 1))
        self._slider.setValue(0)
        self._slider.blockSignals(False)
        self._slider.setVisible(len(frames) > 1)
        self._go_to(0)

    def show_choice(self, side: int | None) -> None:
        """Press the card that was chosen, or none."""
        for identifier in (OURS, THEIRS):
            self._cards.button(identifier).setChecked(identifier == side)

    def show_frame(self, frame_index: int, video: Video, source: Path, shown: Shown) -> None:
        """Load the pictures of a frame."""
        self._loader.forget()
        size = _PICTURE_SIZE * self.devicePixelRatioF()
        requests = []
        for side in (OURS, THEIRS):
            # What the other one has as an outline, so that both pictures show the same part of the frame.
            masks = tuple(
                PaintedMask(rle, theme.track_color(track_id), filled=number == side)
                for number in (1 - side, side)
                for track_id, rle in shown[number]
            )
            key = (side, frame_index)
            requests.append(PictureRequest(key, source, frame_index, size, masks, video.pixel_aspect))
        self._loader.request(*requests)

    def _go_to(self, position: int) -> None:
        for side in (OURS, THEIRS):
            self._cards.button(side).setIcon(_blank())
        if not self._frames:
            self._where.setText("")
            return
        frame = self._frames[position]
        of = f", {position + 1} of {len(self._frames)}" if len(self._frames) > 1 else ""
        self._where.setText(f"frame {frame}{of}")
        self.frame_wanted.emit(frame)

    def _show_picture(self, picture: Picture) -> None:
        assert isinstance(picture.key, tuple)
        side, frame = picture.key
        if not self._frames or frame != self._frames[self._slider.value()]:
            return
        if picture.image.isNull():
            self._where.setText(f"frame {frame}: there is no picture, because the video cannot be read")
            return
        pixmap = QPixmap.fromImage(picture.image)
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        self._cards.button(side).setIcon(QIcon(pixmap))


def _blank() -> QIcon:
    """Keeps the place of a picture that is still being loaded."""
    pixmap = QPixmap(_PICTURE_SIZE)
    pixmap.fill(Qt.GlobalColor.transparent)
    return QIcon(pixmap)
