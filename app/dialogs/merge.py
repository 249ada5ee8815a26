"""Merging two tracks; where both are in a frame, the user sees such frames and says whose mask stays in each."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.dialogs.form_parts import dialog_column
from app.dialogs.winner_strip import WinnerStrip
from app.document.edits import MergeTracks
from app.document.records import FrameRange
from app.session import Session
from app.workers.thumbnails import PaintedMask, Picture, PictureLoader, PictureRequest

_PICTURE_SIZE = QSize(300, 190)
_CAPTION_HEIGHT = 40
_KEPT, _ABSORBED, _SURER, _CHOSEN = range(4)


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
    """Asks whose mask stays in each of the frames that hold both tracks, with a picture of either choice.

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
        self._session, self._pair, self._frames = session, (keep_track_id, absorbed_track_id), frames
        # Whether the absorbed track's mask stays, frame by frame.
        self._wins = np.zeros(len(frames), dtype=np.bool_)
        self.setWindowTitle(f"Merge {absorbed_track_id} into {keep_track_id}")
        self.setObjectName("mergeDialog")
        self._loader = PictureLoader(self)
        self._loader.ready.connect(self._show_picture)
        self.strip = WinnerStrip((theme.track_color(keep_track_id), theme.track_color(absorbed_track_id)), len(frames))
        self.strip.setObjectName("winnerStrip")
        self.strip.position_changed.connect(self._show_frame)
        self._build()
        self.finished.connect(self._loader.stop)
        self._show_frame()
        self.strip.setFocus()

    def accept(self) -> None:
        """Make the edit."""
        assert self._session.video is not None
        keep, absorbed = self._pair
        video_id = self._session.video.video_id
        if self._wins.all():
            edit = MergeTracks(video_id, keep, absorbed, "absorbed")
        else:
            edit = MergeTracks(video_id, keep, absorbed, absorbed_wins=winning_ranges(self._frames, self._wins))
        if self._session.do(edit):
            self._session.select({keep})
        super().accept()

    def _build(self) -> None:
        count = len(self._frames)
        frames = "1 frame" if count == 1 else f"{count} frames"
        text = QLabel(
            f"Both tracks are in {frames}, and a track has one mask in a frame: "
            "choose whose mask stays. Undo brings the others back.",
            wordWrap=True,
        )
        text.setObjectName("overlapText")
        self._where = QLabel()
        self._where.setObjectName("mergeFrame")
        self._where.setProperty("muted", True)
        self._onward = QCheckBox("also in all frames after it")
        self._onward.setObjectName("mergeOnward")
        self._onward.setVisible(count > 1)
        below = QHBoxLayout()
        below.addWidget(self._where)
        below.addStretch(1)
        below.addWidget(self._onward)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        merge = buttons.addButton("Merge", QDialogButtonBox.ButtonRole.AcceptRole)
        merge.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = dialog_column(self, 12)
        layout.addWidget(text)
        layout.addLayout(self._make_choices())
        layout.addLayout(self._make_cards())
        layout.addWidget(self.strip)
        layout.addLayout(below)
        layout.addWidget(buttons)

    def _make_choices(self) -> QVBoxLayout:
        """Whole answers, above the frame by frame ones."""
        keep, absorbed = self._pair
        texts = (
            (_KEPT, f"Keep the masks of track {keep}", f"prefer_{keep}"),
            (_ABSORBED, f"Keep the masks of track {absorbed}", f"prefer_{absorbed}"),
            (_SURER, "In each frame the one that the model was surer of", "prefer_surer"),
            (_CHOSEN, "As chosen below, frame by frame", "prefer_chosen"),
        )
        self._choices = QButtonGroup(self)
        column = QVBoxLayout()
        for identifier, text, name in texts:
            button = QRadioButton(text)
            button.setObjectName(name)
            if identifier in (_KEPT, _ABSORBED):
                button.setIcon(theme.icon("mdi6.square-rounded", theme.track_color(self._pair[identifier]).name()))
            self._choices.addButton(button, identifier)
            column.addWidget(button)
        self._choices.button(_KEPT).setChecked(True)
        self._choices.idClicked.connect(self._choose_all)
        return column

    def _make_cards(self) -> QHBoxLayout:
        """The frame with either mask; the one that stays is pressed."""
        self._cards = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(10)
        for side, track_id in enumerate(self._pair):
            card = QToolButton()
            card.setObjectName(f"card_{track_id}")
            card.setText(f"Keep {track_id} here ({side + 1})")
            card.setShortcut(str(side + 1))
            card.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            card.setIconSize(_PICTURE_SIZE)
            card.setFixedHeight(_PICTURE_SIZE.height() + _CAPTION_HEIGHT)
            card.setCheckable(True)
            self._cards.addButton(card, side)
            row.addWidget(card)
        self._cards.idClicked.connect(self._choose_here)
        return row

    def _choose_all(self, identifier: int) -> None:
        if identifier == _SURER:
            self._wins = self._scores(self._pair[1]) > self._scores(self._pair[0])
        elif identifier != _CHOSEN:
            self._wins = np.full(len(self._frames), identifier == _ABSORBED)
        self._show_wins()

    def _choose_here(self, side: int) -> None:
        position = self.strip.position
        end = len(self._frames) if self._onward.isChecked() else position + 1
        self._wins = self._wins.copy()
        self._wins[position:end] = side == 1
        self._choices.button(_CHOSEN).setChecked(True)
        self._show_wins()

    def _scores(self, track_id: int) -> NDArray[np.float32]:
        assert self._session.document is not None
        assert self._session.video is not None
        lane = self._session.document.lane(self._session.video.video_id, track_id)
        return lane.scores[np.searchsorted(lane.frame_indices, self._frames)]

    def _show_wins(self) -> None:
        self.strip.show_wins(self._wins)
        self._cards.button(int(self._wins[self.strip.position])).setChecked(True)

    def _show_frame(self) -> None:
        frame = int(self._frames[self.strip.position])
        self._where.setText(f"frame {frame}, {self.strip.position + 1} of {len(self._frames)} that hold both")
        self._show_wins()
        self._loader.forget()
        self._request_pictures(frame)

    def _request_pictures(self, frame: int) -> None:
        assert self._session.document is not None
        assert self._session.video is not None
        document, video = self._session.document, self._session.video
        found = [document.instance(video.video_id, track_id, frame) for track_id in self._pair]
        masks = [PaintedMask(i.rle, theme.track_color(i.track_id)) for i in found if i is not None]
        size, source = _PICTURE_SIZE * self.devicePixelRatioF(), document.source_path(video.video_id)
        requests = []
        for side in range(len(masks)):
            # The other one as an outline, so that both pictures show the same part of the frame.
            shown = tuple(PaintedMask(m.rle, m.color, filled=m is masks[side]) for m in masks)
            requests.append(PictureRequest((side, frame), source, frame, size, shown, video.pixel_aspect))
        self._loader.request(*requests)

    def _show_picture(self, picture: Picture) -> None:
        assert isinstance(picture.key, tuple)
        side, frame = picture.key
        if frame != self._frames[self.strip.position] or picture.image.isNull():
            return
        pixmap = QPixmap.fromImage(picture.image)
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        self._cards.button(side).setIcon(QIcon(pixmap))


def winning_ranges(frames: NDArray[np.int32], wins: NDArray[np.bool_]) -> tuple[FrameRange, ...]:
    """Where the absorbed track wins: stretches of (n,) `frames` that follow each other in `wins`, (n,) bool."""
    edges = np.flatnonzero(np.diff(wins.astype(np.int8), prepend=0, append=0)).reshape(-1, 2).tolist()
    return tuple(FrameRange(int(frames[first]), int(frames[end - 1])) for first, end in edges)
